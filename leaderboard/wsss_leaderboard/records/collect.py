"""From finished stages to a record."""

import json
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wsss_harness.contract.errors import StageFailure
from wsss_harness.contract.hookspecs import Metric
from wsss_harness.contract.supervision import Dataset, scored_ids
from wsss_harness.execution.run import Outcome
from wsss_harness.metrics import EVALUATOR, METRICS, confusion, curve
from wsss_harness.stages.work import BY_MMSEG, CURVE, QUALITY, THRESHOLDS, divide
from wsss_harness.store.manifest import key_of
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.inputs import BACKBONE, VAL
from wsss_harness.suite.rows import RowStages, chosen_on, saliency_of
from wsss_harness.suite.rows import Segmentation as SegmentationStages
from wsss_harness.suite.spec import Suite
from wsss_harness.system.digests import digest_file
from wsss_harness.system.files import read_json
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.records.provenance import Cost, Failure, Protocol, Step
from wsss_leaderboard.records.record import Record, save_record
from wsss_leaderboard.records.scores import ERROR, Masks, Policy, Score, Segmentation, Thresholded
from wsss_leaderboard.records.supervision import InitialWeights, SaliencyQuality, Supervision
from wsss_leaderboard.statistics import estimates

FIXED = 0.2


class Collector:
    """Reads records of a suite's rows out of the store."""

    def __init__(self, suite: Suite, store: Store, dataset: Dataset, graph: Graph) -> None:
        self.suite = suite
        self.store = store
        self.dataset = dataset
        self.graph = graph
        self.names = ("background", *dataset.classes)
        _, self.scored = divide(scored_ids(dataset), suite.held_out)
        self.protocol = Protocol(
            fingerprint=dataset.fingerprint(),
            images=len(self.scored),
            val_images=len(dataset.ids(VAL)),
            held_out=suite.held_out,
            evaluator=EVALUATOR,
        )

    def record(self, outcome: Outcome) -> Record:
        row = outcome.row
        maps = saliency_of(row.row, self.suite)
        judged = self.graph.saliency(maps)
        needed = upstream(*row.targets, judged)
        done = [stage for stage in needed if self.store.done(stage)]
        return Record(
            suite=self.suite.title,
            dataset=self.suite.dataset.name,
            data=self.graph.data.key,
            classes=self.names,
            protocol=self.protocol,
            seed=row.seed,
            vary=self.suite.vary,
            seeds=self.suite.seeds_of(row.seed),
            method=row.row.method,
            control=row.row.control,
            recipe=row.row.model_dump(mode="json"),
            supervision=self.supervision(row),
            saliency=self.saliency(judged),
            masks=self.masks(row) if self.store.done(row.counts) else None,
            segmentations=tuple(
                self.segmentation(s) for s in row.segmentations if self.store.done(s.counts)
            ),
            plugins=self.plugins(row),
            steps=tuple(self.step(stage) for stage in done),
            definition=self.suite.model_dump(mode="json", exclude_defaults=True),
            failure=failure(outcome.failure) if outcome.failure else None,
        )

    def save(self, outcome: Outcome, folder: Path) -> tuple[str, Record]:
        """Write the record of a row and, beside it, its counts by image; gives its file's name."""
        record = self.record(outcome)
        path = folder / file_name(outcome.number, record)
        if tallies := self.tallies(outcome.row):
            counts.write(counts.path_of(path), tallies)
            digest = digest_file(counts.path_of(path))
            record = record.model_copy(update={"counts": digest})
        save_record(record, path)
        return path.name, record

    def step(self, stage: Stage) -> Step:
        manifest = self.store.manifest(stage)
        cost = {k: v for k, v in manifest["cost"].items() if k in Cost.model_fields}
        recipe = manifest["recipe"]
        return Step(
            stage=name_of(stage),
            key=stage.key,
            options=recipe["options"],
            code=recipe["code"],
            inputs=recipe["inputs"],
            products=key_of(manifest["files"]),
            cost=Cost(**cost),
            environment=manifest["environment"],
        )

    def plugins(self, row: RowStages) -> dict[str, str]:
        """The distribution that offers each part of a row, with its version."""
        suite, parts = self.suite, row.row
        named = [("dataset", suite.dataset)]
        named += [("generator", suite.generators[parts.generator])] if parts.generator else []
        named += [("refiner", suite.refiners[label]) for label in parts.refiners]
        named += [("segmentor", suite.segmentors[label]) for label in parts.segmentors]
        offers = self.graph.plugins
        return {f"{kind} {o.name}": offers.find(kind, o.name).distribution for kind, o in named}

    def tallies(self, row: RowStages) -> dict[str, Tallies]:
        """Counts by image of the masks, and of each segmentor."""
        ids, val = scored_ids(self.dataset), self.dataset.ids(VAL)
        stages = {MASKS: (row.counts, [ids[n] for n in self.scored], list(self.scored))}
        stages |= {s.label: (s.counts, list(val), list(range(len(val)))) for s in row.segmentations}
        return {
            target: Tallies(tuple(names), estimates.tallies_of(self._confusions(stage)[places]))
            for target, (stage, names, places) in stages.items()
            if self.store.done(stage)
        }

    def _confusions(self, stage: Stage) -> confusion.Counts:
        path = self.store.folder(stage) / "confusion.npy"
        counted: confusion.Counts = np.load(path, mmap_mode="r", allow_pickle=False)
        return counted

    def saliency(self, judged: Stage) -> SaliencyQuality | None:
        """How good the maps are that a row reads, and which they are where the suite names them."""
        if not self.store.done(judged):
            return None
        quality = read_json(self.store.folder(judged) / QUALITY)
        named = dict(judged.options.get("saliency", {}))
        return SaliencyQuality(**quality, **named)

    def supervision(self, row: RowStages) -> Supervision:
        """What made the masks; the data of a pretraining stands under weights."""
        path = [s for s in upstream(row.masks) if s.kind in ("fit", "score", "refine", *MAKERS)]
        read = {name_of(s): self.store.manifest(s)["read"] for s in path if self.store.done(s)}
        stated = {part for stage in path for part in stage.note.get("stated", ())}
        declared = {part for stage in path for part in stage.note.get("needs", ())}
        fits = [*path, *(segmentation.fit for segmentation in row.segmentations)]
        weights = {w.digest: w for stage in fits for w in self.weights(stage)}
        return Supervision(
            declared=tuple(sorted(declared)),
            read=read,
            weights=tuple(weights.values()),
            stated=tuple(sorted(stated)),
        )

    def weights(self, stage: Stage) -> Iterator[InitialWeights]:
        identity = stage.options.get("weights")
        if not identity:
            return
        source = stage.inputs.get("weights")
        if source is None:
            yield InitialWeights(**identity)
        elif self.store.done(source):
            digest = self.store.manifest(source)["files"][BACKBONE]
            yield InitialWeights(**identity, digest=digest)

    def masks(self, row: RowStages) -> Masks:
        folder = self.store.folder(row.counts)
        read = {name: self.read(folder, name, self.scored) for name in METRICS}
        constant = row.row.rule.name == "constant"
        curved = row.curve is not None and self.store.done(row.curve)
        others = self.thresholded(row.curve) if row.curve and curved and constant else {}
        return Masks(
            images=len(self.scored),
            rule=self.describe(row),
            chosen_on=chosen_on(row),
            score=self.score(folder, self.scored),
            others=others,
            boundary=read["boundary"],
            cooccurrence=read["cooccurrence"] if self.dataset.contexts else {},
            large=read["large"],
            anatomy=read["anatomy"],
            curve=self.curve(row.curve) if row.curve and curved and constant else (),
            more=self.more(row),
        )

    def more(self, row: RowStages) -> dict[str, dict[str, Any]]:
        """What the metrics of plugins read; one that cannot has an error instead."""
        return {
            name: self._read_more(self.store.folder(stage), name)
            for name, stage in row.further.items()
            if self.store.done(stage)
        }

    def _read_more(self, folder: Path, name: str) -> dict[str, Any]:
        try:
            read = dict(self.read(folder, name, self.scored))
            json.dumps(read, allow_nan=False)
        except Exception as error:  # a stranger's code; all else of the row is finished
            return {ERROR: f"{type(error).__name__}: {error}"}
        return read

    def describe(self, row: RowStages) -> str:
        rule = row.row.rule
        if row.curve is None:
            return "none"
        options = dict(rule.options)
        if isinstance(rule.threshold, str):
            chosen = read_json(self.store.folder(row.curve) / THRESHOLDS)
            options["threshold"] = chosen[rule.threshold]
        first = [] if rule.name == "constant" else [rule.name]
        threshold = [f"{options.pop('threshold'):g}"] if "threshold" in options else []
        return " ".join([*first, *threshold, *(f"{name} {v:g}" for name, v in options.items())])

    def read(self, folder: Path, metric: str, images: Sequence[int]) -> dict[str, Any]:
        counted = np.load(folder / f"{metric}.npy", mmap_mode="r", allow_pickle=False)
        made: Metric = self.graph.plugins.offers["metric"][metric].made
        return made.read(counted[images].sum(0), self.names, self.dataset.contexts)

    def score(self, folder: Path, images: Sequence[int]) -> Score:
        counted = np.load(folder / "confusion.npy", mmap_mode="r", allow_pickle=False)[images]
        estimate = estimates.miou(estimates.tallies_of(counted))
        sure = {"error": estimate.error, "t": estimate.t if math.isfinite(estimate.t) else None}
        return score_of(counted.sum(0), self.names).model_copy(update=sure)

    def curve(self, stage: Stage) -> tuple[float, ...]:
        """mIoU at every threshold."""
        counted = curve.read(self.store.folder(stage) / CURVE).of(self.scored)
        return tuple(map(float, curve.miou(counted)))

    def thresholded(self, stage: Stage) -> dict[Policy, Thresholded]:
        folder = self.store.folder(stage)
        counted = curve.read(folder / CURVE).of(self.scored)
        confusions = curve.confusions(counted)
        chosen = {"fixed": FIXED, **read_json(folder / THRESHOLDS)}
        steps = {name: int(np.abs(counted.thresholds - t).argmin()) for name, t in chosen.items()}
        return {
            name: Thresholded(threshold=chosen[name], score=score_of(confusions[step], self.names))
            for name, step in steps.items()
        }

    def segmentation(self, stages: SegmentationStages) -> Segmentation:
        images = range(len(self.dataset.ids("val")))
        folder = self.store.folder(stages.counts)
        return Segmentation(
            segmentor=stages.label,
            images=len(images),
            score=self.score(folder, list(images)),
            mmseg=read_json(folder / BY_MMSEG),
            anatomy=self.read(folder, "anatomy", list(images)),
        )


def failure(error: StageFailure) -> Failure:
    return Failure(message=str(error), stage=error.stage, kind=error.kind, log_tail=error.log_tail)


MAKERS = ("mask", "bound")


def score_of(counts: confusion.Counts, names: tuple[str, ...]) -> Score:
    read = confusion.read(counts, names)
    return Score(
        miou=read["miou"], precision=read["mprecision"], recall=read["mrecall"], iou=read["iou"]
    )


def name_of(stage: Stage) -> str:
    """A readable name that no other stage of a row has."""
    return f"{stage.title} {stage.key[:8]}"


def file_name(index: int, record: Record) -> str:
    """Records sort by row, then seed."""
    return f"{index:03d}-{slug(record.method)}-seed{record.seed}.json"


def slug(method: str) -> str:
    """A method's name as part of a file name."""
    return re.sub(r"\W+", "-", method).strip("-").lower()
