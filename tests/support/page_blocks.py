"""Blocks of pages that repeat code: `make pages` writes them, a test says when they are stale.

A block stands between ``<!-- api PATH [NAME ...] -->``, for what an object or some members of a
module say of themselves, or ``<!-- file PATH -->``, for a whole file, and ``<!-- end -->``.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[2]
PAGES = ("docs/contract.md", "docs/write-a-plugin.md")
BLOCK = re.compile(r"^<!-- (api|file) ([^\n]+) -->\n.*?^<!-- end -->", re.DOTALL | re.MULTILINE)


def updated(text: str) -> str:
    """The text of a page with its blocks made anew."""
    return BLOCK.sub(lambda match: block(match[1], match[2]), text)


def block(kind: str, words: str) -> str:
    text = code_of(words) if kind == "file" else "\n\n".join(documented(*words.split()))
    return f"<!-- {kind} {words} -->\n\n{text.strip()}\n\n<!-- end -->"


def code_of(path: str) -> str:
    language = {".py": "python", ".toml": "toml"}[Path(path).suffix]
    return fenced((ROOT / path).read_text().strip(), language)


def documented(path: str, *names: str) -> Iterator[str]:
    """What an object and its public members say of themselves, or some members of a module."""
    loaded = griffe.load(path, search_paths=[ROOT / "harness"], docstring_parser="google")
    if names or loaded.is_module:
        for name in names or public(loaded):
            yield from section(loaded[name], 3)
    else:
        yield from section(loaded, 3)


def section(item: griffe.Object | griffe.Alias, level: int) -> Iterator[str]:
    yield f"{'#' * level} `{item.name}`"
    yield fenced(declaration(item), "python")
    yield from told(item)
    if item.is_class:
        members = [item[name] for name in public(item)]
        attributes = [m for m in members if m.is_attribute and m.has_docstring]
        if attributes:
            yield "**Properties**"
            yield "\n".join(f"- `{assigned(m)}`: {flat(told(m))}" for m in attributes)
        for member in members:
            if member.is_function:
                yield from section(member, level + 1)


def public(item: griffe.Object | griffe.Alias) -> list[str]:
    return [n for n, m in item.members.items() if not n.startswith("_") and not m.is_alias]


def declaration(item: griffe.Object | griffe.Alias) -> str:
    """A signature, or a class with its fields."""
    if item.is_function:
        return str(item.signature(name=item.name))
    if item.is_attribute:
        return assigned(item)
    bases = ", ".join(map(str, item.bases))
    fields = [assigned(item[name]) for name in public(item) if item[name].is_attribute]
    head = f"class {item.name}({bases}):" if bases else f"class {item.name}:"
    return "\n".join([head, *(f"    {line}" for line in fields or ["..."])])


def assigned(item: griffe.Object | griffe.Alias) -> str:
    value = "" if item.value is None else f" = {item.value}"
    return f"{item.name}: {item.annotation}{value}" if item.annotation else f"{item.name}{value}"


def told(item: griffe.Object | griffe.Alias) -> Iterator[str]:
    """The docstring, its sections as lists."""
    for part in item.docstring.parsed if item.docstring else []:
        if part.kind is griffe.DocstringSectionKind.text:
            yield part.value.replace("``", "`")
        elif part.kind is griffe.DocstringSectionKind.examples:
            yield "\n\n".join(fenced(text, "python") for _, text in part.value)
        else:
            lines = [f"- {named(entry)}" for entry in part.value]
            yield f"**{part.kind.value.capitalize()}**\n\n" + "\n".join(lines)


def flat(parts: Iterator[str]) -> str:
    """Paragraphs in one line."""
    return " ".join(" ".join(parts).replace("**", "").split())


def named(entry: griffe.DocstringElement) -> str:
    name = getattr(entry, "name", "") or entry.annotation
    words = " ".join(entry.description.split()).replace("``", "`")
    return f"`{name}`: {words}" if name else words


def fenced(text: str, language: str) -> str:
    return f"```{language}\n{text}\n```"


def main() -> None:
    for page in PAGES:
        path = ROOT / page
        path.write_text(updated(path.read_text()))


if __name__ == "__main__":
    main()
