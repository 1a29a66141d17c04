"""Draw the panels of a suite: images, truth, and the masks of its rows."""

from pathlib import Path

from rich.console import Console

from wsss_harness.cli.app import any_failed
from wsss_harness.cli.messages import print_plain
from wsss_harness.contract.errors import ConfigError
from wsss_harness.plugins.registry import installed
from wsss_harness.store.store import Store
from wsss_harness.suite.selection import Request
from wsss_leaderboard.figures.choice import Choice, panels
from wsss_leaderboard.figures.panels import panel_figure

SUFFIXES = (".png", ".pdf")


def draw_panels(
    request: Request, root: Path, choice: Choice, path: Path, width: float, console: Console
) -> bool:
    """Draw a figure for each dataset of a suite, and print what it shows; True if one failed.

    Of several datasets, each has its own file.

    Raises:
        ConfigError: ``path`` is no PNG or PDF; and see ``choice.panels``.
        DataError: see there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigError(f"--out {path}: expected a name that ends in {' or '.join(SUFFIXES)}")
    plugins = installed()

    def draw(each: Request) -> bool:
        file = path.with_stem("-".join(filter(None, (path.stem, each.dataset))))
        shown = panels(each.suite(), plugins, Store(root, plugins.tell), choice)
        panel_figure(file, shown, width)
        print_plain(console, f"drew {file}: {' | '.join(shown.titles)}")
        print_plain(console, f"images: {' | '.join(line.image_id for line in shown.lines)}")
        return False

    return any_failed(request.each(), draw)
