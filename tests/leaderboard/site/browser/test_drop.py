"""A reader's own records on the page of a board."""

import sites
from browsing import column_texts
from sample_records import record

from wsss_leaderboard.records.provenance import Step, Supervision
from wsss_leaderboard.records.record import load_record, save_record
from wsss_leaderboard.site.pages import TO


def local_record(tmp_path, name, **changes):
    run = next(iter(sites.runs({"Mine": 0.6}, seeds=(0,))))
    path = tmp_path / name
    save_record(run.record.model_copy(update=changes), path)
    return path


def test_local_record_is_ranked(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    hostile = "<b>Mine</b>"
    paths = [local_record(tmp_path, f"{n}.json", seed=n, method=hostile) for n in range(2)]
    page.get_by_label("choose files").set_input_files(paths)
    row = page.locator("#board tr.local")
    assert row.locator("th").text_content() == f"{hostile} (yours)"
    assert (
        row.locator("td b").text_content() == f"{100 * load_record(paths[0]).masks.score.miou:.1f}"
    )
    best, worst = map(int, (row.locator("td").first.text_content() + f"{TO}9").split(TO)[:2])
    assert 1 <= best <= 3
    assert worst >= best
    values = [float(text.split()[0]) for text in column_texts(page, "miou")[:5]]
    assert values == sorted(values, reverse=True)
    assert "2 of your records are in the table" in page.locator("#dropped").text_content()


def test_local_bounds_and_controls_have_no_rank(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    truth = Supervision(declared=(), read={"bound": ("truth",)}, weights=())
    paths = [
        local_record(tmp_path, "bound.json", method="Top", supervision=truth),
        local_record(tmp_path, "control.json", method="Idle", control=True),
    ]
    page.get_by_label("choose files").set_input_files(paths)
    rows = page.locator("#board tbody.reference tr.local")
    assert rows.locator("th").all_text_contents() == ["Top‡ (yours)", "Idle† (yours)"]
    assert rows.locator("td:first-child").all_text_contents() == ["-", "-"]
    assert page.locator("#board tbody.method tr.local").count() == 0


def test_local_seeds_that_share_masks_count_as_one_run(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    steps = (Step(stage="mask it 1", key="same"),)
    changes = {"method": "a\u202eb", "steps": steps}
    paths = [local_record(tmp_path, f"{n}.json", seed=n, **changes) for n in (0, 1)]
    page.get_by_label("choose files").set_input_files(paths)
    row = page.locator("#board tr.local")
    assert row.locator("th").text_content() == "a b (yours)"
    place = page.evaluate("wsss.place('seeds')")
    assert row.locator(f":nth-child({place + 1})").text_content() == "1"
    assert "±" not in row.text_content()


def test_unusable_local_files_are_left_out_with_a_reason(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    other = local_record(tmp_path, "other.json", protocol=record().protocol)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    nothing = tmp_path / "nothing.json"
    nothing.write_text("[1, 2]")
    page.get_by_label("choose files").set_input_files([other, broken, nothing])
    status = page.locator("#dropped")
    status.get_by_text("nothing.json").wait_for()
    assert "its protocol differs: fingerprint is" in status.text_content()
    assert "broken.json was left out: it is not valid JSON" in status.text_content()
    assert "nothing.json was left out: it is not a record" in status.text_content()
    assert page.locator("#board tr.local").count() == 0


def test_dropped_files_are_read(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    content = local_record(tmp_path, "one.json").read_text(encoding="utf-8")
    page.evaluate(
        """content => {
            const data = new DataTransfer();
            data.items.add(new File([content], "one.json"));
            document.body.dispatchEvent(
                new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
        }""",
        content,
    )
    page.locator("#board tr.local").wait_for()
