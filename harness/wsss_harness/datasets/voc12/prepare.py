"""The official archives as a folder that the dataset `voc_folder` reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.datasets.voc12 import archives, labels
from wsss_harness.datasets.voc12.archives import Archive, Progress
from wsss_harness.datasets.voc12.context import write_contexts
from wsss_harness.datasets.voc12.download import download
from wsss_harness.datasets.voc12.labels import CLASSES, Labels
from wsss_harness.datasets.voc12.pictures import palette_mask, sbd_mask
from wsss_harness.system.files import atomic, write_json, write_mask, write_text

IMAGES, TRUTH, AUGMENTED = "JPEGImages", "SegmentationClass", "SegmentationClassAug"
LISTS = "ImageSets/Segmentation"
PREPARED = "prepared.json"
PUBLISHED = {"train": 1464, "train_aug": 10582, "val": 1449, "test": 1456}
Ids = tuple[str, ...]


@dataclass(frozen=True)
class VocRequest:
    """``archives`` is their folder; ``mirror`` an address under which all of them lie.

    ``label_file`` is that of psa or EPS; without it labels are those of the annotations, with
    ``difficult`` objects or, where an image has others, without. ``verified``: only archives of the
    published digest.
    """

    archives: Path
    download: bool = False
    mirror: str | None = None
    label_file: Path | None = None
    difficult: bool = True
    verified: bool = True


@dataclass
class Found:
    """What the archives say beside the pictures: lists by name, and labels by image."""

    lists: dict[str, Ids] = field(default_factory=dict)
    labels: Labels = field(default_factory=dict)


def prepare(root: Path, request: VocRequest, progress: Progress) -> Mapping[str, int]:
    """Write images, masks, lists, labels and contexts below ``root``; gives numbers by name.

    What is there already stays, so a call that was stopped goes on.

    Raises:
        DataError: an archive is missing, damaged, or not what was published.
    """
    # Read before gigabytes are, so that a wrong file costs nothing.
    given = labels.from_label_file(request.label_file) if request.label_file else None
    paths = {one: located(one, request, progress) for one in archives.ARCHIVES}
    found = read_voc(paths, root, request.difficult, progress)
    augment(_required(paths, archives.SBD), root, found, progress)
    refuse_gaps(root, found.lists)
    for name, ids in found.lists.items():
        write_text(root / LISTS / f"{name}.txt", "".join(f"{one}\n" for one in ids))
    wanted = {*found.lists["train_aug"], *found.lists["val"]}
    write_labels(root, given or found.labels, wanted)
    numbers = {name: len(ids) for name, ids in sorted(found.lists.items())}
    if contexts := paths[archives.CONTEXT]:
        numbers["context maps"] = write_contexts(contexts, root, wanted, progress)
    write_json(root / PREPARED, provenance(request, numbers))
    return numbers


def located(archive: Archive, request: VocRequest, progress: Progress) -> Path | None:
    """The file of an archive, downloaded if it may be; None for an optional one that is missing."""
    path = request.archives / archive.file
    url = f"{request.mirror.rstrip('/')}/{archive.file}" if request.mirror else archive.url
    if not path.is_file() and request.download and url and not archive.optional:
        download(url, path, progress)
    if path.is_file():
        if request.verified:
            archives.check(path, archive, progress)
        return path
    if archive.optional:
        return None
    raise DataError(
        f"{path} is missing: {archive.holds}. Get it from {archive.url}, or let --download do it"
    )


def _required(paths: Mapping[Archive, Path | None], archive: Archive) -> Path:
    path = paths[archive]
    assert path is not None  # located raises for what is not optional
    return path


def read_voc(
    paths: Mapping[Archive, Path | None], root: Path, difficult: bool, progress: Progress
) -> Found:
    """Write images and masks of VOC, and collect its lists and the labels of its annotations."""
    found = Found()
    for archive in (archives.TRAINVAL, archives.TEST):
        if path := paths[archive]:
            for name, content in archives.members(path, _is_wanted, progress):
                _take(name, content, root, found, difficult)
    for split in ("train", "val"):
        if not found.lists.get(split):
            raise DataError(
                f"{paths[archives.TRAINVAL]} holds no {LISTS}/{split}.txt, or an empty one; "
                "expected the archive of VOC 2012 trainval"
            )
    return found


FOLDERS = {IMAGES: ".jpg", TRUTH: ".png", "Annotations": ".xml", "Segmentation": ".txt"}


def _is_wanted(name: str) -> bool:
    path = Path(name)
    return FOLDERS.get(path.parent.name) == path.suffix


def _take(name: str, content: bytes, root: Path, found: Found, difficult: bool) -> None:
    path = Path(name)
    match path.parent.name:
        case "JPEGImages":
            write_bytes(root / IMAGES / path.name, content)
        case "SegmentationClass":
            for folder in (TRUTH, AUGMENTED):
                if not (root / folder / path.name).is_file():
                    write_mask(root / folder / path.name, palette_mask(content, name))
        case "Annotations":
            found.labels[path.stem] = labels.from_annotation(content, name, difficult)
        case _:
            found.lists[path.stem] = tuple(content.decode().split())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file unless it is there with the same length."""
    if path.is_file() and path.stat().st_size == len(content):
        return
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def augment(archive: Path, root: Path, found: Found, progress: Progress) -> None:
    """Add the masks of SBD for images that VOC has none of, and the list train_aug.

    All images of SBD and of VOC's train, without those of VOC's val, are trained on; where VOC has
    a mask, it is taken, with its border of 255 that SBD does not have.
    """
    drawn = {*found.lists["train"], *found.lists["val"], *found.lists.get("trainval", ())}
    annotated = set()

    def wanted(name: str) -> bool:
        return Path(name).parent.name == "cls" and Path(name).suffix == ".mat"

    for name, content in archives.members(archive, wanted, progress):
        image_id = Path(name).stem
        annotated.add(image_id)
        path = root / AUGMENTED / f"{image_id}.png"
        if image_id not in drawn and not path.is_file():
            write_mask(path, sbd_mask(content, f"{archive}: {name}"))
    if not annotated:
        raise DataError(f"{archive} holds no cls/*.mat; expected the archive of SBD")
    found.lists["train_aug"] = tuple(
        sorted((annotated | set(found.lists["train"])) - set(found.lists["val"]))
    )


def refuse_gaps(root: Path, lists: Mapping[str, Ids]) -> None:
    """Raise DataError for a listed image that no archive held.

    An archive that was cut between two of its files reads as a whole one.
    """
    for name, ids in lists.items():
        absent = [one for one in ids if not (root / IMAGES / f"{one}.jpg").is_file()]
        if absent:
            raise DataError(
                f"the archives hold no image {absent[0]} of the list {name} ({len(absent)} such "
                "images): one was cut short; get it again"
            )


def write_labels(root: Path, given: Labels, ids: Collection[str]) -> None:
    """Write image_labels.json for the images of train_aug and val."""
    if missing := sorted(set(ids) - set(given)):
        raise DataError(
            f"there are no image labels of {missing[0]} ({len(missing)} such images); give a label "
            "file of all images of train_aug and val, or none to take the annotations"
        )
    content = {"classes": CLASSES, "labels": {one: given[one] for one in sorted(ids)}}
    write_json(root / "image_labels.json", content)


def provenance(request: VocRequest, numbers: Mapping[str, int]) -> dict[str, object]:
    """How the folder came to be, for who finds it later."""
    taken = [one for one in archives.ARCHIVES if (request.archives / one.file).is_file()]
    source = request.label_file.name if request.label_file else "annotations"
    return {
        "archives": {one.file: one.md5 if request.verified else None for one in taken},
        "labels": source,
        "difficult": None if request.label_file else request.difficult,
        "numbers": dict(numbers),
    }
