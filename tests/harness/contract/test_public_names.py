"""What plugins import: every public name loads lazily and is documented."""

import re
from pathlib import Path

import pytest

import wsss_harness

ROOT = Path(__file__).parents[3]
TEMPLATES = ROOT / "harness/wsss_harness/plugins/templates"


@pytest.mark.parametrize("name", wsss_harness.__all__)
def test_a_public_name_loads_and_is_documented(name):
    assert hasattr(wsss_harness, name)
    assert f"`{name}`" in (ROOT / "docs/contract.md").read_text()


def test_templates_and_the_documented_example_import_public_names_alone():
    sources = [*TEMPLATES.rglob("*.txt"), *(ROOT / "tests/third_party").rglob("*.py")]
    imported = [
        re.findall(r"(?:from|import) (wsss_harness\S*)", source.read_text()) for source in sources
    ]
    assert {name for names in imported for name in names} == {"wsss_harness"}
