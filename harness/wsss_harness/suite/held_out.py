"""Whether images are left to score beside those that a suite holds out."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.supervision import scored_ids
from wsss_harness.stages.stage_data import TRAIN
from wsss_harness.suite.spec import Suite


def check(suite: Suite, images: int) -> None:
    """Raise ConfigError unless the suite holds out fewer than the ``images`` to be scored."""
    if suite.held_out >= images:
        raise ConfigError(
            f"held_out is {suite.held_out}, but {images} images are to be scored; none would be "
            "left: lower held_out or take more images"
        )


def check_unprepared(suite: Suite, source: Any) -> None:
    """The same before the data is prepared, if the dataset can say then how many images it has."""
    images = _images(source) if suite.held_out else None
    if images is not None:
        check(suite, images)


def _images(source: Any) -> int | None:
    if hasattr(source, "sizes"):
        return int(source.sizes()[TRAIN])
    with TemporaryDirectory(prefix="wsss-unprepared-") as folder, suppress(Exception):
        return len(scored_ids(source.open(Path(folder))))
    return None
