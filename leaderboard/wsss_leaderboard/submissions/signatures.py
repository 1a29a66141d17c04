"""Signatures of files with ssh keys, which most people have already, by OpenSSH's ssh-keygen."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from wsss_harness.contract.errors import ConfigError, DataError

NAMESPACE = "wsss-bench"  # a signature for another purpose is none here
SUFFIX = ".sig"
ALLOWED = "allowed_signers"  # of a board; see ALLOWED SIGNERS in ssh-keygen(1)


def path_of(signed: Path) -> Path:
    return signed.with_name(signed.name + SUFFIX)


def sign(path: Path, key: Path) -> Path:
    """Sign a file with a private key; gives the file of the signature.

    Raises:
        ConfigError: there is no ssh-keygen, or the key is no good.
    """
    path_of(path).unlink(missing_ok=True)  # ssh-keygen would ask
    done = _run(["-Y", "sign", "-q", "-n", NAMESPACE, "-f", str(key), str(path.resolve())])
    if done.returncode or not path_of(path).is_file():
        raise ConfigError(f"{path} was not signed with {key}: {_said(done)}")
    return path_of(path)


def signer(path: Path, allowed: Path) -> str:
    """Who signed a file, by the name that the file of allowed signers has.

    Raises:
        DataError: the file is not what was signed, or none of those signed it.
        ConfigError: there is no ssh-keygen.
    """
    signature = path_of(path)
    if not allowed.is_file():
        raise ConfigError(f"{allowed} is missing; list there whose signatures are accepted")
    common = ["-f", str(allowed), "-n", NAMESPACE, "-s", str(signature)]
    found = _run(["-Y", "find-principals", "-s", str(signature), "-f", str(allowed)])
    names = found.stdout.splitlines()
    if found.returncode or not names:
        raise DataError(f"{signature}: nobody in {allowed} has this key ({_said(found)})")
    done = _run(["-Y", "verify", "-I", names[0], *common], path.read_bytes())
    if done.returncode:
        raise DataError(f"{signature} is not the signature of {path}: {_said(done)}")
    return names[0]


def _run(words: Sequence[str], given: bytes = b"") -> "subprocess.CompletedProcess[str]":
    try:
        done = subprocess.run(["ssh-keygen", *words], input=given, capture_output=True, timeout=60)
    except FileNotFoundError:
        raise ConfigError(
            "ssh-keygen is not installed, so nothing can be signed or verified; install OpenSSH, "
            "or leave signatures out"
        ) from None
    except subprocess.TimeoutExpired:
        raise ConfigError(
            "ssh-keygen waits for something; take a key without a passphrase, or from an agent"
        ) from None
    out, errors = (text.decode(errors="replace") for text in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, errors)


def _said(done: "subprocess.CompletedProcess[str]") -> str:
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[0] if lines else f"ssh-keygen ended with {done.returncode}"
