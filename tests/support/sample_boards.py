"""Boards and corrections for tests, and changes that a cheat would make to them."""

import json

from sample_submissions import edit, record_of, renew

from wsss_leaderboard.boards import chain, releases
from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.submissions import checking
from wsss_leaderboard.submissions.manifest import MANIFEST


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


def lines(board, change):
    path = board / chain.CHAIN
    content = path.read_text().splitlines(keepends=True)
    change(content)
    path.write_text("".join(content))


def edited_copy(path, folder):
    """The same record with another digest."""
    content = json.loads(path.read_text()) | {"suite": "Other"}
    copy = folder / path.name
    copy.write_text(json.dumps(content))
    return copy
