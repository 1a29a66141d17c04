"""Vision transformers against timm, against the towers of official code, and what they promise."""

import numpy as np
import pytest
import torch
from golden_files import close, fill, fill_value, golden
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones.base import taps_of
from wsss_harness.networks.backbones.positions import METHODS, resample
from wsss_harness.networks.backbones.vit import attend
from wsss_harness.networks.backbones.vit_files import image_tower

TINY = {"stem": "patch", "dim": 24, "depth": 3, "heads": 2, "patch": 8, "grid": 4}


def tiny(name="vit_slim", **options):
    torch.manual_seed(0)
    vit = backbones.build(name, **{**TINY, **options}).eval()
    with torch.no_grad():
        for parameter in vit.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return vit


def of_timm(**options):
    return VisionTransformer(
        img_size=32, patch_size=8, embed_dim=24, depth=3, num_heads=2, num_classes=0, **options
    ).eval()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("vit_slim", {}),
        (
            "clip_vit_base",
            {
                "pre_norm": True,
                "act_layer": "quick_gelu",
                "norm_layer": lambda dim, **_: nn.LayerNorm(dim, eps=1e-5),
            },
        ),
    ],
)
@torch.no_grad()
def test_tokens_are_those_of_timm_at_the_native_size(name, options):
    ours, theirs = tiny(name), of_timm(**options)
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(2, 3, 32, 32)
    expected = theirs.forward_features(images)
    torch.testing.assert_close(ours.norm(ours.tokens(images).layers[-1]), expected)
    out = ours(images)["out"]
    torch.testing.assert_close(out.flatten(2).transpose(1, 2), expected[:, 1:])


@torch.no_grad()
def test_another_size_resizes_positions_as_timm_does_when_asked():
    ours, theirs = tiny(positions="timm"), of_timm(dynamic_img_size=True)
    theirs.load_state_dict(ours.state_dict())
    images = torch.randn(1, 3, 48, 40)
    expected = theirs.forward_features(images)
    torch.testing.assert_close(ours.norm(ours.tokens(images).layers[-1]), expected)


@torch.no_grad()
def test_attention_is_a_mean_over_patches_and_leaves_the_tokens_alone():
    vit, images = tiny(), torch.randn(2, 3, 40, 27)  # the last 3 columns fill no patch
    plain, heads = vit.tokens(images), vit.tokens(images, "heads")
    mean = vit.tokens(images, "mean")
    assert plain.attention == ()
    assert heads.grid == (5, 3)
    assert [weights.shape for weights in heads.attention] == [(2, 2, 16, 16)] * 3
    for layer, with_attention in zip(plain.layers, heads.layers, strict=True):
        torch.testing.assert_close(layer, with_attention)
    for weights, average in zip(heads.attention, mean.attention, strict=True):
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 2, 16))
        torch.testing.assert_close(weights.mean(1), average)


@torch.no_grad()
def test_attention_is_the_softmax_of_scaled_products():
    vit, tokens = tiny().double(), torch.randn(1, 5, 24, dtype=torch.float64)
    block = vit.blocks[0]
    _, weights = attend(block, tokens)
    normed = block.norm1(tokens)[0].numpy()
    weight, bias = (getattr(block.attn.qkv, name).numpy() for name in ("weight", "bias"))
    for head in range(2):
        rows = slice(12 * head, 12 * head + 12)
        query = normed @ weight[rows].T + bias[rows]
        key = normed @ weight[24:48][rows].T + bias[24:48][rows]
        for i in range(5):
            powers = [np.exp(query[i] @ key[j] / np.sqrt(12)) for j in range(5)]
            for j in range(5):
                assert abs(weights[0, head, i, j].item() - powers[j] / sum(powers)) < 1e-12


@torch.no_grad()
def test_taps_are_maps_of_patches_in_rows():
    vit, images = tiny(final_norm=False), torch.randn(1, 3, 32, 48)
    taps, tokens = vit(images), vit.tokens(images)
    assert list(taps) == ["block1", "block2", "out"]
    assert all(tap.stride == 8 and tap.channels == 24 for tap in taps_of(vit).values())
    torch.testing.assert_close(taps["block2"], tokens.patches(1))
    torch.testing.assert_close(taps["out"][0, :, 2, 5], tokens.layers[-1][0, 1 + 2 * 6 + 5])
    assert torch.equal(tokens.classes(), tokens.layers[-1][:, :1])


@torch.no_grad()
def test_a_stem_of_convolutions_gives_one_token_for_each_whole_patch():
    vit = backbones.build("vit_slim", **{**TINY, "stem": "convolutions", "depth": 1}).eval()
    images = torch.randn(1, 3, 43, 26)
    assert vit.tokens(images).grid == (5, 3)
    torch.testing.assert_close(vit(images)["out"], vit(images[..., :40, :24])["out"])
    strides = [layer.stride for layer in vit.patch_embed.proj if isinstance(layer, nn.Conv2d)]
    assert strides == [(2, 2)] * 3 + [(1, 1)]
    slim, small = (backbones.build(n, **{**TINY, "stem": None}) for n in ("vit_slim", "vit_small"))
    assert isinstance(slim.patch_embed.proj, nn.Sequential)
    assert isinstance(small.patch_embed.proj, nn.Conv2d)


def test_stochastic_depth_acts_in_training_alone():
    vit, images = tiny(drop_path=0.9), torch.randn(4, 3, 32, 32)
    assert torch.equal(vit(images)["out"], vit(images)["out"])
    vit.train()
    assert not torch.equal(vit(images)["out"], vit(images)["out"])


def test_an_image_smaller_than_a_patch_is_refused():
    with pytest.raises(DataError, match="32 x 7 pixels is smaller than a patch of 8"):
        tiny()(torch.zeros(1, 3, 32, 7))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dim": 25}, "heads of a vision transformer is 2"),
        ({"depth": 0}, "depth of a vision transformer is 0"),
        ({"grid": 0}, "grid of a vision transformer is 0"),
        ({"drop_path": 1.0}, "drop_path of a vision transformer is 1.0"),
        ({"positions": "cubic"}, "positions is 'cubic'; choose one of bicubic, dino"),
        ({"loaded_positions": "cubic"}, "loaded_positions is 'cubic'"),
        ({"stem": "deep"}, "stem is 'deep'; choose one of patch, convolutions"),
        ({"stem": "convolutions", "patch": 6}, "patch is 6 and dim 24"),
        ({"stem": "convolutions", "dim": 26}, "patch is 8 and dim 26"),
        ({"classes": 3}, "has no option 'classes'"),
    ],
)
def test_wrong_options_of_a_vit_say_what_is_allowed(options, message):
    with pytest.raises(ConfigError, match=message):
        tiny(**options)


def cubic(x):
    """Keys' kernel with a = -0.75."""
    x = abs(x)
    if x <= 1:
        return 1.25 * x**3 - 2.25 * x**2 + 1
    return -0.75 * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0


def linear(x):
    return max(0.0, 1 - abs(x))


def naive(square, grid, kernel, factors):
    """Each output from the source index (i + 0.5) / factor - 0.5, edges repeated."""
    side = len(square)
    result = np.zeros((*grid, square.shape[2]))
    for i in range(grid[0]):
        for j in range(grid[1]):
            y, x = ((k + 0.5) / f - 0.5 for k, f in zip((i, j), factors, strict=True))
            for a in range(int(np.floor(y)) - 1, int(np.floor(y)) + 3):
                for b in range(int(np.floor(x)) - 1, int(np.floor(x)) + 3):
                    place = (min(max(a, 0), side - 1), min(max(b, 0), side - 1))
                    result[i, j] += kernel(y - a) * kernel(x - b) * square[place]
    return result.reshape(-1, square.shape[2])


@pytest.mark.parametrize("grid", [(3, 7), (6, 4)])
@pytest.mark.parametrize("method", ["bicubic", "dino", "clip_es"])
def test_positions_are_resized_as_in_loops(method, grid):
    embedding = torch.randn(1, 2 + 16, 3, dtype=torch.float64)
    actual = resample(embedding, 2, grid, method)[0].numpy()
    square = embedding[0, 2:].reshape(4, 4, 3).numpy()
    extra = 0.1 if method == "dino" else 0
    kernel = linear if method == "clip_es" else cubic
    if method == "clip_es":
        expected = naive(square, grid, kernel, [k / 4 for k in grid])
        rows = np.concatenate((embedding[0, :2].numpy(), expected))
        assert np.abs(actual - rows).max() < 2e-3  # 16 bits
        assert np.array_equal(actual, actual.astype(np.float16))
        return
    expected = naive(square, grid, kernel, [(k + extra) / 4 for k in grid])
    assert np.array_equal(actual[:2], embedding[0, :2].numpy())
    assert np.abs(actual[2:] - expected).max() < 1e-12


@pytest.mark.parametrize("method", METHODS)
def test_positions_stay_at_their_own_grid(method):
    embedding = torch.randn(1, 1 + 9, 5).half().float()
    assert torch.equal(resample(embedding, 1, (3, 3), method), embedding)


def test_repeated_positions_are_copies():
    embedding = torch.arange(5.0)[None, :, None]
    repeated = resample(embedding, 1, (4, 4), "repeat")[0, 1:, 0].reshape(4, 4)
    assert repeated.tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


def shaped(arrays, prefix):
    shapes = [tuple(int(n) for n in shape if n) for shape in arrays[f"{prefix}_shapes"]]
    return dict(zip((str(n) for n in arrays[f"{prefix}_names"]), shapes, strict=True))


@pytest.fixture(scope="module")
def clip():
    """CLIP's tower as the golden numbers have it: filled by a rule, then some tensors scaled."""
    arrays = golden("clip_es.npz")
    width, depth, heads, embed, grid = arrays["config_width_layers_heads_embed_grid"].tolist()
    gain = fill_gain(arrays)
    state = {n: fill_value(n, torch.empty(s), gain) for n, s in shaped(arrays, "visual").items()}
    for name, tensor in state.items():
        if name == "positional_embedding":
            tensor *= 8
        elif name.endswith("attn.in_proj_weight"):
            tensor[: 2 * width] *= 2
        elif name.endswith(("attn.out_proj.weight", "mlp.c_proj.weight")):
            tensor /= 4
    assert np.allclose(state["conv1.weight"].flatten()[:6], arrays["fill_check"][0], rtol=1e-6)
    sizes = {"dim": width, "depth": depth, "heads": heads, "grid": grid, "embed": embed}
    vit = backbones.build("clip_vit_base", positions="clip_es", **sizes)
    vit.load_state_dict(image_tower(state))
    return vit.eval()


def fill_gain(arrays):
    """1.5 in the set that is published, 1.3 in its twin; the first values tell which."""
    name, shape = "conv1.weight", shaped(arrays, "visual")["conv1.weight"]
    first = fill_value(name, torch.empty(shape), 1).flatten()[0]
    return float(arrays["fill_check"][0][0] / first)


def clip_input(arrays, number):
    """The network input of a golden picture."""
    from PIL import Image

    picture = arrays[f"img{number}"]
    height, width = (16 * -(-side // 16) for side in picture.shape[:2])
    resized = Image.fromarray(picture).resize((width, height), Image.Resampling.BICUBIC)
    values = torch.from_numpy(np.asarray(resized).copy()).permute(2, 0, 1).float() / 255
    mean, std = (torch.tensor(v)[:, None, None] for v in statistics_of_clip())
    return ((values - mean) / std)[None]


def statistics_of_clip():
    vit = backbones.build("clip_vit_base", **{**TINY, "patch": 16})
    return vit.mean, vit.std


@pytest.mark.golden
@torch.no_grad()
def test_the_tower_of_clip_has_official_tokens_and_attention(clip):
    arrays = golden("clip_es.npz")
    for number in (n for n in range(9) if f"img{n}" in arrays):
        images = clip_input(arrays, number)
        assert close(images[0, :, ::16, ::8], arrays[f"img{number}_input_rows"], 1e-5)
        tokens = clip.tokens(images, "mean")
        assert list(tokens.grid) == arrays[f"img{number}_grid"].tolist()
        expected = arrays[f"img{number}_tokens_before_last_block"]
        every = clip.out_channels // expected.shape[1]
        assert close(tokens.layers[-2][0, :, ::every], expected, 1e-4)
        attention = torch.cat(tokens.attention)
        assert close(attention[-1], arrays[f"img{number}_attention_last_block"], 1e-4)
        corner = attention[:, [1, -1], 1:5]  # of the first and the last patch
        assert close(corner, arrays[f"img{number}_attention_row0_col1_per_block"], 1e-4)
        if f"img{number}_attention_blocks" in arrays:
            assert close(attention, arrays[f"img{number}_attention_blocks"], 1e-4)


@pytest.mark.golden
@torch.no_grad()
def test_positions_of_clip_es_are_official(clip):
    arrays = golden("clip_es.npz")
    for number in (n for n in range(9) if f"pos_size{n}" in arrays):
        grid = tuple(arrays[f"pos_size{number}"].tolist())
        assert np.array_equal(clip.positions_at(grid)[0, :, ::8], arrays[f"pos_out{number}_every8"])


@pytest.mark.golden
@torch.no_grad()
def test_tokens_of_toco_are_official():
    arrays = golden("toco.npz")
    dim, depth, heads, grid, aux = arrays["net_config_dim_depth_heads_grid_aux"].tolist()
    vit = backbones.build("vit_base", dim=dim, depth=depth, heads=heads, grid=grid).eval()
    names = {f"encoder.{name}" for name in vit.state_dict()}
    assert names <= {str(name) for name in arrays["net_names"]}
    state = vit.state_dict()
    gain = float(
        arrays["net_fill_check"][1][0]
        / fill_value("encoder.pos_embed", state["pos_embed"], 1).flatten()[0]
    )
    vit.load_state_dict({n: fill_value(f"encoder.{n}", t, gain) for n, t in state.items()})
    count, height, width = arrays["net_image_size"].tolist()
    tokens = vit.tokens(fill("toco.image", -2, 2, (count, 3, height, width)))
    last = vit.norm(tokens.layers[-1])
    assert close(last[:, 0], arrays["net_class_token"], 1e-4)
    assert close(last[:, 1:, ::4], arrays["net_patch_tokens_every4"], 1e-4)
    assert close(tokens.layers[aux][:, 1:, ::4], arrays["net_aux_tokens_every4"], 1e-4)
