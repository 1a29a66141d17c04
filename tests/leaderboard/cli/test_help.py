"""Help: grouped commands, one line each at 80 columns, no types of flags, an example of quoting."""

import re

import typer
from typer.testing import CliRunner

from wsss_leaderboard.cli.app import app

NARROW = {"COLUMNS": "80", "TERMINAL_WIDTH": "80"}


def help_of(*words):
    return CliRunner().invoke(app, [*words, "--help"], env=NARROW).output


def commands(group=None, path=()):
    """The words of every command."""
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        inner = getattr(command, "commands", None)
        yield from commands(command, (*path, name)) if inner else [(*path, name)]


def test_commands_are_grouped_and_take_a_line_each():
    shown = help_of()
    for panel in ("Run", "Look", "Extend", "Set up", "Publish"):
        assert f"─ {panel} ─" in shown
    assert "─ Commands ─" not in shown
    lines = [line for line in shown.splitlines() if line.startswith("│")]
    assert len(lines) == 1 + len(typer.main.get_command(app).commands)  # one for --help


def test_help_shows_no_types_of_flags_and_arguments():
    shown = {words: help_of(*words) for words in commands()}
    assert len(shown) > 20
    assert not [words for words, text in shown.items() if re.search(r"<\w+|bool", text)]


def test_required_options_and_arguments_are_marked():
    assert re.search(r"\* +SUITE", help_of("run"))
    assert re.search(r"\* +--to ", help_of("weights", "convert"))


def test_help_of_set_shows_how_to_quote():
    shown = " ".join(help_of("run").split())
    assert "'segmentors.\"DeepLab V1\".crop=97'" in shown
