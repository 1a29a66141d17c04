"""Stages come after what they need, each once, and fall with what they need."""

from wsss_harness.store.stage import Stage
from wsss_harness.suite.schedule import Schedule


def stage(name, *inputs):
    return Stage("test", name, None, {}, {one.name: one for one in inputs})


DATA = stage("data")
FIT, OTHER = stage("fit", DATA), stage("other", DATA)
SCORE = stage("score", DATA, FIT)
LAST = stage("last", SCORE, OTHER)


def schedule(*targets, done=()):
    return Schedule(targets, lambda one: one in done)


def taken(found, wanted=lambda stage: True):
    return [one.name for one in found.take(wanted)]


def test_a_stage_is_handed_out_when_all_that_it_needs_is_made():
    found = schedule(LAST)
    assert taken(found) == ["data"]
    assert taken(found) == []
    found.finished(DATA)
    assert taken(found) == ["fit", "other"]
    found.finished(OTHER)
    assert taken(found) == []
    found.finished(FIT)
    assert taken(found) == ["score"]
    found.finished(SCORE)
    assert taken(found) == ["last"]
    found.finished(LAST)
    assert not found.remaining


def test_what_is_there_is_not_made_nor_what_it_needed():
    found = schedule(LAST, done=(SCORE, OTHER))
    assert taken(found) == ["last"]
    assert {one.name for one in found.there.values()} == {"score", "other"}


def test_what_is_not_wanted_now_is_offered_again_in_the_same_order():
    found = schedule(LAST, done=(DATA,))
    assert taken(found, lambda one: one is OTHER) == ["other"]
    assert taken(found) == ["fit"]


def test_a_stage_that_is_given_back_is_handed_out_once():
    found = schedule(DATA)
    assert taken(found) == ["data"]
    found.give_back(DATA)
    found.give_back(DATA)
    assert taken(found) == ["data"]


def test_what_needs_a_failed_stage_falls_with_it_and_nothing_else_does():
    found = schedule(LAST, done=(DATA,))
    assert taken(found) == ["fit", "other"]
    assert [one.name for one in found.failed(FIT)] == ["fit", "score", "last"]
    assert [one.name for one in found.remaining.values()] == ["other"]
    assert found.failed(FIT) == []
    found.finished(OTHER)
    assert taken(found) == []
