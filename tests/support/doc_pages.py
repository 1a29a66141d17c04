"""What the pages of the documentation show: command lines, code spans, paths and TOML."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
PAGES = [*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^ {4}[^\n]*\n+)+", re.MULTILINE)
COMMAND = re.compile(r"(?:^|[\s/])wsss(?= [a-z-])(.*)")


def blocks(page):
    """(language, text) of each block of code; the language of an indented one is ``""``."""
    text = page.read_text()
    yield from FENCE.findall(text)
    for block in INDENTED.findall(FENCE.sub("", text)):
        yield "", re.sub("^ {4}", "", block, flags=re.MULTILINE)


def spans(page):
    """The code spans in running text."""
    text = INDENTED.sub("\n", FENCE.sub("", page.read_text()))
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", text)]


def command_lines(page):
    """The words after ``wsss`` of each command line, in blocks and in code spans."""
    joined = [re.sub(r"\\\n\s*", "", block) for _, block in blocks(page)]
    shown = [line for block in joined for line in block.splitlines()]
    for line in [*shown, *spans(page), *re.findall("<!-- (wsss .*) -->", page.read_text())]:
        if match := COMMAND.search(line):
            yield words_of(match[1])


def words_of(text):
    """The words of a command line, without what stands two blanks behind it."""
    return shlex.split(re.split(r" {2,}| -->", text.strip())[0], comments=True)


def toml_blocks(page):
    """The TOML that a page shows, apart from a pyproject.toml."""
    for language, block in blocks(page):
        if "[build-system]" not in block and (
            language == "toml" or (not language and re.match(r"\[\w|\w+ = [\[{\"\d]", block))
        ):
            yield block
