"""The data of a stage: its dataset, the saliency maps that replace the dataset's, and its view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from wsss_harness.contract.classes import check_classes
from wsss_harness.contract.errors import DataError
from wsss_harness.contract.hookspecs import DatasetSource, Run
from wsss_harness.contract.image_ids import check_image_id
from wsss_harness.contract.supervision import REGIONS, SALIENCY, Dataset, View, scored_ids
from wsss_harness.contract.types import Map, RegionMasks, Regions
from wsss_harness.store.work import Work
from wsss_harness.system import files, pictures, region_files
from wsss_harness.system.resizing import Resize

if TYPE_CHECKING:  # only stages that read texts depend on their module
    from wsss_harness.stages.texts import SuiteTexts

TRAIN, SCORED, VAL = "train", "scored", "val"
REGION_MAP = ".png"
BACKBONE = "backbone.pth"  # what a pretraining writes
FINGERPRINT = "fingerprint.txt"  # of the data as they were prepared


@dataclass(frozen=True)
class WithMaps:
    """A dataset with the maps of a folder as this ``part`` of its supervision."""

    part: ClassVar[str]
    dataset: Dataset
    folder: Path

    def __getattr__(self, name: str) -> Any:
        if name == "dataset":  # it is not there yet while a copy is read in another process
            raise AttributeError(name)
        return getattr(self.dataset, name)

    @property
    def supervision(self) -> frozenset[str]:
        return self.dataset.supervision | {self.part}


@dataclass(frozen=True)
class WithSaliency(WithMaps):
    """Maps of saliency, ID.png."""

    part = SALIENCY
    resize: Resize = "none"

    def has_saliency(self, image_id: str) -> bool:
        return self._path(image_id).is_file()

    def saliency(self, image_id: str) -> Map:
        image_size = size(self.dataset, image_id)
        return pictures.read_map(self._path(image_id), image_size, resize=self.resize)

    def _path(self, image_id: str) -> Path:
        return self.folder / f"{image_id}.png"


class WithRegions(WithMaps):
    """Regions; see ``region_files``."""

    part = REGIONS

    def has_regions(self, image_id: str) -> bool:
        return region_files.regions_of(self.folder, image_id) is not None

    def regions(self, image_id: str) -> Regions | RegionMasks:
        return region_files.read_regions(self.folder, image_id, size(self.dataset, image_id))


def size(dataset: Dataset, image_id: str) -> tuple[int, ...]:
    """(H, W) of an image, which is not decoded where the dataset knows its size."""
    known = getattr(dataset, "size", None)
    return known(image_id) if known else dataset.image(image_id).shape[:2]


def open_dataset(source: DatasetSource, folder: Path) -> Dataset:
    """Open the data prepared in ``folder``.

    Raises:
        DataError: they cannot be read as meant, or have classes or lists that would be scored
            wrongly, whichever plugin they are of.
    """
    dataset: Dataset = source.open(folder)
    owner = f"dataset {type(source).__name__}"
    check_classes(dataset.classes, owner)
    train, val, scored = dataset.ids(TRAIN), dataset.ids(VAL), scored_ids(dataset)
    for split, ids in ((TRAIN, train), (SCORED, scored), (VAL, val)):
        if repeated := next((i for i, count in Counter(ids).items() if count > 1), None):
            raise DataError(f"{owner} lists image {repeated} twice in {split}; list it once")
        for image_id in ids:
            check_image_id(image_id, owner)
    if shared := sorted({*train} & {*val}):
        raise DataError(
            f"{owner} has image {shared[0]} ({len(shared)} in all) in train and in val; a "
            "segmentor would be scored on its training images: take it out of one of them"
        )
    if untrained := sorted({*scored} - {*train}):
        raise DataError(
            f"{owner} scores image {untrained[0]} ({len(untrained)} in all), which is not in "
            "train; only training images get masks"
        )
    return dataset


@dataclass(frozen=True)
class StageData:
    """Opens the dataset of a stage; ``saliency`` is a folder of maps that replace its own.

    Regions come from the folder ``regions``, or from the input ``regions`` of the stage. ``texts``
    are those of the suite, for methods that need language.
    """

    source: DatasetSource
    saliency: Path | None = None
    regions: Path | None = None
    resize: Resize = "none"
    texts: SuiteTexts | None = None

    def open(self, work: Work) -> Dataset:
        dataset: Any = open_dataset(self.source, work.inputs["data"])
        if self.saliency is not None:
            dataset = WithSaliency(dataset, self.saliency, self.resize)
        if (regions := self.regions or work.inputs.get("regions")) is not None:
            dataset = WithRegions(dataset, regions)
        if self.texts is not None:
            dataset = self.texts.beside(dataset)
        opened: Dataset = dataset
        return opened


@dataclass(frozen=True)
class StageView:
    """Opens the view of a split that shows ``owner`` the supervision that it needs, no more."""

    data: StageData
    split: str
    needs: Collection[str]
    owner: str

    def open(self, work: Work) -> View:
        return View(self.data.open(work), self.split, self.needs, work.ledger, self.owner)


@dataclass(frozen=True)
class PrepareData:
    """Writes what a dataset prepares once, such as drawn scenes, and its fingerprint."""

    source: DatasetSource

    def __call__(self, work: Work) -> None:
        self.source.prepare(Run(work.folder, progress=work.progress))
        if not hasattr(self.source, "identity"):
            with suppress(Exception):  # whoever opens it says what is wrong with it
                text = self.source.open(work.folder).fingerprint()
                files.write_text(work.folder / FINGERPRINT, text)


def check_unchanged(dataset: Dataset, folder: Path, owner: str) -> None:
    """Refuse a dataset whose files changed after ``folder`` was prepared, unseen by cache keys.

    Raises:
        DataError: the fingerprint is another one; finished stages belong to the files as they were.
    """
    noted = folder / FINGERPRINT
    if noted.is_file() and noted.read_text(encoding="utf-8") != dataset.fingerprint():
        raise DataError(
            f"the files of dataset '{owner}' have changed since it was prepared in {folder}, and "
            "its plugin has no method identity() that says so; add one that returns a digest of "
            "the files, or use another --store"
        )
