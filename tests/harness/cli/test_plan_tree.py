"""Stages of a plan have names by which people tell them apart."""

from wsss_harness.cli.plan_tree import names
from wsss_harness.store.stage import Stage


def stage(name="cam", inputs=None, **options):
    return Stage("fit", name, None, options, inputs or {})


def test_a_name_says_the_seed_and_nothing_that_is_the_same_for_all():
    labels = names([stage(seed=0, lr=0.1), stage(seed=1, lr=0.1), stage("eps", lr=0.1)])
    assert list(labels.values()) == ["fit cam (seed 0)", "fit cam (seed 1)", "fit eps"]


def test_twins_are_told_apart_by_their_options():
    twins = [stage(seed=0, lr=rate, net={"depth": depth}) for rate, depth in ((1, 18), (2, 50))]
    assert list(names(twins).values()) == [
        "fit cam (seed 0, lr 1, net.depth 18)",
        "fit cam (seed 0, lr 2, net.depth 50)",
    ]


def test_options_are_told_until_no_two_names_are_equal():
    twins = [stage(a=a, b=b, c=c, d=c) for a, b, c in ((1, 1, 1), (1, 1, 2), (2, 2, 1))]
    assert list(names(twins).values()) == [
        "fit cam (a 1, b 1, c 1)",
        "fit cam (a 1, b 1, c 2)",
        "fit cam (a 2, b 2, c 1)",
    ]


def test_no_more_than_two_options_are_told_without_need_and_one_that_is_missing_is_not():
    many = [stage(a=n, b=n, c=n) for n in (1, 2)]
    assert list(names(many).values()) == ["fit cam (a 1, b 1)", "fit cam (a 2, b 2)"]
    assert list(names([stage(rule="x"), stage()]).values()) == ["fit cam (rule x)", "fit cam"]


def test_stages_that_read_something_else_are_no_twins():
    inputs = [{"data": stage(name)} for name in ("a", "b")]
    labels = names([stage(inputs=data, lr=rate) for data, rate in zip(inputs, (1, 2), strict=True)])
    assert list(labels.values()) == ["fit cam", "fit cam"]
