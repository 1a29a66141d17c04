"""The firewall: a method sees a view of the data with only the supervision that it declared."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NoReturn, Protocol

from wsss_harness.contract.errors import SupervisionError
from wsss_harness.contract.kinds import IMAGE_LABELS as IMAGE_LABELS
from wsss_harness.contract.kinds import LANGUAGE as LANGUAGE
from wsss_harness.contract.kinds import LETTERS as LETTERS
from wsss_harness.contract.kinds import REGIONS as REGIONS
from wsss_harness.contract.kinds import SALIENCY as SALIENCY
from wsss_harness.contract.kinds import SUPERVISION as SUPERVISION
from wsss_harness.contract.kinds import TRUTH as TRUTH
from wsss_harness.contract.texts import Texts
from wsss_harness.contract.types import Image, Map, Mask, Sample

READERS = {
    "image": "image",
    IMAGE_LABELS: "present",
    SALIENCY: "saliency",
    REGIONS: "regions",
    LANGUAGE: "texts",
}


class Dataset(Protocol):
    """Images with supervision and truth. Only measuring stages get a whole dataset.

    Optional:

    - ``scored``: a property, the images of train whose masks are scored (by default all), as VOC's
      train within the larger list that is trained on.
    - ``size(image_id)``: the (H, W) of an image without decoding it.
    - ``has_truth(image_id)``, ``has_saliency(image_id)``: whether there is a truth, or a map, to
      read; without these methods every image has one. If no scored image has a truth, masks are
      made but not scored.

    Every method may raise DataError for a missing or damaged file.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes 1..C, without the background."""

    @property
    def contexts(self) -> tuple[tuple[str, str], ...]:
        """Pairs (context, class) that co-occur, such as (water, boat); may be empty."""

    @property
    def supervision(self) -> frozenset[str]:
        """The kinds of supervision that the dataset has, out of SUPERVISION."""

    def ids(self, split: str) -> tuple[str, ...]:
        """The image ids of the split "train" or "val"; DataError for another name."""

    def image(self, image_id: str) -> Image:
        """(H, W, 3) uint8 RGB."""

    def present(self, image_id: str) -> tuple[int, ...]:
        """The classes in the image, from 1..C, ascending."""

    def saliency(self, image_id: str) -> Map:
        """(H, W) float32 in [0, 1]; called only if ``supervision`` has SALIENCY."""

    def truth(self, image_id: str) -> Mask:
        """(H, W) uint8: 0 background, 1..C, or 255 where pixels do not count."""

    def context(self, image_id: str) -> dict[str, Any]:
        """{context name: (H, W) bool} in the order of ``contexts``; empty without contexts.

        The values are None for an image whose contexts were not annotated.
        """

    def fingerprint(self) -> str:
        """A digest of everything that a stage may read."""


def scored_ids(dataset: Dataset) -> tuple[str, ...]:
    """The images of train whose masks are scored; by default all."""
    scored: tuple[str, ...] = getattr(dataset, "scored", ()) or dataset.ids("train")
    return scored


def without(dataset: Dataset, part: str, ids: Iterable[str]) -> tuple[str, ...]:
    """Those of ``ids`` that have no TRUTH, SALIENCY or REGIONS, as far as the dataset says so."""
    if part != TRUTH and part not in dataset.supervision:
        return tuple(ids)
    has = getattr(dataset, f"has_{part}", None)
    return () if has is None else tuple(image_id for image_id in ids if not has(image_id))


def scores_masks(dataset: Dataset) -> bool:
    """Whether masks can be scored: False if none of the scored images has a truth."""
    ids = scored_ids(dataset)
    has = getattr(dataset, "has_truth", None)
    return has is None or any(map(has, ids))


class Ledger:
    """Records, as empty files, which supervision a stage read; safe across worker processes."""

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

    Iterating yields image ids; ``view[image_id]`` is a Sample. ``owner`` names the plugin in
    errors.

    Raises:
        SupervisionError: ``needs`` names something that is not supervision.
    """

    def __init__(
        self, dataset: Dataset, split: str, needs: Collection[str], ledger: Ledger, owner: str
    ) -> None:
        check_needs(needs, owner)
        # Methods instead of the dataset keep undeclared parts out of reach.
        self._readers = {part: getattr(dataset, READERS[part]) for part in ("image", *needs)}
        self._ledger = ledger
        self.owner = owner
        self.needs = frozenset(needs)
        self.classes = dataset.classes
        self.ids = dataset.ids(split)

    @property
    def texts(self) -> Texts:
        """Prompts of the classes and background words; only with LANGUAGE among the needs."""
        texts: Texts = self._give("", LANGUAGE)
        return texts

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __getitem__(self, image_id: str) -> Sample:
        return Sample(image_id, lambda part: self._give(image_id, part))

    def __getattr__(self, name: str) -> NoReturn:
        if name in ("truth", "context", "dataset"):
            raise SupervisionError(
                f"{self.owner} read '{name}': generators, refiners and segmentors never see "
                "the truth; only measuring stages do"
            )
        raise AttributeError(f"View has no attribute '{name}'")

    def _give(self, image_id: str, part: str) -> Any:
        if part not in self._readers:
            of_image = f" of image {image_id}" if image_id else ""
            raise SupervisionError(
                f"{self.owner} read '{part}'{of_image}, but declares "
                f"{sorted(self.needs) or 'nothing'}; add it to its `needs`"
            )
        if part in SUPERVISION:
            self._ledger.note(part)
        return self._readers[part](image_id)


def check_needs(needs: Collection[str] | None, owner: str) -> None:
    """Raise SupervisionError unless ``needs`` are declared and are kinds of supervision."""
    if needs is None:
        raise SupervisionError(f"{owner} must declare its supervision in a class attribute `needs`")
    unknown = sorted(set(needs) - SUPERVISION)
    if unknown:
        raise SupervisionError(
            f"{owner} declares '{unknown[0]}' in `needs`, which may hold only {sorted(SUPERVISION)}"
        )
