"""A wrong name is answered with the most similar one that there is, then with a few others."""

import pytest

from wsss_harness.system.similar import did_you_mean

ROWS = ["CAM", "SEAM", "EPS", "EPS + CRF"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [("seam", "SEAM"), ("EPS+CRF", "EPS + CRF"), ("crf", "EPS + CRF"), ("cma", "CAM")],
)
def test_the_most_similar_name_comes_first_in_any_case(name, nearest):
    assert did_you_mean(name, ROWS).startswith(f"; did you mean '{nearest}'? Others: ")


def test_without_a_similar_name_all_are_listed_in_their_order():
    assert did_you_mean("xyz", ROWS) == "; there are CAM, SEAM, EPS, EPS + CRF"
    assert did_you_mean("", ["CAM"]) == "; there is CAM"
    assert did_you_mean("CAM", []) == "; there are none"


def test_of_many_names_only_a_few_are_listed():
    options = [f"option_{number}" for number in range(30)]
    assert did_you_mean("zzz", options).endswith("option_5 and 24 more")
    suggested = did_you_mean("option7", options)
    assert suggested.startswith("; did you mean 'option_7'? Others: ")
    assert suggested.endswith(" and 23 more")


def test_names_that_differ_in_case_alone_stay_apart():
    assert did_you_mean("eps2", ["EPS", "eps"]) == "; did you mean 'EPS'? Others: eps"


def test_a_name_with_a_comma_is_quoted_in_a_list():
    assert did_you_mean("xyz", ["A", "B, too"]) == "; there are A, 'B, too'"
