"""One small run whose rows are exported as packs."""

import pytest
import small_suite
from sample_packs import DATA, run

from wsss_harness.packs.exchange import export_row


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


@pytest.fixture(scope="module")
def small_run(tmp_path_factory, plugins):
    """Outcomes and collector of the small suite, for all tests that only read them."""
    return run(tmp_path_factory.mktemp("small_run"), plugins)


@pytest.fixture
def exported(tmp_path, small_run):
    """A pack of the masks, or scores, of the row R."""

    def export(kind="masks"):
        outcomes, collector = small_run
        folder = tmp_path / "pack"
        export_row(outcomes["R"].row, collector.store, DATA, kind, folder)
        return folder

    return export
