"""Signatures by ssh keys: of whom, of what, and what happens without OpenSSH."""

import shutil
import subprocess

import pytest

from wsss_harness.contract.errors import ConfigError, DataError
from wsss_leaderboard.submissions import signatures

needs_openssh = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen")


def key(folder, name):
    path = folder / name
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
    subprocess.run(words, check=True)
    return path


@pytest.fixture
def signed(tmp_path):
    """A file that Ada has signed, and the list that has her key."""
    ada = key(tmp_path, "ada")
    allowed = tmp_path / "allowed_signers"
    allowed.write_text(f"ada@lab {ada.with_suffix('.pub').read_text()}")
    path = tmp_path / "submission.json"
    path.write_text("{}")
    assert signatures.sign(path, ada).name == "submission.json.sig"
    return path, allowed


@needs_openssh
def test_signer_is_named_by_the_list_of_allowed_signers(signed):
    path, allowed = signed
    assert signatures.signer(path, allowed) == "ada@lab"


@needs_openssh
def test_signing_again_replaces_the_signature(signed, tmp_path):
    path, allowed = signed
    path.write_text("[]")
    signatures.sign(path, tmp_path / "ada")
    assert signatures.signer(path, allowed) == "ada@lab"


@needs_openssh
def test_changed_file_has_no_valid_signature(signed):
    path, allowed = signed
    path.write_text("{ }")
    with pytest.raises(DataError, match=r"submission\.json\.sig is not the signature of"):
        signatures.signer(path, allowed)


@needs_openssh
def test_somebody_else_is_not_accepted(signed, tmp_path):
    path, allowed = signed
    signatures.sign(path, key(tmp_path, "mallory"))
    with pytest.raises(DataError, match=r"nobody in .*allowed_signers has this key"):
        signatures.signer(path, allowed)


@needs_openssh
def test_signature_for_another_purpose_is_refused(signed, tmp_path):
    path, allowed = signed
    signatures.path_of(path).unlink()
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", "git", "-f", str(tmp_path / "ada"), str(path)]
    subprocess.run(words, check=True)
    with pytest.raises(DataError, match="is not the signature of"):
        signatures.signer(path, allowed)


@needs_openssh
def test_garbage_is_no_signature(signed):
    path, allowed = signed
    signatures.path_of(path).write_bytes(b"\x00 no signature")
    with pytest.raises(DataError, match="nobody in"):
        signatures.signer(path, allowed)


@needs_openssh
def test_missing_key_is_named(tmp_path):
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"a\.json was not signed with .*absent"):
        signatures.sign(tmp_path / "a.json", tmp_path / "absent")


def test_missing_list_of_allowed_signers_is_named(tmp_path):
    with pytest.raises(ConfigError, match="allowed is missing; list there whose signatures"):
        signatures.signer(tmp_path / "a.json", tmp_path / "allowed")


def test_without_openssh_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(ConfigError, match=r"ssh-keygen is not installed.*leave signatures out"):
        signatures.sign(tmp_path / "a.json", tmp_path / "key")
