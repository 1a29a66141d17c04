"""The work of each stage, from images to measured masks: functions over folders."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.errors import DataError, PluginError, WsssError
from wsss_harness.contract.hookspecs import Generator, Metric, Refiner, Segmentor
from wsss_harness.contract.supervision import Dataset, Ledger, View, scored_ids
from wsss_harness.contract.types import IGNORE, ClassScores, Map, Mask, Sample
from wsss_harness.metrics import curve, saliency
from wsss_harness.stages import batches
from wsss_harness.stages.background_rules import build_rule, to_mask
from wsss_harness.stages.bounds import Bound
from wsss_harness.store.manifest import LOG
from wsss_harness.store.stage import Work
from wsss_harness.suite.spec import Rule as RuleSpec
from wsss_harness.system import files, parallel
from wsss_harness.system.score_files import read_scores, write_scores

SCORES = ".scores"
CURVE = "curve.npz"
THRESHOLDS = "thresholds.json"
IDS = "ids.json"
QUALITY = "quality.json"
BY_MMSEG = "mmseg.json"


def device() -> str:
    """The device that plugins work on."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def held_apart(ids: Sequence[str], count: int) -> tuple[str, ...]:
    """``count`` ids spread evenly over the list: the images whose truth may choose a threshold."""
    return tuple(ids[index * len(ids) // count] for index in range(count))


def _remaining(work: Work, ids: Sequence[str], suffix: str) -> Iterator[tuple[str, Path]]:
    """The ids of the part whose file is not there yet; reports progress as the caller goes on."""
    ids = work.part.of(ids)
    work.progress(0, len(ids))
    for index, image_id in enumerate(ids, 1):
        path = work.folder / f"{image_id}{suffix}"
        if not path.is_file():
            yield image_id, path
        work.progress(index, len(ids))


def score(work: Work, generator: Generator, data: View) -> None:
    """Write the class scores of every image of the view."""
    _by_network(work, generator.load(work.inputs["fit"], device()), data)


def _by_network(
    work: Work, made: Callable[..., Any], data: View, *readers: Callable[[str], Any]
) -> None:
    """Write the scores that ``made`` gives for each sample and what ``readers`` know of its id."""
    samples = (data[image_id] for image_id, _ in _remaining(work, data.ids, SCORES))
    for group in batches.by_size(samples, batches.at_once(device())):
        known = [[read(sample.image_id) for sample in group] for read in readers]
        with blaming(data.owner, ", ".join(sample.image_id for sample in group)):
            found = batches.together(made, group, *known)
        for sample, scores in zip(group, found, strict=True):
            _write(work.folder / f"{sample.image_id}{SCORES}", sample, scores, data)


@contextlib.contextmanager
def blaming(owner: str, image_id: str) -> Iterator[None]:
    """Errors of a plugin's code name the plugin and the image."""
    try:
        yield
    except (WsssError, OSError, MemoryError):
        raise  # these say what is wrong, or are told apart later
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(f"{owner} failed on image {image_id}: {reason}") from error


def refine(work: Work, refiner: Refiner, data: View) -> None:
    """Write the refined class scores of every image of the view.

    A refiner that says ``parallel`` is a pure function on the CPU and gets all cores.
    """
    before = reader(work.inputs["scores"])
    if not getattr(refiner, "parallel", False):
        _by_network(work, refiner.load(work.inputs["fit"], device()), data, before)
        return
    start = partial(_refining, refiner, data, before, work.inputs["fit"], work.folder)
    ids = work.part.of(data.ids)
    left = [i for i in ids if not (work.folder / f"{i}{SCORES}").is_file()]
    finished = count(len(ids) - len(left))

    def progress() -> None:
        work.progress(next(finished), len(ids))

    progress()
    parallel.run(start, left, parallel.cores(), work.folder / LOG, progress)


def _refining(
    refiner: Refiner, data: View, before: Callable[[str], ClassScores], fit: Path, folder: Path
) -> Callable[[str], None]:
    """What refines the scores of one image and writes them; each process loads its own."""
    refined = refiner.load(fit, "cpu")

    def work(image_id: str) -> None:
        sample, scores = data[image_id], before(image_id)
        with blaming(data.owner, image_id):
            after = refined(sample, scores)
        _write(folder / f"{image_id}{SCORES}", sample, after, data)

    return work


def _write(path: Path, sample: Sample, scores: ClassScores, data: View) -> None:
    owner = data.owner
    if not isinstance(scores, ClassScores):
        raise PluginError(
            f"{owner} gave {type(scores).__name__} for image {sample.image_id}; expected "
            "ClassScores, which wsss_harness.contract.types has"
        )
    beyond = [number for number in scores.classes if number > len(data.classes)]
    if beyond:
        raise PluginError(
            f"{owner} scored class {beyond[0]} in image {sample.image_id}, but there are "
            f"{len(data.classes)} classes"
        )
    if scores.size != sample.image.shape[:2]:
        raise PluginError(
            f"{owner} gave scores of size {scores.size} for image {sample.image_id}, which is "
            f"{sample.image.shape[:2]}; scores must have the size of their image"
        )
    scores.validate(sample.image_id, owner)
    write_scores(path, scores)


def reader(folder: Path) -> Callable[[str], ClassScores]:
    """A function that reads the scores of an image id from a finished score stage."""
    return partial(_read, folder)


def _read(folder: Path, image_id: str) -> ClassScores:
    return read_scores(folder / f"{image_id}{SCORES}")


def make_curve(work: Work, dataset: Dataset, held_out: int) -> None:
    """Count the masks of all thresholds in one pass, and choose thresholds on the truth.

    Writes curve.npz for all images, and thresholds.json: ``oracle`` is the best on the scored
    images themselves, ``held_out`` the best on images that are kept apart from them.
    """
    ids, classes = scored_ids(dataset), len(dataset.classes)

    def tables() -> Iterator[curve.Table]:
        for number, image_id in enumerate(ids):
            scores = read_scores(work.inputs["scores"] / f"{image_id}{SCORES}")
            yield curve.entries(dataset.truth(image_id), scores, classes, number)
            work.progress(number + 1, len(ids))

    curve.write(work.folder / CURVE, tables(), classes)
    counted = curve.read(work.folder / CURVE)
    apart, scored = divide(ids, held_out)
    thresholds = {"oracle": curve.best(counted.of(scored))}
    if apart:
        thresholds["held_out"] = curve.best(counted.of(apart))
    files.write_json(work.folder / THRESHOLDS, thresholds)


def divide(ids: Sequence[str], held_out: int) -> tuple[list[int], list[int]]:
    """Numbers of the images kept apart for choosing a threshold, and of those that are scored."""
    apart = set(held_apart(ids, held_out))
    numbers = range(len(ids))
    return (
        [number for number in numbers if ids[number] in apart],
        [number for number in numbers if ids[number] not in apart],
    )


def judge_saliency(work: Work, dataset: Dataset) -> None:
    """Write how good the saliency maps of the scored images are, measured on their truth."""
    ids = scored_ids(dataset)

    def pairs() -> Iterator[tuple[Mask, Map]]:
        for number, image_id in enumerate(ids, 1):
            yield dataset.truth(image_id), dataset.saliency(image_id)
            work.progress(number, len(ids))

    files.write_json(work.folder / QUALITY, dataclasses.asdict(saliency.quality(pairs())))


def make_masks(work: Work, rule: RuleSpec, data: View) -> None:
    """Write the pseudo-mask of every image of the view."""
    built = build_rule(rule.name, {**rule.options, **_chosen(work, rule)})
    for image_id, path in _remaining(work, data.ids, ".png"):
        scores = read_scores(work.inputs["scores"] / f"{image_id}{SCORES}")
        files.write_mask(path, to_mask(scores, built, data[image_id]))


def _chosen(work: Work, rule: RuleSpec) -> dict[str, float]:
    if not isinstance(rule.threshold, str):
        return {}
    return {"threshold": files.read_json(work.inputs["curve"] / THRESHOLDS)[rule.threshold]}


def measure(
    work: Work, metrics: Mapping[str, Metric], dataset: Dataset, ids: Sequence[str]
) -> None:
    """Write the counts of every metric for every image: ``<metric>.npy``, (images, ...) int64.

    They are written as they come, so memory stays flat however many images there are.
    """
    files.write_json(work.folder / IDS, ids)
    with contextlib.ExitStack() as stack:
        write = {
            name: stack.enter_context(files.row_writer(work.folder / f"{name}.npy", len(ids)))
            for name in metrics
        }
        for number, image_id in enumerate(ids, 1):
            counted = _count(work.inputs["masks"], metrics, dataset, image_id)
            for name, counts in counted.items():
                write[name](counts)
            work.progress(number, len(ids))


def report_by_mmseg(work: Work, dataset: Dataset) -> None:
    """Write what mmsegmentation's IoUMetric reports for the counts of the stage, in percent."""
    from wsss_harness.networks.segmentors import metric

    counts = np.load(work.folder / "confusion.npy", mmap_mode="r", allow_pickle=False)
    report = metric.read(counts, ("background", *dataset.classes))
    files.write_json(work.folder / BY_MMSEG, report)


def _count(
    masks: Path, metrics: Mapping[str, Metric], dataset: Dataset, image_id: str
) -> dict[str, Any]:
    path = masks / f"{image_id}.png"
    truth, mask = dataset.truth(image_id), files.read_mask(path)
    if truth.shape != mask.shape:
        raise DataError(f"{path} is {mask.shape}, the truth of its image is {truth.shape}")
    context = dataset.context(image_id)
    classes = len(dataset.classes)
    counted = {}
    for name, metric in metrics.items():
        with blaming(f"metric '{name}'", image_id):
            counted[name] = metric.count(truth, mask, classes, context)
    return counted


def predict(work: Work, segmentor: Segmentor, data: View) -> None:
    """Write the mask that a fitted segmentor makes of every image of the view."""
    segment = segmentor.load(work.inputs["fit"], device())
    for image_id, path in _remaining(work, data.ids, ".png"):
        sample = data[image_id]
        with blaming(data.owner, image_id):
            mask = segment(sample)
        _check_mask(mask, sample, data)
        files.write_mask(path, mask)


def _check_mask(mask: Mask, sample: Sample, data: View) -> None:
    classes = len(data.classes)
    known = np.isin(mask, [*range(classes + 1), IGNORE]).all()
    if mask.shape != sample.image.shape[:2] or mask.dtype != np.uint8 or not known:
        raise PluginError(
            f"{data.owner} gave a mask of {mask.dtype} {mask.shape} with values up to "
            f"{mask.max(initial=0)} for image {sample.image_id}; expected uint8 "
            f"{sample.image.shape[:2]} with 0..{classes} or {IGNORE}"
        )


def paint_bound(work: Work, paint: Bound, dataset: Dataset, ids: Sequence[str]) -> None:
    """Write masks that no method could make, noting that the truth was read."""
    for image_id, path in _remaining(work, ids, ".png"):
        files.write_mask(path, paint(dataset, image_id, work.ledger))


def paint_seeds(
    work: Work, seed: Callable[[Dataset, str, Ledger], ClassScores], dataset: Dataset
) -> None:
    """Write scores of every image of train that no method could make."""
    for image_id, path in _remaining(work, dataset.ids("train"), SCORES):
        write_scores(path, seed(dataset, image_id, work.ledger))
