"""Checks of a dataset, image by image, before anything is trained on it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from itertools import chain
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from wsss_harness.contract.errors import WsssError
from wsss_harness.contract.findings import WARNING, Finding, judge
from wsss_harness.contract.supervision import (
    IMAGE_LABELS,
    SALIENCY,
    TRUTH,
    Dataset,
    scored_ids,
    scores_masks,
    without,
)
from wsss_harness.contract.types import IGNORE, Map, Mask
from wsss_harness.metrics.saliency import Quality, quality
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.stage_data import WithSaliency
from wsss_harness.suite import presence
from wsss_harness.suite.spec import Offered, Row, Suite
from wsss_harness.system.pictures import has_voc_palette

Check = Callable[[Any, str], str | None]  # from a dataset and an image id to a problem


@dataclass
class DataReport:
    """What a check of a dataset found.

    ``splits``: for each split the number of its images, and of those in which each class is.
    ``saliency``: the quality of each kind of saliency maps; "saliency" is the dataset's own.
    """

    fingerprint: str
    splits: dict[str, dict[str, Any]]
    saliency: dict[str, Quality]
    findings: list[Finding] = field(default_factory=list)

    def content(self) -> dict[str, Any]:
        return asdict(self)


def inspect(
    dataset: Dataset,
    progress: Callable[[int, int], None],
    maps: Mapping[str, Dataset] = MappingProxyType({}),
) -> DataReport:
    """Check every image of train and val, in constant memory.

    ``maps``: the same dataset with other saliency maps, by their label.
    """
    ids = [*dataset.ids("train"), *dataset.ids("val")]
    own = {SALIENCY: dataset} if SALIENCY in dataset.supervision else {}
    sources = {**own, **maps}
    checks = checks_of(dataset, sources)
    problems: dict[str, list[str]] = {name: [] for name in checks}
    cached = CachedTruth(dataset)
    for number, image_id in enumerate(ids, 1):
        for name, check in checks.items():
            if problem := _problem(check, cached, image_id):
                problems[name].append(problem)
        progress(number, len(ids))
    return DataReport(
        dataset.fingerprint(),
        {split: _split(dataset, ids) for split, ids in splits(dataset).items()},
        {name: _quality(source) for name, source in sources.items() if scores_masks(dataset)},
        [
            judge("train and val share no image", _shared(dataset)),
            *presence.findings(dataset, sources),
            *(_finding(name, examples, len(ids)) for name, examples in problems.items()),
        ],
    )


class CachedTruth:
    """A dataset that keeps the truth it read last, because several checks read it."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.truth = lru_cache(maxsize=1)(dataset.truth)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)


def splits(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    train, scored = dataset.ids("train"), scored_ids(dataset)
    scored_split = {} if scored == train else {"scored": scored}
    return {"train": train, **scored_split, "val": dataset.ids("val")}


def _shared(dataset: Dataset) -> str | None:
    shared = sorted({*dataset.ids("train")} & {*dataset.ids("val")})
    if not shared:
        return None
    return f"{shared[0]} ({len(shared)} in all) is in both; remove it from one list"


def _split(dataset: Dataset, ids: Sequence[str]) -> dict[str, Any]:
    counted = Counter(number for image_id in ids for number in dataset.present(image_id))
    names = enumerate(dataset.classes, 1)
    return {"images": len(ids), "classes": {name: counted[number] for number, name in names}}


def _quality(dataset: Dataset) -> Quality:
    """The quality of the saliency maps of the scored images, without maps that cannot be read."""

    def pairs() -> Iterator[tuple[Mask, Map]]:
        for image_id in scored_ids(dataset):
            try:
                yield dataset.truth(image_id), dataset.saliency(image_id)
            except WsssError:
                continue  # already a finding

    return quality(pairs())


def checks_of(dataset: Dataset, maps: Mapping[str, Dataset]) -> dict[str, Check]:
    """The checks of an image, by the words of their finding."""
    checks: dict[str, Check] = {"images can be read": _image}
    for name, source in maps.items():
        checks[f"{name} maps have the size of their images"] = _map_of(source)
    checks["masks have the size of their images and known classes"] = _mask
    if hasattr(dataset, "truth_path"):
        checks["masks have the palette of PASCAL VOC"] = _palette
    checks["image labels are all in the masks"] = _labels_without_pixels
    checks["classes of the masks are all in the image labels"] = _pixels_without_label
    return checks


ADVICE = {
    "masks have the palette of PASCAL VOC": "their values may mean other classes; look at one",
    "image labels are all in the masks": "objects that VOC calls difficult have labels without "
    "pixels",
    "classes of the masks are all in the image labels": "training treats these classes as absent",
}


def _finding(name: str, problems: Sequence[str], images: int) -> Finding:
    """A warning where there may be a good reason, else a failure."""
    if not problems:
        return judge(name, None)
    count = f"not so in {len(problems):,} of {images:,} images, first {problems[0]}"
    if name in ADVICE:
        return Finding(name, WARNING, f"{count}; {ADVICE[name]}")
    return judge(name, count)


def _problem(check: Check, dataset: Any, image_id: str) -> str | None:
    try:
        problem = check(dataset, image_id)
    except WsssError as error:
        return str(error)
    return f"{image_id}: {problem}" if problem else None


def _image(dataset: Dataset, image_id: str) -> str | None:
    dataset.image(image_id)
    return None


def _map_of(source: Dataset) -> Check:
    def check(dataset: Dataset, image_id: str) -> None:
        if not without(source, SALIENCY, [image_id]):
            source.saliency(image_id)

    return check


def _mask(dataset: Dataset, image_id: str) -> str | None:
    if not without(dataset, TRUTH, [image_id]):
        dataset.truth(image_id)
    return None


def _palette(dataset: Any, image_id: str) -> str | None:
    path: Path = dataset.truth_path(image_id)
    try:
        return None if has_voc_palette(path) else f"{path} has another palette"
    except OSError:
        return None  # the check of the mask reports that it cannot be read


def _labels_without_pixels(dataset: Dataset, image_id: str) -> str | None:
    return _named(dataset, set(dataset.present(image_id)) - _drawn(dataset, image_id))


def _pixels_without_label(dataset: Dataset, image_id: str) -> str | None:
    return _named(dataset, _drawn(dataset, image_id) - set(dataset.present(image_id)))


def _drawn(dataset: Dataset, image_id: str) -> set[int]:
    try:
        return set(np.unique(dataset.truth(image_id)).tolist()) - {0, IGNORE}
    except WsssError:
        return set(dataset.present(image_id))  # the check of the mask reports it


def _named(dataset: Dataset, numbers: set[int]) -> str | None:
    return ", ".join(dataset.classes[number - 1] for number in sorted(numbers)) or None


def missing(suite: Suite, plugins: Plugins, supervision: frozenset[str]) -> Iterator[Finding]:
    """A finding for each row: the supervision, weights and checkpoints that it lacks."""
    for row in suite.rows:
        needs = row.rule.built.needs
        lacking = chain(
            *(_lacking(suite, plugins, supervision, *part) for part in _parts(suite, row)),
            _maps(suite, supervision, needs, row.saliency),
        )
        problem = ", ".join(dict.fromkeys(lacking))
        yield judge(f"row '{row.method}' has all files", f"missing: {problem}" if problem else None)


def maps_of(suite: Suite, dataset: Dataset) -> dict[str, Dataset]:
    """The dataset with each of the saliency maps of a suite whose folder exists."""
    folders = {label: Path(maps.folder) for label, maps in suite.saliency.items()}
    return {n: WithSaliency(dataset, folder) for n, folder in folders.items() if folder.is_dir()}


def _parts(suite: Suite, row: Row) -> Iterator[tuple[str, Offered]]:
    """The plugins of a row and their kinds."""
    yield "generator", suite.generators[row.generator]
    yield from (("refiner", suite.refiners[label]) for label in row.refiners)
    yield from (("segmentor", suite.segmentors[label]) for label in row.segmentors)


def _lacking(
    suite: Suite, plugins: Plugins, supervision: frozenset[str], kind: str, offered: Offered
) -> Iterator[str]:
    """What a plugin of a row lacks."""
    needs = frozenset(getattr(plugins.dataclass_of(kind, offered.name), "needs", ()))
    yield from _maps(suite, supervision, needs, offered.saliency)
    file = suite.weights[offered.weights].file if offered.weights else None
    if file and not Path(file).is_file():
        yield f"the weights {file} (weights.{offered.weights}.file)"
    checkpoint = offered.options.get("checkpoint")
    if checkpoint and not Path(checkpoint).is_file():
        yield f"the checkpoint {checkpoint} of '{offered.name}'"


def _maps(
    suite: Suite, supervision: frozenset[str], needs: frozenset[str], saliency: str | None
) -> Iterator[str]:
    """The supervision that is missing, where maps of this label replace the dataset's own."""
    available = supervision | ({SALIENCY} if saliency else set())
    yield from (SOURCES[part] for part in sorted(needs - available))
    if saliency and not Path(suite.saliency[saliency].folder).is_dir():
        yield f"the maps of saliency.{saliency}.folder"


SOURCES = {SALIENCY: "saliency maps", IMAGE_LABELS: "image labels"}
