"""A store in which the small suite was run."""

import pytest
import small_store
import small_suite


@pytest.fixture(scope="module")
def plugins():
    return small_suite.plugins()


@pytest.fixture
def root(tmp_path, plugins):
    small_store.run(tmp_path / "store", plugins)
    return tmp_path / "store"
