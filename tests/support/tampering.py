"""Change a submission as a cheat would, and read what a check says about it."""

from sample_submissions import check, edit, record_of, renew

from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.submissions import checking, rowpacks
from wsss_leaderboard.submissions.manifest import MANIFEST, digest_of_file


def refused(folder, ran, **changes):
    """What a check finds wrong, in one text that can be printed without harm."""
    report = check(folder, ran, **changes)
    assert report.problems
    assert report.tier is None
    text = "\n".join(report.problems)
    assert text.replace("\n", "").isprintable()
    return text


def mask_of(folder, number=0):
    return sorted((folder / "packs").glob("*-seed0-*/0-masks/masks/*.png"))[number]


def repacked(folder, path):
    """Give the pack, and the submission, the digest of a mask as it is now."""
    pack = path.parents[1]
    sha256 = digest_of_file(path)
    edit(pack / "pack.json", lambda content: content["images"][path.stem].update(sha256=sha256))
    redigested(folder, pack)


def redigested(folder, pack):
    digest = rowpacks.digest(pack)
    edit(folder / MANIFEST, lambda c: c["packs"][pack.parent.name].update({"": digest}))


def rewrite(folder, change, seed=0):
    """Change a record as somebody would who knows how: with its name, and all digests."""
    path = record_of(folder, seed)
    edit(path, change)
    stem = path.stem
    new = checking.record_stem(load_record(path), path)
    for name in ("records/{}.json", "counts/{}.npz", "logs/{}.txt", "packs/{}"):
        (folder / name.format(stem)).rename(folder / name.format(new))
    text = (folder / MANIFEST).read_text().replace(stem, new)
    (folder / MANIFEST).write_text(text)
    renew(folder)
    return folder / "records" / f"{new}.json"
