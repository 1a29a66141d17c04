"""Print tables in the form that is asked for, and keep those of a page as the records have them."""

import re
import shlex
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from rich.console import Console

from wsss_harness.cli.app import print_documents
from wsss_harness.cli.messages import print_plain
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.suite import shipped
from wsss_harness.suite.results import doubts, results_named, results_of
from wsss_harness.system.files import write_text
from wsss_harness.system.similar import did_you_mean
from wsss_leaderboard.cli.report import SUMMARY, print_tables, tables
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.standings import standings
from wsss_leaderboard.tables import tablefiles
from wsss_leaderboard.tables.filled import fill
from wsss_leaderboard.tables.notes import marked
from wsss_leaderboard.tables.table import FORMATS, Table

BEGIN, END = "<!-- wsss table ", "<!-- end of table -->"
MARK = re.compile(rf"^{BEGIN}", re.MULTILINE)  # not one that is quoted
BLOCK = re.compile(rf"^{BEGIN}([^\n]+) -->\n(.*?)^{END}", re.DOTALL | re.MULTILINE)


def print_tables_of(
    source: Path,
    folders: Sequence[Path],
    store: Path,
    form: str,
    console: Console,
    only: Sequence[str] | None = (SUMMARY,),
) -> None:
    """Print the table of a table file, or the tables of a suite that ``only`` names; None: all.

    ``folders`` of results or boards are read instead of the results in ``store``.

    Raises:
        DataError: there are no records, or a file is not what it should be, by name.
        ConfigError: records or figures may not share a table, or a table is not there, by name.
    """
    source = shipped_table(source)
    groups = folders_of(source, folders, store)
    for doubt in doubts(chain.from_iterable(groups.values())):
        print_plain(Console(stderr=True), doubt, style="yellow")
    if tablefiles.is_table_file(source):
        named = {"": [(source.stem, table_of(source, groups[""]))]}
    else:
        named = {name: tables(entries.load(group)) for name, group in groups.items()}
    names = names_of(named.values(), only)
    if form == "terminal":
        for name, group in groups.items():
            print_tables(named[name], group, console, names)
        return
    chosen = [[table for table in named[name] if table[0] in names] for name in groups]
    if form == "json":
        documents = {
            name: {file: table.json() for file, table in content}
            for name, content in zip(groups, chosen, strict=True)
        }
        print_documents(documents, console)
    else:
        every = (table for content in chosen for _, table in content)
        console.file.write("\n".join(FORMATS[form](table) for table in every))


def shipped_table(source: Path) -> Path:
    """The file of a table that comes with the harness, by its name; a suite's name goes first."""
    others = {*shipped.named("suites")}
    files = shipped.named("tables")
    return files[str(source)] if str(source) in files.keys() - others else source


NamedTables = Sequence[tuple[str, Table]]


def names_of(named: Iterable[NamedTables], only: Sequence[str] | None) -> Sequence[str]:
    """The names of the tables to print. Raises ConfigError for one that is not there."""
    every = list(dict.fromkeys(name for content in named for name, _ in content))
    if only is None or SUMMARY not in every:  # a table file has one table
        return every
    for name in only:
        if name not in every:
            raise ConfigError(f"there is no table '{name}'{did_you_mean(name, every)}")
    return only


def folders_of(source: Path, folders: Sequence[Path], store: Path) -> dict[str, Sequence[Path]]:
    """The folders of results to read, by dataset: ``folders``, or else those of the source."""
    if tablefiles.is_table_file(source):
        own = results_named(tablefiles.read(source).suite, store)
        return {"": folders or [folder for name, folder in own.items() if not name]}
    by_dataset = {} if folders else results_of(source, store)
    return {name: [folder] for name, folder in by_dataset.items()} or {"": folders}


def table_of(path: Path, folders: Sequence[Path]) -> Table:
    """The table of a table file, without numbers of ours where there are no folders."""
    loaded = entries.load(folders)
    records = [run.record for run in loaded]
    return marked(fill(tablefiles.read(path), records, standings(loaded)), records)


def updated(page: Path) -> str:
    """The text of a page whose tables are made again by the commands in its marks.

    A table stands between ``<!-- wsss table FILE.toml --results FOLDER -->`` and
    ``<!-- end of table -->``; paths are relative to the page, and without a folder nothing is
    measured.

    Raises:
        ConfigError: there is no such mark, or one is not like this.
    """
    text = _read(page)
    marks, blocks = len(MARK.findall(text)), len(BLOCK.findall(text))
    if not blocks or marks != blocks:
        raise ConfigError(
            f"{page} has {marks} marks of a table, {blocks} of them complete; expected "
            f"{BEGIN}FILE.toml --results FOLDER --> and, below the table, {END}"
        )
    return BLOCK.sub(lambda match: _block(match[1], page), text)


def _block(words: str, page: Path) -> str:
    file, *options = shlex.split(words)
    folders = [page.parent / folder for folder in options[1::2]]
    if options != [word for folder in options[1::2] for word in ("--results", folder)]:
        raise ConfigError(f"{page}: '{words}' is not FILE.toml --results FOLDER")
    table = table_of(page.parent / file, folders)
    return f"{BEGIN}{words} -->\n\n{table.markdown()}\n{END}"


def _read(page: Path) -> str:
    try:
        return page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"the page {page} cannot be read: {error}") from None


def update(page: Path, check: bool) -> bool:
    """Whether a page had other tables; they are made again unless this is only to ``check``."""
    before, after = _read(page), updated(page)
    if after != before and not check:
        write_text(page, after)
    return after != before
