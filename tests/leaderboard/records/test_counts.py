"""Counts beside a record: read as written, and whatever is no such file is refused by name."""

import zipfile

import numpy as np
import pytest

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import Tallies


@pytest.fixture
def tallies():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 50, (4, 3, 3))
    values[..., 0] = values.min(-1)
    return {"": Tallies(("a", "b", "c", "d"), values), "V1|<b>": Tallies(("e",), values[:1])}


def test_counts_survive_a_round_trip(tmp_path, tallies):
    path = counts.path_of(tmp_path / "records" / "000-cam-seed0.json")
    assert path == tmp_path / "counts" / "000-cam-seed0.npz"
    counts.write(path, tallies)
    first = path.read_bytes()
    read = counts.read(path)
    assert list(read) == list(tallies)
    for target, written in tallies.items():
        assert read[target].ids == written.ids
        assert (read[target].counts == written.counts).all()
    counts.write(path, tallies)
    assert path.read_bytes() == first


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"a\.npz is missing; run"):
        counts.read(tmp_path / "a.npz")


def write_arrays(path, **arrays):
    np.savez(path, **arrays)


IDS, GOOD = np.array(["a"]), np.ones((1, 3, 3), "<i4")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "targets"),
        ({"targets": np.array([""])}, "ids0"),
        ({"ids0": IDS, "counts0": GOOD.astype(float)}, "counts of float64"),
        ({"ids0": np.array([1]), "counts0": GOOD}, "ids are of int64"),
        ({"ids0": IDS, "counts0": GOOD[0]}, "shape"),
        ({"ids0": IDS, "counts0": np.repeat(GOOD, 2, 0)}, "shape"),
        ({"ids0": IDS, "counts0": GOOD * np.array([2, 1, 1], "<i4")}, "fewer pixels than hits"),
        ({"ids0": IDS, "counts0": -GOOD}, "fewer than none"),
        ({"ids0": np.array([{}]), "counts0": GOOD}, "[Oo]bject arrays"),
    ],
)
def test_an_invalid_file_of_counts_is_refused(tmp_path, arrays, message):
    whole = {"targets": np.array([""]), **arrays} if arrays else arrays
    write_arrays(tmp_path / "a.npz", **whole)
    with pytest.raises(DataError, match=rf"a\.npz is no file of counts: .*{message}"):
        counts.read(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"text"])
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="is no file of counts"):
        counts.read(tmp_path / "a.npz")


def test_a_file_that_unpacks_to_more_than_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(counts, "MOST", 1000)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("counts0.npy", bytes(100_000))
    with pytest.raises(DataError, match="unpacks to 100000 bytes"):
        counts.read(tmp_path / "a.npz")
