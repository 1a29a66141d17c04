"""No row has the name of a control or bound, and every name fits in a line of a table."""

import pytest

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite.reading import check_suite

MAPS = {"folder": "maps", "detector": "d", "trained_on": "t"}


def suite(method, **changes):
    content = {
        "title": "T",
        "dataset": {"name": "railscenes"},
        "generators": {"CAM": {"name": "cam"}},
        "refiners": {"CRF": {"name": "crf"}},
        "saliency": {"Upper": MAPS},
        "rows": [{"method": method, "generator": "CAM"}],
        **changes,
    }
    return check_suite(content, "s.toml")


@pytest.mark.parametrize(
    "method",
    [
        "All background",
        "all Background ",
        "Image labels everywhere",
        "Truth at stride 8",
        "Full supervision",
        "Saliency, true classes",
        "Saliency Upper, true classes",
        "Saliency, CAM's classes",
        "Saliency Upper, CAM's classes",
        "Perfect seed + CRF",
        "Perfect seed + CRF, saliency Upper",
    ],
)
def test_a_row_named_like_a_control_or_bound_is_refused(method):
    with pytest.raises(ConfigError, match=r"s\.toml: rows\.0 .* control or bound.* another name"):
        suite(method)


def test_names_that_only_begin_like_those_of_controls_are_fine():
    assert suite("Saliency, EPS's classes").rows[0].method == "Saliency, EPS's classes"


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\tb", "\x1b[31mred", "a\u2028b", "a\u200bb"])
def test_names_that_do_not_fit_in_a_line_are_refused(name):
    with pytest.raises(ConfigError, match=r"s\.toml: a row is '"):
        suite(name)
    with pytest.raises(ConfigError, match=r"s\.toml: a name in segmentors is '"):
        suite("CAM", segmentors={name: {"name": "mmseg"}})
    with pytest.raises(ConfigError, match=r"s\.toml: the title is '"):
        suite("CAM", title=name)
