"""Arrays that a generator leaves for refiners: who gets them, where they lie, what they cost."""

import numpy as np
import pytest
import small_suite
from suite_runs import run_rows

from wsss_harness.contract.errors import ConfigError
from wsss_harness.stages.arrays import SUFFIX
from wsss_harness.stages.products import score_reader
from wsss_harness.suite.graph import Graph

RULE = {"name": "constant", "threshold": 0.25}
FIRST = small_suite.FakeDataset(12).ids("train")[0]
REFINERS = {"half": {"name": "halved"}, "diffuse": {"name": "diffused"}}


def suite(*chains, generator="attentive", refiners=REFINERS, **options):
    """One row for each chain of refiners, named by it."""
    rows = [
        {"method": "+".join(("G", *chain)), "generator": "G", "refiners": chain, "rule": RULE}
        for chain in chains
    ]
    return {
        "generators": {"G": {"name": generator, **options}, "R": {"name": "redness"}},
        "refiners": refiners,
        "rows": rows,
    }


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    return run_rows(folder, **suite((), ("diffuse",), ("half", "diffuse")))


def test_a_refiner_reads_what_the_generator_left_wherever_it_stands(ran):
    rows, store = ran
    plain, diffused, later = (
        score_reader(store.folder(rows[method][0].scores))(FIRST).values
        for method in ("G", "G+diffuse", "G+half+diffuse")
    )
    means = small_suite.FakeDataset(12).image(FIRST).mean((1, 2)) / 255
    affinity = np.exp(-np.abs(means[:, None] - means))
    expected = affinity / affinity.sum(1, keepdims=True) @ plain
    assert np.abs(diffused - expected).max() < 0.01  # bins of scores, float16
    assert np.abs(later - expected / 2).max() < 0.01
    assert np.abs(diffused - plain).max() > 0.05


def test_only_arrays_that_a_refiner_wants_are_kept_as_float16(ran):
    rows, store = ran
    folder = store.folder(rows["G"][0].scores)
    with np.load(folder / f"{FIRST}{SUFFIX}") as arrays:
        assert {name: arrays[name].dtype for name in arrays} == {"affinity": np.float16}


def test_rows_of_one_generator_share_its_scores_and_arrays(ran):
    rows, _ = ran
    keys = {
        "G": rows["G"][0].scores.key,
        "diffuse": rows["G+diffuse"][0].scores.inputs["arrays"].key,
        "later": rows["G+half+diffuse"][0].scores.inputs["arrays"].key,
    }
    assert len(set(keys.values())) == 1
    assert rows["G+diffuse"][1].failure is None


def scored(**changes):
    graph = Graph(small_suite.suite(**suite((), **changes)), small_suite.plugins(), 0)
    return graph.generated("G")


def test_a_suite_without_a_refiner_for_them_keeps_no_arrays():
    alone, wanted = scored(refiners={"half": {"name": "halved"}}), scored()
    assert "keeps" not in alone.options
    assert wanted.options["keeps"] == ["affinity"]
    assert alone.inputs["fit"].key == wanted.inputs["fit"].key


def test_a_row_whose_generator_leaves_no_such_array_is_refused():
    content = suite(("half", "diffuse"), generator="redness")
    graph = Graph(small_suite.suite(**content), small_suite.plugins(), 0)
    problem = (
        r"row 'G\+half\+diffuse': refiner 'diffuse' wants the array 'affinity', but "
        r"generator 'G' leaves none"
    )
    with pytest.raises(ConfigError, match=problem):
        graph.row(graph.suite.rows[0])


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"lavish": False}, "'attentive' left no array 'affinity' for image image_000"),
        ({"scale": 1e6}, "'affinity' for image image_000 with values that float16 cannot hold"),
    ],
)
def test_arrays_that_are_not_left_as_promised_fail_the_row(tmp_path, options, problem):
    rows, _ = run_rows(tmp_path, **suite(("diffuse",), **options))
    assert problem in rows["G+diffuse"][1].failure.message


def test_a_refiner_reads_no_array_that_it_does_not_want(tmp_path):
    refiners = {"diffuse": {"name": "diffused", "reads": "attention"}}
    rows, _ = run_rows(tmp_path, **suite(("diffuse",), refiners=refiners))
    assert "read the array 'attention', but wants ['affinity']" in (
        rows["G+diffuse"][1].failure.message
    )


def test_an_interrupted_scoring_goes_on_and_ends_with_the_same_arrays(tmp_path, ran):
    rows, store = ran
    kept = {p.name: p.read_bytes() for p in store.folder(rows["G"][0].scores).glob(f"*{SUFFIX}")}
    again, other = run_rows(tmp_path, **suite((), ("diffuse",), ("half", "diffuse")))
    folder = other.folder(again["G"][0].scores)
    last = sorted(folder.glob("*.scores"))[-1]
    for path in (*tmp_path.rglob("manifest.json"), last):
        path.unlink()
    stamps = {p.name: p.stat().st_mtime_ns for p in folder.glob(f"*{SUFFIX}")}
    run_rows(tmp_path, **suite((), ("diffuse",), ("half", "diffuse")))
    assert {p.name: p.read_bytes() for p in folder.glob(f"*{SUFFIX}")} == kept
    changed = [p for p in folder.glob(f"*{SUFFIX}") if p.stat().st_mtime_ns != stamps[p.name]]
    assert [p.name.removesuffix(SUFFIX) for p in changed] == [last.stem]
