"""The branch that is left out: with its official form beside them, boundaries learn the same."""

import pytest
import torch
from golden_files import close, fill, fill_state, golden
from torch import nn
from torch.nn.functional import interpolate, relu

from wsss_harness.networks.affinity.neighbours import half_plane, sources, targets
from wsss_harness.networks.affinity.pairs import affinity_losses, pair_kinds
from wsss_irn.network import EdgeHead
from wsss_irn.paths import path_affinities

pytestmark = pytest.mark.golden
STRIDES = [4, 4, 8, 16, 16]
KINDS = [k for k in golden("irn.npz")["loss_kinds"] if f"extra_loss_{k}_disp" in golden("irn.npz")]


class Displacements(nn.Module):
    """jiwoon-ahn/irn, net/resnet50_irn.py: taps to (B, 2, h, w), without its mean shift."""

    def __init__(self, channels):
        super().__init__()
        widths = (64, 128, 256, 256, 256, 256, 256)
        inputs = (*channels, 768, 448)  # the last two join earlier ones
        for number, (tap, width) in enumerate(zip(inputs, widths, strict=True), 1):
            norm = nn.GroupNorm(8 if width == 64 else 16, width)
            part = [nn.Conv2d(tap, width, 1, bias=False), norm]
            last = [nn.ReLU(), nn.Conv2d(width, 2, 1, bias=False)] if number == 7 else []
            self.add_module(f"fc_dp{number}", nn.Sequential(*part, *last))

    def forward(self, taps):
        tap1, tap2, tap3, tap4, tap5 = (
            self.get_submodule(f"fc_dp{number}")(tap) for number, tap in enumerate(taps, 1)
        )
        coarse = [relu(tap3), *(relu(twice(maps, tap3)) for maps in (tap4, tap5))]
        fine = relu(twice(self.fc_dp6(torch.cat(coarse, 1)), tap2))
        return self.fc_dp7(torch.cat([relu(tap1), relu(tap2), fine], 1))


def twice(maps, like):
    large = interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
    return large[..., : like.shape[2], : like.shape[3]]


def displacement_losses(field, labels):
    """Towards the offset within a class, towards nothing in the background."""
    background, foreground, _ = pair_kinds(labels, 10)
    offsets = torch.tensor(half_plane(10), dtype=field.dtype).T[..., None, None]
    source = sources(field, 10)[:, :, None]
    change = source - torch.stack(list(targets(field, 10)), 2)
    of_class = (change - offsets).abs() * foreground[:, None]
    of_background = change.abs() * background[:, None]
    return tuple(
        loss.sum() / (2 * pairs.sum() + 1e-5)
        for loss, pairs in ((of_class, foreground), (of_background, background))
    )


def edge_loss(logits, labels):
    edge = logits.sigmoid()[:, 0]
    return sum(affinity_losses(path_affinities(edge, 10), pair_kinds(labels, 10)).values())


def released_taps():
    shapes = [tuple(shape) for shape in golden("irn.npz")["head_tap_shapes"].tolist()]
    taps = [fill(f"irn.tap{k}", -1, 1, shape).relu() for k, shape in enumerate(shapes, 1)]
    return taps, [shape[1] for shape in shapes]


def test_the_branch_is_the_official_one():
    numbers, (taps, channels) = golden("irn.npz"), released_taps()
    branch = fill_state(Displacements(channels), 1)
    assert list(branch.state_dict()) == numbers["extra_dp_names"].tolist()
    shapes = [[n for n in shape if n] for shape in numbers["extra_dp_shapes"].tolist()]
    assert [list(value.shape) for value in branch.state_dict().values()] == shapes
    field = branch(taps).detach()
    filled = fill("fc_dp7.4.running_mean", -0.2, 0.2, (2,))  # by the rule, like other means
    assert close(field - filled[:, None, None], numbers["extra_dp_out"], 1e-4)
    mean = torch.from_numpy(numbers["extra_dp_out_mean_shift"])
    expected = numbers["extra_dp_out_eval_with_mean_shift"]
    assert close(field - mean[:, None, None], expected, 1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_its_losses_are_the_official_ones_and_give_boundaries_no_gradient(kind):
    numbers = golden("irn.npz")
    field = torch.from_numpy(numbers[f"extra_loss_{kind}_disp"]).requires_grad_()
    logits = torch.from_numpy(numbers[f"loss_{kind}_logits"]).requires_grad_()
    labels = torch.from_numpy(numbers[f"loss_{kind}_reduced_label"])
    foreground, background = displacement_losses(field, labels)
    total = edge_loss(logits, labels) + (foreground + background) / 2
    total.backward()
    values = torch.stack([foreground, background, total]).detach()
    assert close(values, numbers[f"extra_loss_{kind}_dp_fg_bg_total"], 1e-5)
    assert close(field.grad, numbers[f"extra_loss_{kind}_grad_disp"], 1e-4)
    assert close(logits.grad, numbers[f"loss_{kind}_grad_logits"], 1e-4)


def trained(with_displacements):
    """The boundary head after three steps on the released taps and random labels."""
    taps, channels = released_taps()
    size = taps[1].shape[2:]
    torch.manual_seed(0)
    head, branch = EdgeHead(channels, STRIDES), Displacements(channels)
    taps = [interpolate(tap, scale_factor=2) for tap in taps]  # so that some nodes are sources
    labels = torch.randint(0, 3, (2, 2 * size[0], 2 * size[1]))
    optimizer = torch.optim.SGD([*head.parameters(), *branch.parameters()], lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        loss = edge_loss(head(taps), labels)
        if with_displacements:
            loss = loss + sum(displacement_losses(branch(taps), labels)) / 2
        loss.backward()
        optimizer.step()
    return head.state_dict()


def test_training_of_boundaries_alone_equals_training_of_both():
    alone, both = trained(False), trained(True)
    assert all(torch.equal(value, both[name]) for name, value in alone.items())
