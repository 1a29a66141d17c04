"""From finished stages to a record."""

from pathlib import Path

from wsss_harness.contract.errors import StageFailure
from wsss_harness.contract.supervision import Dataset, scored_ids, scores_masks
from wsss_harness.execution.run import RowOutcome
from wsss_harness.metrics import EVALUATOR
from wsss_harness.stages.products import QUALITY
from wsss_harness.stages.stage_data import VAL
from wsss_harness.stages.thresholds import divide
from wsss_harness.store.manifest import key_of
from wsss_harness.store.source_digest import by_package
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.rows import RowStages, saliency_of
from wsss_harness.suite.spec import Suite, digest_of
from wsss_harness.system.digests import digest_file
from wsss_harness.system.files import read_json
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.records.given_weights import readable_name, weights_of
from wsss_leaderboard.records.provenance import (
    Cost,
    Failure,
    Protocol,
    SaliencyQuality,
    Step,
    Supervision,
)
from wsss_leaderboard.records.record import Record, file_name, save_record
from wsss_leaderboard.records.score_reader import ScoreReader


class Collector:
    """Reads records of a suite's rows out of the store."""

    def __init__(self, suite: Suite, store: Store, dataset: Dataset, graph: Graph) -> None:
        self.suite = suite
        self.store = store
        self.dataset = dataset
        self.graph = graph
        self.ids = scored_ids(dataset) if scores_masks(dataset) else ()
        _, self.scored = divide(self.ids, suite.held_out)
        self.scores = ScoreReader(store, dataset, graph.plugins, self.scored)
        self.protocol = Protocol(
            fingerprint=dataset.fingerprint(),
            texts=digest_of(suite.texts),
            images=len(self.scored),
            val_images=len(dataset.ids(VAL)),
            held_out=suite.held_out,
            evaluator=EVALUATOR,
        )

    def record(self, outcome: RowOutcome) -> Record:
        row, done = outcome.row, self.store.done
        maps = self.graph.saliency(saliency_of(row.row, self.suite))
        return Record(
            suite=self.suite.title,
            dataset=self.suite.dataset.name,
            data=self.graph.data.key,
            classes=self.scores.names,
            protocol=self.protocol,
            seed=row.seed,
            vary=self.suite.vary,
            seeds=self.suite.seeds_of(row.seed),
            method=row.row.method,
            control=row.row.control,
            recipe=row.row.model_dump(mode="json"),
            supervision=supervision_of(row, self.store),
            saliency=quality_of(maps, self.store) if done(maps) else None,
            masks=self.scores.masks(row) if row.counts and done(row.counts) else None,
            segmentations=tuple(
                self.scores.segmentation(s) for s in row.segmentations if done(s.counts)
            ),
            plugins=self._plugins(row),
            steps=tuple(
                step_of(stage, self.store) for stage in upstream(*row.targets, maps) if done(stage)
            ),
            definition=self.suite.model_dump(mode="json", exclude_defaults=True),
            failure=failure_of(outcome.failure) if outcome.failure else None,
        )

    def save(self, outcome: RowOutcome, folder: Path) -> tuple[str, Record]:
        """Write the record of a row, and its counts by image; return the name of its file too."""
        record = self.record(outcome)
        path = folder / file_name(outcome.number, record)
        if tallies := self._tallies(outcome.row):
            counts.write(counts.path_of(path), tallies)
            digest = digest_file(counts.path_of(path))
            record = record.model_copy(update={"counts": digest})
        save_record(record, path)
        return path.name, record

    def _plugins(self, row: RowStages) -> dict[str, str]:
        """The distribution that offers each part of a row, with its version."""
        suite, recipe = self.suite, row.row
        parts = [("dataset", suite.dataset)]
        parts += [("generator", suite.generators[recipe.generator])] if recipe.generator else []
        of_scores, of_masks = suite.chain_of(recipe)
        parts += [("refiner", suite.refiners[label]) for label in of_scores]
        after = (*of_masks, *recipe.prediction_refiners)
        parts += [("mask_refiner", suite.mask_refiners[label]) for label in after]
        parts += [("segmentor", suite.segmentors[label]) for label in recipe.segmentors]
        found = ((kind, part, self.graph.plugins_of(part)) for kind, part in parts)
        return {
            f"{kind} {part.name}": plugins.find(kind, part.name).distribution
            for kind, part, plugins in found
        }

    def _tallies(self, row: RowStages) -> dict[str, Tallies]:
        """Counts by image of the masks, and of each segmentor."""
        val = self.dataset.ids(VAL)
        stages = {}
        if row.counts:
            scored = [self.ids[n] for n in self.scored]
            stages[MASKS] = (row.counts, scored, list(self.scored))
        stages |= {s.label: (s.counts, list(val), list(range(len(val)))) for s in row.segmentations}
        return {
            target: Tallies(tuple(names), self.scores.tallies(stage, places))
            for target, (stage, names, places) in stages.items()
            if self.store.done(stage)
        }


def step_of(stage: Stage, store: Store) -> Step:
    manifest = store.manifest(stage)
    recipe = manifest["recipe"]
    return Step(
        stage=readable_name(stage),
        key=stage.key,
        options=recipe["options"],
        code=by_package(recipe["code"]),
        inputs=recipe["inputs"],
        products=key_of(manifest["files"]),
        cost=Cost(**{k: v for k, v in manifest["cost"].items() if k in Cost.model_fields}),
        environment=manifest["environment"],
    )


def failure_of(error: StageFailure) -> Failure:
    return Failure(message=str(error), stage=error.stage, kind=error.kind, log_tail=error.log_tail)


# Kinds of stages; what is read to refine predictions counts as well.
MAKES_MASKS = ("fit", "score", "refine", "mask", "bound", "remask", "repredict")


def supervision_of(row: RowStages, store: Store) -> Supervision:
    """What the masks were made from; the data of a pretraining is listed under weights."""
    ends = row.masks, *(segmentation.predictions for segmentation in row.segmentations)
    path = [stage for stage in upstream(*ends) if stage.kind in MAKES_MASKS]
    segmentors = [stage for s in row.segmentations for stage in (s.fit, s.predictions)]
    return Supervision(
        declared=_noted(path, "needs"),
        read={readable_name(stage): read_by(stage, store) for stage in path if store.done(stage)},
        weights=weights_of([*path, *segmentors], store),
        stated=_noted(path, "stated"),
        selected_on=_noted(path, "selected_on"),
    )


def read_by(stage: Stage, store: Store) -> tuple[str, ...]:
    """What a stage read, with what else went into the maps that it read."""
    read, also = store.manifest(stage)["read"], stage.note.get("also", {})
    more = sorted({kind for part in read for kind in also.get(part, ())} - {*read})
    return (*read, *more)


def _noted(stages: list[Stage], note: str) -> tuple[str, ...]:
    return tuple(sorted({part for stage in stages for part in stage.note.get(note, ())}))


def quality_of(maps: Stage, store: Store) -> SaliencyQuality:
    """How good saliency maps are, whether they were resized, and which the suite names."""
    quality = read_json(store.folder(maps) / QUALITY)
    own = {"resize": maps.inputs["data"].options.get("resize_saliency", "")}
    return SaliencyQuality(**quality, **dict(maps.options.get("saliency", own)))
