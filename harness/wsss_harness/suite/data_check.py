"""Checks of a dataset before anything is trained on it: all images in one pass."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import xxhash

from wsss_harness.contract.errors import WsssError
from wsss_harness.contract.findings import FAILURE, NOTE, WARNING, Finding, judge
from wsss_harness.contract.supervision import (
    SALIENCY,
    TRUTH,
    Dataset,
    scored_ids,
    scores_masks,
    without,
)
from wsss_harness.metrics.saliency import Quality, QualityCounts
from wsss_harness.stages.stage_data import SCORED, TRAIN, VAL
from wsss_harness.suite import image_checks, presence
from wsss_harness.suite.image_checks import Check, CheckedImage, named_maps, problem_of
from wsss_harness.suite.presence import FIRST
from wsss_harness.suite.saliency_check import BRIGHTER
from wsss_harness.suite.truth_check import NEARLY_ALL, TruthTally, findings_of

VALUES = 256  # of 8 bits
SAME_PICTURE = "no picture of train is in val under another id"
CONSTANT, FAINT = "are not constant", "use the levels 0..255"
ADVICE = {  # by the last words of a check: what may be a good reason, or what to do
    "masks have the palette of PASCAL VOC": "their values may mean other classes; look at one",
    "image labels are all in the masks": "objects that VOC calls difficult have labels without "
    "pixels",
    "classes of the masks are all in the image labels": "training treats these classes as absent",
    SAME_PICTURE: "a segmentor would be scored on a picture that it was trained on",
    CONSTANT: "such a map says nothing of where objects are",
    FAINT: BRIGHTER,
}


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


@dataclass
class Problems:
    """For how many of the images that were checked a check does not hold, and the first of them."""

    checked: int = 0
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, problem: str | None) -> None:
        self.checked += 1
        if problem:
            self.count += 1
            self.examples += [problem] if self.count <= FIRST else []


def inspect(
    dataset: Dataset,
    progress: Callable[[int, int], None],
    maps: Mapping[str, Dataset] = MappingProxyType({}),
    owner: str = "",
) -> DataReport:
    """Check every image of train and val, in constant memory but for a digest of each picture.

    ``maps``: the same dataset with other saliency maps, by their label. ``owner``: the name of the
    dataset. No error of an image or of the dataset's code ends the check.
    """
    own = {SALIENCY: dataset} if SALIENCY in dataset.supervision else {}
    data_check = DataCheck(dataset, {**own, **maps}, owner or type(dataset).__name__)
    for number, image_id in enumerate(data_check.ids, 1):
        data_check.add(image_id)
        progress(number, len(data_check.ids))
    return data_check.report()


class DataCheck:
    """What was seen of the images that were added; ``sources`` have saliency maps, by label."""

    def __init__(self, dataset: Dataset, sources: Mapping[str, Dataset], owner: str) -> None:
        self.dataset, self.sources, self.owner = dataset, sources, owner
        self.splits = splits(dataset)
        self.ids = (*self.splits[TRAIN], *self.splits[VAL])
        self.members = {split: frozenset(ids) for split, ids in self.splits.items()}
        self.checks = checks_of(dataset, sources)
        self.lacking = {TRUTH: frozenset(without(dataset, TRUTH, self.ids))}
        for name, source in sources.items():
            self.lacking[named_maps(name)] = frozenset(without(source, SALIENCY, self.ids))
        self.problems = {name: Problems() for name in self.checks}
        self.labels: dict[str, Counter[int]] = {split: Counter() for split in self.splits}
        self.tallies = {split: TruthTally(len(dataset.classes)) for split in (SCORED, VAL)}
        self.qualities = {name: QualityCounts() for name in sources}
        self.pictures: dict[str, str] = {}  # the first image with each content
        self.same = Problems()

    def add(self, image_id: str) -> None:
        """Check one image, and count what it has."""
        lacks = [part for part, ids in self.lacking.items() if image_id in ids]
        image = CheckedImage(self.dataset, self.sources, image_id, lacks)
        for name, (part, check) in self.checks.items():
            if part not in lacks:
                self.problems[name].add(problem_of(check, image, self.owner))
        for split, ids in self.members.items():
            if image_id in ids:
                self.labels[split].update(image.labels_or_none or ())
        if image_id in self.members.get(SCORED, self.members[TRAIN]):
            self._tally(image, SCORED)
            self._measure(image)
        elif image_id in self.members[VAL]:
            self._tally(image, VAL)
        self._compare(image)

    def _tally(self, image: CheckedImage, split: str) -> None:
        """Count the values of a truth of a split."""
        pixels, labels = image.pixels_or_none, image.labels_or_none or ()
        if pixels is not None and pixels.size == VALUES:
            self.tallies[split].add(image.image_id, pixels, labels, image.palette_or_none)

    def _measure(self, image: CheckedImage) -> None:
        """Count how well the saliency maps of a scored image find its foreground."""
        truth = image.truth_or_none
        for name, counts in self.qualities.items():
            saliency = image.map_or_none(name)
            if truth is None or saliency is None or image_checks.bad_map(name)(image):
                continue
            if truth.shape == saliency.shape:
                counts.add(truth, saliency)

    def _compare(self, image: CheckedImage) -> None:
        """Note whether an image of val shows what an image of train shows."""
        if image.shape_or_none is None:
            return
        digest = xxhash.xxh3_128_hexdigest(np.ascontiguousarray(image.image).data)
        first = self.pictures.setdefault(digest, image.image_id)
        in_val = image.image_id in self.members[VAL] and first in self.members[TRAIN]
        self.same.add(f"{first} and {image.image_id}" if in_val else None)

    def report(self) -> DataReport:
        names, (fingerprint, problem) = self.dataset.classes, self.fingerprint()
        qualities = self.qualities if scores_masks(self.dataset) else {}
        return DataReport(
            fingerprint,
            {
                split: {
                    "images": len(ids),
                    "classes": {name: self.labels[split][n] for n, name in enumerate(names, 1)},
                }
                for split, ids in self.splits.items()
            },
            {name: counts.read() for name, counts in qualities.items()},
            [judge("a fingerprint identifies all files", problem), *self.findings()],
        )

    def fingerprint(self) -> tuple[str, str | None]:
        """The fingerprint of the data, or why there is none."""
        try:
            return self.dataset.fingerprint(), None
        except WsssError as error:
            return "", str(error)
        except Exception as error:  # a plugin's code
            return "", f"dataset '{self.owner}' raised {type(error).__name__}: {error}"

    def findings(self) -> Iterator[Finding]:
        yield from presence.findings(self.dataset, self.sources)
        yield judge("ids differ by more than case", _alike(self.ids), WARNING)
        for name, problems in self.problems.items():
            yield finding_of(name, problems)
        yield finding_of(SAME_PICTURE, self.same)
        for split, tally in self.tallies.items():
            yield from findings_of(tally, self.dataset.classes, f"the {split} images")
        if hasattr(self.dataset, "picture_paths"):
            yield unlisted_files(self.dataset.picture_paths())


def splits(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    train, scored = dataset.ids(TRAIN), scored_ids(dataset)
    scored_split = {} if scored == train else {SCORED: scored}
    return {TRAIN: train, **scored_split, VAL: dataset.ids(VAL)}


def checks_of(dataset: Dataset, sources: Mapping[str, Dataset]) -> dict[str, tuple[str, Check]]:
    """The checks of an image, by the words of their finding, each with the part that it needs."""
    checks: dict[str, tuple[str, Check]] = {
        "images can be read": ("", image_checks.bad_pixels),
        "image labels are numbers of classes": ("", image_checks.bad_labels),
    }
    for name in sources:
        maps = named_maps(name)
        checks |= {
            f"{maps} have the size of their images": (maps, image_checks.bad_map(name)),
            f"{maps} {CONSTANT}": (maps, image_checks.constant_map(name)),
            f"{maps} {FAINT}": (maps, image_checks.faint_map(name)),
        }
    of_truth = {
        "masks have the size of their images and known classes": image_checks.bad_truth,
        "masks have the palette of PASCAL VOC": image_checks.bad_palette,
        "image labels are all in the masks": image_checks.labels_without_pixels,
        "classes of the masks are all in the image labels": image_checks.pixels_without_label,
    }
    if not hasattr(dataset, "truth_path"):
        del of_truth["masks have the palette of PASCAL VOC"]
    checks |= {words: (TRUTH, check) for words, check in of_truth.items()}
    if dataset.contexts:
        checks["context maps have the size of their images"] = "", image_checks.bad_contexts
    return checks


def finding_of(name: str, problems: Problems) -> Finding:
    """A warning where there may be a good reason, else a failure."""
    if not problems.count:
        return Finding(name)
    first = problems.examples[0]
    message = f"not so in {problems.count:,} of {problems.checked:,} images, first {first}"
    advice = next((text for words, text in ADVICE.items() if name.endswith(words)), None)
    all_faint = name.endswith(FAINT) and problems.count >= NEARLY_ALL * problems.checked
    outcome = WARNING if advice and not all_faint else FAILURE
    message += f"; {advice}" if advice else ""
    return Finding(name, outcome, message, problems.count, tuple(problems.examples))


def unlisted_files(paths: Iterable[Path]) -> Finding:
    """How many files there are beside the pictures that are read; they do no harm."""
    check, read = "every file beside the pictures is one of them", set(map(str, paths))
    beside = [
        entry.path
        for folder in sorted({os.path.dirname(path) for path in read})
        if os.path.isdir(folder)
        for entry in os.scandir(folder)
        if entry.is_file() and entry.path not in read
    ]
    if not beside:
        return Finding(check)
    first = tuple(sorted(beside)[:FIRST])
    message = f"no list names {len(beside):,} files, first {first[0]}; nothing reads them"
    return Finding(check, NOTE, message, len(beside), first)


def _alike(ids: Sequence[str]) -> str | None:
    first_ids: dict[str, str] = {}
    for image_id in ids:
        key = unicodedata.normalize("NFKC", image_id).casefold()
        if (first := first_ids.setdefault(key, image_id)) != image_id:
            return (
                f"{first} and {image_id} differ only by case or by how letters are encoded, so "
                "their files are one file on some disks; rename one of them"
            )
    return None
