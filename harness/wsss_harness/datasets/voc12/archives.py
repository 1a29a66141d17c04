"""The official archives: their names, digests and addresses, and how their files are read."""

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.system.digests import digest_file

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Archive:
    """``md5`` is None where nobody publishes it, ``url`` where the file needs a registration."""

    file: str
    holds: str
    md5: str | None = None
    url: str | None = None
    optional: bool = False


# Addresses and digests are those that torchvision.datasets.VOCDetection and SBDataset check.
TRAINVAL = Archive(
    "VOCtrainval_11-May-2012.tar",
    "images, masks, annotations and lists of train and val",
    "6cd6e144f989b92b3379bac3b3de84fd",
    "https://thor.robots.ox.ac.uk/pascal/VOC/voc2012/VOCtrainval_11-May-2012.tar",
)
SBD = Archive(
    "benchmark.tgz",
    "the masks of the Semantic Boundaries Dataset (Hariharan et al., ICCV 2011)",
    "82b4d87ceb2ed10f6038a1cba92111cb",
    "https://www2.eecs.berkeley.edu/Research/Projects/CS/vision/grouping/semantic_contours/"
    "benchmark.tgz",
)
TEST = Archive(
    "VOC2012test.tar", "images and list of test, given after registration", None, None, True
)
CONTEXT = Archive(
    "trainval.tar.gz",
    "the label maps of PASCAL-Context (Mottaghi et al., CVPR 2014)",
    None,
    None,
    True,
)
ARCHIVES = (TRAINVAL, SBD, TEST, CONTEXT)


def file_md5(path: Path, progress: Progress) -> str:
    """The MD5 of a file in hexadecimal digits."""
    label = f"checking {path.name}"
    algorithm = partial(hashlib.md5, usedforsecurity=False)
    return digest_file(path, algorithm, lambda done, total: progress(label, done, total))


def check(path: Path, archive: Archive, progress: Progress) -> None:
    """Raise DataError unless the file is the one that was published."""
    if archive.md5 is None:
        return
    md5 = file_md5(path, progress)
    if md5 != archive.md5:
        raise DataError(
            f"{path} has the MD5 {md5}, the published one is {archive.md5}: it was cut short or "
            "changed. Remove it and get it again, or take it as it is with --unverified"
        )


def members(
    path: Path, wanted: Callable[[str], bool], progress: Progress
) -> Iterator[tuple[str, bytes]]:
    """Name and content of each wanted file of an archive, in its order.

    Nothing is unpacked, so the names of an archive cannot lead anywhere.

    Raises:
        DataError: the file is no archive, or ends too soon.
    """
    with _blaming(path), path.open("rb") as raw, tarfile.open(fileobj=raw) as archive:
        total = path.stat().st_size
        for member in archive:
            progress(f"reading {path.name}", raw.tell(), total)
            if member.isfile() and wanted(member.name):
                file = archive.extractfile(member)
                assert file is not None  # it is a file
                content = file.read()
                if len(content) < member.size:
                    raise EOFError(f"{member.name} is cut short")
                yield member.name, content
        progress(f"reading {path.name}", total, total)


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(
            f"{path} cannot be read as an archive ({error}); it is damaged or cut short: remove it "
            "and get it again"
        ) from None
