"""Generators that build on others, and methods that look at train when they score."""

from functools import partial

import numpy as np
import pytest
import small_suite
from small_suite import RAN
from suite_runs import run_rows

from wsss_harness.contract.errors import ConfigError
from wsss_harness.stages.products import score_reader
from wsss_harness.suite.graph import Graph

RULE = {"name": "constant", "threshold": 0.25}


def generators(**previous):
    return {
        "R": {"name": "redness"},
        "S": {"name": "salient"},
        **{
            label: {"name": "dimmed", "previous": before, "pause": index / 1e6}
            for index, (label, before) in enumerate(previous.items())
        },
    }


def rows(*labels):
    return [{"method": label, "generator": label, "rule": RULE} for label in labels]


@pytest.fixture
def run(tmp_path):
    """Run a suite; gives the rows and records by method, and the store."""

    return partial(run_rows, tmp_path)


def test_a_round_reads_the_fit_of_the_round_before_it(run):
    ran, store = run(generators=generators(one="R", two="one"), rows=rows("two"))
    fit = ran["two"][0].scores.inputs["fit"]
    assert float((store.folder(fit) / "largest.txt").read_text()) <= 0.5
    assert fit.inputs["previous"].inputs["previous"].name == "redness"


def test_rounds_are_stages_that_rows_share(run):
    RAN.clear()
    ran, _ = run(generators=generators(one="R", two="one"), rows=rows("R", "one", "two"))
    assert RAN.count("fit") == 3
    second, first = ran["two"][0], ran["one"][0]
    assert second.scores.inputs["fit"].inputs["previous"].key == first.scores.inputs["fit"].key


def test_a_run_that_is_killed_between_rounds_goes_on_with_the_next_one(run, tmp_path, monkeypatch):
    offered = {"generators": generators(one="R", two="one"), "rows": rows("two")}
    ran, store = run_rows(tmp_path / "whole", **offered)
    second = store.folder(ran["two"][0].scores.inputs["fit"])
    fit, seen = small_suite.Dimmed.fit, []

    def killed(self, data, rest):
        seen.append(self.pause)
        if len(seen) == 2:
            raise KeyboardInterrupt
        fit(self, data, rest)

    with monkeypatch.context() as patched:
        patched.setattr(small_suite.Dimmed, "fit", killed)
        with pytest.raises(KeyboardInterrupt):
            run(**offered)
    RAN.clear()
    resumed, store = run(**offered)
    assert RAN.count("fit") == 1  # the second round alone
    again = store.folder(resumed["two"][0].scores.inputs["fit"])
    assert (again / "largest.txt").read_bytes() == (second / "largest.txt").read_bytes()


def test_another_option_of_an_earlier_round_trains_the_later_ones_again():
    def key(**options):
        offered = generators(one="R")
        offered["R"] |= options
        suite = small_suite.suite(generators=offered, rows=rows("one"))
        return Graph(suite, small_suite.plugins(), 0).generated("one").inputs["fit"].key

    assert key() == key(pause=0.5)
    assert key() != key(value=0.5)  # its own fit ignores it, but not what a later round loads
    assert key() != key(stop_at=99)


def test_supervision_of_an_earlier_round_counts(run):
    ran, _ = run(generators=generators(one="S"), rows=rows("one"))
    assert ran["one"][1].sup == "I.+S."


def test_generators_in_a_circle_are_refused():
    with pytest.raises(ConfigError, match=r"circle: one -> two -> one"):
        small_suite.suite(generators=generators(one="two", two="one"))


def test_unknown_previous_is_refused_with_the_generators_there_are():
    with pytest.raises(ConfigError, match=r"previous of 'one'.*'X'.*there are R, S, one"):
        small_suite.suite(generators=generators(one="X"))


@pytest.mark.parametrize(
    ("offered", "remedy"),
    [
        ({"name": "dimmed"}, r"set generators\.R\.previous.*'redness'"),
        ({"name": "redness", "previous": "S"}, r"take generators\.R\.previous out"),
    ],
)
def test_previous_is_given_to_generators_that_follow_one_and_to_no_others(offered, remedy):
    suite = small_suite.suite(generators={**generators(), "R": offered})
    with pytest.raises(ConfigError, match=remedy):
        Graph(suite, small_suite.plugins(), 0).generated("R")


def test_refiners_have_no_previous():
    refiners = {"half": {"name": "halved", "previous": "R"}}
    with pytest.raises(ConfigError, match="'half' has a previous; only generators"):
        small_suite.suite(refiners=refiners)


def test_a_method_may_look_at_other_train_images_when_it_scores(run):
    offered = {"R": {"name": "redness"}, "C": {"name": "compared"}}
    ran, store = run(generators=offered, rows=rows("R", "C"))
    plain, compared = (score_reader(store.folder(ran[m][0].scores)) for m in "RC")
    first = small_suite.FakeDataset(12).ids("train")[0]
    largest = small_suite.FakeDataset(12).image(first)[..., 0].max() / 255
    for image_id in small_suite.FakeDataset(12).ids("train")[:3]:
        expected = plain(image_id).values * largest
        assert np.abs(compared(image_id).values - expected).max() <= 0.006  # two bins of scores
