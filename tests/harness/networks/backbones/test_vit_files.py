"""Files of vision transformers as they are published: DeiT, DINO, timm, CLIP and the .npz ones."""

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer, _load_weights

from wsss_harness.contract.errors import DataError, MissingExtra
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones.weights import load_weights, read_weights
from wsss_harness.networks.training.settings import TrainingSettings
from wsss_harness.system import extras

TINY = {"stem": "patch", "dim": 24, "depth": 2, "heads": 2, "patch": 8, "grid": 4}
OF_TIMM = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 2}


def tiny(name="vit_slim", **options):
    return backbones.build(name, **{**TINY, **options}).eval()


def random_state(module):
    generator = torch.Generator().manual_seed(0)
    return {n: torch.randn(t.shape, generator=generator) for n, t in module.state_dict().items()}


@pytest.mark.parametrize("wrapper", [None, "model"])  # DINO and timm; DeiT
def test_weights_of_timm_load_without_their_classifier(tmp_path, wrapper):
    state = random_state(VisionTransformer(**OF_TIMM, num_classes=10))
    torch.save({wrapper: state} if wrapper else state, tmp_path / "weights.pth")
    vit = tiny()
    assert load_weights(vit, tmp_path / "weights.pth") == ("head.weight", "head.bias")
    assert all(torch.equal(state[name], value) for name, value in vit.state_dict().items())


def test_safetensors_load_like_state_dicts(tmp_path):
    from safetensors.torch import save_file

    state = random_state(tiny())
    save_file(state, tmp_path / "model.safetensors")
    vit = tiny()
    load_weights(vit, tmp_path / "model.safetensors")
    assert all(torch.equal(state[name], value) for name, value in vit.state_dict().items())


@pytest.mark.parametrize("name", ["model.safetensors", "weights.npz"])
def test_damaged_and_missing_files_are_named(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(DataError, match=f"{name} is missing"):
        read_weights(path)
    path.write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(DataError, match=f"{name} cannot be read"):
        read_weights(path)


def test_arrays_that_are_no_transformer_are_refused(tmp_path):
    np.savez(tmp_path / "weights.npz", features=np.zeros(3))
    with pytest.raises(DataError, match="weights of google-research/vision_transformer"):
        read_weights(tmp_path / "weights.npz")


def test_npz_of_google_research_loads_as_in_timm(tmp_path):
    rng, width, heads = np.random.default_rng(0), 24, 2
    shapes = {"cls": (1, 1, width), "embedding/kernel": (8, 8, 3, width), "embedding/bias": width}
    shapes["Transformer/posembed_input/pos_embedding"] = (1, 17, width)
    shapes |= {f"Transformer/encoder_norm/{q}": width for q in ("scale", "bias")}
    shapes |= {"head/kernel": (width, 10), "head/bias": 10}
    for index in range(2):
        block = f"Transformer/encoderblock_{index}"
        shapes |= {f"{block}/LayerNorm_{n}/{q}": width for n in (0, 2) for q in ("scale", "bias")}
        attention = f"{block}/MultiHeadDotProductAttention_1"
        for part in ("query", "key", "value"):
            shapes[f"{attention}/{part}/kernel"] = (width, heads, width // heads)
            shapes[f"{attention}/{part}/bias"] = (heads, width // heads)
        shapes[f"{attention}/out/kernel"] = (heads, width // heads, width)
        shapes[f"{attention}/out/bias"] = width
        for layer, sides in enumerate([(width, 4 * width), (4 * width, width)]):
            shapes[f"{block}/MlpBlock_3/Dense_{layer}/kernel"] = sides
            shapes[f"{block}/MlpBlock_3/Dense_{layer}/bias"] = sides[1]
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    np.savez(tmp_path / "weights.npz", **arrays)
    theirs = VisionTransformer(**OF_TIMM, num_classes=0)
    with torch.no_grad():
        _load_weights(theirs, str(tmp_path / "weights.npz"))
    vit = tiny()
    assert load_weights(vit, tmp_path / "weights.npz") == ("head.weight", "head.bias")
    state = theirs.state_dict()
    assert all(torch.equal(state[name], value) for name, value in vit.state_dict().items())


def clip_state(width=24, grid=4, embed=12):
    """The names and shapes of openai/CLIP with an image and a text tower, 16 bits each."""
    rng = torch.Generator().manual_seed(0)
    shapes = {
        "positional_embedding": (77, 16),
        "text_projection": (16, embed),
        "logit_scale": (),
        "transformer.resblocks.0.ln_1.weight": (16,),
        "visual.class_embedding": (width,),
        "visual.positional_embedding": (1 + grid**2, width),
        "visual.proj": (width, embed),
        "visual.conv1.weight": (width, 3, 8, 8),
    }
    for norm in ("ln_pre", "ln_post"):
        shapes |= {f"visual.{norm}.{q}": (width,) for q in ("weight", "bias")}
    for index in range(2):
        block = f"visual.transformer.resblocks.{index}"
        for layer, sides in (
            ("attn.in_proj_", (3 * width, width)),
            ("attn.out_proj.", (width, width)),
            ("mlp.c_fc.", (4 * width, width)),
            ("mlp.c_proj.", (width, 4 * width)),
            ("ln_1.", (width,)),
            ("ln_2.", (width,)),
        ):
            shapes[f"{block}.{layer}weight"], shapes[f"{block}.{layer}bias"] = sides, sides[:1]
    return {name: torch.randn(shape, generator=rng).half() for name, shape in shapes.items()}


@pytest.mark.parametrize("tower", [True, False])
@pytest.mark.parametrize("embed", [12, 0])
def test_the_image_tower_of_clip_loads_with_or_without_its_projection(tmp_path, tower, embed):
    state = clip_state()
    if tower:
        state = {n.removeprefix("visual."): v for n, v in state.items() if n.startswith("visual.")}
    torch.save(state, tmp_path / "clip.pt")
    vit = tiny("clip_vit_base", embed=embed)
    assert load_weights(vit, tmp_path / "clip.pt") == (() if embed else ("projection.weight",))
    prefix = "" if tower else "visual."
    own = vit.state_dict()
    assert torch.equal(own["cls_token"][0, 0], state[f"{prefix}class_embedding"].float())
    assert torch.equal(own["pos_embed"][0], state[f"{prefix}positional_embedding"].float())
    third = state[f"{prefix}transformer.resblocks.1.mlp.c_proj.weight"].float()
    assert torch.equal(own["blocks.1.mlp.fc2.weight"], third)
    if embed:
        assert torch.equal(own["projection.weight"], state[f"{prefix}proj"].float().T)


def test_clip_as_timm_offers_it_loads_its_projection(tmp_path):
    vit = tiny("clip_vit_base", embed=12)
    state = random_state(vit)
    state["head.weight"] = state.pop("projection.weight")
    torch.save(state | {"head.bias": torch.zeros(12)}, tmp_path / "weights.pth")
    load_weights(vit, tmp_path / "weights.pth")
    assert torch.equal(vit.projection.weight, state["head.weight"])


def test_one_class_token_is_copied_for_each_and_positions_fill_the_grid(tmp_path):
    state = random_state(tiny())
    torch.save(state, tmp_path / "weights.pth")
    vit = tiny(class_tokens=3, grid=8, loaded_positions="repeat")
    load_weights(vit, tmp_path / "weights.pth")
    assert torch.equal(vit.cls_token, state["cls_token"].repeat(1, 3, 1))
    assert torch.equal(vit.pos_embed[:, :3], state["pos_embed"][:, :1].repeat(1, 3, 1))
    square = vit.pos_embed[0, 3:].reshape(8, 8, -1)
    original = state["pos_embed"][0, 1:].reshape(4, 4, -1)
    assert torch.equal(square[1::2, ::2], original)


def test_several_class_tokens_that_do_not_fit_are_named(tmp_path):
    torch.save(random_state(tiny(class_tokens=3)), tmp_path / "weights.pth")
    with pytest.raises(DataError, match="cls_token"):
        load_weights(tiny(class_tokens=4), tmp_path / "weights.pth")


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_an_archive_of_torchscript_is_refused_with_a_way_out(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "ViT-B-16.pt")
    with pytest.raises(DataError, match="TorchScript archive"):
        read_weights(tmp_path / "ViT-B-16.pt")


@pytest.mark.parametrize("name", backbones.VITS)
def test_without_timm_a_vit_is_refused_where_it_is_chosen(monkeypatch, name):
    monkeypatch.setattr(extras, "find_spec", lambda module: None)
    with pytest.raises(MissingExtra, match=r"pip install 'wsss-bench\[vit\]'"):
        TrainingSettings(backbone={"name": name})
    with pytest.raises(MissingExtra):
        backbones.build(name)
    TrainingSettings()
