"""Stages come after what they need, each once, and fall with what they need."""

from wsss_harness.store.stage import Stage
from wsss_harness.suite.schedule import Schedule


def stage(name, *inputs):
    return Stage("test", name, None, {}, {needed.name: needed for needed in inputs})


DATA = stage("data")
FIT, OTHER = stage("fit", DATA), stage("other", DATA)
SCORE = stage("score", DATA, FIT)
LAST = stage("last", SCORE, OTHER)


def schedule(*targets, done=()):
    return Schedule(targets, lambda stage: stage in done)


def taken(order, wanted=lambda stage: True):
    return [ready.name for ready in order.take(wanted)]


def test_a_stage_is_handed_out_when_all_that_it_needs_is_made():
    order = schedule(LAST)
    assert taken(order) == ["data"]
    assert taken(order) == []
    order.finished(DATA)
    assert taken(order) == ["fit", "other"]
    order.finished(OTHER)
    assert taken(order) == []
    order.finished(FIT)
    assert taken(order) == ["score"]
    order.finished(SCORE)
    assert taken(order) == ["last"]
    order.finished(LAST)
    assert not order.remaining


def test_what_is_there_is_not_made_nor_what_it_needed():
    order = schedule(LAST, done=(SCORE, OTHER))
    assert taken(order) == ["last"]
    assert {stage.name for stage in order.there.values()} == {"score", "other"}


def test_what_is_not_wanted_now_is_offered_again_in_the_same_order():
    order = schedule(LAST, done=(DATA,))
    assert taken(order, lambda stage: stage is OTHER) == ["other"]
    assert taken(order) == ["fit"]


def test_a_stage_that_is_given_back_is_handed_out_once():
    order = schedule(DATA)
    assert taken(order) == ["data"]
    order.give_back(DATA)
    order.give_back(DATA)
    assert taken(order) == ["data"]


def test_what_needs_a_failed_stage_falls_with_it_and_nothing_else_does():
    order = schedule(LAST, done=(DATA,))
    assert taken(order) == ["fit", "other"]
    assert [stage.name for stage in order.failed(FIT)] == ["fit", "score", "last"]
    assert [stage.name for stage in order.remaining.values()] == ["other"]
    assert order.failed(FIT) == []
    order.finished(OTHER)
    assert taken(order) == []
