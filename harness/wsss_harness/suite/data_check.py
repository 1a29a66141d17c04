"""What is wrong with a dataset, looked for in every image before anything is trained on it."""

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
from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, Dataset, scored_ids
from wsss_harness.contract.types import IGNORE, Map, Mask
from wsss_harness.metrics.saliency import Quality, quality
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.stage_data import WithSaliency
from wsss_harness.suite.spec import Offered, Row, Suite
from wsss_harness.system.files import has_voc_palette

Look = Callable[[Any, str], str | None]  # of a dataset and an image id


@dataclass
class DataReport:
    """``splits``: how many images a split has, and how many of them each class is in.

    ``saliency``: how good the maps of a name are; those of the dataset itself are "saliency".
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
    """Look at every image of train and val; memory stays flat however many there are.

    ``maps``: the same dataset with other saliency maps, by their name.
    """
    ids = [*dataset.ids("train"), *dataset.ids("val")]
    own = {SALIENCY: dataset} if SALIENCY in dataset.supervision else {}
    looks = looks_at(dataset, {**own, **maps})
    problems: dict[str, list[str]] = {check: [] for check in looks}
    seen = Remembering(dataset)
    for number, image_id in enumerate(ids, 1):
        for check, look in looks.items():
            if problem := _seen(look, seen, image_id):
                problems[check].append(problem)
        progress(number, len(ids))
    return DataReport(
        dataset.fingerprint(),
        {split: _split(dataset, ids) for split, ids in splits(dataset).items()},
        {name: _quality(given) for name, given in {**own, **maps}.items()},
        [
            judge("train and val share no image", _shared(dataset)),
            *(_finding(check, found, len(ids)) for check, found in problems.items()),
        ],
    )


class Remembering:
    """A dataset that keeps the truth it read last, since several looks ask for it."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.truth = lru_cache(maxsize=1)(dataset.truth)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dataset, name)


def splits(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    train, scored = dataset.ids("train"), scored_ids(dataset)
    apart = {} if scored == train else {"scored": scored}
    return {"train": train, **apart, "val": dataset.ids("val")}


def _shared(dataset: Dataset) -> str | None:
    both = sorted({*dataset.ids("train")} & {*dataset.ids("val")})
    return f"{both[0]} ({len(both)} in all) is in both; take it out of one" if both else None


def _split(dataset: Dataset, ids: Sequence[str]) -> dict[str, Any]:
    counted = Counter(number for image_id in ids for number in dataset.present(image_id))
    names = enumerate(dataset.classes, 1)
    return {"images": len(ids), "classes": {name: counted[number] for number, name in names}}


def _quality(dataset: Dataset) -> Quality:
    """How good the maps of the scored images are; those that cannot be read are left out."""

    def pairs() -> Iterator[tuple[Mask, Map]]:
        for image_id in scored_ids(dataset):
            try:
                yield dataset.truth(image_id), dataset.saliency(image_id)
            except WsssError:
                continue  # a finding already

    return quality(pairs())


def looks_at(dataset: Dataset, maps: Mapping[str, Dataset]) -> dict[str, Look]:
    """What is looked for, by what a finding says."""
    looks: dict[str, Look] = {"images can be read": _image}
    for name, given in maps.items():
        looks[f"{name} maps have the size of their images"] = _map_of(given)
    looks["masks have the size of their images and known classes"] = _mask
    if hasattr(dataset, "truth_path"):
        looks["masks have the palette of PASCAL VOC"] = _palette
    looks["image labels are all in the masks"] = _beyond
    looks["classes of the masks are all in the image labels"] = _without
    return looks


ADVICE = {
    "masks have the palette of PASCAL VOC": "their values may be other classes; look at one",
    "image labels are all in the masks": "objects that VOC calls difficult have labels without "
    "pixels",
    "classes of the masks are all in the image labels": "training tells the network that they are "
    "not there",
}


def _finding(check: str, problems: Sequence[str], images: int) -> Finding:
    """A warning where there may be a reason, else a failure."""
    if not problems:
        return judge(check, None)
    told = f"not so in {len(problems):,} of {images:,} images, first {problems[0]}"
    if check in ADVICE:
        return Finding(check, WARNING, f"{told}; {ADVICE[check]}")
    return judge(check, told)


def _seen(look: Look, dataset: Any, image_id: str) -> str | None:
    try:
        problem = look(dataset, image_id)
    except WsssError as error:
        return str(error)
    return f"{image_id}: {problem}" if problem else None


def _image(dataset: Dataset, image_id: str) -> str | None:
    dataset.image(image_id)
    return None


def _map_of(given: Dataset) -> Look:
    def look(dataset: Dataset, image_id: str) -> None:
        given.saliency(image_id)

    return look


def _mask(dataset: Dataset, image_id: str) -> str | None:
    dataset.truth(image_id)
    return None


def _palette(dataset: Any, image_id: str) -> str | None:
    path: Path = dataset.truth_path(image_id)
    try:
        return None if has_voc_palette(path) else f"{path} has another palette"
    except OSError:
        return None  # that it cannot be read is said of the mask


def _beyond(dataset: Dataset, image_id: str) -> str | None:
    return _named(dataset, set(dataset.present(image_id)) - _drawn(dataset, image_id))


def _without(dataset: Dataset, image_id: str) -> str | None:
    return _named(dataset, _drawn(dataset, image_id) - set(dataset.present(image_id)))


def _drawn(dataset: Dataset, image_id: str) -> set[int]:
    try:
        return set(np.unique(dataset.truth(image_id)).tolist()) - {0, IGNORE}
    except WsssError:
        return set(dataset.present(image_id))  # what is wrong with the mask is said of the mask


def _named(dataset: Dataset, numbers: set[int]) -> str | None:
    return ", ".join(dataset.classes[number - 1] for number in sorted(numbers)) or None


def missing(suite: Suite, plugins: Plugins, supervision: frozenset[str]) -> Iterator[Finding]:
    """What each row of a suite cannot be run without: supervision, weights, checkpoints."""
    for row in suite.rows:
        needs = row.rule.built.needs
        lacking = chain(
            *(_lacking(suite, plugins, supervision, *part) for part in _parts(suite, row)),
            _maps(suite, supervision, needs, row.saliency),
        )
        problem = ", ".join(dict.fromkeys(lacking))
        yield judge(f"row '{row.method}' has all files", f"missing: {problem}" if problem else None)


def maps_of(suite: Suite, dataset: Dataset) -> dict[str, Dataset]:
    """The dataset with each of the saliency maps that a suite names and that are there."""
    folders = {label: Path(maps.folder) for label, maps in suite.saliency.items()}
    return {n: WithSaliency(dataset, folder) for n, folder in folders.items() if folder.is_dir()}


def _parts(suite: Suite, row: Row) -> Iterator[tuple[str, Offered]]:
    """The plugins of a row with their kinds."""
    yield "generator", suite.generators[row.generator]
    yield from (("refiner", suite.refiners[label]) for label in row.refiners)
    yield from (("segmentor", suite.segmentors[label]) for label in row.segmentors)


def _lacking(
    suite: Suite, plugins: Plugins, supervision: frozenset[str], kind: str, offered: Offered
) -> Iterator[str]:
    """What a plugin of a row lacks, in words."""
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
    """What is needed and not given, where maps of this name take the place of the dataset's."""
    given = supervision | ({SALIENCY} if saliency else set())
    yield from (SOURCES[part] for part in sorted(needs - given))
    if saliency and not Path(suite.saliency[saliency].folder).is_dir():
        yield f"the maps of saliency.{saliency}.folder"


SOURCES = {SALIENCY: "saliency maps", IMAGE_LABELS: "image labels"}
