"""Sources of supervision that a suite names beside its dataset: maps of saliency or of regions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from wsss_harness.contract.kinds import StatedKind
from wsss_harness.system.models import StrictModel
from wsss_harness.system.resizing import Resize

SourceKind = Literal["saliency", "regions"]


class Source(StrictModel):
    """Maps ID.png in a folder, with who made them and from what; or superpixels to find.

    ``also``: supervision that went into the maps besides their kind, such as boxes or language.
    ``licence``: for readers of records. ``resize``: the interpolation by which a saliency map of
    the whole image gets the size of the image. ``detector`` is an older word for ``made_by``.
    """

    kind: SourceKind
    folder: str | None = None
    made_by: str = ""
    trained_on: str = ""
    licence: str = ""
    also: tuple[StatedKind, ...] = ()
    superpixels: dict[str, Any] | None = None
    resize: Resize = "none"

    @property
    def path(self) -> Path:
        """The folder of the maps, if they are not superpixels."""
        return Path(self.folder or "")

    @model_validator(mode="before")
    @classmethod
    def _older_word(cls, table: Any) -> Any:
        if not isinstance(table, Mapping) or "detector" not in table:
            return table
        if "made_by" in table:
            raise ValueError("detector and made_by mean the same; leave one of them out")
        return {"made_by" if k == "detector" else k: value for k, value in table.items()}

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.folder is None) == (self.superpixels is None):
            raise ValueError("expected either a folder or superpixels")
        if self.folder is not None and not (self.made_by and self.trained_on):
            raise ValueError("maps of a folder need made_by and trained_on")
        if self.kind == "saliency" and self.superpixels is not None:
            raise ValueError("superpixels are regions; set kind = 'regions'")
        if self.kind == "regions" and self.resize != "none":
            raise ValueError("only saliency maps are resized; regions must have the image's size")
        return self


def of_kind(tables: Any, kind: str) -> Any:
    """The tables of sources with this kind, where they name none.

    Raises:
        ValueError: one names another kind.
    """
    if not isinstance(tables, Mapping):
        return tables
    filled: dict[str, Any] = {}
    for label, table in tables.items():
        is_table = isinstance(table, Mapping)
        if is_table and table.get("kind", kind) != kind:
            raise ValueError(f"'{label}' has the kind {table['kind']!r}; expected {kind}")
        filled[label] = {"kind": kind, **table} if is_table else table
    return filled
