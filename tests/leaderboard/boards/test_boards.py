"""Boards: accepted records, a chain that shows every silent edit, releases that never change."""

import json
import shutil

import pytest
from sample_submissions import PLUGINS, check, edit, reader, record_of, renew, submitted

from wsss_harness import metrics
from wsss_harness.contract.errors import ConfigError, DataError
from wsss_leaderboard.boards import chain, releases, rescore, verification
from wsss_leaderboard.boards.accepting import accept, misfits
from wsss_leaderboard.boards.comment import pull_request_comment
from wsss_leaderboard.boards.folder import BoardFolder, settle
from wsss_leaderboard.boards.verifier import Verifier
from wsss_leaderboard.ranking import entries
from wsss_leaderboard.records import counts
from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.site.board import STALE
from wsss_leaderboard.site.build import build
from wsss_leaderboard.submissions import checking
from wsss_leaderboard.submissions.manifest import MANIFEST


@pytest.fixture(scope="module")
def filled(ran, good, tmp_path_factory):
    """A board with the rows R and Half, and the submission of Half, that nobody may change."""
    board = tmp_path_factory.mktemp("filled") / "board"
    half = submitted(ran, board.with_name("half"), "Half")
    for folder in (good, half):
        accept(check(folder, ran), board)
    return board


@pytest.fixture
def board(filled, tmp_path):
    shutil.copytree(filled, tmp_path / "board")
    return tmp_path / "board"


@pytest.fixture
def corrected(ran, tmp_path):
    """A submission that corrects R, seed 0: it was made once more, which took another time."""
    folder = submitted(ran, tmp_path / "corrected", seed=0, corrects=True)

    def change(content):
        content["steps"][0]["cost"]["wall_seconds"] += 1.0

    return renamed(folder, change)


def renamed(folder, change):
    path = record_of(folder)
    edit(path, change)
    new = checking.record_stem(load_record(path), path)
    old = path.stem
    for name in ("records/{}.json", "counts/{}.npz", "logs/{}.txt", "packs/{}"):
        (folder / name.format(old)).rename(folder / name.format(new))
    (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace(old, new))
    renew(folder)
    return folder


def wrong(board):
    return "\n".join([*chain.problems(board), *releases.problems(board)])


# What is accepted


def test_a_board_is_whole_and_is_read_like_results(board, good):
    assert wrong(board) == ""
    found = entries.load([board])
    assert [one.record.method for one in found] == ["Half", "Half", "R", "R"]
    assert all(one.tallies for one in found)
    assert len(entries.boards(found)) == 1
    for one in chain.read(board):
        assert chain.suite_of(board, one).is_file()
    assert len(list((board / chain.SUITES).iterdir())) == 1
    name = f"records/{record_of(good).name}"
    assert (board / name).read_bytes() == (good / name).read_bytes()


def test_each_entry_has_the_digest_of_the_one_before(board):
    found = chain.read(board)
    assert [one.previous for one in found] == ["", *(one.digest for one in found[:-1])]
    assert chain.head(found) == found[-1].digest
    assert found[0].record.startswith(found[0].stem[-8:])


def test_nothing_is_accepted_twice(board, good, ran):
    with pytest.raises(DataError, match=r"r-seed0-.*\.json was accepted before"):
        accept(check(good, ran), board)
    assert len(chain.read(board)) == 4


def test_what_has_problems_is_not_accepted(folder, ran, tmp_path):
    edit(record_of(folder), lambda content: content.update(seed=5))
    with pytest.raises(DataError, match="is not the file that"):
        accept(check(folder, ran), tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_second_run_of_a_row_is_no_row_of_its_own(board, corrected, ran):
    edit(corrected / MANIFEST, lambda content: content.update(corrects=False))
    with pytest.raises(DataError, match=r"the board has 'R', seed 0, as r-seed0-.*--corrects"):
        accept(check(corrected, ran), board)


def test_a_correction_supersedes_and_the_old_record_stays(board, corrected, ran):
    old = record_of(board)
    verification.add(old, 2, "Ada")
    before = verification.digest(json.loads(old.read_text()))
    (entry,) = accept(check(corrected, ran), board)
    assert entry.supersedes == before
    assert not old.exists()
    gone = board / chain.SUPERSEDED / old.name
    assert verification.badge(gone).tier == 2
    assert counts.read(counts.path_of(gone))
    new = board / "records" / f"{entry.stem}.json"
    assert verification.badge(new) is None
    assert wrong(board) == ""
    assert len(entries.load([board])) == 4


def test_what_was_superseded_cannot_come_back(board, corrected, good, ran):
    accept(check(corrected, ran), board)
    folder = submitted(ran, corrected.with_name("again"), seed=0, corrects=True)
    with pytest.raises(DataError, match="was accepted before"):
        accept(check(folder, ran), board)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"protocol": {"held_out": 3}}, "protocol.held_out is 3, on the board of railscenes it is"),
        ({"recipe": {"generator": "X"}}, "'R' has another recipe on the board; rename the row"),
        ({"method": "Mine"}, "has exactly the masks of 'R', seed 0"),
    ],
)
def test_what_does_not_fit_is_named(board, good, ran, change, message):
    report = check(good, ran)
    for run in report.runs:
        for name, value in change.items():
            old = getattr(run.record, name)
            if name == "protocol":
                value = old.model_copy(update=value)
            elif name == "recipe":
                value = {**old, **value}
            object.__setattr__(
                run, "record", run.record.model_copy(update={name: value, "seed": 7})
            )
            object.__setattr__(run, "path", edited_copy(run.path, board.parent))
    assert message in "\n".join(misfits(report, BoardFolder.read(board), new_table=False))


def edited_copy(path, folder):
    """The same record with another digest."""
    content = json.loads(path.read_text()) | {"suite": "Other"}
    copy = folder / path.name
    copy.write_text(json.dumps(content))
    return copy


def test_another_protocol_may_open_a_table(board, good, ran):
    report = check(good, ran)
    run = report.runs[0]
    protocol = run.record.protocol.model_copy(update={"fingerprint": "f"})
    object.__setattr__(run, "record", run.record.model_copy(update={"protocol": protocol}))
    object.__setattr__(run, "path", edited_copy(run.path, board.parent))
    object.__setattr__(run, "stem", "another")
    report.runs = [run]
    found = BoardFolder.read(board)
    assert "protocol.fingerprint is 'f'" in "\n".join(misfits(report, found, new_table=False))
    assert list(misfits(report, found, new_table=True)) == []


def test_a_killed_acceptance_is_taken_up_again(filled, good, ran, tmp_path, monkeypatch):
    board = tmp_path / "new"

    def killed(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(chain, "write", killed)
        with pytest.raises(KeyboardInterrupt):
            accept(check(good, ran), board)
    assert (board / "records").is_dir()
    assert chain.read(board) == ()
    accept(check(good, ran), board)
    assert wrong(board) == ""


def test_a_killed_correction_is_taken_up_again(board, corrected, ran, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("wsss_leaderboard.boards.folder.settle", lambda *args: None)
        accept(check(corrected, ran), board)
    assert "superseded/r-seed0-" in wrong(board)
    settle(board)
    assert wrong(board) == ""


def test_what_somebody_signed_is_corrected_by_nobody_else(board, corrected, ran):
    found = chain.read(board)
    lines, before = [], ""
    for entry in found:
        lines.append(entry.model_copy(update={"previous": before, "signer": "ada@lab"}))
        before = lines[-1].digest
    chain.write(board, lines)
    report = check(corrected, ran)
    with pytest.raises(DataError, match="which ada@lab has signed, but nobody has signed this"):
        accept(report, board)
    report.signer = "ada@lab"
    assert accept(report, board)[0].signer == "ada@lab"


def test_a_name_that_the_board_has_is_refused(board, corrected, ran):
    report = check(corrected, ran)
    object.__setattr__(report.runs[0], "stem", record_of(board).stem)
    assert "the board has, or had, another record of this name" in "\n".join(
        misfits(report, BoardFolder.read(board), new_table=False)
    )


# What a chain shows


def lines(board, change):
    path = board / chain.CHAIN
    found = path.read_text().splitlines(keepends=True)
    change(found)
    path.write_text("".join(found))


def test_an_edited_record(board):
    path = record_of(board)
    edit(path, lambda content: content["masks"]["score"].update(miou=0.9))
    assert wrong(board) == f"{path} is not the record that was accepted: it was edited"
    with pytest.raises(DataError, match="it was edited"):
        BoardFolder.read(board)


def test_a_removed_record(board):
    path = record_of(board)
    path.unlink()
    assert wrong(board) == f"the accepted record {path.stem} cannot be read: {path} is missing"


@pytest.mark.parametrize("kind", ["counts", "suites"])
def test_other_files_of_a_record(board, kind):
    path = sorted((board / kind).iterdir())[0]
    path.write_bytes(path.read_bytes() + b" ")
    assert f"{path}, of the accepted record" in wrong(board)
    assert "was edited" in wrong(board)
    path.unlink()
    assert f"{path}, of the accepted record" in wrong(board)
    assert "was removed" in wrong(board)


def test_a_record_that_was_slipped_in(board):
    path = record_of(board)
    shutil.copyfile(path, path.with_name("mine.json"))
    assert "mine.json was never accepted: it is in no line of chain.jsonl" in wrong(board)


def test_reordered_entries(board):
    lines(board, lambda found: found.insert(0, found.pop(1)))
    assert "chain.jsonl, line 1 (r-seed1-" in wrong(board)
    assert "does not follow the line before it: one was edited, removed or moved" in wrong(board)


def test_a_removed_entry_with_all_its_files(board):
    path = record_of(board)
    path.unlink()
    counts.path_of(path).unlink()
    lines(board, lambda found: found.pop(0))
    assert "chain.jsonl, line 1 (r-seed1-" in wrong(board)


def test_an_edited_entry(board):
    def change(found):
        found[0] = found[0].replace('"signer": ""', '"signer": "Ada"')

    lines(board, change)
    assert "chain.jsonl, line 2 (r-seed1-" in wrong(board)


def test_an_entry_written_twice(board):
    lines(board, lambda found: found.append(found[-1]))
    assert "line 5 (half-seed1-" in wrong(board)
    assert "accepts a record, or its name, a second time" in wrong(board)


def test_an_entry_that_supersedes_nothing(board):
    found = list(chain.read(board))
    found[-1] = found[-1].model_copy(update={"supersedes": "0" * 64})
    chain.write(board, found)
    assert "supersedes a record that was never accepted" in wrong(board)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", r"chain\.jsonl: line 5 is not valid JSON"),
        ("[" * 100_000, r"chain\.jsonl: line 5 is not valid JSON"),
        ('{"stem": "../../x"}', r"chain\.jsonl, line 5: field"),
    ],
)
def test_a_line_that_is_no_entry(board, line, message):
    lines(board, lambda found: found.append(line + "\n"))
    with pytest.raises(DataError, match=message):
        wrong(board)


def test_a_board_without_a_chain(tmp_path):
    assert "is missing or empty" in wrong(tmp_path)


# Releases


def test_a_release_keeps_what_it_had(board, corrected, ran):
    made = releases.create(board, "2026.1")
    accept(check(corrected, ran), board)
    assert wrong(board) == ""
    paths = releases.paths(board, "2026.1")
    assert sorted(path.parent.name for path in paths) == ["records"] * 3 + ["superseded"]
    assert {path.stem for path in paths} == set(made.records)
    assert not made.stale
    assert made.model_copy(update={"evaluator": metrics.EVALUATOR + 1}).stale
    assert len(releases.create(board, "2026.2").records) == 4


def test_a_release_never_changes(board):
    releases.create(board, "2026.1")
    with pytest.raises(ConfigError, match="a release never changes: choose another name"):
        releases.create(board, "2026.1")


@pytest.mark.parametrize("name", ["", "../up", "a b", "x" * 60, "\u202ex"])
def test_a_release_has_a_plain_name(board, name):
    with pytest.raises(DataError, match="field 'name'"):
        releases.create(board, name)
    assert not (board / releases.RELEASES).exists()


def test_an_empty_board_has_nothing_to_release(tmp_path):
    with pytest.raises(DataError, match="no accepted record"):
        releases.create(tmp_path, "2026.1")


def test_a_release_shows_that_the_last_entries_were_taken_away(board):
    """The chain alone does not."""
    releases.create(board, "2026.1")
    entry = chain.read(board)[-1]
    lines(board, lambda found: found.pop())
    path = board / "records" / f"{entry.stem}.json"
    path.unlink()
    assert list(chain.problems(board)) == []
    assert "2026.1.json names another chain" in wrong(board)
    with pytest.raises(DataError, match=rf"names {entry.stem}, which is in no line"):
        releases.paths(board, "2026.1")


def test_an_edited_release(board):
    releases.create(board, "2026.1")
    path = releases.path_of(board, "2026.1")
    edit(path, lambda content: content["records"].popitem())
    assert f"{path} does not name the records of its chain" in wrong(board)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.rename(path.with_name("2027.json")), "is the release 2026.1: it was"),
        (lambda path: edit(path, lambda c: c.update(date="1999-01-01")), "is older than the last"),
    ],
)
def test_a_release_that_was_renamed_or_dated_back(board, change, message):
    releases.create(board, "2026.1")
    change(releases.path_of(board, "2026.1"))
    assert message in wrong(board)


# Metrics that have changed


@pytest.fixture
def risen(monkeypatch):
    """The metrics of tomorrow: boundaries are judged otherwise."""
    for module in (verification, rescore, checking):
        monkeypatch.setattr(module, "EVALUATOR", metrics.EVALUATOR + 1)
    found = dict(metrics.METRICS)
    old = found["boundary"]
    halved = lambda *args: {k: v and v / 2 for k, v in old.read(*args).items()}  # noqa: E731
    found["boundary"] = type(old)(old.count, halved)
    monkeypatch.setattr("wsss_leaderboard.submissions.remeasure.METRICS", found)


def test_a_stale_record_is_scored_anew_from_its_masks(board, good, ran, risen):
    old = record_of(board)
    before = load_record(old)
    assert verification.is_stale(before)
    dataset = reader(ran).dataset(before, "R")
    entry = rescore.rescore(board, old.stem, good / "packs", dataset)
    after = load_record(board / "records" / f"{entry.stem}.json")
    assert not verification.is_stale(after)
    assert after.masks.boundary["f"] == before.masks.boundary["f"] / 2
    assert after.masks.score == before.masks.score
    assert after.segmentations[0].mmseg == before.segmentations[0].mmseg
    assert before.masks.curve
    assert (after.masks.curve, after.masks.others) == ((), {})
    assert wrong(board) == ""
    assert entry.packs == chain.read(board)[0].packs
    assert not old.exists()
    assert not list(board.glob(".rescore*"))


def test_packs_are_found_again_under_the_name_of_an_older_record(board, good, ran, risen):
    stem = record_of(board).stem
    entry = rescore.rescore(board, stem, good / "packs", ran.dataset)
    assert entry.stem != stem
    assert chain.packs_of(board, entry.stem, good / "packs") == good / "packs" / stem
    found = Verifier(board / "records" / f"{entry.stem}.json", PLUGINS, ran.store, good / "packs")
    assert "other packs" not in found.verdict(2).explanation
    assert "no mask packs" not in found.verdict(2).explanation


def test_a_record_of_today_is_not_scored_anew(board, good, ran):
    stem = record_of(board).stem
    with pytest.raises(DataError, match="is not stale: its metrics are of version 1"):
        rescore.rescore(board, stem, good / "packs", ran.dataset)
    with pytest.raises(DataError, match="has no record x; it has r-seed0"):
        rescore.rescore(board, "x", good / "packs", ran.dataset)


def test_the_site_marks_what_is_stale(filled, tmp_path, monkeypatch):
    build([filled], tmp_path / "today", "Boards")
    monkeypatch.setattr(verification, "EVALUATOR", metrics.EVALUATOR + 1)
    build([filled], tmp_path / "later", "Boards")
    for name, stale in (("today", False), ("later", True)):
        for page in (tmp_path / name).rglob("index.html"):
            assert (STALE in page.read_text()) is stale


def test_other_masks_score_nothing_anew(board, folder, ran, risen):
    path = record_of(board)
    pack = folder / "packs" / path.stem / "0-masks" / "pack.json"
    edit(pack, lambda content: content.update(method="Other"))
    with pytest.raises(DataError, match="holds other packs than those that were accepted"):
        rescore.rescore(board, path.stem, folder / "packs", ran.dataset)


# The comment


def test_a_comment_says_what_would_change(filled, corrected, ran):
    text = pull_request_comment(check(corrected, ran), filled)
    assert text.startswith(
        "### `corrected, R`\n\n**Fits the board:** 1 run, tier 2 (metrics recomputed from masks).\n"
    )
    assert "**Pseudo-masks, 2 rows**" in text
    assert "| **R** | 1 to 2 |" in text.replace("1 to 2", "1 to 2")
    assert "| R, replaced |" in text
    assert "+0.00" in text
    assert "**one, 1 rows**" in text


def test_a_first_submission_has_no_rank_before(good, ran, tmp_path):
    text = pull_request_comment(check(good, ran), tmp_path)
    assert "| **R** | - | 1 |" in text


def test_a_comment_names_problems_as_code(folder, ran, filled):
    path = record_of(folder)
    edit(path, lambda content: content.update(method="</pre><script> @all \u202e"))
    renew(folder)
    text = pull_request_comment(check(folder, ran), filled)
    assert text.startswith("### `submission, R`\n\n**Not accepted: 1 problems.**\n\n    ")
    assert "\u202e" not in text
    code = [line for line in text.splitlines() if line and not line.startswith(("**", "### `"))]
    assert all(line.startswith("    ") for line in code)


def test_nothing_of_a_submission_is_markup_in_a_comment(good, ran, filled):
    report = check(good, ran)
    report.folder = report.folder.with_name("`![x](u) @all")
    report.problems = []
    report.notes = ["![x](https://a/p.png) **bold** <b>"]
    report.runs[0].record.definition["seeds"] = [0, 9, "![x](u)", True]
    notes = list(checking._omitted_seeds(report.runs))
    assert notes == ["runs: 2 of 2 of the suite; missing seeds: 9"]
    text = pull_request_comment(report, filled.parent / "none")
    assert "### ` ![x](u) @all, R`\n" in text
    assert r"- !\[x\](" in text
    assert r"\*\*bold\*\* \<b\>" in text


def test_a_comment_names_what_does_not_fit(good, ran, filled):
    text = pull_request_comment(check(good, ran), filled)
    assert "was accepted before" in text
