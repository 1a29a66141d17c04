"""The generators: released defaults, their networks, and runs from images to scores."""

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view
from golden_files import close, fill, fill_value, golden

from wsss_cam_baselines import Seam
from wsss_cam_baselines.seam_network import SeamNetwork
from wsss_eps import Eps
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Generator, Run
from wsss_harness.networks.checkpoints import read_state
from wsss_harness.networks.training.optimizers import parameter_groups
from wsss_ppc import PpcEps, PpcSeam, wsss_generators
from wsss_ppc.network import ContrastSeamShape
from wsss_ppc.training import two_sizes

SLIM = {"name": "resnet38", "width": 0.0625}
QUICK = {"iterations": 3, "batch": 2, "crop": 32, "resize": (32, 40), "scales": (1.0,)}
QUICK |= {"view": 0.5, "projection": 8, "lr": 1e-3}
BOTH = pytest.mark.parametrize("method", [PpcSeam, PpcEps])


def slim(method, **options):
    own = {"widths": (4, 8)} if method is PpcSeam else {}
    return method(backbone=SLIM, **(QUICK | own | options))


def test_they_are_announced_with_the_supervision_of_what_they_add_to():
    assert wsss_generators() == {"ppc_seam": PpcSeam, "ppc_eps": PpcEps}
    assert all(isinstance(method(), Generator) for method in (PpcSeam, PpcEps))
    assert (PpcSeam.needs, PpcEps.needs) == (Seam.needs, Eps.needs)


def test_defaults_are_released():
    ppc, seam = PpcSeam(), Seam()
    same = ("iterations", "batch", "crop", "resize", "lr", "head_lr", "dropout", "normalise")
    assert all(getattr(ppc, name) == getattr(seam, name) for name in same)
    assert (ppc.contrast, ppc.temperature, ppc.background_score) == (0.1, 0.1, 0.2)
    assert (ppc.clipped, ppc.absent, ppc.single) == (False, "kept", "counted")
    assert two_sizes(torch.zeros(1, 3, 448, 448), ppc.view)[1].shape == (1, 3, 128, 128)


@BOTH
def test_it_trains_and_scores_every_image(tmp_path, method):
    generator, data = slim(method), view(tmp_path, method.needs)
    generator.fit(data, Run(tmp_path))
    score = generator.load(tmp_path, "cpu")
    for image_id in data:
        scores = score(data[image_id])
        assert scores.classes == FakeDataset().present(image_id)
        scores.validate(image_id, "ppc")


def batch_of(present, size=32):
    torch.manual_seed(0)
    return {
        "image": torch.randn(len(present), 3, size, size),
        "present": torch.tensor(present),
        "saliency": torch.rand(len(present), 1, size, size),
    }


def terms_of(generator, present=((1.0, 0.0), (1.0, 1.0))):
    network = generator.network(2).eval()
    return network, generator.loss(FakeDataset.classes)(network, batch_of(present))


CONTRAST = {"loss_cross_prototype", "loss_cross_label", "loss_intra_view"}


@BOTH
def test_the_contrast_trains_backbone_and_projection_alone(method):
    network, terms = terms_of(slim(method))
    assert terms.keys() >= CONTRAST
    sum(terms[name] for name in CONTRAST).backward()
    touched = {
        name.partition(".")[0]
        for name, value in network.named_parameters()
        if value.grad is not None and value.grad.abs().sum() > 0
    }
    assert touched == {"backbone", "projection"}


@pytest.mark.parametrize(("method", "base"), [(PpcSeam, Seam), (PpcEps, Eps)])
def test_without_contrast_its_losses_are_those_of_the_method_that_it_adds_to(method, base):
    """SEAM's losses of the same two views; of EPS's, the mean over both views."""
    generator = slim(method, contrast=0.0)
    network, terms = terms_of(generator)
    assert all(terms.pop(name) == 0 for name in CONTRAST)
    own = {"backbone": SLIM, **({"view": 0.5} if base is Seam else {})}
    loss, batch = base(**own).loss(FakeDataset.classes), batch_of(((1.0, 0.0), (1.0, 1.0)))
    expected = loss(network, batch)
    if base is Eps:
        smaller = {**batch, "image": two_sizes(batch["image"], 0.5)[1]}
        expected = {n: (expected[n] + second) / 2 for n, second in loss(network, smaller).items()}
    assert terms.keys() == expected.keys()
    assert all(torch.isclose(terms[name], expected[name]) for name in terms)


@BOTH
def test_images_without_a_class_have_no_part_in_the_contrast(method):
    generator = slim(method, unlabelled="negative")
    _, alone = terms_of(generator, ((0.0, 0.0), (0.0, 0.0)))
    assert all(alone[name] == 0 for name in CONTRAST)
    torch.manual_seed(3)
    _, mixed = terms_of(generator, ((1.0, 0.0), (0.0, 0.0)))
    assert all(torch.isfinite(term) for term in mixed.values())


@BOTH
def test_a_killed_training_resumes_with_the_same_bytes(tmp_path, method):
    def fit(folder, progress=None):
        folder.mkdir(exist_ok=True)
        run = Run(folder, **({"progress": progress} if progress else {}))
        slim(method, checkpoint_every=1, checkpoint_seconds=0.0).fit(
            view(folder, method.needs), run
        )

    def killed(done, total):
        if done == 2:
            raise KeyboardInterrupt

    fit(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(tmp_path / "killed", killed)
    fit(tmp_path / "killed")
    whole, resumed = (
        (tmp_path / name / "weights.pth").read_bytes() for name in ("whole", "killed")
    )
    assert whole == resumed
    assert "projection.weight" in read_state(tmp_path / "whole/weights.pth")


@BOTH
@pytest.mark.parametrize(
    "wrong",
    [
        {"view": 1.0},
        {"projection": 0},
        {"contrast": -0.1},
        {"temperature": 0.0},
        {"background_score": 1.5},
        {"pooling": "pool_then_head"},
    ],
)
def test_an_option_out_of_range_is_named(method, wrong):
    with pytest.raises(ConfigError, match=f"option '{next(iter(wrong))}'"):
        slim(method, **wrong)


@pytest.mark.slow
@pytest.mark.golden
def test_golden_network():
    """SEAM's network with the same fill, its maps before they are enlarged, and the projection."""
    file = golden("ppc.npz")
    shape = {"name": "resnet38"}, 20, "head_then_pool", 0.5
    network = ContrastSeamShape(*shape).build().eval()
    released = {ours: official for official, ours in PpcSeam.released.items()}

    def filled(name, tensor):
        official = released.get(name, name.removeprefix("backbone."))
        if name == "head.weight":  # without the channel of the background
            return fill_value(official, torch.empty(21, *tensor.shape[1:]), 1)[1:]
        return fill_value(official, tensor, 1)

    network.load_state_dict({n: filled(n, t) for n, t in network.state_dict().items()})
    (extra,) = file["net_extra_names"].tolist()
    assert extra == released["projection.weight"]
    assert list(network.projection.weight.shape) == file["net_extra_shapes"][0].tolist()
    *_, head_weights, _ = parameter_groups(network, network.heads)
    assert int(file["net_extra_group"][0]) == 2
    assert any(parameter is network.projection.weight for parameter in head_weights)
    images = fill("ppc.image", -2, 2, (1, 3, *file["net_image_size"].tolist()))
    with torch.no_grad():
        cam, refined, small, pixels = network.view(images)
        of_seam = SeamNetwork.forward(network, images)
    assert all(map(torch.equal, (cam, refined), of_seam))
    assert close(small, file["net_cam_rv_down"], 1e-4)
    assert close(pixels, file["net_f_proj"], 1e-4)


@BOTH
def test_prototypes_of_a_batch_do_not_depend_on_the_run(method):
    first, again = (terms_of(slim(method))[1] for _ in range(2))
    names = ("loss_cross_prototype", "loss_cross_label")
    assert np.allclose(*([terms[n].item() for n in names] for terms in (first, again)))
