"""The official archives as a folder that the dataset `voc_folder` reads."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.datasets.voc12.archives import (
    ARCHIVES,
    CONTEXT,
    SBD,
    TEST,
    TRAINVAL,
    Archive,
    Progress,
    check,
    download,
    members,
)
from wsss_harness.datasets.voc12.labels import CLASSES, Labels, from_annotation, from_label_file
from wsss_harness.datasets.voc12.masks import palette_mask, sbd_mask, write_contexts
from wsss_harness.system.files import atomic, write_json, write_text
from wsss_harness.system.pictures import write_mask

IMAGES, TRUTH, AUGMENTED = "JPEGImages", "SegmentationClass", "SegmentationClassAug"
LISTS = "ImageSets/Segmentation"
PREPARED = "prepared.json"
PUBLISHED = {"train": 1464, "train_aug": 10582, "val": 1449, "test": 1456}
FOLDERS = {IMAGES: ".jpg", TRUTH: ".png", "Annotations": ".xml", "Segmentation": ".txt"}
Ids = tuple[str, ...]


@dataclass(frozen=True)
class VocRequest:
    """How to prepare VOC 2012.

    ``archives``: their folder. ``mirror``: the address of a folder with all archives.
    ``label_file``: the label file of psa or EPS; without it the labels are those of the
    annotations. ``difficult``: whether difficult objects count in images that have others.
    ``verified``: accept only archives with the published digest.
    """

    archives: Path
    download: bool = False
    mirror: str | None = None
    label_file: Path | None = None
    difficult: bool = True
    verified: bool = True


@dataclass
class Index:
    """The lists by name and the image labels by id, collected while archives are read."""

    lists: dict[str, Ids] = field(default_factory=dict)
    labels: Labels = field(default_factory=dict)


def prepare(root: Path, request: VocRequest, progress: Progress) -> Mapping[str, int]:
    """Write images, masks, lists, labels and contexts below ``root``; return numbers by name.

    Existing files are kept, so an interrupted preparation is continued.

    Raises:
        DataError: an archive is missing, damaged, or not the published one.
    """
    # First, so that a wrong label file is reported before gigabytes are read.
    file_labels = from_label_file(request.label_file) if request.label_file else None
    paths = {archive: path for archive in ARCHIVES if (path := _locate(archive, request, progress))}
    index = _write_voc(paths, root, request.difficult, progress)
    _write_sbd(paths[SBD], root, index, progress)
    _refuse_gaps(root, index.lists)
    for name, ids in index.lists.items():
        write_text(root / LISTS / f"{name}.txt", "".join(f"{image_id}\n" for image_id in ids))
    used = {*index.lists["train_aug"], *index.lists["val"]}
    _write_labels(root, file_labels or index.labels, used)
    numbers = {name: len(ids) for name, ids in sorted(index.lists.items())}
    if CONTEXT in paths:
        numbers["context maps"] = write_contexts(paths[CONTEXT], root, used, progress)
    write_json(root / PREPARED, _provenance(request, paths, numbers))
    return numbers


def _locate(archive: Archive, request: VocRequest, progress: Progress) -> Path | None:
    """The file of an archive, downloaded if requested; None if it is optional and missing."""
    path = request.archives / archive.file
    url = f"{request.mirror.rstrip('/')}/{archive.file}" if request.mirror else archive.url
    if not path.is_file() and request.download and url and not archive.optional:
        download(url, path, progress)
    if path.is_file():
        if request.verified:
            check(path, archive, progress)
        return path
    if archive.optional:
        return None
    raise DataError(
        f"{path} is missing: {archive.holds}. Download it from {archive.url}, or use --download"
    )


def _write_voc(
    paths: Mapping[Archive, Path], root: Path, difficult: bool, progress: Progress
) -> Index:
    """Write images and masks of VOC; return its lists and the labels of its annotations."""
    index = Index()
    for archive in (TRAINVAL, TEST):
        if archive in paths:
            for name, content in members(paths[archive], _is_used, progress):
                _add(name, content, root, index, difficult)
    for split in ("train", "val"):
        if not index.lists.get(split):
            raise DataError(
                f"{paths[TRAINVAL]} holds no {LISTS}/{split}.txt, or an empty one; "
                "expected the archive of VOC 2012 trainval"
            )
    return index


def _is_used(name: str) -> bool:
    path = Path(name)
    return FOLDERS.get(path.parent.name) == path.suffix


def _add(name: str, content: bytes, root: Path, index: Index, difficult: bool) -> None:
    """Write an image or mask, or add an annotation or list to the index."""
    path = Path(name)
    match path.parent.name:
        case "JPEGImages":
            _write_bytes(root / IMAGES / path.name, content)
        case "SegmentationClass":
            for folder in (TRUTH, AUGMENTED):
                if not (root / folder / path.name).is_file():
                    write_mask(root / folder / path.name, palette_mask(content, name))
        case "Annotations":
            index.labels[path.stem] = from_annotation(content, name, difficult)
        case _:
            index.lists[path.stem] = tuple(content.decode().split())


def _write_bytes(path: Path, content: bytes) -> None:
    """Write a file unless it exists with the same length."""
    if path.is_file() and path.stat().st_size == len(content):
        return
    with atomic(path) as temporary:
        temporary.write_bytes(content)


def _write_sbd(archive: Path, root: Path, index: Index, progress: Progress) -> None:
    """Write the masks of SBD for images without a mask of VOC, and add the list train_aug.

    The list holds all images of SBD and of VOC's train, except those of VOC's val. Masks of VOC
    have a border of 255, masks of SBD have none.
    """
    train, val = set(index.lists["train"]), set(index.lists["val"])
    has_voc_mask = {*train, *val, *index.lists.get("trainval", ())}
    annotated = set()
    for name, content in members(archive, _is_sbd_mask, progress):
        image_id = Path(name).stem
        annotated.add(image_id)
        path = root / AUGMENTED / f"{image_id}.png"
        if image_id not in has_voc_mask and not path.is_file():
            write_mask(path, sbd_mask(content, f"{archive}: {name}"))
    if not annotated:
        raise DataError(f"{archive} holds no cls/*.mat; expected the archive of SBD")
    index.lists["train_aug"] = tuple(sorted((annotated | train) - val))


def _is_sbd_mask(name: str) -> bool:
    return Path(name).parent.name == "cls" and Path(name).suffix == ".mat"


def _refuse_gaps(root: Path, lists: Mapping[str, Ids]) -> None:
    """Raise DataError for a listed image that no archive held.

    A tar file that ends between two members reads as a whole one.
    """
    for name, ids in lists.items():
        paths = [root / IMAGES / f"{image_id}.jpg" for image_id in ids]
        if missing := [path.stem for path in paths if not path.is_file()]:
            raise DataError(
                f"the archives hold no image {missing[0]} of the list {name} ({len(missing)} such "
                "images): an archive is incomplete; download it again"
            )


def _write_labels(root: Path, labels: Labels, ids: Collection[str]) -> None:
    """Write image_labels.json for the images of train_aug and val."""
    if missing := sorted(set(ids) - set(labels)):
        raise DataError(
            f"there are no image labels of {missing[0]} ({len(missing)} such images); use a label "
            "file with all images of train_aug and val, or none to take the annotations"
        )
    used = {image_id: labels[image_id] for image_id in sorted(ids)}
    write_json(root / "image_labels.json", {"classes": CLASSES, "labels": used})


def _provenance(
    request: VocRequest, archives: Collection[Archive], numbers: Mapping[str, int]
) -> dict[str, object]:
    return {
        "archives": {
            archive.file: archive.md5 if request.verified else None for archive in archives
        },
        "labels": request.label_file.name if request.label_file else "annotations",
        "difficult": None if request.label_file else request.difficult,
        "numbers": numbers,
    }
