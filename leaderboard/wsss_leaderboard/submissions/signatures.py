"""Sign files, and verify signatures, with ssh keys and OpenSSH's ssh-keygen."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from wsss_harness.contract.errors import ConfigError, DataError

NAMESPACE = "wsss-bench"  # ssh-keygen rejects signatures made for another purpose
SUFFIX = ".sig"
ALLOWED = "allowed_signers"  # file of a board; see ALLOWED SIGNERS in ssh-keygen(1)


def path_of(signed: Path) -> Path:
    return signed.with_name(signed.name + SUFFIX)


def sign(path: Path, key: Path) -> Path:
    """Sign a file with a private key; return the file of the signature.

    Raises:
        ConfigError: ssh-keygen is not installed, or cannot use the key.
    """
    path_of(path).unlink(missing_ok=True)  # ssh-keygen would ask before overwriting it
    done = _run(["-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key), str(path.resolve())])
    if done.returncode or not path_of(path).is_file():
        raise ConfigError(f"{path} was not signed with {key}: {_message(done)}")
    return path_of(path)


def signer(path: Path, allowed: Path) -> str:
    """The signer of a file, by the name in the file of allowed signers.

    Raises:
        DataError: The file was changed since it was signed, or no allowed signer signed it.
        ConfigError: ssh-keygen, or the file of allowed signers, is missing.
    """
    signature = path_of(path)
    if not allowed.is_file():
        raise ConfigError(f"{allowed} is missing; list there whose signatures are accepted")
    common = ["-f", str(allowed), "-n", NAMESPACE, "-s", str(signature)]
    search = _run(["-Y", "find-principals", "-s", str(signature), "-f", str(allowed)])
    names = search.stdout.splitlines()
    if search.returncode or not names:
        raise DataError(f"{signature}: nobody in {allowed} has this key ({_message(search)})")
    with path.open("rb") as content:
        done = _run(["-Y", "verify", "-I", names[0], *common], content)
    if done.returncode:
        raise DataError(f"{signature} is not the signature of {path}: {_message(done)}")
    return names[0]


def _run(
    arguments: Sequence[str], stdin: BinaryIO | int = subprocess.DEVNULL
) -> "subprocess.CompletedProcess[str]":
    command = ["ssh-keygen", *arguments]
    try:
        return subprocess.run(
            command, stdin=stdin, capture_output=True, timeout=60, text=True, errors="replace"
        )
    except FileNotFoundError:
        raise ConfigError(
            "ssh-keygen is not installed, so nothing can be signed or verified; install OpenSSH, "
            "or leave signatures out"
        ) from None
    except subprocess.TimeoutExpired:
        raise ConfigError(
            "ssh-keygen timed out, probably waiting for a passphrase; use a key without one, or "
            "an agent"
        ) from None


def _message(done: "subprocess.CompletedProcess[str]") -> str:
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[0] if lines else f"ssh-keygen ended with {done.returncode}"
