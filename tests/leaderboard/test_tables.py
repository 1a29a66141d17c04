"""Tables are honest about seeds, supervision and controls, and inert whatever a label holds."""

import io
import statistics

import pytest
from rich.console import Console
from sample_records import control, record

from wsss_harness.errors import ConfigError
from wsss_leaderboard.records import Failure
from wsss_leaderboard.tables import (
    Table,
    failure_table,
    mask_table,
    percent,
    segmentation_table,
    write_tables,
)


def rows(table):
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_the_mask_table_shows_what_the_record_holds():
    method, beside = rows(mask_table([record(), control()]))
    assert method == {
        "Method": "EPS",
        "sup": "I.+S.",
        "rule": "0.3 (h)",
        "mIoU": "50.0",
        "prec.": "50.0",
        "recall": "25.0",
        "at 0.20": "40.0",
        "oracle": "60.0",
    }
    assert beside["Method"] == "Saliency"


def test_the_failure_table_has_a_number_for_each_failure():
    method, _ = rows(failure_table([record(), control()]))
    assert method == {
        "Method": "EPS",
        "sup": "I.+S.",
        "large prec.": "75.0",
        "large recall": "-",
        "bound. F": "12.5",
        "m(k,c)": "0.75",
    }


def test_saliency_is_never_shown_without_its_control_row():
    with pytest.raises(ConfigError, match="'EPS' uses saliency, so its table needs the control"):
        mask_table([record()])
    with pytest.raises(ConfigError, match="control"):
        segmentation_table([record()])
    assert len(mask_table([record("CAM", parts=("image_labels",))]).rows) == 1


def test_controls_are_dim():
    assert mask_table([record(), control()]).dim == {1}


def test_records_of_different_data_never_share_a_table():
    with pytest.raises(ConfigError, match="never share a table"):
        mask_table([record(), control(data="other")])


def test_seeds_become_mean_and_spread():
    values = [0.5, 0.53, 0.59]
    seeds = [record(seed=s, miou=v) for s, v in enumerate(values)]
    (row, _) = rows(mask_table([*seeds, control()]))
    mean, spread = statistics.mean(values) * 100, statistics.stdev(values) * 100
    assert row["mIoU"] == f"{mean:.1f} ±{spread:.1f}"


def test_a_missing_value_is_no_zero_and_hides_the_mean():
    assert percent([None]) == "-"
    assert percent([0.5, None]) == "-"
    assert percent([0.0]) == "0.0"


def test_a_failed_row_is_shown_with_its_reason():
    failed = record("CAM", masks=None, segmentations=(), failure=Failure(message="fit cam: NaN"))
    table = mask_table([failed, record(), control()])
    assert rows(table)[0]["rule"] == "failed"
    assert "CAM, seed 0: fit cam: NaN" in table.notes
    assert rows(segmentation_table([failed, control()])) == [
        {"Method": "CAM", "Seg": "V1", "sup": "I.+S.", "val": "-"}
    ]


def test_the_segmentation_table_prints_the_figure_of_mmsegmentation():
    (row,) = rows(segmentation_table([record(), control()]))
    assert row == {"Method": "EPS", "Seg": "V1", "sup": "I.+S.", "val": "40.1"}


HOSTILE = "a|b [bold]c[/] <script>\n`d`\x1b[31m\u202e"


@pytest.fixture
def hostile():
    return Table("T", ("Method", "val"), ((HOSTILE, "1.0"),))


def test_markdown_is_inert(hostile):
    lines = hostile.markdown().splitlines()
    assert lines[2:4] == ["| Method | val |", "| --- | --- |"]
    assert lines[4] == r"| a\|b \[bold\]c\[/\] \<script\> \`d\` \[31m  | 1.0 |"


def test_the_terminal_is_inert(hostile):
    console = Console(width=80, force_terminal=False, record=True, file=io.StringIO())
    console.print(hostile.rich())
    text = console.export_text()
    assert "[bold]c[/]" in text
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("width", [80, 120])
def test_numbers_stay_whole_in_a_terminal(width):
    wide = [record(seed=s, miou=0.5 + s / 100) for s in range(3)]
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(mask_table([*wide, control()]).rich())
    assert "51.0 ±1.0" in console.export_text()


def test_tables_are_written_for_people_and_programs(tmp_path):
    write_tables(tmp_path, [("masks", mask_table([record(), control()]))])
    assert (tmp_path / "masks.csv").read_text().splitlines()[1].startswith("EPS,I.+S.,")
    assert (tmp_path / "masks.md").read_text().startswith("**Pseudo-masks, 8 train images**")
