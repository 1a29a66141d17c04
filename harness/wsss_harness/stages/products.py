"""The files that stages leave for each other, and what all stages of images share."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from wsss_harness.contract.errors import PluginError, WsssError
from wsss_harness.contract.types import ClassScores
from wsss_harness.store.work import LOG, Work
from wsss_harness.system import parallel
from wsss_harness.system.score_files import read_scores

SCORES = ".scores"
MASK = ".png"
CURVE = "curve.npz"
THRESHOLDS = "thresholds.json"
IDS = "ids.json"
QUALITY = "quality.json"
BY_MMSEG = "mmseg.json"


def device() -> str:
    """The device that plugins work on."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        return "cpu"  # without the import of torch, which not all plugins need

    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def remaining(work: Work, ids: Sequence[str], suffix: str) -> Iterator[tuple[str, Path]]:
    """The ids of the shard whose file is missing, with its path; reports progress on the way."""
    ids = work.shard.of(ids)
    work.progress(0, len(ids))
    for index, image_id in enumerate(ids, 1):
        path = work.folder / f"{image_id}{suffix}"
        if not path.is_file():
            yield image_id, path
        work.progress(index, len(ids))


def in_parallel(
    work: Work, ids: Sequence[str], suffix: str, start: Callable[[], Callable[[str], None]]
) -> None:
    """Do the images of the shard whose file is missing, spread over all cores.

    ``start`` returns a function of an image id, once in each process.
    """
    ids = work.shard.of(ids)
    to_do = [i for i in ids if not (work.folder / f"{i}{suffix}").is_file()]
    done = count(len(ids) - len(to_do))

    def progress() -> None:
        work.progress(next(done), len(ids))

    progress()
    parallel.run(start, to_do, parallel.cores(), work.folder / LOG, progress)


def score_reader(folder: Path) -> Callable[[str], ClassScores]:
    """A function that reads the scores of an image id from a finished stage of scores."""
    return partial(_read, folder)


def _read(folder: Path, image_id: str) -> ClassScores:
    return read_scores(folder / f"{image_id}{SCORES}")


@contextlib.contextmanager
def blaming(owner: str, image_id: str) -> Iterator[None]:
    """Errors of a plugin's code name the plugin and the image."""
    try:
        yield
    except (WsssError, OSError, MemoryError):
        raise  # these say what is wrong, or are explained later
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(f"{owner} failed on image {image_id}: {reason}") from error
