"""The firewall: methods see a view of the data that holds only the supervision they declared."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NoReturn, Protocol

from wsss_harness.contract.errors import SupervisionError
from wsss_harness.contract.types import Image, Map, Mask, Sample

IMAGE_LABELS = "image_labels"
SALIENCY = "saliency"
TRUTH = "truth"
SUPERVISION = frozenset({IMAGE_LABELS, SALIENCY})


class Dataset(Protocol):
    """Images with supervision and truth. Only measuring stages hold a whole dataset.

    ``ids`` knows the splits "train" and "val". A property ``scored`` may name those images of train
    whose masks are scored, as VOC's train within the larger list that is trained on; without it all
    are. A method ``size(image_id)`` may give (H, W) of an image that is then not decoded for it.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes 1..C; the background is not among them."""

    @property
    def contexts(self) -> tuple[tuple[str, str], ...]:
        """Pairs (context, class) that co-occur, as (water, boat); empty without context maps."""

    @property
    def supervision(self) -> frozenset[str]:
        """What the dataset can give, out of SUPERVISION."""

    def ids(self, split: str) -> tuple[str, ...]: ...
    def image(self, image_id: str) -> Image: ...
    def present(self, image_id: str) -> tuple[int, ...]: ...
    def saliency(self, image_id: str) -> Map: ...
    def truth(self, image_id: str) -> Mask: ...
    def context(self, image_id: str) -> dict[str, Any]:
        """{context name: (H, W) bool} in the order of ``contexts``; empty without contexts.

        The values are None for an image whose contexts were not annotated.
        """

    def fingerprint(self) -> str:
        """A digest of everything that a stage may read."""


def scored_ids(dataset: Dataset) -> tuple[str, ...]:
    """The images of train whose masks are scored, in the order of train."""
    scored: tuple[str, ...] = getattr(dataset, "scored", ()) or dataset.ids("train")
    return scored


class Ledger:
    """Notes, as empty files, which supervision a stage read; safe across worker processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._noted: set[str] = set()

    def note(self, part: str) -> None:
        if part in self._noted:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / part).touch()
        self._noted.add(part)

    def read(self) -> tuple[str, ...]:
        return tuple(sorted(file.name for file in self.folder.glob("*")))


class View:
    """The images of one split with the declared supervision and nothing else.

    ``owner`` names the plugin in errors. Iterating gives image ids, indexing gives samples.
    """

    def __init__(
        self, dataset: Dataset, split: str, needs: Collection[str], ledger: Ledger, owner: str
    ) -> None:
        check_needs(needs, owner)
        names = {"image": "image", IMAGE_LABELS: "present", SALIENCY: "saliency"}
        # Methods, not the dataset: what was not declared stays out of reach.
        self._readers = {part: getattr(dataset, names[part]) for part in ("image", *needs)}
        self._ledger = ledger
        self.owner = owner
        self.needs = frozenset(needs)
        self.classes = dataset.classes
        self.ids = dataset.ids(split)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __getitem__(self, image_id: str) -> Sample:
        return Sample(image_id, lambda part: self._give(image_id, part))

    def __getattr__(self, name: str) -> NoReturn:
        if name in ("truth", "context", "dataset"):
            raise SupervisionError(
                f"{self.owner} asked for '{name}': generators, refiners and segmentors never see "
                "the truth; only measuring stages do"
            )
        raise AttributeError(f"View has no attribute '{name}'")

    def _give(self, image_id: str, part: str) -> Any:
        if part not in self._readers:
            raise SupervisionError(
                f"{self.owner} read '{part}' of image {image_id}, but declares "
                f"{sorted(self.needs) or 'nothing'}; add it to its `needs`"
            )
        if part in SUPERVISION:
            self._ledger.note(part)
        return self._readers[part](image_id)


def check_needs(needs: Collection[str] | None, owner: str) -> None:
    """Raise SupervisionError unless ``needs`` are declared and kinds of supervision."""
    if needs is None:
        raise SupervisionError(f"{owner} must declare its supervision in a class attribute `needs`")
    unknown = sorted(set(needs) - SUPERVISION)
    if unknown:
        raise SupervisionError(
            f"{owner} declares that it needs '{unknown[0]}'; "
            f"a plugin may need {sorted(SUPERVISION)}"
        )
