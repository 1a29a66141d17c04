"""Main effects and interactions against naive loops and simulated experiments."""

import numpy as np
import pytest

from wsss_leaderboard.statistics.crossing import Crossing

A, B, DRAWS, IMAGES = 3, 4, 3, 60


def crossing(rng, a=None, b=None, both=None, noise=0.01, draws=DRAWS):
    """A simulated experiment, whose images and draws each move all cells or one."""
    truth = sum(
        np.reshape(part, shape)
        for part, shape in (
            (np.zeros(A) if a is None else a, (A, 1, 1)),
            (np.zeros(B) if b is None else b, (1, B, 1)),
            (np.zeros((A, B)) if both is None else both, (A, B, 1)),
        )
    )
    luck = rng.normal(0, noise, (A, B, draws)) + rng.normal(0, 0.05, (1, 1, draws))
    luck += rng.normal(0, noise, (A, 1, draws)) + rng.normal(0, noise, (1, B, draws))
    images = rng.normal(0, noise, (A, B, 1, IMAGES)) + rng.normal(0, 0.1, (1, 1, 1, IMAGES))
    values = 0.5 + truth + luck + images.mean(-1)
    centred = images - images.mean(-1, keepdims=True)
    return Crossing(values, np.broadcast_to(centred / IMAGES, (A, B, draws, IMAGES)))


def test_effects_equal_naive_loops():
    rng = np.random.default_rng(0)
    data = crossing(rng, noise=0.1)
    means = data.values.mean(2)
    total = sum(means[i, j] for i in range(A) for j in range(B)) / (A * B)
    rows = [sum(means[i]) / B - total for i in range(A)]
    columns = [sum(means[:, j]) / A - total for j in range(B)]
    assert data.main(0).values == pytest.approx(rows, abs=1e-12)
    assert data.main(1).values == pytest.approx(columns, abs=1e-12)
    for i in range(A):
        for j in range(B):
            beyond = means[i, j] - total - rows[i] - columns[j]
            assert data.interactions().values[i, j] == pytest.approx(beyond, abs=1e-12)


def test_effects_of_a_factor_add_up_to_nothing():
    data = crossing(np.random.default_rng(1))
    assert data.main(0).values.sum() == pytest.approx(0, abs=1e-12)
    assert np.abs(data.interactions().values.sum(0)).max() < 1e-12


def test_what_moves_all_cells_widens_no_interval():
    calm, wild = (crossing(np.random.default_rng(2), noise=0.01) for _ in range(2))
    wild = Crossing(wild.values + np.array([-0.2, 0.1, 0.3]), wild.deletions + 0.01)
    for effects in (lambda c: c.main(0), lambda c: c.main(1), lambda c: c.interactions()):
        assert effects(wild).reaches == pytest.approx(effects(calm).reaches)


@pytest.mark.parametrize("kind", ["main", "interactions"])
def test_intervals_hold_in_about_95_of_100_experiments(kind):
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(400):
        data = crossing(rng)
        effects = data.main(1) if kind == "main" else data.interactions()
        covered.append(np.abs(effects.values) <= effects.reaches)
    assert 0.93 <= np.mean(covered) <= 0.985


def test_with_one_draw_intervals_cover_images_alone():
    data = crossing(np.random.default_rng(4), draws=1)
    effects = data.main(0)
    assert np.isfinite(effects.reaches).all()
    assert (effects.reaches > 0).all()
