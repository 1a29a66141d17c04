"""The build time of a site with many rows, the size of its pages, and how fast they respond.

python benchmarks/leaderboard_site.py [--rows 500] [--seeds 3] [--images 1449] [--keep FOLDER]

Limits: built in 20 s; the board responds in a browser within 1 s and has less than 300 kB.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests/support"))
import simulated
import sites

from wsss_leaderboard.site.build import build

CHROMIUM = shutil.which("chromium")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]
OPENINGS = 5  # the median counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=1449)
    parser.add_argument("--keep", type=Path, help="folder of the results, written if it is missing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        results = options.keep or Path(temporary) / "results"
        if not results.exists():
            make(results, options)
        print(json.dumps(measured(results, Path(temporary) / "site"), indent=1))


def make(results, options):
    qualities = {f"Method {number} + refiner": number / 500 for number in range(options.rows)}
    seeds = tuple(range(options.seeds))
    simulated.write(results, sites.runs(qualities, seeds=seeds, images=options.images))


def measured(results, out):
    wall, cpu = time.perf_counter(), time.process_time()
    pages = build([results], out)
    measurements = {
        "pages": len(pages),
        "build_seconds": round(time.perf_counter() - wall, 1),
        "build_cpu_seconds": round(time.process_time() - cpu, 1),
    }
    board = next(out.glob("*/compare.html")).parent / "index.html"
    return measurements | (
        in_browser(board) if CHROMIUM else {"browser": "chromium is not installed"}
    )


def in_browser(board):
    """Until a board answers: its scripts have run; and until it is sorted again after a click.

    On a shared machine the CPU time of the page's main thread says more than seconds.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        times = sorted(opened(browser, board) for _ in range(OPENINGS))[OPENINGS // 2]
        browser.close()
    names = ("interactive_seconds", "interactive_cpu_seconds", "sort_seconds", "loaded_bytes")
    return dict(zip(names, times, strict=True))


def opened(browser, board):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.goto(f"file://{board}")
    cpu = {
        entry["name"]: entry["value"] for entry in session.send("Performance.getMetrics")["metrics"]
    }
    ready = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    sort = page.evaluate(
        """() => new Promise(done => {
            const start = performance.now();
            document.querySelector("[data-key=method] button").click();
            requestAnimationFrame(() => setTimeout(() => done(performance.now() - start)));
        })"""
    )
    links = page.evaluate(
        """[...document.querySelectorAll("script[src], link[rel=stylesheet]")]
            .map(one => one.src || one.href)"""
    )
    files = [board, *(Path(link.removeprefix("file://")) for link in links)]
    page.close()
    size = sum(file.stat().st_size for file in files)
    return round(ready / 1000, 3), round(cpu["TaskDuration"], 3), round(sort / 1000, 3), size


if __name__ == "__main__":
    main()
