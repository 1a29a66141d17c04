"""Run a method for a check, in a process of its own.

python -m wsss_harness.testing.probe TASK.json
"""

import dataclasses
import json
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.errors import PluginError, WsssError
from wsss_harness.contract.hookspecs import Run
from wsss_harness.contract.supervision import IMAGE_LABELS, Dataset, Ledger, View
from wsss_harness.contract.types import IGNORE, ClassScores, Image, Mask, Sample, unknown_value
from wsss_harness.contract.weights import Files
from wsss_harness.datasets.railscenes import RailScenes
from wsss_harness.plugins.guard import for_fit
from wsss_harness.plugins.loading import files_for, is_single_stage, loaded
from wsss_harness.plugins.registry import installed
from wsss_harness.system import files, pictures
from wsss_harness.system import write_guard as guard
from wsss_harness.testing.surroundings import WithBlocks, evidence, previous_of

KILLED = getattr(signal, "SIGKILL", signal.SIGTERM)
NOWHERE = Path(os.devnull) / "nowhere"  # nothing is below it
FRAMES = -4  # the innermost lines of a trace
SCENES = RailScenes(train=6, val=2, width=64, height=48)
MASKS = "masks"
MASK_REFINER = "mask_refiner"
ODD = (37, 53)  # a size that no stride divides


def draw_scenes(folder: Path) -> None:
    SCENES.prepare(Run(folder))
    data = SCENES.open(folder)
    for image_id in data.ids("train"):
        pictures.write_mask(folder / MASKS / f"{image_id}.png", data.truth(image_id))


def without_objects(sample: Sample) -> Sample:
    """A sample with its image labels removed."""
    return Sample("without objects", lambda p: () if p == IMAGE_LABELS else sample.give(p))


def of_odd_size(sample: Sample) -> Sample:
    """A corner of a sample, of size ``ODD``."""

    def give(part: str) -> Any:
        value = sample.give(part)
        return value[: ODD[0], : ODD[1]].copy() if isinstance(value, np.ndarray) else value

    return Sample("of odd size", give)


def rough_mask(scores: ClassScores) -> Mask:
    """A mask that a refiner may start from: classes where scores are high, 255 around them."""
    if not scores.classes:
        return np.zeros(scores.size, np.uint8)
    highest, numbers = scores.values.max(0), np.array(scores.classes, np.uint8)
    mask = np.where(highest > 0.3, numbers[scores.values.argmax(0)], IGNORE)
    return np.where(highest > 0.25, mask, 0).astype(np.uint8)


@dataclass(frozen=True)
class ProbeTask:
    """Fit into ``folder`` if ``fit``, killed half-way if ``kill``; then predict, if ``answers``.

    ``world`` is the folder of scenes and masks. Predictions go to the file ``answers``, the
    ProbeReport to ``report``. ``weights``: paths by name.
    """

    kind: str
    name: str
    options: dict[str, Any]
    world: str
    folder: str
    ledger: str
    report: str
    answers: str = ""
    weights: dict[str, str] = field(default_factory=dict)
    fit: bool = False
    kill: bool = False


@dataclass
class ProbeReport:
    """``progress``: how often it was reported; ``problems``: what is wrong with predictions."""

    progress: int = 0
    seconds: float = 0.0
    written: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    error: str = ""
    trace: str = ""


def perform(task: ProbeTask, report: ProbeReport) -> None:
    method = ProbedMethod(task, SCENES.open(Path(task.world)))
    if task.fit:
        before = previous_of(method.method, method.data, Path(task.folder).parents[1] / "previous")
        counting = _counting(report, task.kill)
        run = Run(Path(task.folder), progress=counting, previous=before, files=method.files)
        with guard.noting(Path(task.folder)) as written:
            started = time.monotonic()
            method.fit(run)
            report.seconds = time.monotonic() - started
        report.written = sorted(written)
    if task.answers:
        with guard.noting(NOWHERE) as written:
            answers = dict(chain(_answers(method, report), _segmentations(method, report)))
        report.written = sorted({*report.written, *written})
        np.savez(task.answers, **answers)  # type: ignore[arg-type]


def _counting(report: ProbeReport, kill: bool) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        report.progress += 1
        if kill and 0 < done < total and 2 * done >= total:
            os.kill(os.getpid(), KILLED)

    return progress


class ProbedMethod:
    """A method of any kind, with the inputs that the harness would give it."""

    def __init__(self, task: ProbeTask, data: Dataset) -> None:
        self.task, self.data = task, WithBlocks(data)
        self.method = installed().build(task.kind, task.name, task.options)
        self.needs = frozenset(getattr(self.method, "needs", ()))
        owner = f"{task.kind} '{task.name}'"
        ledger = Ledger(Path(task.ledger))
        self.view = View(self.data, "train", self.needs, ledger, owner)
        paths = {name: Path(path) for name, path in task.weights.items()}
        self.files = Files(paths, ledger, owner)

    def fit(self, run: Run) -> None:
        if self.task.kind == MASK_REFINER:
            return
        method = for_fit(self.method, self.view.owner)
        if self.task.kind == "generator":
            method.fit(self.view, run)
        elif self.task.kind == "refiner":
            method.fit(self.view, self.evidence_of, run)
        else:
            method.fit(self.view, Path(self.task.world) / MASKS, run)

    def evidence_of(self, image_id: str) -> ClassScores:
        return self.evidence(self.data.image(image_id), self.data.present(image_id))

    def evidence(self, image: Image, present: tuple[int, ...]) -> ClassScores:
        """Scores to refine, with the arrays that the refiner says it wants."""
        examples = getattr(self.method, "example_arrays", None)
        arrays = examples(*image.shape[:2]) if examples else {}
        return dataclasses.replace(evidence(image, present), arrays=arrays)

    def load(self) -> Callable[[Sample, ClassScores], Any]:
        """Its function of a sample and of scores, which only a refiner gets, or a mask of them."""
        if self.task.kind == MASK_REFINER:
            return partial(_refine_mask, self.method.load("cpu"))
        predict = loaded(self.method, Path(self.task.folder), "cpu", self.view, self.files)
        if self.task.kind == "refiner":
            return lambda sample, scores: predict(sample, scores)
        return lambda sample, scores: predict(sample)

    def inputs(self) -> Iterator[tuple[Sample, ClassScores]]:
        """All scenes, one of an odd size, one as if it held no object; with scores to refine."""
        for image_id in self.view:
            yield self.view[image_id], self.evidence_of(image_id)
        first = self.view[self.view.ids[0]]
        corner, empty = of_odd_size(first), without_objects(first)
        yield corner, self.evidence(corner.image, self.data.present(first.image_id))
        if IMAGE_LABELS in self.needs or self.task.kind in ("refiner", MASK_REFINER):
            yield empty, self.evidence(empty.image, ())


def _refine_mask(refine: Callable[..., Any], sample: Sample, scores: ClassScores) -> Any:
    mask = rough_mask(scores)
    refined = refine(sample, mask)
    if not np.array_equal(mask, rough_mask(scores)):
        raise PluginError("it changed the mask that it got; copy first")
    return refined


def _answers(
    method: ProbedMethod, report: ProbeReport
) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    predict = method.load()
    for sample, scores in method.inputs():
        image, values = sample.image.copy(), scores.values.copy()
        try:
            output = predict(sample, scores)
        except Exception as error:
            raise PluginError(
                f"it failed on a scene ({sample.image_id}, {image.shape[1]}x{image.shape[0]}): "
                f"{type(error).__name__}: {error}"
            ) from error
        if not (np.array_equal(image, sample.image) and np.array_equal(values, scores.values)):
            report.problems.append(f"{sample.image_id}: it changed its input; copy first")
        if method.task.kind in ("segmentor", MASK_REFINER):
            problem = mask_problem(output, sample, len(method.data.classes))
        else:
            problem = scores_problem(output, sample, scores.classes)
            lacking = {*getattr(method.method, "leaves", ())} - {*getattr(output, "arrays", ())}
            if lacking and not problem:
                problem = f"its scores lack the array '{min(lacking)}', which its leaves has"
        if problem:
            report.problems.append(f"{sample.image_id}: {problem}")
        else:
            yield from _arrays(sample.image_id, output)


def _segmentations(
    method: ProbedMethod, report: ProbeReport
) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    """What a single-stage generator makes of scenes whose labels it may not read."""
    if not is_single_stage(method.method):
        return
    bare = View(method.data, "train", (), Ledger(Path(method.task.ledger)), method.view.owner)
    wanted = files_for(method.method, method.files)
    segment = method.method.load_segmentor(Path(method.task.folder), "cpu", **wanted)
    for image_id in bare:
        mask = segment(bare[image_id])
        if problem := mask_problem(mask, bare[image_id], len(bare.classes)):
            report.problems.append(f"{image_id}: {problem}")
        else:
            yield f"{image_id}.mask", mask


def scores_problem(output: Any, sample: Sample, present: tuple[int, ...]) -> str | None:
    """What is wrong with the class scores of an image whose classes are ``present``."""
    if not isinstance(output, ClassScores):
        return f"it gave {type(output).__name__}; expected ClassScores"
    absent = sorted(set(output.classes) - set(present))
    if absent:
        return f"it scored class {absent[0]}, which is not in the image; score present classes only"
    if output.size != sample.image.shape[:2]:
        return f"scores are {output.size}, the image is {sample.image.shape[:2]}; make them equal"
    if output.values.dtype != np.float32:
        return f"scores are {output.values.dtype}; expected float32"
    try:
        output.validate(sample.image_id, "it")
    except PluginError as error:
        return str(error)
    return None


def mask_problem(output: Any, sample: Sample, classes: int) -> str | None:
    if not isinstance(output, np.ndarray) or output.dtype != np.uint8:
        return f"it gave {getattr(output, 'dtype', type(output).__name__)}; expected uint8"
    if output.shape != sample.image.shape[:2]:
        return f"the mask is {output.shape}, the image is {sample.image.shape[:2]}; make them equal"
    if (unknown := unknown_value(output, classes)) is not None:
        return f"the mask holds {unknown}; expected 0..{classes} or {IGNORE}"
    return None


def _arrays(image_id: str, output: Any) -> Iterator[tuple[str, np.ndarray[Any, Any]]]:
    if isinstance(output, ClassScores):
        yield image_id, output.values
        yield f"{image_id}.classes", np.array(output.classes)
        if output.background is not None:
            yield f"{image_id}.background", output.background
    else:
        yield image_id, output


def main() -> None:
    task, report = ProbeTask(**files.read_json(Path(sys.argv[1]))), ProbeReport()
    try:
        perform(task, report)
    except (Exception, SystemExit) as error:
        expected = isinstance(error, WsssError)
        report.error = str(error) if expected else f"{type(error).__name__}: {error}"
        report.trace = traceback.format_exc(limit=FRAMES)
    files.write_text(Path(task.report), json.dumps(dataclasses.asdict(report)))


if __name__ == "__main__":
    main()
