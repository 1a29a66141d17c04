"""A file from the network, going on where a download that was stopped left off."""

from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from wsss_harness.contract.errors import DataError
from wsss_harness.datasets.voc12.archives import Progress
from wsss_harness.system.digests import CHUNK

TIMEOUT = 60.0  # seconds without a byte
COMPLETE = 416  # the answer to a request for what follows the last byte


def download(url: str, path: Path, progress: Progress) -> None:
    """Write what ``url`` holds to ``path``; what has come so far waits in ``path``.part.

    Raises:
        DataError: the network or the server fails; the next call goes on from there.
    """
    part = path.with_name(f"{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    have = part.stat().st_size if part.is_file() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urlopen(request, timeout=TIMEOUT) as answer:
            _append(answer, part, have if answer.status == 206 else 0, progress)
    except HTTPError as error:
        if error.code != COMPLETE or not have:
            raise _failed(url, path, error) from None
    except (URLError, HTTPException, OSError) as error:
        raise _failed(url, path, error) from None
    part.replace(path)


def _append(answer: HTTPResponse, part: Path, have: int, progress: Progress) -> None:
    length = int(answer.headers.get("Content-Length", 0))
    total = have + length
    with part.open("ab" if have else "wb") as file:
        while chunk := answer.read(CHUNK):
            file.write(chunk)
            have += len(chunk)
            progress(f"downloading {part.stem}", have, total)
    if have < total:
        raise OSError(f"the connection ended after {have} of {total} bytes")


def _failed(url: str, path: Path, error: Exception) -> DataError:
    return DataError(
        f"{url} cannot be downloaded ({error}); run the same command again to go on, or put the "
        f"file at {path}"
    )
