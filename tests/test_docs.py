"""What the docs include and link to is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_tutorial_shows_the_plugin_that_is_tested():
    page = (ROOT / "docs/write-a-plugin.md").read_text()
    included = re.findall(r'^--8<-- "(.+)"$', page, flags=re.MULTILINE)
    assert included == ["tests/third_party/wsss_colours.py", "tests/third_party/pyproject.toml"]
    assert all((ROOT / path).is_file() for path in included)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    from typer.main import get_command

    from wsss_leaderboard.cli.app import app

    groups = get_command(app).commands
    for name, sub in re.findall(r"(?:^|[`/ ])wsss ([a-z]+)(?: ([a-z]+))?", page.read_text()):
        if name in ("plugin", "pack", "store", "leaderboard") and sub:
            assert sub in groups[name].commands, f"wsss {name} {sub}"
        else:
            assert name in groups, f"wsss {name}"
