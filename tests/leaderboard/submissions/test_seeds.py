"""Runs of a submission repeat what they state to repeat, or are refused by name."""

from pathlib import Path

import pytest
from sample_records import record
from sample_submissions import check
from tampering import refused, rewrite

from wsss_harness.suite.spec import AXES
from wsss_leaderboard.records.provenance import Step
from wsss_leaderboard.submissions.seeds import notes, problems

ALL = dict.fromkeys(AXES, 0)


def run(seed, seeds=None, masks="", vary=AXES, definition=None, **keys):
    """A record with seeds for its axes; ``keys``: of steps, if they are not of these seeds."""
    seeds = seeds or dict.fromkeys(AXES, seed)
    generator, segmentor = seeds["generator"], seeds["segmentor"]
    steps = (
        Step(stage="pretrain w", key=f"w{seeds['weights']}", options={"seed": seeds["weights"]}),
        Step(stage="fit g", key=keys.get("g", f"g{generator}"), options={"seed": generator}),
        Step(stage="mask g", key=f"m{generator}", products=masks or f"m{generator}"),
        Step(stage="segment V1 on g", key=f"s{seed}", options={"seed": segmentor}),
    )
    definition = {"vary": list(vary)} if definition is None else definition
    return record(seed=seed, seeds=seeds, vary=vary, steps=steps, definition=definition)


def problems_of(*records):
    return list(problems({Path(f"{n}.json"): record for n, record in enumerate(records)}))


def test_runs_that_repeat_what_they_state_have_no_problem():
    assert problems_of(run(0), run(1)) == []
    segmentors = [run(seed, ALL | {"segmentor": seed}, vary=("segmentor",)) for seed in (0, 1)]
    assert problems_of(*segmentors) == []
    crossed = {"cross": {"generator": [0, 4], "segmentor": [1, 2]}}
    stated = [ALL | {"generator": g, "segmentor": s} for g in (0, 4) for s in (1, 2)]
    axes = ("generator", "segmentor")
    runs = [run(n, s, vary=axes, definition=crossed | {"vary": axes}) for n, s in enumerate(stated)]
    assert problems_of(*runs) == []


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([run(0), run(1, g="g0")], r"state seeds 0 and 1 of the generator, but share 'fit g'"),
        ([run(1, dict.fromkeys(AXES, 0))], "seeds.weights is 0, its suite has [1] in repetition 1"),
        (
            [run(0, vary=("segmentor",), definition={"vary": ["generator"]})],
            "vary is ['segmentor']",
        ),
        ([run(0, definition={"vary": "luck"})], "definition.vary is not what a suite has"),
    ],
)
def test_what_records_state_must_be_borne_out(records, message):
    assert any(message in problem for problem in problems_of(*records))


def test_a_stage_with_another_seed_than_stated_is_named():
    stated = run(1)
    steps = tuple(
        step.model_copy(update={"options": {"seed": 0}}) if step.stage == "fit g" else step
        for step in stated.steps
    )
    (problem,) = problems_of(stated.model_copy(update={"steps": steps}))
    assert problem == "0.json: 'fit g' had the seed 0, but seeds.generator is 1"


def test_records_that_do_not_say_their_seeds_are_accepted():
    assert problems_of(record(seed=0), record(seed=1)) == []
    assert problems_of(record(seed=1, seeds=ALL)) == []


def test_equal_masks_are_noted_as_one_draw():
    same = {Path("0"): run(0, masks="same"), Path("1"): run(1, masks="same")}
    assert list(notes(same)) == ["seeds: 2 runs share masks or weights and count as 1 draw"]
    assert list(notes({Path("0"): run(0), Path("1"): run(1)})) == []


def test_a_check_reports_both(folder, ran):
    assert any(note.startswith("seeds: 2 runs") for note in check(folder, ran).notes)
    rewrite(folder, lambda content: content["seeds"].update(generator=5))
    assert "seeds.generator is 5, its suite has [0]" in refused(folder, ran)
