"""MCTformer V2 and MCTformer+ against the official networks, losses, gradients and maps."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from golden_files import close, fill, fill_value, golden

from wsss_harness.networks.backbones.weights import fill as load
from wsss_harness.networks.backbones.weights import renamed
from wsss_harness.networks.classmaps.inference import merge
from wsss_mctformer import MctformerPlus, MctformerV2
from wsss_mctformer.attention import patch_affinity, stretch
from wsss_mctformer.inference import MapSettings, class_maps
from wsss_mctformer.losses import classification, ranked_pool, token_contrast

pytestmark = pytest.mark.golden
TAGS = ("native", "tall", "wide", "square")
FUSION = {"v2": "product", "plus": "root"}


@pytest.fixture(scope="module")
def arrays():
    return golden("mctformer.npz")


def method(net, arrays, **options):
    sizes = {
        "dim": int(arrays["embed_dim"]),
        "depth": int(arrays["depth"]),
        "heads": int(arrays["num_heads"]),
        "grid": int(arrays["native_size"]) // 16,
    }
    if net == "v2":
        backbone = {"name": "vit_small", "positions": "dino", **sizes}
        return MctformerV2(backbone=backbone, **options)
    return MctformerPlus(backbone={"name": "vit_small", **sizes}, **options)


def official_shapes(net, arrays):
    """{official name: shape} of the small network."""
    dim, classes = int(arrays["embed_dim"]), int(arrays["num_classes"])
    patches = (int(arrays["native_size"]) // 16) ** 2
    own = {
        name.removeprefix("backbone."): tuple(tensor.shape)
        for name, tensor in method(net, arrays).network(classes).state_dict().items()
    }
    if net == "plus":
        extra = {"pos_embed_cls": classes, "pos_embed_pat": patches, "pos_embed": patches + 1}
        own |= {name: (1, count, dim) for name, count in extra.items()}
    return {str(name): own[str(name)] for name in arrays[f"{net}_names"]}


@pytest.fixture(scope="module", params=["v2", "plus"])
def net(request):
    return request.param


@pytest.fixture(scope="module")
def network(net, arrays):
    """The network with official tensors, loaded as a released checkpoint would be."""
    used = method(net, arrays)
    shapes = official_shapes(net, arrays)
    state = {name: fill_value(name, torch.empty(shape), 1) for name, shape in shapes.items()}
    network = used.network(int(arrays["num_classes"]))
    load(network, used.adapt(renamed(state, used.released)), "golden")
    return network.eval()


def image(tag, arrays):
    count = 2 if tag == "native" else 1
    height, width = arrays[f"size_{tag}"].tolist()
    return fill(f"mct.image.{tag}", -2, 2, (count, 3, height, width))


@pytest.fixture(scope="module")
def outputs(network, arrays):
    with torch.no_grad():
        return {tag: network(image(tag, arrays), "mean") for tag in TAGS}


def test_real_networks_have_the_official_names_and_shapes(net, arrays):
    used = {"v2": MctformerV2, "plus": MctformerPlus}[net]()
    names = [str(name) for name in arrays[f"{net}_full_names"]]
    shapes = [tuple(int(n) for n in shape if n) for shape in arrays[f"{net}_full_shapes"]]
    state = {
        name: torch.empty(shape, device="meta") for name, shape in zip(names, shapes, strict=True)
    }
    with torch.device("meta"):
        own = used.network(int(arrays["num_classes"])).state_dict()
    mapped = used.adapt(renamed(state, used.released))
    assert {n: t.shape for n, t in mapped.items()} == {n: t.shape for n, t in own.items()}


@pytest.mark.parametrize("tag", TAGS)
def test_positions_are_official(net, network, arrays, tag):
    expected = arrays[f"{net}_{tag}_pos"]
    height, width = arrays[f"size_{tag}"].tolist()
    used = network.backbone.positions_at((height // 16, width // 16))
    patches = used[:, int(arrays["num_classes"]) :, : expected.shape[2]]
    assert close(patches.detach(), expected, 1e-4)


@pytest.mark.parametrize("tag", TAGS)
def test_logits_and_tokens_are_official(net, network, outputs, arrays, tag):
    out, prefix = outputs[tag], f"{net}_{tag}"
    assert close(out.class_logits, arrays[f"{prefix}_cls_logits"], 1e-4)
    assert close(out.patch_logits, arrays[f"{prefix}_patch_logits"], 1e-4)
    reported = out.class_logits
    if net == "plus":
        reported = (out.class_logits + out.patch_logits) / 2
    assert close(reported, arrays[f"{prefix}_att_logits"], 1e-4)
    if net == "plus":
        tokens = torch.stack(list(out.class_tokens))
        assert close(tokens, arrays[f"{prefix}_layer_class_tokens"], 1e-4)
    with torch.no_grad():
        tokens = network.backbone.tokens(image(tag, arrays))
    patches = tokens.patches().flatten(2).transpose(1, 2)[:, ::5]
    assert close(patches, arrays[f"{prefix}_x_patch"], 1e-4)
    if f"{prefix}_x_cls" in arrays:
        assert close(tokens.classes(), arrays[f"{prefix}_x_cls"], 1e-4)


def test_attention_of_each_head_is_official(net, network, arrays):
    with torch.no_grad():
        tokens = network.backbone.tokens(image("native", arrays), "heads")
    attention = torch.stack([weights[0, 0] for weights in tokens.attention])
    assert close(attention, arrays[f"{net}_native_attn_head0"], 1e-4)


@pytest.mark.parametrize("tag", TAGS)
def test_maps_and_affinities_are_official(net, outputs, arrays, tag):
    kinds = {"mct": "tokens", "patchcam": "patches", "fused": "fused"}
    prefix, seen = f"{net}_{tag}_", 0
    for name in arrays:
        kind, _, layers = name.removeprefix(prefix).partition("_layers")
        if not name.startswith(prefix) or kind not in kinds:
            continue
        settings = MapSettings(kinds[kind], int(layers), FUSION[net], "none")
        assert close(class_maps(outputs[tag], settings), arrays[name], 1e-4)
        seen += 1
    assert seen >= 3
    affinity = patch_affinity(outputs[tag].attention, int(arrays["num_classes"]))
    assert close(affinity, arrays[f"{prefix}patch_attn_sum"], 1e-4)


@pytest.mark.parametrize(
    ("case", "kind", "last", "affinity", "scales", "every"),
    [
        ("refined", "fused", None, "patches", None, 1),
        ("plain", "fused", 2, "none", 1, 2),
        ("mct_refined", "tokens", 2, "patches", 1, 2),
    ],
)
def test_merged_maps_are_official(net, network, arrays, case, kind, last, affinity, scales, every):
    settings = MapSettings(kind, last or int(arrays["depth"]), FUSION[net], affinity)
    label = arrays["maps_label"]
    channels = np.flatnonzero(label).tolist()
    assert channels == arrays[f"{net}_maps_{case}_keys"].tolist()
    sizes = arrays["maps_sizes"].tolist()[:scales]
    with torch.no_grad():
        pictures = [fill(f"mct.scale{i}", -2, 2, (1, 3, *s)) for i, s in enumerate(sizes)]
        pairs = [torch.cat((picture, picture.flip(-1))) for picture in pictures]
        maps = [class_maps(network(pair, "mean"), settings) for pair in pairs]
    scores = stretch(merge(maps, channels, tuple(sizes[0])))
    assert close(scores[:, ::every, ::every], arrays[f"{net}_maps_{case}"], 1e-4)


def given_losses(net, arrays, prefix, layers=None, weight=1.0):
    """Losses and gradients of stored logits and tokens."""
    logits, pooled = (
        torch.from_numpy(arrays[f"{net}_given_{name}_logits"]).requires_grad_()
        for name in ("cls", "patch")
    )
    present = torch.from_numpy(arrays[f"{net}_given_label"])
    terms = classification(logits, pooled, present)
    values = {"cls_loss": terms["loss_cls"], "mct_loss": terms["loss_cls"]}
    values |= {"pat_loss": terms["loss_patch"], "loss": sum(terms.values())}
    sources = {"cls_logits": logits, "patch_logits": pooled}
    if net == "plus":
        tokens = torch.from_numpy(arrays["plus_given_class_tokens"]).requires_grad_()
        values["attn_loss"] = token_contrast(list(tokens[-(layers or 0) :]), present)
        values["loss"] = values["loss"] + weight * values["attn_loss"]
        sources["class_tokens"] = tokens
    values["loss"].backward()
    for name, value in zip(
        arrays[f"{prefix}_names"].tolist(), arrays[f"{prefix}_values"], strict=True
    ):
        assert abs(values[name].item() - value) <= 1e-5 * abs(value), name
    for name, source in sources.items():
        assert close(source.grad, arrays[f"{prefix}_grad_{name}"], 1e-4), name


def test_losses_of_given_logits_are_official(net, arrays):
    given_losses(net, arrays, f"{net}_given")


def test_the_contrast_of_the_last_layers_is_official(arrays):
    given_losses("plus", arrays, "plus_given_last2", layers=2, weight=0.3)


def test_losses_and_gradients_through_the_network_are_official(net, network, arrays):
    present = torch.from_numpy(arrays["label"])
    network.train()
    network.zero_grad()
    out = network(image("native", arrays))
    out.patch_maps.retain_grad()
    terms = classification(out.class_logits, out.patch_logits, present)
    values = {"cls_loss": terms["loss_cls"], "mct_loss": terms["loss_cls"]}
    values |= {"pat_loss": terms["loss_patch"], "loss": sum(terms.values())}
    if net == "plus":
        values["attn_loss"] = token_contrast(out.class_tokens, present)
        values["loss"] = values["loss"] + values["attn_loss"]
    values["loss"].backward()
    expected = zip(
        arrays[f"{net}_train_loss_names"], arrays[f"{net}_train_loss_values"], strict=True
    )
    for name, value in expected:
        assert abs(values[str(name)].item() - value) <= 1e-5 * value
    assert close(out.patch_maps.detach(), arrays[f"{net}_patch_map"], 1e-4)
    assert close(out.patch_maps.grad, arrays[f"{net}_grad_patch_map"], 1e-4)
    gradients = official_gradients(net, network, arrays)
    names = [str(name) for name in arrays[f"{net}_grad_names"]]
    assert [gradients[name] is None for name in names] == arrays[f"{net}_grad_is_none"].tolist()
    norms = [0 if gradients[name] is None else gradients[name].norm() for name in names]
    assert close([float(norm) for norm in norms], arrays[f"{net}_grad_norms"], 1e-4)
    assert close(gradients["cls_token"], arrays[f"{net}_grad_cls_token"], 1e-4)
    assert close(gradients["head.bias"], arrays[f"{net}_grad_head_bias"], 1e-4)
    assert close(gradients["blocks.0.attn.qkv.bias"], arrays[f"{net}_grad_qkv0_bias"], 1e-4)
    network.eval()


def official_gradients(net, network, arrays):
    own = {n.removeprefix("backbone."): p.grad for n, p in network.named_parameters()}
    if net == "plus":
        count = int(arrays["num_classes"])
        own["pos_embed_cls"] = own["pos_embed"][:, :count]
        own["pos_embed_pat"] = own["pos_embed"][:, count:]
        own["pos_embed"] = None
    return own


def test_ranked_pooling_is_official(arrays):
    maps = torch.from_numpy(arrays["plus_patch_map"])
    for number, decay in enumerate(arrays["plus_decay"].tolist()):
        pooled = ranked_pool(maps, decay)
        assert close(pooled, arrays[f"plus_pool{number}_patch_logits"], 1e-4)
        constant = ranked_pool(torch.full_like(maps, 0.75), decay)
        assert close(constant[0, 0], arrays["plus_pool_constant"][number], 1e-5)


def test_plus_at_its_native_size_uses_its_positions_as_they_are(arrays):
    network = method("plus", arrays).network(int(arrays["num_classes"]))
    side = int(arrays["native_size"]) // 16
    used = network.backbone.positions_at((side, side))
    assert torch.equal(used, network.backbone.pos_embed) == bool(
        arrays["plus_native_pos_identical"]
    )


def test_sizes_that_the_released_plus_refuses_work_here(arrays):
    network = method("plus", arrays).network(2)
    for side in arrays["plus_pos448_sides_refused"].tolist():
        assert network.backbone.positions_at((side, 3)).shape[1] == 2 + 3 * side


def test_mean_of_multilabel_losses_is_the_official_loss(arrays):
    label = torch.from_numpy(arrays["label"])
    logits = torch.from_numpy(arrays["v2_native_cls_logits"])
    naive = -(label * F.logsigmoid(logits) + (1 - label) * F.logsigmoid(-logits)).mean()
    torch.testing.assert_close(classification(logits, None, label)["loss_cls"], naive)
