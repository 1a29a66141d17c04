"""k-means by cosine distance: loops, cases by hand, and the released library."""

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_lpcam.clusters import cluster


def loop_clusters(rows, start, tolerance):
    """Rows, centres and shifts by plain loops in float64."""
    centres, shifts = [row.copy() for row in start], []
    while True:
        ids = []
        for row in rows:
            cosines = [row @ c / (np.sqrt(row @ row) * np.sqrt(c @ c)) for c in centres]
            ids.append(max(range(len(centres)), key=lambda k: cosines[k]))
        moved = [rows[np.array(ids) == k].sum(0) / ids.count(k) for k in range(len(centres))]
        pairs = zip(moved, centres, strict=True)
        shifts.append(sum(np.sqrt(((a - b) ** 2).sum()) for a, b in pairs) ** 2)
        centres = moved
        if shifts[-1] < tolerance:
            return ids, np.array(centres)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("tolerance", [5.0, 1e-6])
def test_clusters_agree_with_a_loop(seed, tolerance):
    rows = np.random.default_rng(seed).normal(0.5, 1, (40, 5))
    ids, centres = cluster(torch.from_numpy(rows), torch.from_numpy(rows[:3]), tolerance)
    expected_ids, expected = loop_clusters(rows, rows[:3], tolerance)
    assert ids.tolist() == expected_ids
    assert np.abs(centres.numpy() - expected).max() <= 1e-12


def test_a_cluster_that_loses_its_rows_keeps_its_centre():
    rows = torch.tensor([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])
    start = torch.tensor([[1.0, 0.0], [3.0, 0.0], [0.0, 1.0]])  # the second is never the first best
    ids, centres = cluster(rows, start, 1e-9)
    assert ids.tolist() == [0, 0, 2]
    assert centres.tolist() == [[1.5, 0.0], [3.0, 0.0], [0.0, 1.0]]


def test_clustering_that_never_settles_ends(monkeypatch):
    monkeypatch.setattr("wsss_lpcam.clusters.ROUNDS", 7)
    rows = torch.ones(2, 1)
    _, centres = cluster(rows, rows[:1], -1.0)
    assert centres.tolist() == [[1.0]]


CASES = ["good", "bad", "bad_tight", "cloud", "cloud_tight", "zero"]


@pytest.mark.golden
@pytest.mark.parametrize("case", CASES)
def test_golden_clusters(case):
    file = golden("lpcam.npz")
    rows = torch.from_numpy(file.get(f"km_{case.removesuffix('_tight')}_X", file["km_X"]))
    start = file.get(f"km_{case}_init", file.get(f"km_{case.removesuffix('_tight')}_init"))
    tight = case.endswith("_tight")
    tolerance = file.get(f"km_{case}_tol", file[f"km_{'bad_tight' if tight else 'good'}_tol"])
    ids, centres = cluster(rows, rows[start], float(tolerance))
    assert ids.tolist() == file[f"km_{case}_ids"].tolist()
    assert close(centres, file[f"km_{case}_centers"], 1e-5)


@pytest.mark.golden
@pytest.mark.parametrize("case", CASES)
def test_golden_rounds(case, monkeypatch):
    """The shift of each round is what the centres move if there are no more rounds than that."""
    file = golden("lpcam.npz")
    rows = torch.from_numpy(file.get(f"km_{case.removesuffix('_tight')}_X", file["km_X"]))
    start = file.get(f"km_{case}_init", file.get(f"km_{case.removesuffix('_tight')}_init"))
    before = rows[start]
    for shift in file[f"km_{case}_shift2"]:
        _, after = cluster(rows, before, np.inf)
        moved = (after - before).norm(dim=1).sum() ** 2
        assert float(moved) == pytest.approx(shift, rel=1e-4, abs=1e-6)
        before = after


@pytest.mark.golden
def test_golden_planted_groups_are_found():
    file = golden("lpcam.npz")
    rows = torch.from_numpy(file["km_X"])
    ids, _ = cluster(rows, rows[file["km_good_init"]], float(file["km_good_tol"]))
    pairs = set(zip(ids.tolist(), file["km_planted"].tolist(), strict=True))
    assert len(pairs) == int(file["km_k"])
