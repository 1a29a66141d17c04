"""Table files: the rows and columns of a table, its footnotes, and what is bold or underlined.

docs/tables.md explains them; configs/tables has some.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from wsss_harness.system.models import StrictModel, read_toml, validated
from wsss_harness.system.similar import did_you_mean
from wsss_leaderboard.records.published import FigureKind, published

Words = Literal["method", "seg", "sup", "rule", "venue"]
Beside = Literal["95 %", "ranks", "tie", "gap"]
Lines = Literal["masks", "segmentors", "both"]
Among = Literal["column", "row", "none"]
JOINT = " + "  # between a method and its refiner in the name of a row
Name = Annotated[str, Field(min_length=1)]


class ColumnSpec(StrictModel):
    """A column of words, of measured numbers, of their standing, or of published figures.

    ``standing``: the interval of the mIoU, its ranks, tie group, or share of the attainable gap.
    ``refiner``: reads the row of the same generator with this refiner, else the row "EPS + CRF".
    ``split`` of a figure: by default train for masks and val for segmentors.
    ``less``: the head of the column of numbers whose difference is added in brackets.
    """

    head: Name
    words: Words | None = None
    number: str = ""
    standing: Beside | None = None
    figure: FigureKind | None = None
    split: str = ""
    refiner: str = ""
    less: str = ""
    footnote: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(map(bool, (self.words, self.number, self.standing, self.figure))) != 1:
            raise ValueError("a column has one of words, number, standing and figure")
        if self.split and not self.figure:
            raise ValueError("only a column of figures has a split")
        return self


class RowSpec(StrictModel):
    """The row of a method, on its masks or on a segmentor; ``name`` replaces the method's."""

    method: Name
    segmentor: str = ""
    name: str = ""
    footnote: str = ""


class TableFile(StrictModel):
    """``dataset`` is one of published.toml; ``suite`` is the name of the results that are read.

    Without ``rows`` every method of the records is shown, on ``lines``. ``bold`` and ``underline``
    mark the best and second best among the numbers of a column or of a row; ``within``: heads of
    columns of words; only rows with the same words are compared.
    """

    title: Name
    label: Annotated[str, Field(pattern=r"^[A-Za-z0-9:._-]*$")] = ""
    suite: str = ""
    dataset: str = ""
    lines: Lines = "masks"
    bold: Among = "column"
    underline: Among = "none"
    within: tuple[str, ...] = ()
    columns: tuple[ColumnSpec, ...]
    rows: tuple[RowSpec, ...] = ()
    footnotes: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        heads = [column.head for column in self.columns]
        if not heads or self.columns[0].words != "method":
            raise ValueError('the first column has words = "method"')
        if len(set(heads)) < len(heads):
            raise ValueError("two columns have the same head")
        words = {column.head for column in self.columns if column.words}
        for name in self.within:
            if name not in words:
                raise ValueError(f"within names '{name}', which is no column of words")
        for column in self.columns:
            if column.less and column.less not in set(heads) - words:
                raise ValueError(f"less names '{column.less}', which is no column of numbers")
        parts: tuple[ColumnSpec | RowSpec, ...] = (*self.columns, *self.rows)
        for part in parts:
            if part.footnote and part.footnote not in self.footnotes:
                raise ValueError(f"there is no footnote '{part.footnote}'")
        return self

    @model_validator(mode="after")
    def _figures_are_of_a_dataset(self) -> Self:
        datasets = published().datasets
        if self.dataset and self.dataset not in datasets:
            raise ValueError(
                f"no dataset is named '{self.dataset}'{did_you_mean(self.dataset, datasets)}"
            )
        figures = [column for column in self.columns if column.figure]
        if figures and not self.dataset:
            raise ValueError("a table with figures names their dataset")
        for column in figures:
            splits = datasets[self.dataset].splits
            if column.split and column.split not in splits:
                raise ValueError(
                    f"no split is named '{column.split}'{did_you_mean(column.split, splits)}"
                )
        return self


def is_table_file(path: Path) -> bool:
    """Whether this file describes a table rather than a suite."""
    return path.suffix == ".toml" and path.is_file() and "columns" in read_toml(path)


def read(path: Path) -> TableFile:
    """The table file at ``path``; DataError names the file and the invalid field."""
    return validated(TableFile, read_toml(path), path)
