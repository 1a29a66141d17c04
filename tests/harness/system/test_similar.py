"""A wrong name is answered with the most similar one that there is."""

import pytest

from wsss_harness.system.similar import did_you_mean


@pytest.mark.parametrize(
    ("name", "expected"),
    [("seam", "; did you mean 'SEAM'?"), ("EPS+CRF", "; did you mean 'EPS + CRF'?"), ("Xyz", "")],
)
def test_the_most_similar_name_is_offered_in_any_case(name, expected):
    assert did_you_mean(name, ["CAM", "SEAM", "EPS", "EPS + CRF"]) == expected


def test_without_names_nothing_is_offered():
    assert did_you_mean("CAM", []) == did_you_mean("", ["CAM"]) == ""
