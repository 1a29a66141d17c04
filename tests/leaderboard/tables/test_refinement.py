"""The table of what refiners add: which rows pair up, what each cell says, what is known."""

import simulated
from rich.console import Console
from sample_records import controls, record

from wsss_leaderboard.ranking.entries import LoadedRecord
from wsss_leaderboard.ranking.standings import NONE, standings
from wsss_leaderboard.records.provenance import Failure, Protocol
from wsss_leaderboard.records.published import published
from wsss_leaderboard.records.scores import Score, Segmentation
from wsss_leaderboard.tables.refinement import refinement_table

VOC = published().datasets["voc2012"]
RULE = {"name": "constant", "threshold": "held_out"}


def recipe(*refiners, generator="EPS", segmentors=("DeepLab V1",), rule=RULE):
    return {
        "generator": generator,
        "refiners": list(refiners),
        "rule": rule,
        "segmentors": list(segmentors),
    }


def trained(label, miou, classes=("cat",)):
    iou = dict.fromkeys(("background", *classes), 0.5)
    score = Score(miou=miou / 100, precision=0.5, recall=0.5, iou=iou)
    return Segmentation(segmentor=label, images=1449, score=score, mmseg={"mIoU": miou})


def alone(miou=0.6, **changes):
    values = {"recipe": recipe(), "segmentations": (trained("DeepLab V1", 62.2),), **changes}
    return record("EPS", miou=miou, **values)


def refined(miou=0.625, label="Affinity Net", val=63.5, **changes):
    values = {"recipe": recipe(label), "segmentations": (trained("DeepLab V1", val),), **changes}
    return record(f"EPS + {label}", miou=miou, **values)


def table_of(*records):
    return refinement_table([*records, *controls()])


def cells(table):
    names = [column.name for column in table.columns]
    return [dict(zip(names, row.cells, strict=True)) for row in table.rows]


def test_a_method_is_beside_its_refined_self():
    masks, segmentor = cells(table_of(alone(), refined()))
    assert masks == {
        "Method": "EPS (h)",
        "Seg": "masks",
        "sup": "I.+S.",
        "ours": "60.0",
        "w/ Affinity Net": "62.5 (+2.5)",
    }
    assert (segmentor["Method"], segmentor["Seg"]) == ("EPS (h)", "DeepLab V1")
    assert segmentor["ours"] == "62.2"
    assert segmentor["w/ Affinity Net"] == "63.5 (+1.3)"


def test_seeds_are_a_mean_with_its_spread():
    rows = [
        make(seed=seed, miou=miou)
        for make, scores in ((alone, (0.6, 0.62)), (refined, (0.61, 0.65)))
        for seed, miou in enumerate(scores)
    ]
    masks = cells(table_of(*rows))[0]
    assert masks["ours"] == "61.0 ±1.4"
    assert masks["w/ Affinity Net"] == "63.0 ±2.8 (+2.0)"


def test_each_chain_of_refiners_has_a_column():
    both = refined(0.7, recipe=recipe("CRF", "Affinity Net")).model_copy(update={"method": "both"})
    table = table_of(alone(), refined(), refined(label="CRF", miou=0.55), both)
    assert [column.name for column in table.columns[3:]] == [
        "ours",
        "w/ Affinity Net",
        "w/ CRF",
        "w/ CRF + Affinity Net",
    ]
    masks = cells(table)[0]
    assert masks["w/ CRF"] == "55.0 (-5.0)"
    assert table.rows[0].best == {6}


def test_a_tie_is_bold_as_a_whole():
    """Of rows that images cannot tell apart."""
    labels = record(parts=("image_labels",)).supervision
    runs = [
        LoadedRecord(run.record.model_copy(update={"recipe": run_recipe}), None, run.tallies)
        for number, run_recipe in enumerate((recipe(segmentors=()), recipe("CRF", segmentors=())))
        for run in simulated.runs(
            {"EPS": 0.0, "EPS + CRF": 0.02}, (0,), 60, (), supervision=labels
        )[number : number + 1]
    ]
    records = [run.record for run in runs]
    places = [refinement_table(records, s).rows[0].best for s in (NONE, standings(runs))]
    assert [len(best) for best in places] == [1, 2]


def test_other_generators_do_not_pair():
    other = recipe("Affinity Net", generator="CAM")
    assert table_of(alone(), refined(recipe=other)) is None
    assert table_of(alone()) is None


def test_the_partner_has_the_same_background_rule_if_one_has():
    explicit = refined(0.7, recipe=recipe("Affinity Net", rule={"name": "explicit"}))
    explicit = explicit.model_copy(update={"method": "explicit"})
    both = table_of(alone(), refined(0.625), explicit)
    assert cells(both)[0]["w/ Affinity Net"] == "62.5 (+2.5)"
    assert not any("Background rules" in note for note in both.notes)
    explicit_alone = table_of(alone(), explicit)
    assert cells(explicit_alone)[0]["w/ Affinity Net"] == "70.0 (+10.0)"
    assert "Background rules: EPS 0.3 (h), explicit 0.3 (h)." in explicit_alone.notes


def test_a_segmentor_without_a_partner_has_no_number():
    masks_only = refined(recipe=recipe("Affinity Net", segmentors=()), segmentations=())
    _, segmentor = cells(table_of(alone(), masks_only))
    assert segmentor["w/ Affinity Net"] == "-"


def test_a_failed_row_says_so():
    failed = refined(masks=None, segmentations=(), failure=Failure(message="out of memory"))
    table = table_of(alone(), failed)
    assert cells(table)[0]["w/ Affinity Net"] == "failed"
    assert any("out of memory" in note for note in table.notes)


def voc(make, name, val):
    base = make(
        segmentations=(trained(name, val, VOC.classes),),
        protocol=Protocol(images=1464, val_images=1449, held_out=0, evaluator=1),
    )
    iou = dict.fromkeys(("background", *VOC.classes), 0.5)
    score = base.masks.score.model_copy(update={"iou": iou})
    masks = base.masks.model_copy(update={"score": score, "images": 1464})
    return base.model_copy(update={"masks": masks})


def voc_rows():
    rows = [voc(alone, "DeepLab V1", 69.0), voc(refined, "DeepLab V1", 70.0)]
    return [*rows, *controls(protocol=rows[0].protocol, masks=rows[0].masks)]


def test_on_voc_published_and_reported_figures_have_columns():
    table = refinement_table(voc_rows())
    segmentor = cells(table)[1]
    assert segmentor["Paper"] == "71.0"
    assert segmentor["reported"] == "69.22"
    assert segmentor["ours"] == "69.0 (-2.0)"
    assert segmentor["reported w/ Affinity Net"] == "70.46"
    assert segmentor["w/ Affinity Net"] == "70.0 (+1.0)"
    assert any(note.startswith("Reported 69.22, EPS, DeepLab V1") for note in table.notes)


def test_other_data_has_no_published_columns():
    assert "Paper" not in cells(table_of(alone(), refined()))[0]


def test_it_is_printed_within_a_narrow_terminal():
    console = Console(width=80, file=None, record=True)
    with console.capture() as captured:
        console.print(refinement_table(voc_rows()))
    assert max(map(len, captured.get().splitlines())) <= 80
    assert "70.0 (+1.0)" in captured.get()
