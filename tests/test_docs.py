"""What the pages show exists and works: commands, options, suites, paths and functions."""

import ast
import json
import pkgutil
import re
import shutil
import sys
import tomllib
from dataclasses import asdict
from pathlib import Path

import doc_pages
import page_blocks
import pytest
import yaml
from doc_pages import PAGES, ROOT
from typer.main import get_command

from wsss_harness.plugins.registry import installed
from wsss_harness.store import owners
from wsss_harness.store.store import Store
from wsss_harness.suite import shipped
from wsss_harness.suite.environments import environments_in
from wsss_harness.suite.reading import check_suite, read_suite
from wsss_harness.suite.selection import Request
from wsss_harness.suite.spec import Suite
from wsss_harness.suite.suite_rows import plan_of
from wsss_harness.suite.texts_file import texts_in
from wsss_harness.system import files
from wsss_leaderboard.cli.app import app, main
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.tables.tablefiles import TableFile

SUITE = ROOT / "configs/suites/railscenes.toml"
TABLE = ROOT / "configs/tables/railscenes.toml"
EXAMPLES = {"SUITE": str(SUITE), "suite.toml": str(SUITE), "TABLE.toml": str(TABLE)}
# Commands that take seconds, and words of those that need more than the repository has.
CHEAP = (
    *("doctor", "plugins", "status", "plan", "table", "diff", "store list", "plugin new"),
    *("leaderboard build", "leaderboard schema"),
)
NEED_MORE = re.compile(r"voc12|FILE.toml|FOLDER|\.\./| A B|NAME|PAGE")
FOLDERS = ("configs", "harness", "leaderboard", "plugins", "tests", "benchmarks", "docs")
# Paths on pages begin at one of these.
BASES = (ROOT, ROOT / "harness/wsss_harness", ROOT / "leaderboard/wsss_leaderboard")

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


# Command lines


def command_lines():
    """Each command line of any page, once."""
    lines = (tuple(words) for page in PAGES for words in doc_pages.command_lines(page))
    return [list(words) for words in dict.fromkeys(lines)]


def each_line(select=lambda words: True):
    lines = [words for words in command_lines() if select(words)]
    return pytest.mark.parametrize("words", lines, ids=" ".join)


def command_of(words):
    """The command at the start of a line, its context, and the words that are left."""
    command, words = get_command(app), list(words)
    context = command.make_context("wsss", [], resilient_parsing=True)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        assert words[0] in command.commands, f"{context.command_path} has no '{words[0]}'"
        command = command.commands[words[0]]
        context = command.make_context(words.pop(0), [], parent=context, resilient_parsing=True)
    return command, context, words


def leaves(command, path=()):
    """(name, command) of each command that is no group."""
    if not hasattr(command, "commands"):
        yield " ".join(path), command
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, (*path, name))


COMMANDS = dict(leaves(get_command(app)))


def options_of(command):
    return {option for param in command.params for option in param.opts + param.secondary_opts}


@each_line()
def test_commands_and_their_options_exist(words):
    command, context, words = command_of(words)
    context.resilient_parsing = False  # it would let unknown options pass
    _, extra, _ = command.make_parser(context).parse_args(words)
    assert not extra


@each_page
def test_options_in_running_text_exist(page):
    known = {option for command in COMMANDS.values() for option in options_of(command)}
    named = [span.split()[0] for span in doc_pages.spans(page) if span.startswith("--")]
    assert set(named) <= known


def test_every_command_is_on_a_page():
    lines = [" ".join([*words, ""]) for words in command_lines()]
    shown = {name for name in COMMANDS for line in lines if line.startswith(f"{name} ")}
    assert shown == COMMANDS.keys()


def test_the_list_of_commands_with_json_is_complete():
    text = " ".join((ROOT / "docs/index.md").read_text().split())
    (listed,) = re.findall(r"((?:`[a-z ]+`[,a-z ]*)+) print JSON with `--json`", text)
    json_commands = {name for name in COMMANDS if "--json" in options_of(COMMANDS[name])}
    assert set(re.findall("`(.+?)`", listed)) == json_commands


def is_cheap(words):
    """Whether a line takes seconds, needs nothing from elsewhere, and is no mere mention."""
    line = " ".join(words)
    if not line.startswith(CHEAP) or NEED_MORE.search(line):
        return False
    command, context, words = command_of(words)
    values, _, _ = command.make_parser(context).parse_args(words)
    return all(values.get(param.name) for param in command.params if param.required)


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with the configs, and the records of the repository as results and as a board."""
    for name in ("configs", "README.md", "docs"):
        (tmp_path / name).symlink_to(ROOT / name)
    for name in ("leaderboard/board", "runs/results/railscenes", "board"):
        shutil.copytree(ROOT / "leaderboard/board", tmp_path / name)
    monkeypatch.chdir(tmp_path)
    owner = Request(SUITE).owner(Path("runs"))
    files.write_json(Path("runs/results/railscenes") / owners.OWNER, asdict(owner))


@each_line(is_cheap)
def test_a_command_line_works_as_shown(words, workplace, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["wsss", *(EXAMPLES.get(word, word) for word in words)])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert not stopped.value.code


# Suites, tables and records


def overrides_of(words):
    return [words[place + 1] for place, word in enumerate(words) if word == "--set"]


@each_line(overrides_of)
def test_overrides_on_a_page_give_a_suite(words):
    suites = shipped.named("suites")
    named = [suites[word] for word in words if word in suites]
    assert read_suite(*named or [SUITE], overrides_of(words))


@each_page
def test_toml_on_a_page_is_a_suite_or_a_part_of_one_or_a_table_file(page):
    for block in doc_pages.toml_blocks(page):
        content, example = tomllib.loads(block), tomllib.loads(SUITE.read_text())
        content = environments_in(texts_in(content, page), page)
        datasets = content.pop("datasets", {})
        if "columns" in content:
            TableFile.model_validate(content)
            continue
        if {"title", "dataset", "generators"} <= content.keys():
            check_suite(content, page.name)
        for dataset in datasets.values() or [example["dataset"]]:
            Suite.model_validate({**example, "dataset": dataset, **content})


def test_the_number_of_stages_of_the_large_suite_is_current(tmp_path):
    page = " ".join((ROOT / "docs/run-suites.md").read_text().split())
    ((rows, stages),) = re.findall(r"Its (\d+) rows need (\d+) stages", page)
    suite = read_suite(ROOT / "configs/suites/railscenes_matrix.toml")
    plan = plan_of(suite, installed(), Store(tmp_path))
    assert (len(suite.rows) * len(suite.seeds), len(plan.stages)) == (int(rows), int(stages))


def test_every_field_of_a_record_is_described():
    section = (ROOT / "docs/protocol.md").read_text().split("## What a record holds")[1]
    rows = [line.split("|")[1] for line in section.split("\n## ")[0].splitlines() if "|" in line]
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == Record.model_fields.keys()


@each_page
def test_yaml_and_json_on_a_page_can_be_read(page):
    readers = {"yaml": yaml.safe_load, "json": json.loads}
    for language, block in doc_pages.blocks(page):
        if language in readers:
            readers[language](block)


# Files, functions and targets


@pytest.mark.parametrize("page", page_blocks.PAGES)
def test_what_a_page_repeats_of_code_is_up_to_date(page):
    """`make pages` writes it."""
    text = (ROOT / page).read_text()
    assert page_blocks.updated(text) == text


def test_the_tutorial_shows_the_plugin_that_is_tested():
    page = (ROOT / "docs/write-a-plugin.md").read_text()
    for path in ("tests/third_party/wsss_colours.py", "tests/third_party/pyproject.toml"):
        assert (ROOT / path).read_text().strip() in page


@each_page
def test_links_to_files_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@each_page
def test_paths_of_the_repository_exist(page):
    words = [word for line in doc_pages.command_lines(page) for word in line]
    paths = {span.partition(":")[0] for span in [*doc_pages.spans(page), *words]}
    inside = re.compile(rf"({'|'.join(FOLDERS)})/[\w./-]+|\w+(/\w+)+\.(py|toml)")
    named = {path for path in paths if inside.fullmatch(path)}
    named -= {path for path in named if re.search(r"\b[A-Z]{2,}\b", path)}  # placeholders
    assert not [path for path in named if not any((base / path).exists() for base in BASES)]


@each_page
def test_modules_and_their_names_exist(page):
    for span in doc_pages.spans(page):
        if re.fullmatch(r"wsss_(harness|leaderboard|eps|affinity|cam_baselines|irn)(\.\w+)+", span):
            pkgutil.resolve_name(span)  # raises for an unknown one


def definitions(path):
    """The functions, classes and methods of a file."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name
            children = (child for child in node.body if isinstance(child, ast.FunctionDef))
            yield from (f"{node.name}.{child.name}" for child in children)


def test_functions_named_in_the_architecture_exist():
    spans = doc_pages.spans(ROOT / "docs/architecture.md")
    named = [span.split(":") for span in set(spans) if re.fullmatch(r"[\w/]+\.py:[\w.]+", span)]
    assert len(named) > 30
    for path, name in named:
        (file,) = (base / path for base in BASES if (base / path).is_file())
        assert name in definitions(file), f"{path}:{name}"


def test_reasons_of_a_plan_are_those_that_the_command_prints():
    section = (ROOT / "docs/architecture.md").read_text().split("| reason | meaning |")[1]
    code = "".join((BASES[1] / path).read_text() for path in ("suite/plan.py", "cli/plan_tree.py"))
    for reason in re.findall(r"^\| `(?:ID.scores )?(.+?)(?: wsss_eps)?` \|", section, re.MULTILINE):
        assert "->" in reason or reason in code, reason


@each_page
def test_make_has_the_targets(page):
    (targets,) = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    code = [*doc_pages.spans(page), *(block for _, block in doc_pages.blocks(page))]
    named = re.findall(r"^\s*make ([a-z-]+)", "\n".join(code), re.MULTILINE)
    assert set(named) <= set(targets.split())


def test_the_table_of_places_is_short_and_its_paths_exist():
    lines = (ROOT / "CONTRIBUTING.md").read_text().splitlines()
    rows = [re.findall("`(.+?)`", line.split("|")[2]) for line in lines if line.startswith("|")]
    assert 10 < len(rows) <= 45
    for first, *others in filter(None, rows):
        for path in others:  # beside the first one, or from the root
            assert ((ROOT / first).parent / path).exists() or (ROOT / path).exists(), path
