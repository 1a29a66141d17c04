"""A plan is drawn: every stage right of what it needs, and no arrow that another one implies."""

from xml.etree import ElementTree

import pytest
import small_suite

from wsss_harness.cli.plan_drawing import direct, draw, layout
from wsss_harness.cli.plan_tree import names
from wsss_harness.store.stage import Stage
from wsss_harness.suite.suite_rows import plan_of

SVG = "{http://www.w3.org/2000/svg}"


def stage(name, *inputs):
    return Stage("test", name, None, {}, {needed.name: needed for needed in inputs})


DATA = stage("data")
FIT = stage("fit", DATA)
SCORE = stage("score", DATA, FIT)


def test_what_another_input_needs_too_gets_no_arrow():
    assert [needed.name for needed in direct(SCORE)] == ["fit"]
    assert [needed.name for needed in direct(FIT)] == ["data"]


def test_stages_stand_right_of_what_they_need_and_apart():
    places = layout([DATA, FIT, stage("other", DATA), SCORE])
    assert places[DATA.key][0] < places[FIT.key][0] < places[SCORE.key][0]
    assert len(set(places.values())) == 4


@pytest.fixture
def picture(tmp_path):
    plan = plan_of(
        small_suite.suite(title="A < B"), small_suite.plugins(), small_suite.store(tmp_path)
    )
    stage_names = names([planned.stage for planned in plan.stages])
    draw(plan, stage_names, "A < B", tmp_path / "plan.svg")
    return plan, ElementTree.parse(tmp_path / "plan.svg").getroot()


def test_every_stage_has_a_box_that_says_what_it_is_and_why(picture):
    plan, page = picture
    boxes = page.findall(f"{SVG}g")
    assert len(boxes) == len(plan.stages)
    about = [box.find(f"{SVG}title").text for box in boxes]
    called = names([planned.stage for planned in plan.stages])
    first = [text.splitlines()[0].split(" on ")[0] for text in about]
    assert first == [called[planned.stage.key] for planned in plan.stages]
    assert "segment one (seed 0) on redness\nnever made" in about
    assert {box.find(f"{SVG}rect").get("class") for box in boxes} == {"todo"}
    assert page.find(f"{SVG}text").text.startswith("A < B: ")


def test_all_boxes_are_on_the_page(picture):
    _, page = picture
    width, height = float(page.get("width")), float(page.get("height"))
    for box in page.findall(f"{SVG}g/{SVG}rect"):
        assert 0 <= float(box.get("x")) < width - float(box.get("width"))
        assert 0 <= float(box.get("y")) < height - float(box.get("height"))
