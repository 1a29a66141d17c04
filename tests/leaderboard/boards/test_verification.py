"""Badges: the highest tier passed, bound to the record that passed it; what a tier tolerates."""

import json
import shutil

import pytest
from sample_records import record
from sample_submissions import moved, record_of

from wsss_harness.contract.errors import DataError
from wsss_harness.metrics import EVALUATOR
from wsss_leaderboard.boards import verification
from wsss_leaderboard.boards.verification import judged
from wsss_leaderboard.records.record import load_record, save_record
from wsss_leaderboard.submissions.remake import RemakeResult, compare


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "records" / "eps.json"
    save_record(record(), path)
    return path


def test_badge_is_the_latest_of_the_highest_tier(path):
    assert verification.badge(path) is None
    verification.add(path, 3, "Ada", 0.001)
    verification.add(path, 1, "Bob")
    verification.add(path, 3, "Cy", 0.002)
    badge = verification.badge(path)
    assert (badge.tier, badge.by, badge.tolerance) == (3, "Cy", 0.002)
    assert badge.title == "scores inferred again from weights"
    assert len(verification.read(path)) == 3


def test_another_spacing_keeps_the_badge(path):
    verification.add(path, 2, "Ada")
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert verification.badge(path).tier == 2


def test_changed_record_loses_its_badge(path):
    verification.add(path, 2, "Ada")
    save_record(record(miou=0.6), path)
    assert verification.badge(path) is None
    assert len(verification.read(path)) == 1


def test_badge_of_another_record_does_not_count(path):
    verification.add(path, 4, "Ada")
    stolen = path.with_name("cam.json")
    save_record(record("CAM"), stolen)
    shutil.copyfile(verification.path_of(path), verification.path_of(stolen))
    assert verification.badge(stolen) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tier": 5}, r"eps\.json: field '0\.tier'"),
        ({"record": "short"}, r"field '0\.record'"),
        ({"extra": 1}, r"field '0\.extra'"),
    ],
)
def test_invalid_file_of_verifications_is_named(path, change, message):
    verification.add(path, 1, "Ada")
    place = verification.path_of(path)
    place.write_text(json.dumps([{**json.loads(place.read_text())[0], **change}]))
    with pytest.raises(DataError, match=message):
        verification.badge(path)


@pytest.mark.parametrize("by", ["", "\u202eAda", "A" * 101])
def test_who_verified_is_a_name(path, by):
    with pytest.raises(DataError, match="who verified it"):
        verification.add(path, 1, by)


def test_record_of_other_metrics_is_stale():
    protocol = record().protocol
    today = record(protocol=protocol.model_copy(update={"evaluator": EVALUATOR}))
    other = record(protocol=protocol.model_copy(update={"evaluator": EVALUATOR + 1}))
    assert not verification.is_stale(today)
    assert verification.is_stale(other)


@pytest.mark.parametrize(
    ("tier", "difference", "tolerance", "passed", "allowed"),
    [
        (3, 0.0009, None, True, 0.001),
        (3, 0.0011, None, False, 0.001),
        (4, 0.0099, None, True, 0.01),
        (4, -0.0101, None, False, 0.01),
        (4, 0.0101, 0.02, True, 0.02),
    ],
)
def test_other_machinery_has_a_tolerance_that_is_stated(
    tier, difference, tolerance, passed, allowed
):
    result = RemakeResult(5, ("score x",), alike=False, moved={"masks": difference, "V1": 0.0})
    verdict = judged(result, tier, tolerance)
    assert (verdict.passed, verdict.tolerance) == (passed, allowed)
    assert f"masks {100 * difference:+.2f} points" in verdict.explanation
    assert verdict.explanation.endswith(f"allowed {100 * allowed:g}")


def test_what_a_tolerance_does_not_excuse(good):
    record = load_record(record_of(good))
    supervision = record.supervision.model_copy(update={"read": {}})
    forged = record.model_copy(update={"supervision": supervision})
    result = compare(forged, moved(record, products="x"))
    assert judged(result, 4, 1.0).passed is False
