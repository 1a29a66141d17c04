"""A site built once and a Chromium to open it with; without a Chromium these tests are skipped."""

import os
import shutil
from pathlib import Path

import pytest
import sites

from wsss_leaderboard.site.build import build

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NO_CHROMIUM = (
    "no Chromium found: install one (Debian: apt install chromium), or set WSSS_CHROMIUM to the "
    "path of a Chromium or Chrome"
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


def find_chromium(bundled):
    """Path of a browser: WSSS_CHROMIUM, one on the PATH, or the one that playwright installed."""
    candidates = [os.environ.get("WSSS_CHROMIUM"), *map(shutil.which, COMMANDS), bundled]
    return next((path for path in candidates if path and Path(path).is_file()), None)


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = find_chromium(playwright.chromium.executable_path)
        if chromium is None:
            pytest.skip(NO_CHROMIUM)
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site") / "out"
    build([sites.write(tmp_path_factory.mktemp("results"), sites.HOSTILE_QUALITIES)], out)
    return out


@pytest.fixture(scope="session")
def board(site):
    """Name of the folder of the site's only board."""
    return next(path.parent.name for path in site.glob("*/compare.html"))


@pytest.fixture
def open_page(browser, site):
    """Open a page; the test fails on script errors, console output, dialogs or failed requests."""
    contexts, problems = [], []

    def open_page(path, width=1400, **options):
        size = {"width": width, "height": 900}
        contexts.append(browser.new_context(viewport=size, **options))
        contexts[-1].set_default_timeout(180_000)  # milliseconds
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text))
        page.on("dialog", lambda dialog: problems.append(dialog.message))
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.goto(f"file://{site / path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not problems
