"""The weights that the stages of a row were given, and which of them took each."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wsss_harness.contract.weights import READ
from wsss_harness.stages.stage_data import BACKBONE
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_leaderboard.records.provenance import RecordedWeights


def readable_name(stage: Stage) -> str:
    """A readable name that no other stage of a row has."""
    return f"{stage.title} {stage.key[:8]}"


def weights_of(stages: Sequence[Stage], store: Store) -> tuple[RecordedWeights, ...]:
    """The weights of all stages, each once, without those of a pretraining that is not done."""
    merged: dict[object, RecordedWeights] = {}
    for stage in stages:
        for weights in _of_stage(stage, store):
            known = merged.setdefault((weights.digest, weights.name), weights)
            merged[weights.digest, weights.name] = known.model_copy(
                update={
                    field: tuple(dict.fromkeys((*getattr(known, field), *getattr(weights, field))))
                    for field in ("given_as", "read_by")
                }
            )
    return tuple(merged.values())


def _of_stage(stage: Stage, store: Store) -> Iterator[RecordedWeights]:
    read = store.manifest(stage)["read"] if store.done(stage) else ()
    for noted, identity in stage.note.get("weights", {}).items():
        if (digest := _digest(identity, stage, store)) is not None:
            yield RecordedWeights(
                name=identity["name"],
                trained_on=identity["trained_on"],
                digest=digest,
                kind=identity["kind"],
                given_as=(noted.partition(READ)[2],),
                read_by=(readable_name(stage),) if noted in read else (),
            )


def _digest(identity: Mapping[str, Any], stage: Stage, store: Store) -> str | None:
    """The digest of a file, or of what a pretraining made; None if that is not done."""
    if "input" not in identity:
        return str(identity["digest"])
    source = stage.inputs[identity["input"]]
    return store.manifest(source)["files"][BACKBONE] if store.done(source) else None
