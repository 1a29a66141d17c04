"""Boards of methods whose true mIoU is known: tallies drawn from a model, records made of them.

Also used by benchmarks, which make larger ones.
"""

import numpy as np
import xxhash
from sample_records import controls, record

from wsss_harness.metrics.confusion import ratio
from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.counts import MASKS, Tallies
from wsss_leaderboard.records.provenance import Protocol
from wsss_leaderboard.records.record import save_record
from wsss_leaderboard.records.scores import Score, Segmentation
from wsss_leaderboard.statistics import estimates

VOC = (
    "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike "
    "person pottedplant sheep sofa train tvmonitor"
)
CLASSES = tuple(VOC.split())


def scenes(images, rng):
    """Scenes for all methods: the share of each class in each image, its ease, and false alarms.

    Classes are as unequally frequent as those of VOC, objects log-normal in size.
    """
    classes = len(CLASSES)
    frequency = np.exp(-np.linspace(0, 2.3, classes))
    odds = np.random.default_rng(1).normal(0.8, 0.7, classes)
    present = rng.random((images, classes)) < 1.5 * frequency / frequency.sum()
    size = np.exp(rng.normal(-2, 1, present.shape)).clip(0.002, 0.6) * present
    size /= np.maximum(1, size.sum(1, keepdims=True) / 0.9)
    ease = odds + rng.normal(0, 1, (images, 1)) + rng.normal(0, 0.6, present.shape)
    return size, ease, (rng.random(present.shape) < 0.02) & ~present


def tallies_of(met, quality, rng):
    """(n, C + 1, 3) hits, truth and mask pixels of a method that is ``quality`` log odds better."""
    size, ease, alarms = met
    recall = 1 / (1 + np.exp(-ease - quality - rng.normal(0, 0.5, size.shape)))
    hit = size * recall
    false = 1.5 * size * (1 - recall) * np.exp(rng.normal(-1.5, 0.8, size.shape))
    seen = alarms & (rng.random(size.shape) < 0.7)
    false += np.exp(rng.normal(-3, 1, size.shape)).clip(0, 0.3) * seen
    empty = (1 - size.sum(1)).clip(0.02)
    clean = (empty - false.sum(1)).clip(0.01)
    background = np.stack([np.minimum(clean, empty), empty, clean + (size - hit).sum(1)], -1)
    objects = np.stack([hit, size, hit + false], -1)
    both = np.concatenate([background[:, None], objects], 1)
    return np.rint(100_000 * both).astype(np.int64)


def score_of(tallies, t=None):
    """The score of tallies; their interval is computed unless ``t`` is given."""
    estimate = estimates.miou(tallies, t=t)
    hit, truth, mask = tallies.sum(0).T
    ious, precision, recall = (ratio(hit, total) for total in (truth + mask - hit, mask, truth))
    names = ("background", *CLASSES)
    return Score(
        miou=estimate.value,
        precision=np.nanmean(precision),
        recall=np.nanmean(recall),
        iou={n: None if np.isnan(v) else float(v) for n, v in zip(names, ious, strict=True)},
        error=estimate.error,
        t=estimate.t,
    )


def runs(qualities, seeds=(0, 1, 2), images=200, segmentors=("V1",), luck=0.05, **changes):
    """A ``LoadedRecord`` for each method and seed, and the control rows; nothing is written.

    ``qualities``: of each method by its name, in log odds; ``luck``: standard deviation over seeds.
    ``changes`` are fields of the records of methods.
    """
    targets = (MASKS, *segmentors)
    met = {
        target: scenes(images, np.random.default_rng([7, n])) for n, target in enumerate(targets)
    }
    ids = tuple(f"{n:06d}" for n in range(images))
    protocol = Protocol(
        fingerprint="simulated", images=images, val_images=images, held_out=0, evaluator=1
    )
    loaded = []
    for number, (method, quality) in enumerate(qualities.items()):
        for seed in seeds:
            rng = np.random.default_rng([number, seed])
            better = quality + rng.normal(0, luck)
            tallies = {target: tallies_of(met[target], better, rng) for target in targets}
            loaded.append(_run(method, seed, ids, tallies, protocol, changes))
    loaded += [
        LoadedRecord(control.model_copy(update={"protocol": protocol}), None)
        for seed in seeds
        for control in controls(seed=seed)
    ]
    return tuple(loaded)


def _run(method, seed, ids, tallies, protocol, changes):
    scores = {target: score_of(counted, t=2.0) for target, counted in tallies.items()}
    masks = record().masks.model_copy(update={"images": len(ids), "score": scores.pop(MASKS)})
    segmentations = tuple(
        Segmentation(
            segmentor=label,
            images=len(ids),
            score=score,
            mmseg={"mIoU": round(100 * score.miou, 2)},
        )
        for label, score in scores.items()
    )
    fields = {
        "classes": ("background", *CLASSES),
        "recipe": {"segmentors": list(scores)},
        "masks": masks,
        "segmentations": segmentations,
        "protocol": protocol,
        **changes,
    }
    by_target = {target: Tallies(ids, counted) for target, counted in tallies.items()}
    return LoadedRecord(record(method, seed=seed, **fields), None, by_target)


def write(folder, loaded):
    """Write a folder of results for ``entries.load``."""
    for number, run in enumerate(loaded):
        path = folder / "records" / f"{number:04d}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        changes = {}
        if run.tallies:
            counts.write(counts.path_of(path), run.tallies)
            content = counts.path_of(path).read_bytes()
            changes["counts"] = xxhash.xxh3_128_hexdigest(content)
        save_record(run.record.model_copy(update=changes), path)
    return folder
