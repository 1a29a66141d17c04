"""What single pages say: releases, badges, verdicts on published figures, coverage, charts."""

import json
import re
import shutil

import numpy as np
import pytest
import simulated
import sites
from sample_records import record
from sample_submissions import check
from site_pages import board_of, leads, parsed

from wsss_harness.contract.errors import DataError
from wsss_harness.metrics.anatomy import CAUSES
from wsss_leaderboard.boards import releases, verification
from wsss_leaderboard.boards.folder import accept_checked
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.records.published import published
from wsss_leaderboard.site.board_table import backbone_of, board_tables
from wsss_leaderboard.site.build import build
from wsss_leaderboard.site.charts import Axis, curve_of, shares_of
from wsss_leaderboard.site.pages import MINUS, stem
from wsss_leaderboard.site.paper import Claim


@pytest.fixture(scope="module")
def board(good, ran, tmp_path_factory):
    """A board with one row, verified, and a release."""
    folder = tmp_path_factory.mktemp("board") / "board"
    accept_checked(check(good, ran), folder)
    for path in (folder / "records").glob("*.json"):
        verification.add(path, 2, "Ada", 0.001)
    releases.create(folder, "2026.1")
    return folder


@pytest.fixture(scope="module")
def published_site(board, tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "out"
    build([board], out)
    return out


def test_releases_have_their_own_pages_with_links_to_the_latest(published_site):
    frozen = published_site / "releases" / "2026.1"
    first = parsed(frozen / "index.html")
    assert "Release 2026.1" in "".join(first.itertext())
    for page in (published_site / "index.html", board_of(frozen) / "methods" / f"{stem('R')}.html"):
        links = [link_node.get("href") for link_node in parsed(page).iter("a")]
        assert all(leads(page, link, published_site) for link in links)
        assert [link for link in links if link.endswith("releases/2026.1/index.html")] or (
            frozen in page.parents
        )


def test_badge_is_the_highest_tier_that_all_seeds_passed(published_site, board, tmp_path):
    def cells(out):
        table = parsed(board_of(out) / "index.html").find(".//table[@id='board']")
        return [row.findall("td")[-1].text.strip() for row in table.find("tbody").iter("tr")]

    assert cells(published_site) == ["tier 2"]
    page = (board_of(published_site) / "methods" / f"{stem('R')}.html").read_text()
    assert "metrics recomputed from masks, by Ada," in page
    assert "tolerance 0.10 points" in page
    verification.path_of(next((board / "records").glob("*.json"))).rename(tmp_path / "taken")
    build([board], tmp_path / "out")
    assert cells(tmp_path / "out") == ["self-reported"]


def test_board_of_a_segmentor_names_its_crf(tmp_path):
    def measured(definition):
        runs = simulated.runs({"CAM": 0.1}, (0,), 20, definition=definition)
        out = tmp_path / ("plain" if not definition else "crf")
        build([simulated.write(tmp_path / f"of {out.name}", runs)], out)
        page = parsed(next(board_of(out).glob("v1-*.html")))
        return next(node.text for node in page.iter("p") if node.get("class") == "measured")

    assert "tested on 20 val images. Scored by mmsegmentation, without CRF" in measured({})
    sharpened = {"segmentors": {"V1": {"name": "deeplab", "crf": "dense"}}}
    assert "V1 with the CRF 'dense'" in measured(sharpened)


def crossed(run):
    """The run as one of two seeds of a generator by two of a segmentor, which share masks."""
    generator, segmentor = divmod(run.record.seed, 2)
    steps = (
        Step(stage="mask x 1", key=f"{run.record.method}{generator}"),
        Step(stage="segment V1 on x 1", key=f"{run.record.method}{run.record.seed}"),
    )
    seeds = {"weights": 0, "generator": generator, "refiner": 0, "segmentor": segmentor}
    changes = {"steps": steps, "seeds": seeds, "vary": ("generator", "segmentor")}
    return entries.LoadedRecord(run.record.model_copy(update=changes), None, run.tallies)


def test_pages_count_distinct_runs_and_split_their_variance(tmp_path):
    runs = simulated.runs({"CAM": 0.0, "EPS": 0.9}, range(4), 20)
    runs = [crossed(run) for run in runs if not run.record.control]
    build([simulated.write(tmp_path / "r", runs)], tmp_path / "out")
    folder = board_of(tmp_path / "out")
    masks, v1 = (next(folder.glob(name)).read_text() for name in ("index.html", "v1-*.html"))
    assert "Mean ± standard deviation over 2 seeds; the same seed throughout: refiner" in masks
    assert "Mean ± standard deviation over 4 seeds" in v1
    assert "Of the variance over the 4 runs of CAM, V1: generator " in v1
    assert "CAM: 4 runs share masks or weights and count as 2 draws." in v1
    assert ">Draws<" in v1
    assert ">Draws<" not in masks
    page = (folder / "methods" / f"{stem('CAM')}.html").read_text()
    assert "Runs: Pseudo-masks 2, V1 4. Draws of the whole method: Pseudo-masks 2, V1 2." in page
    assert "The same seed throughout: refiner, weights." in page
    text = (tmp_path / "out" / "coverage.html").read_text()
    assert re.findall(r"✓ \d", text) == ["✓ 2", "✓ 4"] * 2


def figure(value=60.0, segmentor=""):
    template = next(f for f in published().figures if f.segmentor == segmentor)
    return template.model_copy(update={"value": value})


@pytest.fixture(scope="module")
def table():
    (board,) = entries.boards(simulated.runs(sites.QUALITIES, (0, 1)))
    return board_tables(board, {None: None})[0]


def test_verdict_compares_a_published_figure_with_the_interval(table):
    row = next(row for row in table.rows if row.method == "EPS")
    mean, high = 100 * row.mean, 100 * row.place.high

    def verdict(value):
        return Claim(figure(value), row).verdict

    assert verdict(mean + 0.4) == verdict(mean - 0.4) == "agrees to 0.5 points"
    assert high - mean > 0.7
    assert verdict(high - 0.1) == "within our interval"
    assert verdict(high + 1) == f"differs by {MINUS}{high + 1 - mean:.1f}"
    assert Claim(figure()).verdict == "not measured"


def test_figures_of_different_protocols_are_not_compared(tmp_path):
    known = (f for f in published().figures if f.segmentor and f.crf == "yes")
    figure = next(f for f in known if (f.dataset, f.split) == ("voc2012", "val"))

    def verdict(crf):
        step = Step(stage=f"predict {figure.segmentor} on x 1", key="k", options={"crf": crf})
        runs = simulated.runs({figure.method: 0}, (0,), 1449, (figure.segmentor,), steps=(step,))
        out = tmp_path / crf
        build([simulated.write(tmp_path / f"of {crf}", runs)], out)
        rows = [
            row for row in parsed(out / "paper.html").iter("tr") if row.find("th/a") is not None
        ]
        (cells,) = [["".join(c.itertext()) for c in row.findall("td")] for row in rows]
        assert cells[4].startswith(figure.cell)
        return cells[6], cells[7]

    assert verdict("none") == ("-", "measured otherwise: crf 'yes' there, 'no' here")
    difference, words = verdict("dense")
    assert difference != "-"
    assert words == f"differs by {difference}"


def test_failed_row_has_the_verdict_failed():
    runs = sites.runs({sites.FAILED: 0.2, "CAM": 0.1})
    (board,) = entries.boards(runs)
    row = next(r for r in board_tables(board, {None: None})[0].rows if r.method == sites.FAILED)
    assert Claim(figure(), row).verdict == "failed"


def test_coverage_counts_runs_and_shows_failures(tmp_path):
    results = sites.write(tmp_path / "r", {"CAM": 0.1, sites.FAILED: 0.2})
    build([results], tmp_path / "out")
    tree = parsed(tmp_path / "out" / "coverage.html")
    rows = {
        row.find("th").text: ["".join(cell.itertext()) for cell in row.findall("td")]
        for row in tree.find(".//tbody").iter("tr")
    }
    assert rows[sites.FAILED] == ["✗ 1 of 2", "✗ 1 of 2"]
    assert rows["CAM"][1] == "✓ 2"
    assert rows["Saliency†"][1] == "not run"
    text = " ".join("".join(tree.itertext()).split())
    assert f"{sites.FAILED}, seed 1, on small" in text
    assert "Boom in fit: it <b>broke</b>" in text


def test_pictures_page_shows_the_examples_of_a_folder(tmp_path):
    results = sites.write(tmp_path / "r", {"CAM": 0.1, "EPS": 0.5})
    build([results], tmp_path / "out")
    folder = board_of(tmp_path / "out")
    tree = parsed(folder / "pictures.html")
    assert len(tree.findall(".//ol[@id='album']/li")) == 3
    sheets = re.findall(r"url\(([^)]+)\)", (folder / "pictures.html").read_text())
    assert {*sheets} == {"pictures/images.webp", "pictures/truth.png", "pictures/row.png"}
    assert all((folder / sheet).is_file() for sheet in sheets)


def test_examples_of_other_data_are_not_shown(tmp_path):
    results = sites.write(tmp_path / "r", {"CAM": 0.1})
    path = results / "examples" / "index.json"
    path.write_text(path.read_text().replace('"simulated"', '"other"'))
    build([results], tmp_path / "out")
    assert not list((tmp_path / "out").glob("*/pictures.html"))


def test_axis_maps_its_ends_and_has_ticks_inside():
    axis = Axis(0, 0.7, 300, 20)
    assert (axis.at(0), axis.at(0.7), axis.at(0.35)) == (300, 20, 160)
    assert [value for value, _ in axis.ticks] == pytest.approx([0, 0.2, 0.4, 0.6])
    assert len(Axis(0, 0.3, 300, 20).ticks) == 4


def test_threshold_chart_has_a_line_per_seed_and_marks_on_the_first():
    runs = sites.runs({"CAM": 0.1})
    chart = curve_of([run.record for run in runs if run.record.method == "CAM"])
    assert len(chart.lines) == 2
    points = [tuple(map(float, point.split(","))) for point in chart.lines[0].split()]
    assert len(points) == 101
    assert [mark.shape for mark in chart.marks] == ["fixed", "held_out", "oracle"]
    for mark in chart.marks:
        assert points[round(100 * mark.threshold)] == pytest.approx((mark.x, mark.y), abs=0.2)
    assert curve_of([record()]) is None


def test_cause_shares_are_means_and_their_parts_add_up_to_one():
    anatomies = [
        sites.ANATOMY,
        {c: a.model_copy(update={"share": 0.0}) for c, a in sites.ANATOMY.items()},
    ]
    shares = shares_of([*anatomies, {}])
    assert [entry.cause for entry in shares] == list(CAUSES)
    assert [entry.share for entry in shares] == pytest.approx([0.005 * (n + 1) for n in range(7)])
    assert np.sum([entry.part for entry in shares]) == pytest.approx(1)
    assert shares_of([{}]) == []


def test_backbone_is_that_of_the_first_network():
    assert (
        backbone_of(sites.dressed(next(iter(simulated.runs({"A": 0}, (0,), 5)))).record)
        == "resnet 18"
    )
    assert backbone_of(record()) == ""


def test_guide_explains_every_cause(published_site):
    swatches = [node.get("class") for node in parsed(published_site / "reading.html").iter("i")]
    assert [name for name in swatches if "cause-" in name] == [f"swatch cause-{c}" for c in CAUSES]


def test_row_shared_by_two_suites_is_listed_once(ran, tmp_path):
    results = ran.request.results(ran.root)
    again = tmp_path / "again"
    shutil.copytree(results, again)
    build([results, again], tmp_path / "out")
    table = parsed(board_of(tmp_path / "out") / "index.html").find(".//table[@id='board']")
    assert len(list(table.find("tbody").iter("tr"))) == 2


def test_conflicting_runs_of_one_seed_are_refused(ran, tmp_path):
    results = ran.request.results(ran.root)
    again = tmp_path / "again"
    shutil.copytree(results, again)
    for path in (again / "records").glob("*.json"):
        content = json.loads(path.read_text())
        for step in content["steps"]:
            step["key"] = step["key"][::-1]
        path.write_text(json.dumps(content))
    with pytest.raises(DataError, match="are both of 'R', seed 0"):
        build([results, again], tmp_path / "out")


def test_links_are_not_published(tmp_path):
    results = sites.write(tmp_path / "r", {"CAM": 0.1})
    secret = tmp_path / "secret"
    secret.write_text("nobody's")
    picture = results / "examples" / "truth.png"
    picture.unlink()
    picture.symlink_to(secret)
    with pytest.raises(DataError, match=r"truth\.png is a link; only files are published"):
        build([results], tmp_path / "out")


def test_board_without_finished_methods_has_pages(tmp_path):
    runs = [run for run in sites.runs({sites.FAILED: 0.2}) if run.record.failure]
    build([simulated.write(tmp_path / "r", runs)], tmp_path / "out")
    text = "".join(parsed(tmp_path / "out" / "index.html").itertext())
    assert "No method has finished." in text
    assert (board_of(tmp_path / "out") / "methods" / f"{stem(sites.FAILED)}.html").is_file()
