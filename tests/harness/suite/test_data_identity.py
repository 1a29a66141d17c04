"""Whatever a run reads of a dataset decides the keys of its stages."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import small_suite
from fake_data import FakeDataset

from wsss_harness.contract.errors import DataError
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.run import prepare_suite
from wsss_harness.suite import inputs
from wsss_harness.suite.inputs import identity_of_data


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
    inputs._fingerprints.clear()


def test_files_that_a_plugin_reads_where_they_lie_count_by_its_fingerprint(truth):
    source = InPlace(str(truth.parent))
    before = identity_of_data(source)
    truth.write_bytes(b"2")
    inputs._fingerprints.clear()
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
