"""The site: pages that validate, links that lead somewhere, weights, and names that stay text."""

import base64
import json
from collections import Counter

import numpy as np
import pytest
import simulated
import sites
from sample_records import record
from site_pages import board_of, leads, parsed
from typer.testing import CliRunner

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_harness.suite.reading import check_suite, read_suite
from wsss_leaderboard.cli.app import app
from wsss_leaderboard.comparison import comparison
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.ranking.ranking import differences, means_of
from wsss_leaderboard.records.provenance import RecordedWeights, Step, Supervision
from wsss_leaderboard.site.build import MARK, build, snapshot_of
from wsss_leaderboard.site.method import selection_of
from wsss_leaderboard.site.pages import shown, stem

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(2)>',
    "{{ 7 * 7 }}{% raw %}",
    "right\u202eto left\x1b[31m",
    "../../../etc/passwd",
    "x" * 10_000,
    "'); alert(3); //",
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    qualities = {**sites.QUALITIES, sites.FAILED: 0.2}
    return sites.write(tmp_path_factory.mktemp("results"), qualities)


@pytest.fixture(scope="module")
def site(results, tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "out"
    build([results], out)
    return out


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    qualities = {name: n / 10 for n, name in enumerate(HOSTILE)}
    results = sites.write(tmp_path_factory.mktemp("hostile"), qualities, segmentors=HOSTILE[:2])
    out = tmp_path_factory.mktemp("site") / "out"
    build([results], out, title=HOSTILE[0])
    return out


def data_of(path):
    """The name and the content of a script of data."""
    text = path.read_text(encoding="utf-8")
    assert text.startswith("wsss.receive(")
    return json.loads(f"[{text.removeprefix('wsss.receive(').removesuffix(');' + chr(10))}]")


@pytest.mark.parametrize("which", ["site", "hostile"])
def test_every_page_is_valid_html_with_unique_ids(which, request):
    pages = sorted(request.getfixturevalue(which).rglob("*.html"))
    assert len(pages) > 10
    for page in pages:
        tree = parsed(page)  # raises where it is not valid
        ids = Counter(node.get("id") for node in tree.iter() if node.get("id"))
        assert max(ids.values()) == 1, page
        assert tree.get("lang") == "en"
        assert tree.find(".//title").text


@pytest.mark.parametrize("which", ["site", "hostile"])
def test_every_link_leads_to_a_file_of_the_site(which, request):
    out = request.getfixturevalue(which)
    count = 0
    for page in out.rglob("*.html"):
        for node in parsed(page).iter():
            for link in filter(None, (node.get("href"), node.get("src"))):
                count += 1
                assert leads(page, link, out), f"{page}: {link}"
    assert count > 200


def test_bounds_and_controls_are_listed_below_the_ranked_methods(site):
    table = parsed(board_of(site) / "index.html").find(".//table[@id='board']")
    bodies = {body.get("class"): body for body in table.iter("tbody")}
    assert list(bodies) == ["method", "reference"]
    names = [link.text for link in bodies["method"].iter("a")]
    assert names[0] == "EPS"
    assert names[-1] == sites.FAILED
    first = [cell.text for cell in bodies["reference"].iter("td")][:2]
    assert first == ["-", "-"]  # no rank, no tie group


def test_published_figures_come_last_without_a_measured_value(tmp_path):
    runs = simulated.runs({"CAM": 0.0}, seeds=(0,), images=1464, segmentors=())
    build([simulated.write(tmp_path / "results", runs)], tmp_path / "out")
    table = parsed(board_of(tmp_path / "out") / "index.html").find(".//table[@id='board']")
    assert [body.get("class") for body in table.iter("tbody")] == [
        "method",
        "reference",
        "published",
    ]
    keys = [head.get("data-key") for head in table.find("thead").iter("th")]
    row = next(row for row in table.iter("tr") if row.get("class") == "published")
    cells = dict(zip(keys, list(row), strict=True))
    assert cells["rank"].text == cells["miou"].text == cells["difference"].text == "-"
    assert float(cells["published"].text.strip("?")) > 40
    ours = next(row for row in table.iter("tr") if len(row.findall("td")) == len(keys) - 1)
    assert dict(zip(keys, list(ours), strict=True))["difference"].text[0] in "+\N{MINUS SIGN}"


def test_long_texts_are_shortened_and_can_be_filtered_by(tmp_path):
    long = "\u202eevil" + "x" * 3000
    weights = RecordedWeights(name="w", trained_on=long, digest="d")
    runs = simulated.runs(
        {"A": 0.0},
        (0,),
        20,
        steps=(Step(stage="fit", key="k", options={"backbone": long}),),
        supervision=Supervision(declared=(), read={}, weights=(weights,)),
    )
    steps = (Step(stage="fit", key="k", options={"backbone": "small"}),)
    runs += simulated.runs({"B": 0.1}, (0,), 20, steps=steps)[:1]
    build([simulated.write(tmp_path / "r", runs)], tmp_path / "out")
    page = board_of(tmp_path / "out") / "index.html"
    assert "\u202e" not in page.read_text(encoding="utf-8")
    assert "x" * 1000 not in page.read_text(encoding="utf-8")
    options = {option.text for option in parsed(page).iter("option")}
    cells = ((cell.text or "").strip() for cell in parsed(page).iter("td"))
    (cell,) = (text for text in cells if "evil" in text)
    assert cell in options


def test_hostile_names_are_shown_as_text(hostile):
    for page in hostile.rglob("*.html"):
        tree = parsed(page)
        scripts = [node.get("src") for node in tree.iter("script")]
        assert all(src and src.rpartition("/")[0].endswith("static") for src in scripts)
        attributes = [name for node in tree.iter() for name in node.attrib]
        assert not any(name.startswith("on") for name in attributes)
        assert not list(tree.iter("img"))
        text = page.read_text(encoding="utf-8")
        assert "\u202e" not in text
        assert "\x1b" not in text
        assert "x" * 500 not in text
    headings = {next(parsed(p).iter("h1")).text for p in (board_of(hostile) / "methods").iterdir()}
    assert {shown(name, 200) for name in HOSTILE} <= headings


def test_hostile_names_make_files_only_inside_the_site(hostile):
    names = [path.name for path in (board_of(hostile) / "methods").iterdir()]
    assert len(names) == len(HOSTILE) + 3
    assert max(map(len, names)) < 60
    assert {path.name for path in hostile.parent.iterdir()} == {"out"}


def test_stems_are_short_plain_and_distinct():
    stems = [stem(name) for name in (*HOSTILE, "EPS", "eps", "e p s", "", "日本")]
    assert len(set(stems)) == len(stems)
    assert all(text.isascii() and text.replace("-", "").isalnum() for text in stems)


@pytest.mark.parametrize(
    ("name", "text"),
    [("  a \n b ", "a b"), ("", "(no name)"), ("\u202e", "(no name)"), ("x" * 90, "x" * 79 + "…")],
)
def test_shown_name_is_one_short_printable_line(name, text):
    assert shown(name) == text


def test_500_rows_are_loaded_with_less_than_300_kb(tmp_path):
    """From the weight of a row, since 500 of them would take the tests too long to make."""
    sizes = []
    for count in (4, 24):
        qualities = {f"Method {n} of a usual length": n / 50 for n in range(count)}
        results = sites.write(tmp_path / f"r{count}", qualities, images=12)
        out = tmp_path / f"o{count}"
        build([results], out)
        board = board_of(out)
        sizes.append(
            [loaded(page) for page in (board / "index.html", board / "compare.html")]
            + [loaded(out / "coverage.html"), loaded(out / "paper.html")]
        )
    for small, large in zip(*sizes, strict=True):
        assert large + (500 - 24) * (large - small) / 20 < 300_000


def loaded(page):
    """Bytes of a page with all that it loads at once, as they lie on a disk."""
    tree = parsed(page)
    links = [node.get("src") for node in tree.iter("script")]
    links += [node.get("href") for node in tree.iter("link") if node.get("rel") == "stylesheet"]
    return page.stat().st_size + sum((page.parent / link).stat().st_size for link in links)


def test_board_page_holds_its_protocol_for_local_records(site, results):
    (board,) = entries.boards(entries.load([results]))
    table = parsed(board_of(site) / "index.html").find(".//table[@id='board']")
    assert json.loads(table.get("data-protocol")) == board.protocol.model_dump(mode="json")


def test_suite_of_a_record_can_be_run_again(site):
    (path,) = (site / "suites").iterdir()
    assert read_suite(path) == check_suite(sites.DEFINITION, "definition")
    page = (board_of(site) / "methods" / f"{stem('CAM + CRF')}.html").read_text()
    assert f"wsss run {path.name} --rows &#39;CAM + CRF&#39;" in page


def test_method_page_shows_the_failure_and_the_end_of_its_log(site):
    page = (board_of(site) / "methods" / f"{stem(sites.FAILED)}.html").read_text()
    assert "it &lt;b&gt;broke&lt;/b&gt;" in page
    assert "a &lt; b" in page


def test_method_page_says_how_often_its_store_had_scored(site):
    folder = board_of(site) / "methods"
    page = (folder / f"{stem('EPS')}.html").read_text()
    assert "214 sets of masks, 12,120 thresholds and 0 checkpoints on the truth of train" in page
    assert (
        "1 set of masks, 12,120 thresholds and 0 checkpoints on the truth of another list" in page
    )
    assert "does not say how often" in (folder / f"{stem('CAM')}.html").read_text()


def test_counts_are_those_of_the_seed_that_was_submitted_last():
    first = sites.selection(40)
    second = (first[0].model_copy(update={"masks": 300}),)
    records = [record(selection=selection) for selection in (first, second, None)]
    assert selection_of(records) == second
    assert selection_of([record()]) is None


def test_compare_page_agrees_with_the_diff_command(site, results):
    (board,) = entries.boards(entries.load([results]))
    runs = {method_runs[0].record.method: method_runs for method_runs in board.methods}
    peers = [method_runs for method, method_runs in runs.items() if method not in ("CAM", "EPS")]
    compared = comparison.compare(runs["CAM"], runs["EPS"], peers)
    folder = board_of(site) / "data"
    (_, a), (_, b) = (data_of(folder / f"{stem(name)}.js") for name in ("CAM", "EPS"))
    images = data_of(folder / "images.js")[1]
    for target in compared.targets:
        key = stem(target.target) if target.target else "masks"
        here, there = a["targets"][key], b["targets"][key]
        assert there["mean"] - here["mean"] == pytest.approx(target.miou.difference)
        moved = decoded(there["influence"]) - decoded(here["influence"])
        first = max(range(len(moved)), key=lambda place: abs(moved[place]))
        assert images[key][first] == target.images[0].image_id
        assert moved[first] == pytest.approx(target.images[0].influence, rel=1e-5)
        assert here["reach"][there["at"]] == pytest.approx(target.miou.reach, abs=1e-5)
        assert here["reach"][there["at"]] == pytest.approx(there["reach"][here["at"]])
    differing = {name for name in a["settings"] if a["settings"][name] != b["settings"].get(name)}
    assert {f"{setting.part}: {setting.name}" for setting in compared.settings} == differing | (
        set(b["settings"]) - set(a["settings"])
    )


def decoded(text):
    return np.frombuffer(base64.b64decode(text), "<f4").astype(float)


def test_interval_of_a_pair_agrees_with_the_ranking(site, results):
    (board,) = entries.boards(entries.load([results]))
    known = [entry for entry in board.entries() if entry.estimate]
    reaches = differences(known).reaches
    _, data = data_of(board_of(site) / "data" / f"{stem(known[0].method)}.js")
    assert data["targets"]["masks"]["reach"] == pytest.approx(reaches[0], abs=1e-5)


def test_seed_spread_of_bounds_is_not_used_for_methods():
    truth = Supervision(declared=(), read={"bound": ("truth",)}, weights=())
    singles = simulated.runs({"A": 0.0, "B": 0.15}, (0,), 60)
    unsteady = simulated.runs({"Bound": 2.0}, (0, 1), 60, luck=1, supervision=truth)
    (board,) = entries.boards([run for run in (*singles, *unsteady) if not run.record.control])
    known = board.entries("V1")
    between = differences(known)
    reaches, seeds = between.reaches, between.scopes == "draws"
    methods, kinds = means_of(known[:2]).differences().reaches, [entry.kind for entry in known]
    assert kinds == ["method", "method", "bound"]
    assert reaches[0, 1] == methods[0, 1] < means_of(known).differences().reaches[0, 1]
    assert seeds.tolist() == [[False, False, True], [False, False, True], [True, True, True]]
    assert reaches[0, 2] == means_of(known).differences().reaches[0, 2]


def test_data_of_a_method_holds_its_seeds(site):
    _, data = data_of(board_of(site) / "data" / f"{stem('EPS')}.js")
    assert [run["seed"] for run in data["seeds"]] == [0, 1]
    record = json.loads((board_of(site) / data["seeds"][1]["record"]).read_text())
    miou = record["masks"]["score"]["miou"]
    assert data["seeds"][1]["miou"]["masks"] == f"{100 * miou:.1f}"
    assert data["seeds"][1]["cpu"] == "2.0"


def test_only_a_site_is_replaced(results, tmp_path):
    build([results], tmp_path / "out")
    (tmp_path / "out" / "old.html").touch()
    build([results], tmp_path / "out")
    assert not (tmp_path / "out" / "old.html").exists()
    (tmp_path / "out" / MARK).unlink()
    with pytest.raises(ConfigError, match="holds no site that `wsss leaderboard build` made"):
        build([results], tmp_path / "out")


def test_failed_loading_keeps_the_old_site(results, tmp_path):
    build([results], tmp_path / "out")
    with pytest.raises(DataError, match="there are no records in"):
        build([tmp_path / "nothing"], tmp_path / "out")
    assert (tmp_path / "out" / "index.html").is_file()


def test_failed_build_keeps_the_old_site(results, tmp_path, monkeypatch):
    build([results], tmp_path / "out")
    before = sorted((tmp_path / "out").rglob("*"))
    (tmp_path / "out" / "index.html").write_text("old")

    def broken(*_):
        raise DataError("no page")

    monkeypatch.setattr("wsss_leaderboard.site.build.write_coverage", broken)
    with pytest.raises(DataError, match="no page"):
        build([results], tmp_path / "out")
    assert (tmp_path / "out" / "index.html").read_text() == "old"
    assert sorted((tmp_path / "out").rglob("*")) == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_snapshot_does_not_depend_on_the_order_of_records(results):
    loaded = entries.load([results])
    assert snapshot_of(loaded) == snapshot_of(loaded[::-1]) != snapshot_of(loaded[1:])


def test_build_command_names_the_first_page(results, tmp_path):
    done = CliRunner().invoke(
        app, ["leaderboard", "build", str(results), "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.output
    assert f"the first is {tmp_path / 'out' / 'index.html'}" in done.output
