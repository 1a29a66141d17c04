"""The official archives: their names, digests and addresses, how they are fetched and read."""

import hashlib
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from wsss_harness.contract.errors import DataError
from wsss_harness.system.digests import CHUNK, digest_file

TIMEOUT = 60.0  # seconds without a byte
COMPLETE = 416  # the status of a request for bytes beyond the last one

Progress = Callable[[str, int, int], None]  # (what is done, bytes done, bytes in total)


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
    "VOC2012test.tar", "images and list of test, available after registration", optional=True
)
CONTEXT = Archive(
    "trainval.tar.gz",
    "the label maps of PASCAL-Context (Mottaghi et al., CVPR 2014)",
    optional=True,
)
ARCHIVES = (TRAINVAL, SBD, TEST, CONTEXT)


def check(path: Path, archive: Archive, progress: Progress) -> None:
    """Raise DataError unless the file is the published one."""
    if archive.md5 is None:
        return
    algorithm = partial(hashlib.md5, usedforsecurity=False)
    md5 = digest_file(path, algorithm, partial(progress, f"checking {path.name}"))
    if md5 != archive.md5:
        raise DataError(
            f"{path} has the MD5 {md5}, the published one is {archive.md5}: it is incomplete or "
            "was changed; delete it and download it again, or accept it with --unverified"
        )


def members(
    path: Path, wanted: Callable[[str], bool], progress: Progress
) -> Iterator[tuple[str, bytes]]:
    """Name and content of each wanted file of an archive, in its order.

    Nothing is extracted, so a member named "../x" writes nothing.

    Raises:
        DataError: the file is not an archive, or is incomplete.
    """
    with _errors_name(path), path.open("rb") as raw, tarfile.open(fileobj=raw) as archive:
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
def _errors_name(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(
            f"{path} cannot be read as an archive ({error}); it is damaged or incomplete: delete "
            "it and download it again"
        ) from None


def download(url: str, path: Path, progress: Progress) -> None:
    """Download ``url`` to ``path``; an interrupted download is kept in ``path``.part.

    Raises:
        DataError: the network or the server fails; the next call resumes the download.
    """
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    received = part.stat().st_size if part.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={received}-"} if received else {})
    try:
        with urlopen(request, timeout=TIMEOUT) as answer:
            _append(answer, part, received if answer.status == 206 else 0, progress)
    except HTTPError as error:
        if error.code != COMPLETE or not received:
            raise _failed(url, path, error) from None
    except (URLError, HTTPException, OSError) as error:
        raise _failed(url, path, error) from None
    part.replace(path)


def _append(answer: HTTPResponse, part: Path, received: int, progress: Progress) -> None:
    length = int(answer.headers.get("Content-Length", 0))
    total = received + length
    with part.open("ab" if received else "wb") as file:
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            received += len(chunk)
            progress(f"downloading {part.stem}", received, total)
    if received < total:
        raise OSError(f"the connection ended after {received} of {total} bytes")


def _failed(url: str, path: Path, error: Exception) -> DataError:
    return DataError(
        f"{url} cannot be downloaded ({error}); run the same command again to resume, or put the "
        f"file at {path}"
    )
