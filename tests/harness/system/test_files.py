"""Arrays that are written row by row."""

import errno

import numpy as np
import pytest

from wsss_harness.contract.errors import PluginError
from wsss_harness.system import files


@pytest.mark.parametrize("shape", [(), (3,), (2, 4)])
def test_rows_make_an_array(tmp_path, shape):
    expected = np.arange(5 * int(np.prod(shape))).reshape(5, *shape)
    with files.row_writer(tmp_path / "counts.npy", 5) as write:
        for row in expected:
            write(np.asarray(row))
    array = np.load(tmp_path / "counts.npy", mmap_mode="r", allow_pickle=False)
    assert array.dtype == np.int64
    np.testing.assert_array_equal(array, expected)


def test_rows_of_another_shape_are_refused_and_leave_nothing(tmp_path):
    def write_two():
        with files.row_writer(tmp_path / "counts.npy", 2) as write:
            write(np.zeros(3, np.int64))
            write(np.zeros(4, np.int64))

    with pytest.raises(PluginError, match=r"counts has counts of shape \(4,\) after \(3,\)"):
        write_two()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_names_the_file_that_was_written(tmp_path):
    with pytest.raises(OSError, match=r"No space.*table\.md"), files.atomic(tmp_path / "table.md"):
        raise OSError(errno.ENOSPC, "No space left on device")
