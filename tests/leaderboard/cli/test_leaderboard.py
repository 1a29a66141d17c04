"""The commands of a board, as people and CI type them."""

import shutil
import subprocess
import sys

import pytest
from sample_submissions import PLUGINS, record_of

from wsss_harness.contract.errors import ConfigError
from wsss_harness.suite.selection import Request
from wsss_leaderboard.boards import chain, releases, rescore, verification
from wsss_leaderboard.cli import checks, leaderboard
from wsss_leaderboard.cli.app import main
from wsss_leaderboard.submissions import checking

needs_openssh = pytest.mark.skipif(not shutil.which("ssh-keygen"), reason="needs ssh-keygen")


@pytest.fixture
def wsss(ran, monkeypatch, tmp_path, capsys):
    """`wsss leaderboard` on the store of the small suite; gives exit code and what was output."""
    for module in (checks, leaderboard):
        monkeypatch.setattr(module, "installed", lambda: PLUGINS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words):
        arguments = [str(word) for word in words]
        if arguments[0] != "release":
            arguments += ["--store", str(ran.root)]
        monkeypatch.setattr(sys, "argv", ["wsss", "leaderboard", *arguments])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code
        done = capsys.readouterr()
        return code, done.out + done.err

    return run


def test_from_a_run_to_a_release(wsss, ran, tmp_path):
    """What docs/submit.md tells, in its order."""
    suite = ran.request.path
    code, output = wsss("submit", suite, "R", "--out", "mine")
    assert code == 0
    assert "wrote mine: 2 runs of R" in output
    assert "mine passes tier 2: metrics recomputed from masks" in output
    for words in (("submit", "--check", "mine"), ("check", "mine")):
        code, again = wsss(*words)
        assert code == 0
        assert again in output
    code, output = wsss("check", "mine", "--board", "board", "--markdown")
    assert code == 0
    assert output.startswith("### `mine, R`\n\n**Fits the board:** 2 runs, tier 2")
    code, output = wsss("accept", "mine", "--board", "board", "--by", "Ada")
    assert code == 0
    assert "accepted r-seed0-" in output
    record = record_of(tmp_path / "board")
    assert verification.badge(record).by == "Ada"
    code, output = wsss("verify", record, "--tier", 4, "--packs", "mine/packs", "--by", "Bob")
    assert code == 0
    assert "tier 4, trained again with the same seeds: passed: 10 stages" in output
    assert (verification.badge(record).tier, verification.badge(record).by) == (4, "Bob")
    code, output = wsss("release", "2026.1", "--board", "board")
    assert code == 0
    assert "wrote board/releases/2026.1.json: 2 records, head " in output
    code, output = wsss("check", "board")
    assert code == 0
    assert "2 records accepted, 2 current; head " in output


def test_problems_end_a_check(wsss, folder):
    (folder / "evil.py").write_text("")
    code, output = wsss("check", folder)
    assert code == 1
    assert "problem: " in output
    assert "'evil.py' does not belong to a submission; remove it" in output
    assert f"{folder} cannot be accepted" in output
    code, output = wsss("check", folder, "--board", "board", "--markdown")
    assert code == 1
    assert output.startswith("### `submission`\n\n**Not accepted: 1 problem.**")
    code, output = wsss("accept", folder, "--board", "board")
    assert code == 2
    assert "evil.py" in output


def test_what_does_not_fit_a_board_ends_a_check(wsss, good):
    wsss("accept", good, "--board", "board")
    code, output = wsss("check", good, "--board", "board")
    assert code == 1
    assert "was accepted before" in output


def test_what_strangers_wrote_moves_no_cursor(capsys):
    checks.say("[bold]a[/]\x1b[2J\u202eb")
    assert capsys.readouterr().out == "[bold]a[/] [2J b\n"


def test_a_broken_chain_ends_a_check(wsss, good, tmp_path):
    wsss("accept", good, "--board", "board")
    record_of(tmp_path / "board").unlink()
    code, output = wsss("check", "board")
    assert code == 1
    assert "problem: the accepted record r-seed0-" in output


def test_a_failed_tier_gives_no_badge(wsss, folder):
    path = record_of(folder)
    path.write_text(path.read_text().replace('"held_out": 2', '"held_out": 3', 1))
    (next((folder / "counts").glob("r-seed0*"))).write_bytes(b"x")
    code, output = wsss("verify", path, "--by", "Ada")
    assert code == 1
    assert "tier 1, schema and digests: failed: " in output
    assert verification.badge(path) is None


def test_without_a_name_nothing_is_noted(wsss, folder):
    code, output = wsss("verify", record_of(folder), "--tier", 1)
    assert code == 0
    assert "not noted: say who verified it with --by" in output
    assert not (folder / "verified").exists()


def test_a_stale_record_is_scored_anew(wsss, good, tmp_path, monkeypatch):
    wsss("accept", good, "--board", "board")
    for module in (rescore, verification, checking):
        monkeypatch.setattr(module, "EVALUATOR", 2)
    stem = record_of(tmp_path / "board").stem
    code, output = wsss("check", "board")
    assert code == 0
    assert f"2 records of older metrics, first {stem}; score them anew" in output
    code, output = wsss("rescore", good / "packs", "--board", "board", "--record", stem)
    assert code == 0
    assert f"takes the place of {stem}" in output
    code, output = wsss("rescore", good / "packs", "--board", "board")
    assert code == 0
    assert output.count("takes the place of r-seed1-") == 1
    assert "older metrics" not in wsss("check", "board")[1]
    code, output = wsss("rescore", good / "packs", "--board", "board")
    assert code == 2
    assert "no stale record whose packs are in" in output
    code, output = wsss("rescore", good / "packs", "--board", "board", "--record", "absent")
    assert code == 2
    assert "board has no absent" in output


def test_a_record_is_verified_where_it_lies(wsss, good, tmp_path, monkeypatch):
    wsss("accept", good, "--board", "board")
    monkeypatch.chdir(tmp_path / "board" / "records")
    name = record_of(tmp_path / "board").name
    assert wsss("verify", name, "--tier", 1, "--by", "Ada")[0] == 0
    assert verification.badge(tmp_path / "board" / "records" / name).tier == 1


def test_nothing_is_noted_in_a_submission(wsss, folder):
    code, output = wsss("verify", record_of(folder), "--tier", 1, "--by", "Ada")
    assert code == 0
    assert "not noted: a submission is noted once it is on a board" in output
    assert not (folder / "verified").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("check", "x", "--set", "held_out=3"),
        ("accept", "x", "--board", "b", "--set", "held_out=3"),
        ("rescore", "x", "--board", "b", "--set", "held_out=3"),
        ("submit", "--check", "x", "--set", "held_out=3"),
        ("submit", "--check", "x", "--corrects"),
    ],
)
def test_no_option_is_ignored(wsss, words):
    code, output = wsss(*words)
    assert code == 2
    assert "--suite" in output or "takes no other option" in output


@pytest.mark.parametrize("words", [("submit",), ("submit", "a.toml", "R")])
def test_what_is_missing_is_named(wsss, words):
    code, output = wsss(*words)
    assert code == 2
    assert "--check FOLDER" in output


def test_of_several_datasets_one_is_named(tmp_path):
    request = Request(tmp_path / "suite.toml")
    request.path.write_text('title = "S"\n[datasets.a]\nname = "x"\n[datasets.b]\nname = "x"\n')
    assert checks.of_dataset(request, "b").dataset == "b"
    for name in (None, "c"):
        with pytest.raises(ConfigError, match="name one of its datasets with --dataset: a, b"):
            checks.of_dataset(request, name)
    request.path.write_text('title = "S"\n[dataset]\nname = "x"\n')
    assert checks.of_dataset(request, None) == request
    with pytest.raises(ConfigError, match="--dataset: none with a name"):
        checks.of_dataset(request, "a")


def test_a_comment_needs_a_board(wsss, good):
    code, output = wsss("check", good, "--markdown")
    assert code == 2
    assert "name it with --board" in output


@needs_openssh
def test_a_signed_submission_and_release(wsss, ran, tmp_path):
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", "key"]
    subprocess.run(words, check=True)
    code, _ = wsss("submit", ran.request.path, "R", "--out", "mine", "--sign", "key")
    assert code == 0
    (tmp_path / "board").mkdir()
    signers = tmp_path / "board" / "allowed_signers"
    signers.write_text(f"ada@lab {(tmp_path / 'key.pub').read_text()}")
    code, output = wsss("check", "mine", "--board", "board")
    assert code == 0
    assert "signed by ada@lab" in output
    wsss("accept", "mine", "--board", "board")
    assert chain.read(tmp_path / "board")[0].signer == "ada@lab"
    assert wsss("release", "2026.1", "--board", "board", "--sign", "key")[0] == 0
    assert wsss("check", "board")[0] == 0
    path = releases.path_of(tmp_path / "board", "2026.1")
    path.write_text(path.read_text() + " ")
    code, output = wsss("check", "board")
    assert code == 1
    assert "2026.1.json.sig is not the signature of" in output


@needs_openssh
def test_a_signature_of_nobody_known_is_refused(wsss, folder, tmp_path):
    (folder / "submission.json.sig").write_text("none")
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "allowed_signers").write_text("")
    code, output = wsss("check", folder, "--board", "board")
    assert code == 1
    assert "has this key" in output
