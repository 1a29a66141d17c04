"""The state of training on disk."""

import pytest

from wsss_harness.contract.errors import DataError
from wsss_harness.networks.checkpoints import read_state


def test_damaged_state_is_named(tmp_path):
    (tmp_path / "state.pth").write_bytes(b"not weights")
    with pytest.raises(DataError, match=r"state\.pth cannot be read as weights"):
        read_state(tmp_path / "state.pth")
