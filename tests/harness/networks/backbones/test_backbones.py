"""ResNet38 against the official network, and what every backbone promises."""

import pytest
import torch
from golden_files import close, fill, fill_state, fill_value, golden
from torch import nn

from wsss_harness.contract.errors import ConfigError
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones.base import Backbone, taps_of
from wsss_harness.networks.training.optimizers import parameter_groups

# The modules that the official networks put on top of the backbone, and their 1x1 shapes.
TAGS = ("psa_base", "psa_cls", "psa_aff", "eps_cls", "eps_eps", "seam")
SMALL = {
    "resnet38": {"width": 0.0625},
    "mobilenet_v2": {},
    "resnet18": {},
    "openmmlab_resnet": {"base_channels": 8},
    "vgg16": {"width": 0.0625},
}
NORMALISED = [name for name in SMALL if name != "vgg16"]


class WithHeads(nn.Module):
    """ResNet38 under the heads that a golden network has, in its order."""

    def __init__(self, tag, device="meta"):
        super().__init__()
        with torch.device(device):
            frozen = "stem" if tag == "psa_base" else "released"
            self.backbone = backbones.build("resnet38", frozen=frozen)
            for name, shape in zip(*official(tag), strict=True):
                if name.startswith("f"):
                    out, channels = shape[:2]
                    self.add_module(name.split(".")[0], nn.Conv2d(channels, out, 1, bias=False))

    @property
    def heads(self):
        return [name for name, _ in self.named_children() if name != "backbone"]


def official(tag):
    arrays = golden("resnet38d.npz")
    shapes = [tuple(int(n) for n in shape if n) for shape in arrays[f"{tag}_shapes"]]
    return [str(name) for name in arrays[f"{tag}_names"]], shapes


def own_name(name):
    return name.removeprefix("backbone.")


@pytest.fixture(scope="module")
def features():
    backbone = fill_state(backbones.build("resnet38"), 1)
    height, width = (int(n) for n in golden("resnet38d.npz")["image_size"])
    with torch.no_grad():
        return backbone(fill("image", -2, 2, (1, 3, height, width)))


@pytest.mark.golden
@pytest.mark.parametrize("tag", TAGS)
def test_names_shapes_and_frozen_parts_are_official(tag):
    arrays, network = golden("resnet38d.npz"), WithHeads(tag)
    state, parameters = network.state_dict(), dict(network.named_parameters())
    names, shapes = official(tag)
    assert [own_name(name) for name in state] == names
    assert [tuple(value.shape) for value in state.values()] == shapes
    assert [name in parameters for name in state] == arrays[f"{tag}_is_param"].tolist()
    assert sum(p.numel() for p in parameters.values()) == int(arrays[f"{tag}_n_params"])
    network.train()
    trained = [name in parameters and parameters[name].requires_grad for name in state]
    assert trained == arrays[f"{tag}_requires_grad_after_train"].tolist()


@pytest.mark.golden
@pytest.mark.parametrize("tag", TAGS[1:])
@pytest.mark.parametrize("when", ["before", "after"])
def test_parameter_groups_are_official(tag, when):
    network = WithHeads(tag)
    if when == "after":
        network.train()
    groups = parameter_groups(network, network.heads)
    place = {id(p): index for index, group in enumerate(groups) for p in group}
    parameters = dict(network.named_parameters())
    actual = [place.get(id(parameters.get(name)), -1) for name in network.state_dict()]
    assert actual == golden("resnet38d.npz")[f"{tag}_group_{when}_train"].tolist()


@pytest.mark.golden
@pytest.mark.parametrize(
    ("tag", "tap", "official", "every"),
    [
        ("psa_base", "conv4", "conv4", 64),
        ("psa_base", "conv5", "conv5", 64),
        ("psa_base", "out", "conv6", 64),
        ("seam", "conv3", "conv3", 16),
    ],
)
def test_features_are_official(features, tag, tap, official, every):
    arrays, name = golden("resnet38d.npz"), f"{tag}_{official}"
    feature = features[tap]
    assert list(feature.shape) == arrays[f"{name}_shape"].tolist()
    assert close(feature[:, ::every], arrays[f"{name}_every{every}"], 1e-4)
    assert close(feature.mean((0, 2, 3)), arrays[f"{name}_chmean"], 1e-4)
    assert close(feature.std((0, 2, 3), correction=0), arrays[f"{name}_chstd"], 1e-4)


@pytest.mark.golden
@pytest.mark.parametrize("tag", ["psa_cls", "eps_cls", "eps_eps"])
def test_scores_are_official(features, tag):
    arrays, shape = golden("resnet38d.npz"), official(tag)[1][-1]
    weight = fill_value("fc8.weight", torch.empty(shape), 1)
    maps = nn.functional.conv2d(features["out"], weight)
    pooled = maps.mean((2, 3))
    if tag == "eps_eps":
        assert close(maps, arrays["eps_eps_cam"], 1e-4)
        assert close(maps, arrays["eps_eps_forward_cam"], 1e-4)
        assert close(pooled, arrays["eps_eps_pred"], 1e-4)
    else:
        assert close(pooled, arrays[f"{tag}_logits"], 1e-4)
        assert close(maps.relu(), arrays[f"{tag}_forward_cam"], 1e-4)


def test_released_freezing_keeps_statistics_and_trains_the_rest():
    backbone = backbones.build("resnet38", width=0.0625).train()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    out = backbone(torch.randn(2, 3, 32, 32))["out"]
    out.sum().backward()
    assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())
    trained = {name for name, p in backbone.named_parameters() if p.grad is not None}
    frozen = {"conv1a.weight"} | {n for n in before if n.startswith(("b2.", "b2_"))}
    assert trained == {n for n, p in backbone.named_parameters() if "bn" not in n} - frozen
    assert trained


def test_nothing_frozen_moves_statistics_and_trains_all():
    backbone = backbones.build("resnet38", width=0.0625, frozen="none").train()
    before = backbone.bn7.running_mean.clone()
    backbone(torch.randn(2, 3, 32, 32))["out"].sum().backward()
    assert not torch.equal(before, backbone.bn7.running_mean)
    assert all(p.grad is not None for p in backbone.parameters())


def test_dropout_acts_in_training_alone():
    backbone = backbones.build("resnet38", width=0.0625)
    image = torch.randn(1, 3, 32, 32)
    backbone.train()
    assert not torch.equal(backbone(image)["out"], backbone(image)["out"])
    backbone.eval()
    assert torch.equal(backbone(image)["out"], backbone(image)["out"])


@pytest.mark.parametrize("stride", [4, 8])
def test_resnet38_has_the_chosen_stride(stride):
    backbone = backbones.build("resnet38", width=0.125, output_stride=stride).eval()
    taps = backbone(torch.randn(1, 3, 64, 48))
    assert list(taps) == ["conv3", "conv4", "conv5", "out"]
    assert taps["out"].shape == (1, backbone.out_channels, 64 // stride, 48 // stride)
    assert backbone.out_channels == 512
    assert backbone.stride == stride


def test_resnet38_has_the_chosen_channels_and_dropout():
    options = {"channels": [8, 12, 16, 24, 28, 32, 40], "dropout": (0.0, 0.25)}
    backbone = backbones.build("resnet38", **options)
    taps = backbone.eval()(torch.randn(1, 3, 32, 32))
    assert [tap.shape[1] for tap in taps.values()] == [16, 24, 28, 40]
    shares = [m.p for m in backbone.modules() if isinstance(m, nn.Dropout2d)]
    assert shares == [0.0, 0.0, 0.25, 0.25]


@pytest.mark.parametrize("name", SMALL)
def test_every_backbone_has_its_stated_stride_channels_and_statistics(name):
    backbone = backbones.build(name, **SMALL[name]).eval()
    taps = backbone(torch.randn(2, 3, 64, 96))
    assert list(taps)[-1] == "out"
    size = (64 // backbone.stride, 96 // backbone.stride)
    assert taps["out"].shape == (2, backbone.out_channels, *size)
    assert isinstance(backbone, Backbone)
    assert (backbone.mean, backbone.std) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.mark.parametrize("name", NORMALISED)
def test_frozen_norms_stay_and_free_norms_move(name):
    for frozen, moves in ((None, False), ("none", True)):
        options = SMALL[name] | ({"frozen": frozen} if frozen else {})
        backbone = backbones.build(name, **options).train()
        norms = [m for m in backbone.modules() if isinstance(m, nn.BatchNorm2d)]
        before = [norm.running_mean.clone() for norm in norms]
        backbone(torch.randn(2, 3, 64, 64))
        moved = [not torch.equal(b, n.running_mean) for b, n in zip(before, norms, strict=True)]
        assert all(moved) if moves else not any(moved)
        assert all(norm.weight.requires_grad == moves for norm in norms)


@pytest.mark.parametrize("name", ["mobilenet_v2", "resnet18", "resnet50"])
@pytest.mark.parametrize("stride", [8, 16])
def test_dilation_gives_the_strided_features_on_a_finer_grid(name, stride):
    coarse, fine = (backbones.build(name, output_stride=s).eval() for s in (32, stride))
    fine.load_state_dict(coarse.state_dict())
    image = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        expected, actual = coarse(image)["out"], fine(image)["out"]
    step = 32 // stride
    assert close(actual[..., ::step, ::step], expected, 1e-5)
    assert actual.shape[-1] == step * expected.shape[-1]


def test_frozen_statistics_stay_while_weights_of_normalisations_learn():
    backbone = backbones.build("resnet18", frozen="statistics", frozen_stages=3).train()
    before = {name: value.clone() for name, value in backbone.named_buffers()}
    backbone(torch.rand(2, 3, 64, 64))["out"].sum().backward()
    assert all(torch.equal(before[name], value) for name, value in backbone.named_buffers())
    assert backbone.get_submodule("layer4.0.bn1").weight.grad.abs().sum() > 0
    assert backbone.get_submodule("layer2.0.bn1").weight.grad is None


def test_a_backbone_without_dilation_differs_in_its_last_stage_alone():
    torch.manual_seed(0)
    dilated, plain = (
        backbones.build("resnet18", output_stride=16, dilated=d) for d in (True, False)
    )
    plain.load_state_dict(dilated.state_dict())
    images = torch.rand(1, 3, 64, 64)
    of_dilated, of_plain = dilated.eval()(images), plain.eval()(images)
    assert taps_of(plain) == taps_of(dilated)
    assert all(
        torch.equal(of_dilated[name], of_plain[name]) for name in of_dilated if name != "out"
    )
    assert not torch.equal(of_dilated["out"], of_plain["out"])


def test_frozen_stages_get_no_gradient():
    backbone = backbones.build("mobilenet_v2", frozen_stages=2).train()
    backbone(torch.randn(1, 3, 64, 64))["out"].sum().backward()
    numbers = {int(n.split(".")[1]) for n, p in backbone.named_parameters() if p.grad is None}
    trained = {int(n.split(".")[1]) for n, p in backbone.named_parameters() if p.grad is not None}
    assert {0, 1, 2, 3} <= numbers
    assert trained == set(range(4, 19))


def test_seeded_builds_are_equal():
    states = []
    for _ in range(2):
        torch.manual_seed(4)
        states.append(backbones.build("openmmlab_resnet", base_channels=8).state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("resnet39", {}, "no backbone is named 'resnet39'; did you mean 'resnet38'"),
        (
            "resnet38",
            {"strides": 8},
            "resnet38 has no option 'strides'; did you mean 'output_stride'",
        ),
        ("resnet38", {"output_stride": 16}, "output_stride of resnet38 is 16; choose one of 4, 8"),
        ("resnet38", {"frozen": "all"}, "frozen of resnet38 is 'all'; choose one of released"),
        ("resnet38", {"channels": [8] * 6}, "resnet38 takes seven channels and two shares"),
        ("resnet38", {"width": 0}, "width of resnet38 is 0; give a factor above 0"),
        ("mobilenet_v2", {"output_stride": 4}, "output_stride is 4; choose one of 8, 16, 32"),
        ("mobilenet_v2", {"normalise": "voc"}, "normalise is 'voc'; choose one of imagenet, half"),
        ("mobilenet_v2", {"normalise": [[0.5] * 3]}, "or three means and three positive"),
        ("mobilenet_v2", {"frozen_stages": 6}, "frozen_stages is 6"),
        ("openmmlab_resnet", {"depth": 20}, "depth of openmmlab_resnet is 20"),
    ],
)
def test_wrong_options_say_what_is_allowed(name, options, message):
    with pytest.raises(ConfigError, match=message.replace("(", r"\(")):
        backbones.build(name, **options)


def test_normalisation_by_name_or_numbers():
    assert backbones.build("mobilenet_v2", normalise="half").mean == (0.5, 0.5, 0.5)
    by_numbers = backbones.build("mobilenet_v2", normalise=[[0.1, 0.2, 0.3], [1, 2, 3]])
    assert (by_numbers.mean, by_numbers.std) == ((0.1, 0.2, 0.3), (1, 2, 3))
