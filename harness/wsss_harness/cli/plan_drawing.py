"""Draw a plan (SVG): stages in columns, each to the right of all stages it needs."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from wsss_harness.store.stage import Stage, upstream
from wsss_harness.suite.plan import Plan, Planned
from wsss_harness.system.files import write_text

WIDTH, HEIGHT = 268, 26  # of a box
ACROSS, DOWN = 330, 36  # from one box to the next
MARGIN, TITLE = 24, 40
LETTERS = 36  # that fit into a box
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1d2433 }
.head { font-size: 16px; font-weight: 600 }
rect { rx: 5px; stroke-width: 1.3px }
.page { fill: #ffffff; stroke: none }
.done { fill: #e3f1e7; stroke: #3f8f5f }
.todo { fill: #fdf3dc; stroke: #c08a1e; stroke-dasharray: 5 3 }
path { fill: none; stroke: #8b93a3; stroke-width: 1.2px }
@media (prefers-color-scheme: dark) {
  text { fill: #e7eaf1 }
  .page { fill: #171b24 }
  .done { fill: #1f3a2b; stroke: #6fc492 }
  .todo { fill: #40341a; stroke: #e0b04c }
}
"""

Place = tuple[float, float]


def draw(plan: Plan, names: Mapping[str, str], title: str, path: Path) -> None:
    """Write the picture; finished stages have a solid border, others a dashed one.

    ``names``: of stages, by key.
    """
    stages = [planned.stage for planned in plan.stages]
    places = layout(stages)
    width = max(x for x, _ in places.values()) + WIDTH + MARGIN
    height = max(y for _, y in places.values()) + HEIGHT + MARGIN
    page = Element(
        "svg",
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {width:g} {height:g}",
        width=f"{width:g}",
        height=f"{height:g}",
    )
    SubElement(page, "style").text = STYLE
    SubElement(page, "rect", {"class": "page", "width": "100%", "height": "100%"})
    head = SubElement(page, "text", {"class": "head", "x": str(MARGIN), "y": str(MARGIN + 6)})
    head.text = f"{title}: {len(plan.stages)} stages, {len(plan.to_do)} to do"
    for planned in plan.stages:
        for needed in direct(planned.stage):
            _arrow(page, places[needed.key], places[planned.stage.key])
    for planned in plan.stages:
        _box(page, planned, places[planned.stage.key], names[planned.stage.key])
    indent(page)
    write_text(path, tostring(page, encoding="unicode") + "\n")


def layout(stages: Sequence[Stage]) -> dict[str, Place]:
    """The upper left corner of each stage, by its key: right of and level with what it needs."""
    depths: dict[str, int] = {}
    for stage in stages:
        depths[stage.key] = 1 + max((depths[i.key] for i in stage.inputs.values()), default=-1)
    rows: dict[str, float] = {}
    for depth in range(max(depths.values(), default=0) + 1):
        column = [stage for stage in stages if depths[stage.key] == depth]
        column.sort(key=lambda stage: _middle(stage, rows))
        wanted = [_middle(stage, rows) for stage in column]
        rows |= {s.key: y for s, y in zip(column, _apart(wanted), strict=True)}
    top = min(rows.values(), default=0)
    return {
        key: (MARGIN + ACROSS * depths[key], MARGIN + TITLE + DOWN * (row - top))
        for key, row in rows.items()
    }


def _middle(stage: Stage, rows: Mapping[str, float]) -> float:
    inputs = direct(stage)
    return fmean(rows[needed.key] for needed in inputs) if inputs else 0.0


def _apart(wanted: Sequence[float]) -> Iterator[float]:
    """Rows at least one apart, in order, with the mean of the wanted rows."""
    placed: list[float] = []
    for place in wanted:
        placed.append(max(place, placed[-1] + 1) if placed else place)
    shift = fmean(placed) - fmean(wanted) if placed else 0.0
    yield from (place - shift for place in placed)


def direct(stage: Stage) -> list[Stage]:
    """The inputs of a stage, without those that another of its inputs needs too."""
    inputs = {needed.key: needed for needed in stage.inputs.values()}
    for needed in stage.inputs.values():
        for earlier in upstream(*needed.inputs.values()):
            inputs.pop(earlier.key, None)
    return list(inputs.values())


def _arrow(page: Element, start: Place, end: Place) -> None:
    x, y = start[0] + WIDTH, start[1] + HEIGHT / 2
    end_x, end_y = end[0], end[1] + HEIGHT / 2
    bend = (ACROSS - WIDTH) * 0.8
    curve = f"M{x:g} {y:g}C{x + bend:g} {y:g} {end_x - bend:g} {end_y:g} {end_x:g} {end_y:g}"
    SubElement(page, "path", d=curve)


def _box(page: Element, planned: Planned, place: Place, name: str) -> None:
    x, y = place
    group = SubElement(page, "g")
    state = "done" if planned.done else "todo"
    size = {"width": str(WIDTH), "height": str(HEIGHT)}
    SubElement(group, "rect", {"class": state, "x": f"{x:g}", "y": f"{y:g}", **size})
    text = SubElement(group, "text", x=f"{x + 9:g}", y=f"{y + 17.5:g}")
    text.text = name if len(name) <= LETTERS else name[: LETTERS - 1] + "…"
    about = [f"{name} on {planned.stage.subject}" if planned.stage.subject else name]
    about += planned.reasons
    SubElement(group, "title").text = "\n".join(about)
