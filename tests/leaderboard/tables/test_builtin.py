"""Tables are honest about seeds, supervision, thresholds and controls."""

import numpy as np
import pytest
from sample_records import controls, record, score

from wsss_harness.contract.errors import ConfigError
from wsss_harness.metrics.anatomy import CAUSES
from wsss_leaderboard.records.provenance import Failure, SaliencyQuality, Step, Supervision
from wsss_leaderboard.records.scores import Cause, Segmentation
from wsss_leaderboard.tables.builtin import (
    anatomy_tables,
    failure_table,
    further_table,
    mask_table,
    segmentation_table,
)

IMAGE_LABELS = ("image_labels",)


def cam(**changes):
    read = {"fit cam": IMAGE_LABELS, "score cam": IMAGE_LABELS}
    values = {"supervision": Supervision(declared=IMAGE_LABELS, read=read, weights=())}
    return record("CAM", **{**values, **changes})


def rows(table):
    names = [column.name for column in table.columns]
    return [dict(zip(names, row.cells, strict=True)) for row in table.rows]


def bold(table):
    return [
        (row.cells[0], table.columns[place].name, row.cells[place])
        for row in table.rows
        for place in sorted(row.best)
    ]


def test_the_mask_table_shows_what_the_record_holds():
    method, *beside = rows(mask_table([record(), *controls()]))
    assert method == {
        "Method": "EPS",
        "sup": "I.+S.",
        "labels": "yes",
        "rule": "0.3 (h)",
        "mIoU": "50.0",
        "prec.": "50.0",
        "recall": "25.0",
        "at 0.20": "40.0",
        "oracle": "60.0",
    }
    assert [row["Method"] for row in beside] == [
        "Saliency",
        "All background",
        "Saliency, true classes",
    ]
    assert [(row["sup"], row["labels"]) for row in beside] == [
        ("I.+S.", "yes"),
        ("-", "no"),
        ("F.", "-"),
    ]


def test_the_notes_name_thresholds_weights_and_saliency():
    quality = SaliencyQuality(iou=0.641, error=0.1284, max_f=0.7)
    notes = mask_table([record(saliency=quality), *controls()]).notes
    assert "(h) threshold chosen on the ground truth of held-out train images." in notes
    assert not any("(o)" in note for note in notes)
    assert "Initial weights trained on: icons." in notes
    assert "Saliency: IoU at 0.5 0.64, mean absolute error 0.128, largest F 0.70." in notes


def test_the_failure_table_has_a_number_for_each_failure():
    method, *_ = rows(failure_table([record(), *controls()]))
    assert method == {
        "Method": "EPS",
        "sup": "I.+S.",
        "large prec.": "75.0",
        "large recall": "-",
        "bound. F": "12.5",
        "m(k,c)": "0.75",
    }


def test_the_segmentation_table_prints_the_figure_of_mmsegmentation():
    table = segmentation_table([record(), *controls()])
    assert rows(table) == [
        {"Method": "EPS", "Seg": "V1", "sup": "I.+S.", "rule": "0.3 (h)", "val": "40.1"}
    ]
    assert (
        "mIoU of the masks of control rows: Saliency 50.0; All background 50.0; "
        "Saliency, true classes 50.0."
    ) in table.notes


def test_a_crf_that_follows_a_segmentor_is_named():
    offered = {"V1": {"name": "mmseg", "crf": "deeplab"}, "V2": {"name": "mmseg", "crf": "psa"}}
    plain = segmentation_table([record(), *controls()])
    assert "Scored by mmsegmentation, without CRF, the last iteration's weights." in plain.notes
    sharpened = record(definition={"segmentors": offered})
    assert (
        "Scored by mmsegmentation, V1 with the CRF 'deeplab', the last iteration's weights."
        in segmentation_table([sharpened, *controls()]).notes
    )


@pytest.mark.parametrize("build", [mask_table, failure_table, segmentation_table])
@pytest.mark.parametrize("missing", range(3))
def test_saliency_is_never_shown_without_its_control_rows(build, missing):
    names = ("saliency with a method's classes", "saliency with the true classes", "all background")
    order = (0, 2, 1)
    there = [row for place, row in enumerate(controls()) if place != order[missing]]
    with pytest.raises(ConfigError, match=f"'EPS' uses saliency.*missing: {names[missing]}"):
        build([record(), *there])
    assert len(build([cam()]).rows) == 1


def test_failed_control_rows_count_as_present():
    failed = {"masks": None, "failure": Failure(message="no disk")}
    saliency, nothing, truth = controls()
    empty = Supervision(declared=(), read={}, weights=())
    late = [r.model_copy(update={**failed, "supervision": empty}) for r in (nothing, truth)]
    table = mask_table([record(), saliency.model_copy(update=failed), *late])
    assert [row["mIoU"] for row in rows(table)] == ["50.0", "failed", "failed", "failed"]


def test_controls_and_bounds_are_not_methods():
    table = mask_table([cam(), record(), *controls()])
    assert [row.kind for row in table.rows] == ["method", "method", "control", "control", "bound"]
    assert "† control: needs no method. ‡ bound: reads the ground truth." in table.notes


def test_records_of_different_data_never_share_a_table():
    for other in (record(data="other"), record(dataset="other")):
        with pytest.raises(ConfigError, match="different data never share a table"):
            mask_table([cam(), other, *controls()])


@pytest.mark.parametrize("change", [{"images": 7}, {"held_out": 0}, {"evaluator": 2}])
def test_records_of_unlike_protocols_never_share_a_table(change):
    other = record(protocol=record().protocol.model_copy(update=change))
    with pytest.raises(ConfigError, match=f"with {next(iter(change))} .*never share a table"):
        mask_table([cam(), other, *controls()])


def test_seeds_become_mean_and_spread():
    values = np.array([0.5, 0.53, 0.59])
    seeds = [record(seed=seed, miou=value) for seed, value in enumerate(values)]
    others = [row for seed in range(3) for row in controls(seed=seed)]
    table = mask_table([*seeds, *others])
    first = rows(table)[0]
    mean, spread = 100 * values.mean(), 100 * values.std(ddof=1)
    assert first["mIoU"] == f"{mean:.1f} ±{spread:.1f}" == "54.0 ±4.6"
    assert first["at 0.20"] == f"{mean - 10:.1f} ±{spread:.1f}"
    assert "Mean ± standard deviation over 3 seeds." in table.notes
    assert "CAM 1, EPS 3" in " ".join(mask_table([cam(), *seeds, *controls()]).notes)


def test_a_missing_value_is_not_zero_and_hides_the_mean():
    masks = cam().masks
    none = masks.model_copy(update={"boundary": {"f": None}})
    zero = masks.model_copy(update={"boundary": {"f": 0.0}})
    assert rows(failure_table([cam(masks=zero)]))[0]["bound. F"] == "0.0"
    assert rows(failure_table([cam(masks=none)]))[0]["bound. F"] == "-"
    assert rows(failure_table([cam(masks=zero), cam(seed=1, masks=none)]))[0]["bound. F"] == "-"


def test_the_best_methods_are_bold_and_controls_never_are():
    high = [row.model_copy(update={"masks": record(miou=0.9).masks}) for row in controls()]
    table = mask_table([cam(miou=0.40), record(miou=0.5), *high])
    assert ("EPS", "mIoU", "50.0") in bold(table)
    assert {name for name, column, _ in bold(table) if column == "mIoU"} == {"EPS"}
    assert {name for name, column, _ in bold(table) if column == "prec."} == {"CAM", "EPS"}


def test_methods_that_print_the_same_are_equally_good():
    table = mask_table([cam(miou=0.50001), record(miou=0.5), *controls()])
    assert [name for name, column, _ in bold(table) if column == "mIoU"] == ["CAM", "EPS"]


def test_low_context_is_better():
    low = cam().masks.model_copy(update={"cooccurrence": {"pooled": 0.2}})
    table = failure_table([cam(masks=low), record(), *controls()])
    assert ("CAM", "m(k,c)", "0.20") in bold(table)
    assert ("EPS", "m(k,c)", "0.75") not in bold(table)


def test_only_rows_of_one_segmentor_are_compared():
    def trained(**miou):
        return tuple(
            Segmentation(segmentor=name, images=4, score=score(0.4), mmseg={"mIoU": value})
            for name, value in miou.items()
        )

    both = {"recipe": {"segmentors": ["V1", "V2"]}}
    first = cam(segmentations=trained(V1=50.0, V2=30.0), **both)
    second = record(segmentations=trained(V1=40.0, V2=35.0), **both)
    table = segmentation_table([first, second, *controls()])
    assert bold(table) == [("CAM", "val", "50.0"), ("EPS", "val", "35.0")]
    assert not bold(segmentation_table([first]))


def test_a_failed_row_is_shown_with_its_reason():
    unread = Supervision(declared=IMAGE_LABELS, read={}, weights=())
    failed = cam(
        masks=None, segmentations=(), failure=Failure(message="fit cam: NaN"), supervision=unread
    )
    table = mask_table([failed, record(), *controls()])
    assert rows(table)[0] == {
        "Method": "CAM",
        "sup": "I.",
        "labels": "-",
        "rule": "-",
        "mIoU": "failed",
        "prec.": "-",
        "recall": "-",
        "at 0.20": "-",
        "oracle": "-",
    }
    assert "Failed: CAM, seed 0: fit cam: NaN" in table.notes
    assert rows(segmentation_table([failed])) == [
        {"Method": "CAM", "Seg": "V1", "sup": "I.", "rule": "-", "val": "failed"}
    ]


def test_one_failed_seed_leaves_no_mean():
    failed = cam(seed=1, masks=None, failure=Failure(message="NaN"))
    assert rows(mask_table([cam(), failed]))[0]["mIoU"] == "failed"


def test_masks_that_seeds_share_count_once():
    def run(seed, masks, miou):
        return cam(seed=seed, miou=miou, steps=(Step(stage=f"mask cam {masks}", key=masks),))

    records = [run(0, "a", 0.2), run(1, "a", 0.2), run(2, "b", 0.4)]
    table = mask_table(records)
    assert rows(table)[0]["mIoU"] == "30.0 ±14.1"  # of 20 and 40
    assert "Mean ± standard deviation over 2 seeds." in table.notes
    assert rows(mask_table(records[:2]))[0]["mIoU"] == "20.0"
    failed = cam(seed=3, masks=None, failure=Failure(message="NaN"))
    assert rows(mask_table([*records, failed]))[0]["mIoU"] == "failed"


def test_a_failed_method_with_saliency_does_not_need_the_controls():
    """Where the saliency is missing there are no control rows, and what needs none still counts."""
    failed = record("EPS", masks=None, segmentations=(), failure=Failure(message="no saliency"))
    table = mask_table([cam(), failed])
    assert [row.cells[0] for row in table.rows] == ["CAM", "EPS"]
    assert "failed" in table.rows[1].cells


def test_masks_without_an_object_have_no_precision():
    """Its mean over the classes found would be the background's alone, and high."""
    iou = {"background": 0.75, "cat": 0.0, "dog": None}
    nothing = score(0.1).model_copy(update={"iou": iou})
    masks = record().masks.model_copy(update={"score": nothing})
    column = [c.name for c in mask_table([cam()]).columns].index("prec.")
    assert mask_table([cam(masks=masks)]).rows[0].cells[column] == "-"
    assert mask_table([cam()]).rows[0].cells[column] == "50.0"


def test_metrics_of_plugins_have_a_table_of_their_own():
    more = {"equal": {"equal": 0.123456, "by_class": {"a": 1.0}}, "edges": {"f": None}}
    changed = record().masks.model_copy(update={"more": more})
    cells = rows(further_table([record(masks=changed), *controls()]))
    assert cells[0] == {"Method": "EPS", "sup": "I.+S.", "equal": "0.123"}
    assert cells[1]["equal"] == "-"
    assert further_table([record(), *controls()]) is None


def test_no_further_number_is_marked():
    """A metric does not say whether more is better."""
    first, second = (
        record(name, masks=record().masks.model_copy(update={"more": {"m": {"m": value}}}))
        for name, value in (("EPS", 0.2), ("SEAM", 0.4))
    )
    assert bold(further_table([first, second, *controls()])) == []


def broken_down(**shares):
    """Masks whose wrong pixels have these causes; mending one gives half of its share."""
    whole = dict.fromkeys(CAUSES, 0.0) | shares
    causes = {cause: Cause(share=share, gain=share / 2) for cause, share in whole.items()}
    return record().masks.model_copy(update={"anatomy": causes})


def test_the_anatomy_adds_up_to_all_wrong_pixels():
    first = cam(masks=broken_down(missing=0.02, context=0.125, partial=0.03))
    second = cam(seed=1, masks=broken_down(missing=0.04, context=0.125, partial=0.03))
    shares, gains = anatomy_tables([first, second])
    (row,) = rows(shares)
    assert [row[name] for name in ("missing", "context", "partial", "wrong")] == [
        "3.0 ±1.4",
        "12.5 ±0.0",
        "3.0 ±0.0",
        "18.5 ±1.4",
    ]
    assert rows(gains)[0]["context"] == "6.2 ±0.0"
    assert shares.notes[0].startswith("Every wrong pixel has the first cause that fits")
    assert "not additive" in gains.notes[0]


def test_the_fewest_wrong_pixels_of_a_cause_are_best():
    few = cam(masks=broken_down(context=0.01))
    many = few.model_copy(update={"method": "B", "masks": broken_down(context=0.02)})
    shares, gains = anatomy_tables([few, many])
    place = [column.name for column in shares.columns].index("context")
    assert [place in row.best for row in shares.rows] == [True, False]
    assert not any(row.best for row in gains.rows)


def test_old_records_have_no_anatomy():
    assert anatomy_tables([cam()]) is None
