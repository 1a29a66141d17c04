"""Whatever a run reads of a dataset decides the keys of its stages."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import small_suite
from any_data import CocoFiles, VocFiles, World
from fake_data import FakeDataset
from PIL import Image

from wsss_harness.contract.errors import DataError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite
from wsss_harness.suite import data_stages
from wsss_harness.suite.data_stages import identity_of_data
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.suite_rows import method_rows


class OnDisk(FakeDataset):
    def __init__(self, root):
        super().__init__()
        self.root = Path(root)

    def fingerprint(self):
        return (self.root / "truth.bin").read_bytes().hex()


@dataclass(frozen=True)
class InPlace:
    """A plugin that reads files where they lie."""

    root: str

    def prepare(self, run):
        pass

    def open(self, folder):
        return OnDisk(self.root)


@dataclass(frozen=True)
class Indexed(InPlace):
    """A plugin that reads files where they lie, by an index that it prepares."""

    def prepare(self, run):
        (run.folder / "index").write_text("index")

    def open(self, folder):
        (folder / "index").read_text()
        return OnDisk(self.root)


@pytest.fixture
def truth(tmp_path):
    path = tmp_path / "data/truth.bin"
    path.parent.mkdir()
    path.write_bytes(b"1")
    return path


@pytest.fixture(autouse=True)
def _forget():
    data_stages._identities.clear()


def test_files_that_a_plugin_reads_where_they_lie_count_by_its_fingerprint(truth):
    source = InPlace(str(truth.parent))
    before = identity_of_data(source)
    truth.write_bytes(b"2")
    data_stages._identities.clear()
    assert identity_of_data(source) != before


def test_a_plugin_that_must_be_prepared_first_counts_by_its_options(truth):
    assert identity_of_data(Indexed(str(truth.parent))) == {"root": str(truth.parent)}


def test_a_change_that_no_key_sees_is_refused(truth, tmp_path, monkeypatch):
    monkeypatch.setattr(small_suite, "InMemory", Indexed)
    plugins = small_suite.plugins()
    suite = small_suite.suite(dataset={"name": "in_memory", "root": str(truth.parent)})
    store = small_suite.store(tmp_path / "runs")
    prepare_suite(suite, plugins, Engine(store))
    prepare_suite(suite, plugins, Engine(store))
    truth.write_bytes(b"2")
    with pytest.raises(DataError, match=r"dataset 'in_memory' have changed.* identity\(\)"):
        prepare_suite(suite, plugins, Engine(store))


# A byte of any file


@pytest.fixture(params=[VocFiles, CocoFiles], ids=lambda files: files.layout)
def suite_on(request, tmp_path):
    """A suite on a small dataset, which also names maps and weights that its rows read."""
    if request.param is CocoFiles:
        pytest.importorskip("pycocotools")
    data = request.param(World(7, classes=2, images=2), tmp_path / "data")
    if request.param is VocFiles:
        (data.root / "contexts.json").write_text('{"names": ["sea"], "pairs": [["sea", "cat"]]}')
        for image_id in data.world.ids:
            data.save(data.root / f"context/{image_id}.png", data_map(data, image_id))
    for image_id in data.world.ids:
        data.save(tmp_path / f"maps/{image_id}.png", data_map(data, image_id))
    (tmp_path / "weights.pth").write_bytes(b"weights")
    return small_suite.suite(
        dataset={"name": data.layout, "root": str(data.root)},
        weights={"W": {"file": str(tmp_path / "weights.pth"), "trained_on": "icons"}},
        saliency={"M": {"folder": str(tmp_path / "maps"), "detector": "D", "trained_on": "DUTS"}},
        generators={"S": {"name": "salient", "saliency": "M", "weights": "W"}},
        rows=[{"method": "S", "generator": "S", "rule": {"name": "constant", "threshold": 0.5}}],
        held_out=0,
    )


def data_map(data, image_id):
    return Image.fromarray(data.world.maps[image_id] // 255)


def key_of(suite):
    """The key of the counts of the row, as a new process finds it."""
    data_stages._identities.clear()
    (row,) = method_rows(Graph(suite, small_suite.plugins(), 0), None)
    return row.counts.key


def test_a_byte_of_any_file_decides_the_key_of_the_row(suite_on, tmp_path):
    key = key_of(suite_on)
    assert key_of(suite_on) == key
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in files:
        content, status = path.read_bytes(), path.stat()
        for place in {0, len(content) // 2, len(content) - 1}:
            changed = bytes([content[place] ^ 1])
            path.write_bytes(content[:place] + changed + content[place + 1 :])
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
            with contextlib.suppress(DataError):  # which is right as well
                # White space between the words of a file of text means nothing.
                same = key_of(suite_on) == key
                assert not same or (not changed.strip() and path.suffix != ".png"), path
        path.write_bytes(content)
    assert key_of(suite_on) == key
