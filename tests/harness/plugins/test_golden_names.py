"""The golden files that methods name are there, and tests compare the methods with them."""

import re
from pathlib import Path

import pytest

from wsss_harness.plugins.registry import installed

TESTS = Path(__file__).parents[2]
OURS = [
    offer
    for offers in installed().offers.values()
    for offer in offers.values()
    if offer.distribution.startswith("wsss-bench ")
]
NAMED = sorted({name for offer in OURS for name in offer.golden})
LOADED = {
    name
    for path in TESTS.rglob("*.py")
    for name in re.findall(r"\"(\w+)\.npz\"", path.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("name", NAMED)
def test_a_named_golden_file_is_there_and_loaded_by_a_test(name):
    assert (TESTS / f"golden/{name}.npz").is_file()
    assert name in LOADED


def test_every_method_of_a_paper_names_what_it_agrees_with():
    assert [offer.name for offer in OURS if offer.paper and not offer.golden] == []
