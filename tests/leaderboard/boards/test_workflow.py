"""The workflow that checks pull requests: what it runs, on what, and that it runs nothing else."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.main import get_command

from wsss_leaderboard.cli.app import app

WORKFLOW = Path(__file__).parents[3] / ".github/workflows/verify-submission.yml"
CONTENT = yaml.safe_load(WORKFLOW.read_text())
STEPS = CONTENT["jobs"]["verify"]["steps"]
SCRIPTS = {step["name"]: step["run"] for step in STEPS if "run" in step}

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


def git(folder, *words):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture
def checked(tmp_path):
    """Run the step Check on a pull request that adds files; gives exit code and comment."""
    head = tmp_path / "head"
    head.mkdir()
    git(head, "init", "-q")
    (head / "README.md").write_text("A board")
    (head / "board").mkdir()
    (head / "board" / "chain.jsonl").write_text("a line of a chain, long enough to be found again")
    git(head, "add", ".")
    git(head, "commit", "-qm", "begin")
    base = git(head, "rev-parse", "HEAD")
    tools = tmp_path / "tools"
    tools.mkdir()
    wsss = tools / "wsss"
    wsss.write_text('#!/bin/sh\necho "wsss $*"\ncase "$*" in *bad*) exit 1;; esac\n')
    wsss.chmod(wsss.stat().st_mode | stat.S_IXUSR)

    def run(*names, moved=None, removed=None):
        for name in names:
            (head / name).parent.mkdir(parents=True, exist_ok=True)
            (head / name).write_text("x")
        if moved:
            git(head, "mv", *moved)
        if removed:
            git(head, "rm", "-q", removed)
        git(head, "add", ".")
        git(head, "commit", "-qm", "submit")
        variables = {"BASE": base, "HEAD": git(head, "rev-parse", "HEAD")}
        variables |= {"BOARD": "board", "SUBMISSIONS": "submissions"}
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", SCRIPTS["Check"]],
            cwd=tmp_path,
            env={"PATH": f"{tools}:/usr/bin:/bin", **variables},
            capture_output=True,
            text=True,
        )
        comment = tmp_path / "comment.md"
        return done.returncode, comment.read_text() if comment.is_file() else "", done.stderr

    return run


def test_each_submission_is_checked_once_against_the_board(checked):
    code, comment, errors = checked("submissions/a/records/x.json", "submissions/a/README.md")
    assert (code, errors) == (0, "")
    assert comment == "wsss leaderboard check head/submissions/a --board base/board --markdown\n"


def test_one_bad_submission_fails_and_all_are_told_of(checked):
    code, comment, _ = checked("submissions/bad/x", "submissions/good/x")
    assert code == 1
    assert [line.split()[3] for line in comment.splitlines()] == [
        "head/submissions/bad",
        "head/submissions/good",
    ]


@pytest.mark.parametrize("name", ["board/chain.jsonl", ".github/workflows/x.yml", "submissions/x"])
def test_other_changes_are_refused(checked, name):
    code, comment, _ = checked("submissions/a/x", name)
    assert code == 1
    assert "**Not accepted:** it changes files outside of `submissions`." in comment


@pytest.mark.parametrize(
    "change",
    [{"moved": ("board/chain.jsonl", "submissions/a/README.md")}, {"removed": "board/chain.jsonl"}],
    ids=["move", "deletion"],
)
def test_what_is_taken_from_the_board_is_seen(checked, change):
    code, comment, _ = checked("submissions/a/x", **change)
    assert code == 1
    assert "it changes files outside of `submissions`." in comment


def test_checked_commit_is_the_compared_commit():
    refs = [step["with"]["ref"] for step in STEPS if "ref" in step.get("with", {})]
    assert refs == [f"${{{{ github.event.pull_request.{side}.sha }}}}" for side in ("base", "head")]


def test_names_are_never_words_of_a_shell(checked, tmp_path):
    code, comment, _ = checked("submissions/$(touch ran) `touch ran`;touch ran/x")
    assert code == 0
    assert "head/submissions/$(touch ran) `touch ran`;touch ran --board" in comment
    assert not list(tmp_path.rglob("ran"))


def test_nothing_of_a_pull_request_is_pasted_into_a_script():
    assert not [name for name, script in SCRIPTS.items() if "${{" in script]


def test_wsss_is_installed_before_anything_of_the_pull_request_is_there():
    names = [step.get("name", "") for step in STEPS]
    assert names.index("Install wsss-bench") < names.index("Get what the pull request adds")
    checkouts = [step for step in STEPS if step.get("uses", "").startswith("actions/checkout")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_workflow_uses_an_existing_command_and_options():
    groups = get_command(app).commands
    (words,) = re.findall(r"wsss leaderboard (\w+) (.*)", SCRIPTS["Check"])
    options = {o for p in groups["leaderboard"].commands[words[0]].params for o in p.opts}
    assert set(re.findall(r"--\w+", words[1])) == {"--board", "--markdown"} <= options


def test_it_can_be_called_by_others():
    called = CONTENT[True]["workflow_call"]["inputs"]  # YAML reads `on` as true
    assert set(called) == {"board", "submissions", "install"}
    assert CONTENT["permissions"] == {"contents": "read", "pull-requests": "write"}
