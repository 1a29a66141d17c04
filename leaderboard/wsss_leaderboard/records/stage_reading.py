"""What finished stages say of a row's supervision: labels read, weights, saliency maps."""

from collections.abc import Iterator

from wsss_harness.stages.products import QUALITY
from wsss_harness.stages.stage_data import BACKBONE
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.rows import RowStages
from wsss_harness.system.files import read_json
from wsss_leaderboard.records.supervision import InitialWeights, SaliencyQuality, Supervision

MAKES_MASKS = ("fit", "score", "refine", "mask", "bound")  # kinds of stages


def supervision_of(row: RowStages, store: Store) -> Supervision:
    """What the masks were made from; the data of a pretraining is listed under weights."""
    path = [stage for stage in upstream(row.masks) if stage.kind in MAKES_MASKS]
    fits = [*path, *(segmentation.fit for segmentation in row.segmentations)]
    weights = {w.digest: w for stage in fits for w in _weights(stage, store)}
    return Supervision(
        declared=_noted(path, "needs"),
        read={readable_name(s): store.manifest(s)["read"] for s in path if store.done(s)},
        weights=tuple(weights.values()),
        stated=_noted(path, "stated"),
    )


def _noted(stages: list[Stage], note: str) -> tuple[str, ...]:
    return tuple(sorted({part for stage in stages for part in stage.note.get(note, ())}))


def _weights(stage: Stage, store: Store) -> Iterator[InitialWeights]:
    identity = stage.options.get("weights")
    if not identity:
        return
    source = stage.inputs.get("weights")
    if source is None:
        yield InitialWeights(**identity)
    elif store.done(source):
        digest = store.manifest(source)["files"][BACKBONE]
        yield InitialWeights(**identity, digest=digest)


def quality_of(maps: Stage, store: Store) -> SaliencyQuality:
    """How good saliency maps are, and which they are where the suite names them."""
    quality = read_json(store.folder(maps) / QUALITY)
    return SaliencyQuality(**quality, **dict(maps.options.get("saliency", {})))


def readable_name(stage: Stage) -> str:
    """A readable name that no other stage of a row has."""
    return f"{stage.title} {stage.key[:8]}"
