"""MXNet's .params files, byte by byte as the source of MXNet describes them."""

import struct

import numpy as np
import pytest
import torch
from golden_files import golden

from wsss_harness.contract.errors import DataError
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones import weights
from wsss_harness.networks.backbones.params_file import read_params

TINY = {"name": "resnet38", "width": 0.0625}
ARRAYS = {
    "arg:conv1a_weight": np.arange(24, dtype="<f4").reshape(2, 3, 2, 2),
    "aux:bn7_moving_mean": np.array([1.5, -2], "<f8"),
    "arg:count": np.array([[7]], "<i8"),
}
TYPES = {"<f4": 0, "<f8": 1, "<f2": 2, "|u1": 3, "<i4": 4, "|i1": 5, "<i8": 6}


def shape_of(values, version):
    if version == 0:
        return struct.pack(f"<{1 + values.ndim}I", values.ndim, *values.shape)
    magic = {1: 0xF993FAC8, 2: 0xF993FAC9, 3: 0xF993FACA}[version]
    storage = struct.pack("<i", 0) if version > 1 else b""
    sides = struct.pack(f"<i{values.ndim}q", values.ndim, *values.shape)
    return struct.pack("<I", magic) + storage + sides


def array(values, version=2):
    head = struct.pack("<iii", 1, 0, TYPES[values.dtype.str])
    return shape_of(values, version) + head + values.tobytes()


def params(arrays=ARRAYS, version=2, names=None, bodies=None):
    bodies = [array(values, version) for values in arrays.values()] if bodies is None else bodies
    names = list(arrays) if names is None else names
    content = struct.pack("<QQQ", 0x112, 0, len(bodies)) + b"".join(bodies)
    content += struct.pack("<Q", len(names))
    return content + b"".join(struct.pack("<Q", len(n)) + n.encode() for n in names)


def written(tmp_path, content, name="net.params"):
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("version", range(4))
def test_all_versions_of_the_format_are_read(tmp_path, version):
    actual = read_params(written(tmp_path, params(version=version)))
    assert list(actual) == ["conv1a_weight", "bn7_moving_mean", "count"]
    for values, expected in zip(actual.values(), ARRAYS.values(), strict=True):
        assert values.dtype == expected.dtype
        np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_all_types_are_read(tmp_path, kind):
    values = np.array([[1, 2, 3]], kind)
    (actual,) = read_params(written(tmp_path, params({"arg:a": values}))).values()
    assert actual.dtype == values.dtype
    np.testing.assert_array_equal(actual, values)


@pytest.mark.parametrize(("version", "size"), [(0, 0), (1, 0), (2, 0), (3, 1)])
def test_an_array_without_dimensions_is_empty_or_a_single_number(tmp_path, version, size):
    nothing = np.zeros((), "<f4")
    body = array(nothing, version) if version == 3 else shape_of(nothing, version)
    (actual,) = read_params(written(tmp_path, params(names=["arg:a"], bodies=[body]))).values()
    assert actual.size == size


@pytest.mark.parametrize("kept", [3, 20, 30, 60, 150, -1])
def test_a_file_that_is_cut_short_is_named(tmp_path, kept):
    path = written(tmp_path, params()[:kept])
    with pytest.raises(DataError, match=r"net\.params cannot be read .*: it ends at byte .*Get it"):
        read_params(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\3\4" + bytes(40), "does not begin with the number 0x112"),
        (params(bodies=[struct.pack("<I", 0xF993FAFF)], names=["a"]), "neither a known version"),
        (params(bodies=[struct.pack("<Ii", 0xF993FAC9, 1)], names=["a"]), "stored in the form 1"),
        (
            params(bodies=[shape_of(np.zeros(2), 2) + struct.pack("<iii", 1, 0, 9)], names=["a"]),
            "has the type 9; known are 0 to 6",
        ),
        (
            params(bodies=[struct.pack("<Iiiq", 0xF993FAC9, 0, 1, -5)], names=["a"]),
            r"has the shape \[-5\]",
        ),
        (params(names=["arg:a"]), "it has 3 arrays, but 1 names"),
        (params() + b"more", "4 bytes follow its end"),
        (struct.pack("<QQQ", 0x112, 0, 2**60), "is cut short"),
        (
            params(bodies=[struct.pack("<Iiiq", 0xF993FAC9, 0, 1, 2**40) + bytes(12)], names=["a"]),
            "is cut short",
        ),
    ],
)
def test_a_file_that_is_something_else_is_refused(tmp_path, content, message):
    with pytest.raises(DataError, match=message):
        read_params(written(tmp_path, content))


def test_an_empty_file_is_cut_short(tmp_path):
    with pytest.raises(DataError, match="it ends at byte 0"):
        read_params(written(tmp_path, b""))


def mxnet_names():
    arrays = golden("mxnet_names.npz")
    return {
        str(ours): f"{kind}:{theirs}"
        for kind, theirs, ours in zip(
            arrays["kind"], arrays["mxnet_names"], arrays["torch_names"], strict=True
        )
        if str(ours)
    }


def test_resnet38_loads_from_the_file_of_mxnet(tmp_path):
    official = backbones.build(**TINY)
    known = mxnet_names()
    arrays = {
        known[name]: value.numpy()
        for name, value in official.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }
    classifier = {"arg:linear1000_weight": np.zeros((4, 2), "<f4")}
    path = written(tmp_path, params(arrays | classifier, version=0))
    backbone = backbones.build(**TINY)
    assert weights.load_weights(backbone, path) == ("linear1000.weight",)
    for name, value in backbone.state_dict().items():
        assert torch.equal(value, official.state_dict()[name])
    path = written(tmp_path, params(arrays | {"arg:odd_weight": np.zeros((1,), "<f4")}, version=0))
    with pytest.raises(DataError, match=r"1 tensors are unexpected \(odd_weight\)"):
        weights.load_weights(backbone, path)
