"""The site in a browser: from a disk, in light and dark, on a desk and on a phone."""

import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest
import sites
from sample_records import record

from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.records.record import load_record, save_record
from wsss_leaderboard.records.supervision import Supervision
from wsss_leaderboard.site.build import build
from wsss_leaderboard.site.names import MINUS, TO, stem

CHROMIUM = os.environ.get("WSSS_CHROMIUM") or shutil.which("chromium")
pytestmark = pytest.mark.skipif(
    not CHROMIUM, reason="no chromium: install it (Debian: chromium), or name it in WSSS_CHROMIUM"
)
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
QUALITIES = {**sites.QUALITIES, sites.FAILED: 0.2, "<img src=x onerror=alert(1)>": 0.15}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "out"
    build([sites.write(tmp_path_factory.mktemp("results"), QUALITIES)], out)
    return out


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield launched
        launched.close()


@pytest.fixture
def open_page(browser, site):
    """Open a page of the site; nothing may go wrong in it, and nothing be asked from elsewhere."""
    contexts, problems = [], []

    def open_page(path, width=1400, **options):
        size = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=size, **options))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.goto(f"file://{site / path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems


@pytest.fixture(scope="module")
def board(site):
    return next(path.parent.name for path in site.glob("*/compare.html"))


def names(page, body="method"):
    """The methods that are seen, in their order."""
    rows = page.locator(f"#board tbody.{body} tr:not(.head):not(.seedrow):visible")
    return rows.locator("th").evaluate_all("cells => cells.map(c => c.textContent.trim())")


def column(page, key):
    return page.evaluate(
        """key => {
            const at = wsss.place(key);
            return wsss.rows.filter(o => !o.row.hidden).map(o => o.row.cells[at].textContent);
        }""",
        key,
    )


@pytest.mark.parametrize("width", [1400, 390])
def test_a_click_sorts_and_the_address_keeps_it(open_page, board, width):
    page = open_page(f"{board}/index.html", width)
    before = names(page)
    assert before[0] == "EPS"
    head = page.locator("#board th[data-key=miou]")
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert names(page) == [*before[-2::-1], sites.FAILED]  # what has no number stays last
    assert "sort=miou" in page.url
    assert "the lowest first" in page.locator("#status").text_content()
    page.reload()
    assert names(page) == [*before[-2::-1], sites.FAILED]


def test_tie_groups_are_blocks_when_sorted_by_them(open_page, board):
    page = open_page(f"{board}/index.html?sort=group")
    groups = page.locator("#board tbody.method tr").evaluate_all(
        "rows => rows.map(r => [r.cells[wsss.place('group')].textContent, r.className])"
    )
    begins = [place for place, (_, name) in enumerate(groups) if "new-group" in name]
    assert begins == [n for n in range(1, len(groups)) if groups[n][0] != groups[n - 1][0]] != []
    page.locator("#board th[data-key=method] button").click()
    assert page.locator("#board .new-group").count() == 0


def test_the_keyboard_sorts(open_page, board):
    page = open_page(f"{board}/index.html")
    page.locator("#board th[data-key=method] button").focus()
    page.keyboard.press("Enter")
    found = names(page)
    assert found == sorted(found, key=str.lower)
    assert page.locator("#board [aria-sort]").count() == 1


@pytest.mark.parametrize("width", [1400, 390])
def test_filters_leave_rows_out_and_say_so(open_page, board, width):
    page = open_page(f"{board}/index.html", width)
    page.get_by_label("Find").fill("cam")
    assert sorted(names(page)) == ["CAM", "CAM + CRF"]
    page.get_by_label("Supervision").select_option("F.")
    assert names(page) == []
    assert page.locator("#status").text_content().startswith("0 of 9 rows")
    page.get_by_role("button", name="Reset").click()
    assert len(names(page)) == len(QUALITIES)
    assert "?" not in page.url


def test_columns_can_be_left_out(open_page, board):
    page = open_page(f"{board}/index.html")
    page.get_by_text("Columns").click()
    page.get_by_label("95 % interval").uncheck()
    assert page.locator("#board th[data-key=interval]").is_hidden()
    assert "hide=interval" in page.url
    page.reload()
    assert page.locator("#board td.iv").first.is_hidden()


def test_seeds_unfold_below_their_row_and_stay_with_it(open_page, board, site):
    page = open_page(f"{board}/index.html")
    button = page.get_by_role("button", name="Seeds of EPS")
    button.click()
    page.locator(".seedrow").first.wait_for()
    assert button.get_attribute("aria-expanded") == "true"
    found = page.locator("#board tr:has(a[href$='eps-83fc4d.html']) ~ tr").first
    assert found.locator("th").text_content() == "seed 0"
    content = json.loads(
        (site / board / found.locator("a").get_attribute("href")).read_text(encoding="utf-8")
    )
    miou = content["masks"]["score"]["miou"]
    place = page.evaluate("wsss.place('miou')")
    assert found.locator(f":nth-child({place + 1})").text_content() == f"{100 * miou:.1f}"
    page.locator("#board th[data-key=method] button").click()
    assert page.locator("#board tr:has(a[href$='eps-83fc4d.html']) + tr.seedrow").count() == 1
    page.reload()
    page.locator(".seedrow").nth(1).wait_for()
    button.click()
    assert page.locator(".seedrow").count() == 0
    assert "open=" not in page.url


@pytest.mark.parametrize("form", ["csv", "md", "tex"])
def test_an_export_is_exactly_what_is_seen(open_page, board, form):
    page = open_page(f"{board}/index.html?q=cam&hide=interval,verified&sort=miou")
    text = page.evaluate("form => wsss.exported(form)", form)
    shown = names(page) + names(page, "reference")
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["Method"] for row in rows] == shown
        assert {row["kind"] for row in rows} == {"method"}
        assert "Verified" not in rows[0]
        assert rows[0]["mIoU"].startswith(column(page, "miou")[0].split()[0])
    elif form == "md":
        lines = text.splitlines()
        assert lines[0].startswith("| Rank | Tie group | Method | mIoU |")
        assert [line.split(" | ")[2] for line in lines[2:4]] == shown
        assert page.url in lines[-1].replace("- -", "--")
    else:
        assert text.count("\\\\") == 1 + len(shown)
        assert "$\\pm$" in text
        assert text.splitlines()[2:3] == ["\\toprule"]


def test_a_method_of_a_single_run_is_exported_as_a_method(browser, tmp_path):
    build([sites.write(tmp_path / "r", {"CAM": 0.0}, seeds=(0,))], tmp_path / "out")
    page = browser.new_page()
    page.goto(f"file://{next((tmp_path / 'out').glob('*/compare.html')).with_name('index.html')}")
    assert page.locator("#board tr.single").count() == 1
    rows = csv.DictReader(io.StringIO(page.evaluate("wsss.exported('csv')")))
    assert [row["kind"] for row in rows] == ["method", "control", "control", "bound"]
    page.close()


def test_an_export_is_seen_and_closed(open_page, board):
    page = open_page(f"{board}/index.html")
    page.get_by_text("Export this view").click()
    page.get_by_role("button", name="LaTeX").click()
    text = page.get_by_role("textbox", name="The exported table")
    assert text.input_value() == page.evaluate("wsss.exported('tex')")
    page.get_by_role("button", name="Close").click()
    assert text.is_hidden()


def test_names_in_exports_are_text(open_page, board):
    page = open_page(f"{board}/index.html?q=img")
    assert "\\<img src=x onerror=alert(1)\\>" in page.evaluate("wsss.exported('md')")
    assert '"<img src=x onerror=alert(1)>"' in page.evaluate("wsss.exported('csv')")


def local(tmp_path, name, **changes):
    run = next(iter(sites.runs({"Mine": 0.6}, seeds=(0,))))
    path = tmp_path / name
    save_record(run.record.model_copy(update=changes), path)
    return path


def test_a_local_record_is_ranked(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    hostile = "<b>Mine</b>"
    paths = [local(tmp_path, f"{n}.json", seed=n, method=hostile) for n in range(2)]
    page.get_by_label("choose files").set_input_files(paths)
    row = page.locator("#board tr.local")
    assert row.locator("th").text_content() == f"{hostile} (yours)"
    assert (
        row.locator("td b").text_content() == f"{100 * load_record(paths[0]).masks.score.miou:.1f}"
    )
    best, worst = map(int, (row.locator("td").first.text_content() + f"{TO}9").split(TO)[:2])
    assert 1 <= best <= 3
    assert worst >= best
    values = [float(text.split()[0]) for text in column(page, "miou")[:5]]
    assert values == sorted(values, reverse=True)
    assert "2 of your records stand in the table" in page.locator("#dropped").text_content()


def test_local_bounds_and_controls_have_no_rank(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    truth = Supervision(declared=(), read={"bound": ("truth",)}, weights=())
    paths = [
        local(tmp_path, "bound.json", method="Top", supervision=truth),
        local(tmp_path, "control.json", method="Idle", control=True),
    ]
    page.get_by_label("choose files").set_input_files(paths)
    rows = page.locator("#board tbody.reference tr.local")
    assert rows.locator("th").all_text_contents() == ["Top‡ (yours)", "Idle† (yours)"]
    assert rows.locator("td:first-child").all_text_contents() == ["-", "-"]
    assert page.locator("#board tbody.method tr.local").count() == 0


def test_local_seeds_that_share_masks_are_one_run(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    steps = (Step(stage="mask it 1", key="same"),)
    paths = [local(tmp_path, f"{n}.json", seed=n, method="a\u202eb", steps=steps) for n in (0, 1)]
    page.get_by_label("choose files").set_input_files(paths)
    row = page.locator("#board tr.local")
    assert row.locator("th").text_content() == "a b (yours)"
    place = page.evaluate("wsss.place('seeds')")
    assert row.locator(f":nth-child({place + 1})").text_content() == "1"
    assert "±" not in row.text_content()


def test_local_records_of_another_protocol_or_none_are_left_out(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    other = local(tmp_path, "other.json", protocol=record().protocol)
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    nothing = tmp_path / "nothing.json"
    nothing.write_text("[1, 2]")
    page.get_by_label("choose files").set_input_files([other, broken, nothing])
    told = page.locator("#dropped")
    told.get_by_text("nothing.json").wait_for()
    assert "its protocol differs: fingerprint is" in told.text_content()
    assert "broken.json was left out: it is no JSON" in told.text_content()
    assert "nothing.json was left out: it is no record" in told.text_content()
    assert page.locator("#board tr.local").count() == 0


def test_files_that_are_dropped_are_read(open_page, board, tmp_path):
    page = open_page(f"{board}/index.html")
    content = local(tmp_path, "one.json").read_text(encoding="utf-8")
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


def test_two_rows_are_compared(open_page, board, site):
    page = open_page(f"{board}/compare.html?a={stem('CAM')}&b={stem('EPS')}")
    page.locator("#means tbody tr").first.wait_for()
    cells = page.locator("#means tbody tr").first.locator("td").all_text_contents()
    assert float(cells[2].replace(MINUS, "-")) == pytest.approx(
        float(cells[1]) - float(cells[0]), abs=0.11
    )
    assert cells[-1] == "B is better"
    assert page.locator("#classes tbody tr").count() == 21
    assert "fit 1: lr" not in page.locator("#settings").text_content()  # names of equal length
    page.get_by_role("button", name="Swap").click()
    page.get_by_text("A is better").first.wait_for()
    assert f"a={stem('EPS')}" in page.url


def test_rows_that_do_not_finish_have_no_difference(open_page, board):
    page = open_page(f"{board}/compare.html?a={stem(sites.FAILED)}&b={stem('EPS')}")
    assert page.get_by_text("one of them did not finish").first.is_visible()


def test_pictures_show_rows_layers_and_the_worst_first(open_page, board):
    page = open_page(f"{board}/pictures.html")
    assert page.locator("#album li").count() == 3
    page.get_by_label("why pixels are wrong").check()
    assert page.locator("#legend-causes").is_visible()
    assert "row-causes.png" in page.locator(".over").last.get_attribute("style")
    page.get_by_label("Order").select_option(stem("EPS"))
    assert page.locator("#album h2").all_text_contents() == ["b", "c", "a"]
    page.get_by_text("Rows", exact=True).click()
    page.locator("[name=row]").first.uncheck()
    assert page.locator("#album li").first.locator("[data-row]").count() == 1
    assert "layer=causes" in page.url


def test_the_reader_chooses_light_or_dark(open_page):
    page = open_page("index.html", color_scheme="light")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    button = page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    dark = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert page.evaluate(ground) == dark


def test_boards_are_complete_without_scripts(open_page, board):
    page = open_page(f"{board}/index.html", java_script_enabled=False)
    assert page.locator("#board tbody.method tr").count() == len(QUALITIES)
    assert page.locator("#controls").is_hidden()
    assert page.get_by_text("Sorted by mIoU of the pseudo-masks").is_visible()


def test_the_first_stop_of_the_keyboard_skips_to_the_content(open_page, board):
    page = open_page(f"{board}/index.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


COLOURS = {"runOnly": ["color-contrast"]}
REACH = {"runOnly": ["scrollable-region-focusable", "target-size"]}


def test_every_page_is_accessible_and_fits(open_page, site, board):
    """By axe, whose serious violations count, in light and dark; none is wider than its screen."""
    pages = [path.name for path in site.glob("*.html")]
    pages += [f"{board}/{path.name}" for path in (site / board).glob("*.html")]
    pages += [f"{board}/methods/{stem(name)}.html" for name in ("EPS", sites.FAILED)]
    pages += [f"{board}/compare.html?a={stem('CAM')}&b={stem('EPS')}"]
    page = open_page("index.html")
    for path in pages:
        page.set_viewport_size({"width": 1400, "height": 900})
        page.emulate_media(color_scheme="light")
        page.goto(f"file://{site / path}")
        if "?" in path:
            page.locator("#settings tbody").wait_for()
        assert not violations(page, {}), path
        page.emulate_media(color_scheme="dark")
        assert not violations(page, COLOURS), path
        for width in (1400, 390):
            page.set_viewport_size({"width": width, "height": 844})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert not violations(page, REACH), path


def violations(page, rules):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options={"preload": False, **rules}).response["violations"]
    return [
        f"{one['id']}: {one['nodes'][0]['html']} {one['nodes'][0]['failureSummary']}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_every_internal_link_can_be_followed(open_page, site):
    page = open_page("index.html")
    waiting, seen = [page.url], set()
    while waiting:
        address = waiting.pop()
        if address in seen:
            continue
        seen.add(address)
        if not address.endswith(".html"):
            assert Path(address.removeprefix("file://").partition("?")[0]).is_file()
            continue
        page.goto(address, wait_until="commit")
        page.wait_for_selector("footer", state="attached")
        links = page.locator("a[href]").evaluate_all("found => found.map(a => a.href)")
        waiting += [link.partition("#")[0].partition("?")[0] for link in links]
    pages = {one.removeprefix("file://") for one in seen if one.endswith(".html")}
    assert pages == {str(path) for path in site.rglob("*.html")}
