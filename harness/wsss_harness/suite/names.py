"""Names of rows and labels: those of controls and bounds, and what a suite may use."""

from collections.abc import Iterable, Iterator

from wsss_harness.contract.errors import ConfigError
from wsss_harness.stages.bounds import BOUNDS, OF_SALIENCY, SUPERVISED
from wsss_harness.suite.spec import Suite

TABLES = (
    *("weights", "sources", "saliency", "regions"),
    *("generators", "refiners", "mask_refiners", "segmentors"),
)


def of_maps(method: str, saliency: str | None) -> str:
    """The name of a control or bound for the saliency maps of this label."""
    return method.replace("Saliency", f"Saliency {saliency}") if saliency else method


def of_control(generator: str, saliency: str | None) -> str:
    """The name of the control that paints saliency with the classes of a generator."""
    return of_maps(f"Saliency, {generator}'s classes", saliency)


def of_perfect_seed(refiner: str, saliency: str | None) -> str:
    """The name of the bound that refines a perfect seed."""
    return f"Perfect seed + {refiner}" + (f", saliency {saliency}" if saliency else "")


def check_names(suite: Suite, source: str) -> None:
    """Raise ConfigError where a name cannot be shown in a table, or a row has that of a control."""
    _check_printable(f"{source}: the title", [suite.title])
    for table in TABLES:
        _check_printable(f"{source}: a name in {table}", getattr(suite, table))
    _check_printable(f"{source}: a row", [row.method for row in suite.rows])
    taken = {name.casefold() for name in _of_controls(suite)}
    for index, row in enumerate(suite.rows):
        if row.method.strip().casefold() in taken:
            raise ConfigError(
                f"{source}: rows.{index} is named '{row.method}', as is a control or bound row, "
                "which runs add; give the row another name"
            )


def _of_controls(suite: Suite) -> Iterator[str]:
    """The names of all control and bound rows that a run of the suite may add."""
    yield from (*BOUNDS, SUPERVISED)
    for saliency in (None, *suite.maps("saliency")):
        yield from (of_maps(method, saliency) for method in OF_SALIENCY)
        yield from (of_control(label, saliency) for label in suite.generators)
        yield from (of_perfect_seed(label, saliency) for label in suite.refiners)


def _check_printable(what: str, names: Iterable[str]) -> None:
    for name in names:
        if not name.strip() or not name.isprintable():
            raise ConfigError(
                f"{what} is {name!r:.120}; expected at least one visible character, no line break "
                "and no control character, as it stands in tables"
            )
