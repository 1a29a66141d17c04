"""Co-attention and the losses of MCIS: by naive loops, and golden numbers."""

import numpy as np
import pytest
import torch
from golden_files import close, fill, fill_value, golden

from wsss_harness.networks.backbones.base import Backbone
from wsss_mcis.coattention import affinities, attention, coattended
from wsss_mcis.loss import PairLogits, losses, pair_loss, rest_loss
from wsss_mcis.network import McisNetwork
from wsss_mcis.released import NAMES

RNG = np.random.default_rng(0)


def loop_seen(features, other, weight):
    """What the positions of ``other`` (D, m) see of ``features`` (D, n): (D, m)."""
    result = np.zeros_like(other)
    for j in range(other.shape[1]):
        scores = [weight(features[:, i], other[:, j]) for i in range(features.shape[1])]
        shares = np.exp(scores) / sum(np.exp(scores))
        for i, share in enumerate(shares):
            result[:, j] += share * features[:, i]
    return result


def test_each_position_sees_the_other_image_by_its_affinities():
    first, second, w = (
        RNG.normal(0, 1, (2, 3, 4, 2)),
        RNG.normal(0, 1, (2, 3, 1, 5)),
        RNG.normal(0, 1, (3, 3)),
    )
    seen = coattended(*map(torch.from_numpy, (first, second, w)))
    for b in range(2):
        features_1, features_2 = first[b].reshape(3, -1), second[b].reshape(3, -1)
        at_second = loop_seen(features_1, features_2, lambda f1, f2: (w @ f1) @ f2)
        at_first = loop_seen(features_2, features_1, lambda f2, f1: (w @ f1) @ f2)
        np.testing.assert_allclose(seen[0][b].flatten(1), at_first, atol=1e-12)
        np.testing.assert_allclose(seen[1][b].flatten(1), at_second, atol=1e-12)
    assert seen[0].shape == first.shape
    assert seen[1].shape == second.shape


def test_an_image_paired_with_itself_sees_the_same_from_both_sides():
    features, weight = torch.rand(1, 4, 3, 2), torch.rand(4, 4)
    first, second = coattended(features, features, weight + weight.T)
    torch.testing.assert_close(first, second)


def loop_mlsm(logits, labels):
    total = 0.0
    for x, y in zip(logits.ravel(), labels.ravel(), strict=True):
        p = 1 / (1 + np.exp(-x))
        total -= y * np.log(p) + (1 - y) * np.log(1 - p)
    return total / logits.size


def labelled(first, second, images=2):
    """Logits and labels of pairs as float64."""
    labels = [np.array(y, np.float64) for y in (first, second)]
    shape = (2 * images, labels[0].shape[1])
    pairs = [PairLogits(*RNG.normal(0, 1, (3, *shape))) for _ in range(4)]
    return pairs, *labels


def as_tensors(pair):
    return PairLogits(*(torch.from_numpy(part) for part in pair))


def test_a_pair_learns_what_both_show_and_what_only_one_does():
    pairs, first, second = labelled([[1, 1, 0], [0, 1, 0]], [[0, 1, 1], [1, 1, 0]])
    actual = losses(
        as_tensors(pairs[0]),
        [as_tensors(pair)._replace(rest=None) for pair in pairs[1:]],
        *map(torch.from_numpy, (first, second)),
    )
    common = first * second
    expected = {
        "loss_cls": loop_mlsm(pairs[0].own, np.concatenate((first, second))),
        "loss_common": loop_mlsm(pairs[0].common, np.concatenate((common, common))),
        "loss_rest": loop_mlsm(pairs[0].rest[:2], first - common)
        + loop_mlsm(pairs[0].rest[2:], second - common),
    }
    for number, pair in enumerate(pairs[1:], 1):
        expected[f"loss_cls_copy{number}"] = loop_mlsm(pair.own, np.concatenate((first, first)))
        expected[f"loss_common_copy{number}"] = loop_mlsm(
            pair.common, np.concatenate((first, first))
        )
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        assert actual[name].item() == pytest.approx(value, rel=1e-12)


def test_a_side_without_classes_of_its_own_has_no_such_loss():
    pairs, first, second = labelled([[1, 0, 0], [0, 1, 0]], [[1, 0, 1], [0, 1, 0]])
    logits = torch.from_numpy(pairs[0].rest).requires_grad_()
    common = first * second
    sides = rest_loss(logits, *(torch.from_numpy(y - common) for y in (first, second)))
    assert sides[0] == 0
    assert sides[1].item() == pytest.approx(loop_mlsm(pairs[0].rest[2:], second - common))
    sides.sum().backward()
    assert not logits.grad[:2].any()


# Golden numbers


class Features(Backbone):
    """A backbone whose output is its input."""

    def __init__(self, channels):
        super().__init__()
        self.out_channels = channels


def filled_network(width, classes):
    network = McisNetwork(Features(width), classes)
    own = dict(network.named_parameters())
    for name, ours in NAMES.items():
        if ours in own:
            own[ours].data = fill_value(name, own[ours], 1)
    return network


@pytest.fixture
def official():
    """The official heads with their filled weights, and the features of two images."""
    file = golden("mcis.npz")
    width, classes = file["shapes_without_vgg"][0][0], file["cam1"].shape[1]
    images, grids = len(file["cam1"]), file["grid"].reshape(2, 2)
    features = [
        fill(f"mcis.f{n}", -0.5, 0.5, (images, int(width), *grid.tolist())).clamp(min=0)
        for n, grid in enumerate(grids, 1)
    ]
    for values, name in zip(features, ("f1_check", "f2_check"), strict=True):
        assert close(values.flatten()[:12], file[name], 1e-6)
    network = filled_network(int(width), classes)
    assert close(network.affinity.weight.detach().flatten()[:8], file["linear_e_check"], 1e-6)
    return file, network, features


@pytest.mark.golden
def test_golden_names_and_shapes_of_the_heads(official):
    file, network, _ = official
    own = dict(network.named_parameters())
    for name, shape in zip(file["names_without_vgg"], file["shapes_without_vgg"], strict=True):
        assert list(own[NAMES[str(name)]].shape) == [side for side in shape.tolist() if side]


@pytest.mark.golden
def test_golden_attention(official):
    file, network, (first, second) = official
    pairs = affinities(first, second, network.affinity.weight).detach()
    assert close(attention(pairs), file["softmax_A"], 1e-4)
    assert close(attention(pairs.transpose(1, 2)), file["softmax_B"], 1e-4)


@pytest.mark.golden
def test_golden_maps_and_logits(official):
    file, network, (first, second) = official
    with torch.no_grad():
        common, rest = network.common_and_rest(first, second)
        alone = network.common(first, second)
        logits = network.logits(first, second, rest=True)
        own = network.head(first), network.head(second)
    for number in (0, 1):
        assert close(own[number], file[f"cam{number + 1}"], 1e-4)
        assert close(common[number], file[f"co_map{number + 1}"], 1e-4)
        assert close(rest[number], file[f"co_comple_map{number + 1}"], 1e-4)
        assert torch.equal(alone[number], common[number])
    assert close(logits.own, file["score"], 1e-4)
    assert close(torch.cat((logits.common, logits.rest)), file["co_score"], 1e-4)


def stored_pairs(file, rest):
    """The pairs of the file, and the tensors that they were made of."""
    leaves, pairs = {}, []
    for number in range(4):
        for kind in ("logits", "co_logits"):
            values = torch.from_numpy(file[f"{kind}{number}"])
            leaves[f"{kind}{number}"] = values.requires_grad_()
        common, others = leaves[f"co_logits{number}"].chunk(2)
        used = others if rest and not number else None
        pairs.append(PairLogits(leaves[f"logits{number}"], common, used))
    return leaves, pairs


@pytest.mark.golden
@pytest.mark.parametrize("epoch", [1, 2])
def test_golden_losses(epoch):
    file = golden("mcis.npz")
    first, second = (torch.from_numpy(file[f"label{n}"]) for n in (1, 2))
    _, pairs = stored_pairs(file, rest=epoch == 2)
    named = losses(pairs[0], pairs[1:], first, second)
    values = dict(
        zip(file["loss_value_names"].tolist(), file[f"loss_values_epoch{epoch}"], strict=True)
    )
    expected = {"loss_cls": values["l1"], "loss_common": values["l2"]}
    for number in (1, 2, 3):
        expected[f"loss_cls_copy{number}"] = values[f"l{number + 1}_1"]
        expected[f"loss_common_copy{number}"] = values[f"l{number + 1}_2"]
    if epoch == 2:
        expected["loss_rest"] = values["l1_comple_if_any"] + values["l2_comple_if_any"]
    assert named.keys() == expected.keys()
    for name, value in expected.items():
        assert named[name].item() == pytest.approx(value, rel=1e-6)
    assert sum(named.values()).item() == pytest.approx(values["total"], rel=1e-6)


@pytest.mark.golden
def test_golden_loss_of_each_side_and_gradients():
    file = golden("mcis.npz")
    first, second = (torch.from_numpy(file[f"label{n}"]) for n in (1, 2))
    leaves, pairs = stored_pairs(file, rest=True)
    sides = rest_loss(pairs[0].rest, first - first * second, second - first * second)
    values = dict(zip(file["loss_value_names"].tolist(), file["loss_values_epoch1"], strict=True))
    wanted = [values["l1_comple_if_any"], values["l2_comple_if_any"]]
    assert close(sides.detach(), wanted, 1e-6)
    sum(losses(pairs[0], pairs[1:], first, second).values()).backward()
    for name, leaf in leaves.items():
        assert close(leaf.grad, file[f"grad_{name}"], 1e-4)


def test_pair_loss_is_a_mean_over_both_images_and_all_classes():
    logits, labels = RNG.normal(0, 1, (4, 3)), RNG.integers(0, 2, (4, 3)).astype(np.float64)
    actual = pair_loss(*map(torch.from_numpy, (logits, labels[:2], labels[2:])))
    assert actual.item() == pytest.approx(loop_mlsm(logits, labels), rel=1e-12)
