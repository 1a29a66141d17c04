"""The comment on a pull request: what a submission would change on a board."""

from sample_submissions import check, edit, record_of, renew

from wsss_leaderboard.boards.comment import pull_request_comment
from wsss_leaderboard.submissions import checking


def test_comment_shows_the_change_of_rank(filled, corrected, ran):
    text = pull_request_comment(check(corrected, ran), filled)
    assert text.startswith(
        "### `corrected, R`\n\n**Fits the board:** 1 run, tier 2 (metrics recomputed from masks).\n"
    )
    assert "**Pseudo-masks, 2 rows**" in text
    assert "| **R** | 1 to 2 |" in text.replace("1 to 2", "1 to 2")
    assert "| R, replaced |" in text
    assert "+0.00" in text
    assert "**one, 1 rows**" in text


def test_first_submission_has_no_rank_before(good, ran, tmp_path):
    text = pull_request_comment(check(good, ran), tmp_path)
    assert "| **R** | - | 1 |" in text


def test_comment_shows_problems_as_code(folder, ran, filled):
    path = record_of(folder)
    edit(path, lambda content: content.update(method="</pre><script> @all \u202e"))
    renew(folder)
    text = pull_request_comment(check(folder, ran), filled)
    assert text.startswith("### `submission, R`\n\n**Not accepted: 1 problem.**\n\n    ")
    assert "\u202e" not in text
    code = [line for line in text.splitlines() if line and not line.startswith(("**", "### `"))]
    assert all(line.startswith("    ") for line in code)


def test_text_of_a_submission_is_never_markup_in_a_comment(good, ran, filled):
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


def test_comment_shows_misfits(good, ran, filled):
    text = pull_request_comment(check(good, ran), filled)
    assert "was accepted before" in text
