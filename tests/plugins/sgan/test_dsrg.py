"""The losses of DSRG in both forms of SGAN, against the official ones and loops."""

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_sgan.dsrg import (
    LOWEST,
    PARAMETERS,
    balanced_seed_loss,
    boundary_loss,
    floored,
    log_of_crf,
    probabilities,
    renormalised,
    seed_loss,
    sharpened,
    shrunk,
)

needs_crf = pytest.mark.skipif(
    find_spec("pydensecrf") is None, reason="pydensecrf2 needs a compiler to install"
)


@pytest.fixture
def official():
    """The file, its logits with a gradient, and its seeds as zeros and ones."""
    file = golden("sgan2.npz")
    seeds = one_hot(torch.from_numpy(file["dsrg_seed"]))
    return file, torch.from_numpy(file["dsrg_logits"]).requires_grad_(), seeds


def one_hot(labels, channels=21):
    return (labels[:, None] == torch.arange(channels)[:, None, None]).float()


def marginals(file, form):
    return torch.from_numpy(file[f"{form}_crf_out"]).permute(0, 3, 1, 2)


def leaf(tensor):
    return tensor.detach().requires_grad_()


@pytest.mark.golden
def test_golden_parameters_of_the_crf():
    file = golden("sgan2.npz")
    names = file["crf_pairwise_names"].tolist()
    ours = [PARAMETERS.bilateral_weight, *[PARAMETERS.bilateral_sxy] * 2]
    ours += [*[PARAMETERS.bilateral_srgb] * 3, PARAMETERS.gaussian_weight]
    ours += [PARAMETERS.gaussian_sxy] * 2
    assert [n.rstrip("0123456789") for n in names[:3]] == ["bilateral_weight", "sx", "sy"]
    assert ours == pytest.approx(file["crf_pairwise"].tolist())
    assert file["crf_iterations"] == PARAMETERS.iterations


@pytest.mark.golden
@pytest.mark.parametrize("form", ["caffe", "torch"])
def test_golden_images_of_the_crf(form):
    file = golden("sgan2.npz")
    for image, expected in zip(file["dsrg_image"], file[f"{form}_crf_image"], strict=True):
        ours = shrunk(image.transpose(1, 2, 0), expected.shape[:2], form)
        assert np.array_equal(ours, expected)


@pytest.mark.golden
@pytest.mark.parametrize("form", ["caffe", "torch"])
def test_golden_energies_and_floors(official, form):
    file, logits, _ = official
    p = probabilities(logits, form).detach()
    if form == "caffe":
        assert close(p, file["caffe_p"], 1e-5)
        assert (p < LOWEST[form]).any() == bool(file["caffe_p_changed_by_crf"])
    energies = -floored(p, form).permute(0, 2, 3, 1)
    assert close(energies, file[f"{form}_crf_unary"], 1e-5)
    q = renormalised(marginals(file, form), form)
    if form == "caffe":
        assert close(q.log(), file["caffe_logq"], 1e-5)
    else:
        assert close(q, file["torch_crf_floored"], 1e-5)


@needs_crf
@pytest.mark.golden
@pytest.mark.parametrize("form", ["caffe", "torch"])
def test_golden_marginals(form):
    file = golden("sgan2.npz")
    p = -torch.from_numpy(file[f"{form}_crf_unary"]).permute(0, 3, 1, 2)
    ours = sharpened(p, file[f"{form}_crf_image"], form)
    assert close(ours, renormalised(marginals(file, form), form), 1e-5)


@pytest.mark.golden
def test_golden_torch_losses(official):
    file, logits, seeds = official
    loss = balanced_seed_loss(probabilities(logits, "torch"), seeds, "torch")
    loss.backward()
    assert loss.item() == pytest.approx(float(file["torch_seed_loss"]), rel=1e-5)
    assert close(logits.grad, file["torch_seed_grad"], 1e-4)
    logits.grad = None
    q = torch.from_numpy(file["torch_crf_floored"])
    loss = boundary_loss(probabilities(logits, "torch"), q.log())
    loss.backward()
    assert loss.item() == pytest.approx(float(file["torch_boundary_loss"]), rel=1e-5)
    assert close(logits.grad, file["torch_boundary_grad"], 1e-4)


@pytest.mark.golden
@pytest.mark.parametrize(
    ("rule", "name", "gradient"),
    [
        (balanced_seed_loss, "caffe_balanced_seed_loss", "caffe_grad_p_seed"),
        (seed_loss, "caffe_seed_loss", "caffe_grad_p_plain_seed"),
    ],
)
def test_golden_caffe_seed_losses(official, rule, name, gradient):
    file, _, seeds = official
    p = leaf(floored(torch.from_numpy(file["caffe_p"]), "caffe"))
    loss = rule(p, seeds, "caffe")
    loss.backward()
    assert loss.item() == pytest.approx(float(file[name]), rel=1e-5)
    assert close(p.grad, file[gradient], 1e-4)


@pytest.mark.golden
def test_golden_caffe_boundary_loss(official):
    file, _, _ = official
    p = leaf(floored(torch.from_numpy(file["caffe_p"]), "caffe"))
    log_q = leaf(torch.from_numpy(file["caffe_logq"]))
    loss = boundary_loss(p, log_q)
    loss.backward()
    assert loss.item() == pytest.approx(float(file["caffe_boundary_loss"]), rel=1e-5)
    assert close(p.grad, file["caffe_grad_p_boundary"], 1e-4)
    assert close(log_q.grad, file["caffe_grad_logq_boundary"], 1e-4)
    before = leaf(p)
    log_of_crf(before, log_q.detach().exp()).backward(log_q.grad)
    assert close(before.grad, file["caffe_grad_p_through_crf"], 1e-4)


@pytest.mark.golden
def test_golden_caffe_gradient_of_the_logits(official):
    file, logits, seeds = official
    p = floored(probabilities(logits, "caffe"), "caffe")
    q = renormalised(marginals(file, "caffe"), "caffe")
    loss = balanced_seed_loss(p, seeds, "caffe") + boundary_loss(p, log_of_crf(p, q))
    loss.backward()
    assert close(logits.grad, file["caffe_grad_logits_total"], 1e-4)


@pytest.mark.parametrize(("form", "lowest"), [("caffe", 1e-4), ("torch", 1e-5)])
def test_losses_are_those_of_a_loop_over_images(form, lowest):
    rng = np.random.default_rng(1)
    logits, other = rng.normal(size=(2, 2, 4, 2, 3))
    labels = rng.integers(5, size=(2, 2, 3))  # 4: no seed
    p = probabilities(torch.from_numpy(logits), form)
    q = probabilities(torch.from_numpy(other), form)
    parts = {"background": [], "classes": []}
    distances = []
    for n in range(2):
        logs = {"background": [], "classes": []}
        for y, x in np.ndindex(2, 3):
            if labels[n, y, x] < 4:
                kind = "classes" if labels[n, y, x] else "background"
                logs[kind].append(float(p[n, labels[n, y, x], y, x].log()))
            near, own = q[n, :, y, x].numpy(), p[n, :, y, x].numpy()
            distances.append(sum(near * np.log(np.clip(near / own, 0.05, 20))))
        for kind, values in logs.items():
            count = max(len(values), lowest) if form == "caffe" else len(values) + lowest
            parts[kind].append(sum(values) / count)
    expected = -sum(np.mean(values) for values in parts.values())
    seeds = one_hot(torch.from_numpy(labels), 4).double()
    assert balanced_seed_loss(p, seeds, form).item() == pytest.approx(expected, rel=1e-12)
    assert boundary_loss(p, q.log()).item() == pytest.approx(np.mean(distances), rel=1e-12)


@pytest.mark.parametrize("form", ["caffe", "torch"])
def test_images_without_seeds_lose_nothing(form):
    logits = torch.randn(2, 4, 3, 3, requires_grad=True)
    loss = balanced_seed_loss(probabilities(logits, form), torch.zeros(2, 4, 3, 3), form)
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_the_floor_passes_gradients():
    values = torch.tensor([0.5, 1e-6], requires_grad=True)
    kept = floored(values, "caffe")
    kept.sum().backward()
    assert torch.allclose(kept, torch.tensor([0.5, 1e-4]))
    assert values.grad.tolist() == [1, 1]
