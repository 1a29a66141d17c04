"""Records made by hand."""

from wsss_leaderboard.records.provenance import Cost, Protocol, RecordedWeights, Step, Supervision
from wsss_leaderboard.records.record import Record
from wsss_leaderboard.records.scores import Masks, Score, Segmentation, Thresholded


def score(miou):
    return Score(
        miou=miou, precision=0.5, recall=0.25, iou={"background": 0.9, "dog": 0.3, "cat": None}
    )


def record(method="EPS", *, seed=0, miou=0.5, parts=("image_labels", "saliency"), **changes):
    values = {
        "suite": "Small",
        "dataset": "small",
        "data": "abc",
        "seed": seed,
        "method": method,
        "control": False,
        "recipe": {"segmentors": ["V1"]},
        "supervision": Supervision(
            declared=parts,
            read={"fit eps": parts, "score eps": parts[:1]},
            weights=(RecordedWeights(name="w", trained_on="icons", digest="d"),),
        ),
        "masks": Masks(
            images=8,
            rule="0.3",
            chosen_on="held_out",
            score=score(miou),
            others={
                "fixed": Thresholded(threshold=0.2, score=score(miou - 0.1)),
                "oracle": Thresholded(threshold=0.35, score=score(min(miou + 0.1, 1))),
            },
            boundary={"precision": 0.1, "recall": None, "f": 0.125},
            cooccurrence={"rails>train": 0.5, "pooled": 0.75},
            large={"precision": 0.75, "recall": None},
        ),
        "segmentations": (
            Segmentation(segmentor="V1", images=4, score=score(0.4), mmseg={"mIoU": 40.12}),
        ),
        "protocol": Protocol(images=8, val_images=4, held_out=2, evaluator=1),
        "steps": (
            Step(
                stage="fit eps",
                key=f"fit {method} {seed}",
                cost=Cost(wall_seconds=1.5),
                environment={"python": "3.11"},
            ),
        ),
    }
    return Record(**{**values, **changes})


def controls(**changes):
    """The three control rows, as a suite makes them."""
    changes = {"control": True, "recipe": {"segmentors": []}, "segmentations": (), **changes}
    truth = Supervision(declared=(), read={"bound b": ("saliency", "truth")}, weights=())
    nothing = Supervision(declared=(), read={"bound a": ()}, weights=())
    return [
        record("Saliency", **changes),
        record("All background", supervision=nothing, **changes),
        record("Saliency, true classes", supervision=truth, **changes),
    ]
