"""The settings of a row that differ from the published ones, or that nobody published."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wsss_harness.store.stage import Stage, upstream
from wsss_harness.suite.rows import RowStages
from wsss_leaderboard.records.published import OF_GENERATORS, Expected, ExpectedSetting


@dataclass(frozen=True)
class Difference:
    """An option whose value differs from the one that the published number was made with."""

    stage: str
    option: str
    here: Any
    published: Any
    effect: str


@dataclass(frozen=True)
class Assumption:
    """An option that matters and whose value the authors do not state."""

    stage: str
    option: str
    here: Any
    effect: str


def differences(row: RowStages, expectations: Expected) -> Iterator[Difference]:
    for setting, stage, here in settings_of(row, expectations):
        if setting.published and here != setting.value:
            yield Difference(stage.title, setting.option, here, setting.value, setting.effect)


def assumptions(row: RowStages, expectations: Expected) -> Iterator[Assumption]:
    """The settings that are known to matter and that nobody published."""
    for setting, stage, here in settings_of(row, expectations):
        if not setting.published:
            yield Assumption(stage.title, setting.option, here, setting.effect)


def settings_of(
    row: RowStages, expectations: Expected
) -> Iterator[tuple[ExpectedSetting, Stage, Any]]:
    """The settings that apply to a row, each with its stage and the value there."""
    for setting in expectations.settings:
        method = maker(row) if setting.kind in OF_GENERATORS else row.row.method
        if method in setting.methods and (stage := stage_of(row, setting)):
            yield setting, stage, value_at(stage.options, setting.option)


def stage_of(row: RowStages, setting: ExpectedSetting) -> Stage | None:
    """The stage of a row that a setting applies to; None if the row has none of its kind."""
    kind = setting.kind
    if kind in ("segment", "predict"):
        own = next((s for s in row.segmentations if s.label == setting.segmentor), None)
        return None if own is None else next(s for s in upstream(own.counts) if s.kind == kind)
    if kind == "fit":
        return round_before(generator_of(row), setting.before)
    stages = {"mask": row.masks, **{stage.kind: stage for stage in upstream(row.masks)}}
    if refined := stages.get("refine"):
        stages["refiner"] = refined.inputs["fit"]
    return stages.get(kind)


def value_at(options: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, tuples as lists; None if there is none."""
    value: Any = options
    for part in path.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return list(value) if isinstance(value, tuple) else value


def generator_of(row: RowStages) -> Stage:
    """The fit of a row's generator, of the last of its rounds."""
    return next(s.inputs["fit"] for s in upstream(row.masks) if s.kind == "score")


def round_before(fit: Stage, rounds: int) -> Stage | None:
    """The fit of the generator that one builds on, so many ``rounds`` back; None without one."""
    for _ in range(rounds):
        if "previous" not in fit.inputs:
            return None
        fit = fit.inputs["previous"]
    return fit


def maker(row: RowStages) -> str:
    """The method of a row without its refiners."""
    return row.row.method.partition(" + ")[0]
