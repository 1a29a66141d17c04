"""A table file beside records and published figures: cells, marks, and what is refused."""

from typing import get_args

import pytest
from sample_records import controls, record

from wsss_harness.contract.errors import ConfigError
from wsss_leaderboard.ranking.ranking import Place
from wsss_leaderboard.ranking.standings import Standing, Standings
from wsss_leaderboard.records.provenance import Failure, Protocol, Step
from wsss_leaderboard.records.published import published
from wsss_leaderboard.records.scores import Cause, Segmentation
from wsss_leaderboard.tables.assembly import STANDING_COLUMNS
from wsss_leaderboard.tables.filled import OF_ALL, fill
from wsss_leaderboard.tables.tablefiles import Beside, TableFile

VOC = published().datasets["voc2012"]
NAME = {"head": "Method", "words": "method"}
OURS = {"head": "ours", "number": "mIoU"}
PAPER = {"head": "Paper", "figure": "published"}


def asked(*columns, rows=(), **fields):
    return TableFile.model_validate(
        {"title": "T", "columns": [NAME, *columns], "rows": rows, **fields}
    )


def cells(table, kind="method"):
    return [row.cells for row in table.rows if row.kind == kind]


def on_voc(method="EPS", miou=0.6, images=1464, val=0.7, segmentors=("DeepLab V2",), steps=()):
    """A record on VOC, in as much as tables look at it."""
    iou = dict.fromkeys(("background", *VOC.classes), 0.5)
    base = record(method, miou=miou)
    score = base.masks.score.model_copy(update={"iou": iou})
    changes = {
        "masks": base.masks.model_copy(update={"score": score, "images": images}),
        "protocol": Protocol(images=images, val_images=1449, held_out=0, evaluator=1),
        "recipe": {"segmentors": list(segmentors)},
        "segmentations": tuple(
            Segmentation(segmentor=label, images=1449, score=score, mmseg={"mIoU": 100 * val})
            for label in segmentors
        ),
        "steps": steps,
    }
    return base.model_copy(update=changes)


def beside(*records):
    """With the control rows of the same data."""
    first = records[0]
    return [*records, *controls(protocol=first.protocol, masks=first.masks)]


def steps(init="MS-COCO", crf="none"):
    """What a segmentor was trained from, and what followed it."""
    return (
        Step(
            stage="segment DeepLab V2 on eps 1", key="a", options={"weights": {"trained_on": init}}
        ),
        Step(stage="predict DeepLab V2 on eps 2", key="b", options={"crf": crf}),
    )


def test_every_method_has_a_row_for_each_chosen_target():
    records = [record("CAM", miou=0.4), record("EPS", miou=0.6), *controls()]
    seg = {"head": "Seg.", "words": "seg"}
    masks = fill(asked(seg, OURS), records)
    assert cells(masks) == [("CAM (h)", "masks", "40.0"), ("EPS (h)", "masks", "60.0")]
    assert len(masks.rows) == 5
    segmentors = fill(asked(seg, OURS, lines="segmentors"), records)
    assert cells(segmentors) == [("CAM (h)", "V1", "40.1"), ("EPS (h)", "V1", "40.1")]
    assert len(segmentors.rows) == 2
    assert any(note.startswith("mIoU of the masks of control rows") for note in segmentors.notes)
    assert len(fill(asked(seg, OURS, lines="both"), records).rows) == 4


def test_rows_keep_the_order_of_the_file_with_controls_below():
    records = [record("CAM", miou=0.4), record("EPS", miou=0.6), *controls()]
    rows = [{"method": "EPS", "name": "Ours", "footnote": "n"}, {"method": "new"}]
    table = fill(asked(OURS, rows=rows, footnotes={"n": "A note."}), records)
    assert [row.cells[0] for row in table.rows] == [
        *("Ours (h)¹", "new", "Saliency (h)", "All background (h)", "Saliency, true classes (h)")
    ]
    assert [row.kind for row in table.rows] == ["method", "method", "control", "control", "bound"]
    assert table.rows[1].cells[1] == "-"
    assert table.notes[0] == "¹ A note."
    assert any(note.startswith("† control") for note in table.notes)
    assert any(note.startswith("(h) threshold chosen on") for note in table.notes)


def test_a_control_row_with_a_segmentor_is_below_rows_of_segmentors():
    trained = record("EPS").segmentations
    full = record("Full supervision", control=True, segmentations=trained)
    others = [record("EPS"), *controls(), full]
    table = fill(asked(OURS, rows=[{"method": "EPS", "segmentor": "V1"}]), others)
    assert [row.cells for row in table.rows] == [
        ("EPS (h)", "40.1"),
        ("Full supervision (h)", "40.1"),
    ]
    assert any(
        note.startswith("Segmentors: mIoU in percent on 4 val images") for note in table.notes
    )
    assert not any(note.startswith("Masks:") for note in table.notes)
    assert len(fill(asked(OURS, lines="both"), others).rows) == 3


def test_a_crf_that_follows_a_segmentor_is_named():
    offered = {"segmentors": {"V1": {"name": "mmseg", "crf": "deeplab"}}}
    for definition, words in (({}, "without CRF"), (offered, "V1 with the CRF 'deeplab'")):
        records = [record("EPS", definition=definition), *controls()]
        table = fill(asked(OURS, rows=[{"method": "EPS", "segmentor": "V1"}]), records)
        assert f"Scored by mmsegmentation, {words}, the last iteration's weights." in table.notes


@pytest.mark.parametrize("fields", [{"rows": [{"method": "CAM"}]}, {"within": ["Method"]}, {}])
def test_tie_groups_of_all_methods_are_noted_if_fewer_are_compared(fields):
    standing = Standings({}, {"": ("Intervals.",)})
    table = fill(asked(OURS, **fields), [record("CAM"), *controls()], standing)
    assert (OF_ALL in table.notes) is bool(fields)


def test_the_rule_has_the_mark_where_it_has_a_column():
    table = fill(asked({"head": "rule", "words": "rule"}, OURS), [record("CAM"), *controls()])
    assert cells(table) == [("CAM", "0.3 (h)", "50.0")]


def test_seeds_are_averaged_and_a_failed_seed_leaves_no_number():
    records = [record("CAM", seed=0, miou=0.4), record("CAM", seed=1, miou=0.5)]
    broken = record("EPS", masks=None, segmentations=(), failure=Failure(message="no memory"))
    table = fill(asked(OURS), [*records, broken, *controls()])
    assert cells(table) == [("CAM (h)", "45.0 ±7.1"), ("EPS", "failed")]
    assert any(note == "Failed: EPS, seed 0: no memory" for note in table.notes)


def marks(table):
    return [(sorted(row.best), sorted(row.second)) for row in table.rows if row.kind == "method"]


def rows_of(**mious):
    return [*(record(name, miou=miou) for name, miou in mious.items()), *controls(miou=0.99)]


def test_the_best_is_bold_and_the_second_underlined_among_methods():
    table = fill(asked(OURS, underline="column"), rows_of(A=0.4, B=0.6, C=0.5))
    assert marks(table) == [([], []), ([1], []), ([], [1])]


def test_equal_printed_numbers_share_a_mark():
    both = fill(asked(OURS, underline="column"), rows_of(A=0.6001, B=0.5999, C=0.4, D=0.4))
    assert marks(both) == [([1], []), ([1], []), ([], [1]), ([], [1])]
    equal = fill(asked(OURS, underline="column"), rows_of(A=0.6, B=0.6))
    assert marks(equal) == [([1], []), ([1], [])]


def standing(**groups):
    """Standings of methods on their masks by tie group."""
    standings = {
        ("", name): Standing(Place(0.4, 0.6, False, group, group, group), 0.25)
        for name, group in groups.items()
    }
    return Standings(standings, {"": ("How to read them.",), "V1": ("Of a segmentor.",)})


def test_a_tie_group_shares_a_mark_where_groups_are_known():
    records = rows_of(A=0.6, B=0.59, C=0.5)
    table = fill(asked(OURS, underline="column"), records, standing(A=1, B=1, C=2))
    assert marks(table) == [([1], []), ([1], []), ([], [1])]
    assert "How to read them." not in table.notes
    assert any(note.startswith("mIoU: bold marks the best and all that") for note in table.notes)
    recall = {"head": "recall", "number": "recall"}
    assert marks(fill(asked(recall), records, standing(A=1, B=2, C=2))) == [([1], [])] * 3
    unknown = fill(asked(OURS), records, standing(A=2, B=1))
    assert marks(unknown) == [([1], []), ([], []), ([], [])]


def test_standings_have_columns():
    names = [name for name, _ in STANDING_COLUMNS]
    assert names == list(get_args(Beside))
    columns = [{"head": name, "standing": name} for name in names]
    table = fill(asked(OURS, *columns), rows_of(A=0.6, B=0.5), standing(A=1))
    assert table.rows[0].cells[2:] == ("±10.0", "1", "1", "25")
    assert table.rows[1].cells[2:] == ("-", "-", "-", "-")
    assert "How to read them." in table.notes
    assert "Of a segmentor." not in table.notes


def test_nothing_is_marked_without_rivals_or_if_the_file_says_none():
    assert marks(fill(asked(OURS, underline="column"), rows_of(A=0.4))) == [([], [])]
    assert marks(fill(asked(OURS, bold="none"), rows_of(A=0.4, B=0.5))) == [([], []), ([], [])]


def test_causes_of_wrong_pixels_are_numbers_of_masks_and_of_segmentors():
    anatomy = {"missing": Cause(share=0.125, gain=0.1), "context": Cause(share=0.0625, gain=0)}
    base = record("CAM")
    trained = base.segmentations[0].model_copy(update={"anatomy": anatomy})
    masks = base.masks.model_copy(update={"anatomy": anatomy})
    records = [base.model_copy(update={"masks": masks, "segmentations": (trained,)}), *controls()]
    columns = [{"head": name, "number": name} for name in ("wrong", "missing", "partial")]
    table = fill(asked(*columns, lines="both"), records)
    assert [row.cells[1:] for row in table.rows] == [("18.8", "12.5", "-")] * 2


def test_lower_is_better_where_it_is():
    context = {"head": "m", "number": "m(k,c)"}
    first, second = record("A"), record("B")
    less = second.masks.model_copy(update={"cooccurrence": {"pooled": 0.25}})
    records = [first, second.model_copy(update={"masks": less}), *controls()]
    assert marks(fill(asked(context, underline="column"), records)) == [([], [1]), ([1], [])]


def test_only_rows_with_equal_words_are_compared():
    sup = {"head": "sup", "words": "sup"}
    part = ("image_labels",)
    plain = [record("A", miou=0.3, parts=part), record("B", miou=0.4, parts=part)]
    salient = [record("C", miou=0.7), record("D", miou=0.6)]
    table = fill(asked(sup, OURS, within=["sup"]), [*plain, *salient, *controls()])
    assert marks(table) == [([], []), ([2], []), ([2], []), ([], [])]


def test_published_rows_look_different_and_are_never_best():
    records = beside(on_voc("CAM", 0.1), on_voc("EPS", 0.2))
    rows = [{"method": name} for name in ("CAM", "SEAM", "EPS")]
    table = fill(asked(PAPER, OURS, dataset="voc2012", rows=rows), records)
    assert [row.kind for row in table.rows[:3]] == ["method", "published", "method"]
    assert table.rows[1].cells == ("SEAM", "55.41", "-")
    assert marks(table) == [([], []), ([2], [])]
    assert table.rows[1].marked[0] == "SEAM§"
    assert any(note.startswith("§ published, not measured here") for note in table.notes)
    assert any(note.startswith("Published 55.41, SEAM: ResNet38, no CRF") for note in table.notes)


def test_unverified_figures_are_marked():
    table = fill(asked(PAPER, dataset="voc2012", rows=[{"method": "SGAN"}]), [])
    assert table.rows[0].cells == ("SGAN", "62.8?")
    assert "? often quoted, but not checked at its source." in table.notes


def test_a_difference_is_in_brackets():
    less = {**OURS, "less": "Paper"}
    table = fill(asked(PAPER, less, dataset="voc2012"), beside(on_voc("EPS", 0.681)))
    assert cells(table) == [("EPS (h)", "69.4?", "68.1 (-1.3)")]
    assert "In brackets: ours less Paper." in table.notes


def test_a_refiner_has_a_column_beside_the_method_alone():
    recipe = {"generator": "EPS", "rule": {"name": "explicit"}, "segmentors": []}
    plain = record("EPS", miou=0.6, recipe={**recipe, "refiners": []})
    walk = record("Walked", miou=0.65, recipe={**recipe, "refiners": ["walk"]})
    column = {"head": "w/ walk", "number": "mIoU", "refiner": "walk", "less": "ours"}
    table = fill(asked(OURS, column, bold="row"), [plain, walk, *controls()])
    assert cells(table) == [("EPS (h)", "60.0", "65.0 (+5.0)")]
    assert table.rows[0].best == {2}


def test_a_figure_of_a_refiner_is_found_by_the_name_of_the_row():
    column = {"head": "Paper w/ CRF", "figure": "published", "refiner": "CRF"}
    table = fill(asked(PAPER, column, dataset="voc2012", rows=[{"method": "SEAM"}]), [])
    assert table.rows[0].cells == ("SEAM", "55.41", "56.83")


def test_a_column_of_unlike_protocols_is_refused():
    rows = [{"method": "SEAM"}, {"method": "SEAM + CRF"}]
    with pytest.raises(ConfigError, match=r"crf 'no'.*crf|'SEAM' has crf 'no', .* has 'yes'"):
        fill(asked(PAPER, dataset="voc2012", rows=rows), [])


def test_records_of_other_data_are_refused():
    with pytest.raises(ConfigError, match="measured on other classes than those of voc2012"):
        fill(asked(PAPER, dataset="voc2012"), [record("CAM"), *controls()])
    other = Protocol(images=8, val_images=4, held_out=2, evaluator=2)
    with pytest.raises(ConfigError, match="unlike protocols never share a table"):
        fill(asked(OURS), [record("A"), record("B", protocol=other), *controls()])


def test_a_figure_on_other_images_is_left_out_by_name():
    rows = [{"method": "EPS"}, {"method": "SEAM"}]
    table = fill(asked(PAPER, OURS, dataset="voc2012", rows=rows), beside(on_voc(images=300)))
    assert [row.cells[1] for row in table.rows[:2]] == ["-", "-"]
    assert "Left out, published 69.4? of EPS: 1,464 images there, 300 here." in table.notes
    assert not any(note.startswith("Published") for note in table.notes)


@pytest.mark.parametrize(
    ("stages", "method", "kind", "reason"),
    [
        (steps(), "EPS", "published", ""),
        ((), "EPS", "published", ""),
        (steps(init="ImageNet-1k"), "EPS", "published", "init 'MS-COCO' there, 'ImageNet-1k' here"),
        (steps(crf="deeplab"), "EPS", "published", ""),
        (steps(), "EPS (a user)", "reported", ""),
        (steps(crf="deeplab"), "EPS (a user)", "reported", "crf 'no' there, 'yes' here"),
    ],
)
def test_a_figure_of_another_protocol_is_left_out_by_name(stages, method, kind, reason):
    figure = {"head": "known", "figure": kind}
    rows = [{"method": method, "segmentor": "DeepLab V2"}]
    table = fill(asked(figure, dataset="voc2012", rows=rows), beside(on_voc(method, steps=stages)))
    left_out = [note for note in table.notes if note.startswith("Left out")]
    assert (table.rows[0].cells[1] == "-") == bool(left_out) == bool(reason)
    assert all(reason in note for note in left_out)


def test_the_paper_and_ours_on_test_have_columns_of_their_own():
    test = {**PAPER, "head": "test", "split": "test"}
    rows = [{"method": "EPS", "segmentor": "DeepLab V2"}]
    records = beside(on_voc(val=0.7, steps=steps()))
    table = fill(asked(PAPER, test, OURS, dataset="voc2012", rows=rows), records)
    assert table.rows[0].cells == ("EPS (h)", "70.9", "70.8", "70.0")
    assert len(table.rows) == 1


def test_a_hostile_name_is_harmless_in_every_form():
    name = "</table><script>alert(1)</script>\u202e|*x*" + "y" * 10_000
    table = fill(asked(OURS), [record(name), *controls()])
    assert "<script" not in table.html()
    for text in (table.html(), table.markdown(), table.latex(), table.csv()):
        assert "\u202e" not in text
