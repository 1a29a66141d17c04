"""What goes out as a pack comes back in, with the claims that were made of it."""

import numpy as np
import pytest
from sample_packs import DATA, IDS, masks, run, with_pack

from wsss_harness.packs.exchange import export_row
from wsss_harness.packs.importing import import_folder
from wsss_harness.system import pictures
from wsss_leaderboard.tables.builtin import mask_table


def test_masks_come_back_as_they_were(exported, tmp_path, plugins):
    folder = exported()
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(folder))
    first, again = (collector.store.folder(outcomes[m].row.masks) for m in ("R", "P"))
    for image_id in IDS:
        name = f"{image_id}.png"
        assert np.array_equal(
            pictures.read_indices(first / name), pictures.read_indices(again / name)
        )


def test_scores_come_back_as_they_were(exported, tmp_path, plugins):
    folder = exported("scores")
    rule = {"name": "constant", "threshold": 0.5}
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(folder, rule))
    first, again = (collector.store.folder(outcomes[m].row.scores) for m in ("R", "P"))
    for image_id in IDS:
        name = f"{image_id}.scores"
        assert (first / name).read_bytes() == (again / name).read_bytes()


def test_a_pack_is_refined_and_segmented_like_any_row(exported, tmp_path, plugins):
    changes = with_pack(exported(), refiners=["half"], segmentors=["one"])
    outcomes, collector = run(tmp_path / "other", plugins, **changes)
    record = collector.record(outcomes["P"])
    assert record.failure is None
    assert record.segmentations[0].segmentor == "one"


def test_ignored_pixels_of_a_mask_survive(tmp_path, plugins):
    source = masks(tmp_path / "plain")
    import_folder(source, "masks", DATA, tmp_path / "pack", "Theirs", ("image_labels",))
    outcomes, collector = run(tmp_path / "store", plugins, **with_pack(tmp_path / "pack"))
    masks_of_pack = collector.store.folder(outcomes["P"].row.masks)
    for image_id in IDS:
        name = f"{image_id}.png"
        assert np.array_equal(
            pictures.read_indices(source / name), pictures.read_indices(masks_of_pack / name)
        )


def test_tables_mark_the_claims_of_a_pack(exported, tmp_path, plugins):
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(exported()))
    records = [collector.record(outcome) for outcome in outcomes.values()]
    assert {r.method: r.sup for r in records if not r.control} == {"R": "I.", "P": "I. (p)"}
    table = mask_table(records)
    assert any("(p) as the mask pack states" in note for note in table.notes)
    assert table.rows[1].cells[2] == "?"  # whether image labels were used at inference


def rules(collector, outcomes):
    return [
        row.cells[3] for row in mask_table([collector.record(o) for o in outcomes.values()]).rows
    ]


@pytest.mark.parametrize(
    ("kind", "threshold", "mark"),
    [
        ("masks", 0.5, "0.5 uncertain 0.25"),
        ("masks", "oracle", "0.5 uncertain 0.25 (o)"),
        ("masks", "held_out", "0.5 uncertain 0.25 (h)"),
        ("scores", "oracle", "0.5 uncertain 0.25"),
    ],
)
def test_a_pack_keeps_what_its_threshold_was_chosen_on(tmp_path, plugins, kind, threshold, mark):
    row = {"method": "R", "generator": "R", "rule": {"threshold": threshold}}
    outcomes, collector = run(tmp_path / "store", plugins, rows=[row])
    export_row(outcomes["R"].row, collector.store, DATA, kind, tmp_path / "pack")
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(tmp_path / "pack"))
    assert mark in rules(collector, outcomes)
    again = export_row(outcomes["P"].row, collector.store, DATA, "masks", tmp_path / "again")
    assert again.chosen_on == ("fixed" if kind == "scores" or threshold == 0.5 else threshold)


def test_an_unstated_threshold_is_marked(tmp_path, plugins):
    import_folder(masks(tmp_path / "plain"), "masks", DATA, tmp_path / "pack", "Theirs", None)
    outcomes, collector = run(tmp_path / "store", plugins, **with_pack(tmp_path / "pack"))
    assert "0.5 uncertain 0.25 (?)" in rules(collector, outcomes)


def test_unstated_supervision_is_a_question_mark(tmp_path, plugins):
    import_folder(masks(tmp_path / "plain"), "masks", DATA, tmp_path / "pack", "Theirs", None)
    outcomes, collector = run(tmp_path / "store", plugins, **with_pack(tmp_path / "pack"))
    assert collector.record(outcomes["P"]).sup == "? (p)"


def test_a_pack_of_a_pack_keeps_its_supervision(exported, tmp_path, plugins):
    outcomes, collector = run(tmp_path / "other", plugins, **with_pack(exported()))
    again = export_row(outcomes["P"].row, collector.store, DATA, "masks", tmp_path / "again")
    assert again.supervision == ("image_labels",)
