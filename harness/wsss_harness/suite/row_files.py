"""What each row of a suite lacks: supervision, saliency maps, weights and checkpoints."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.findings import Finding, judge
from wsss_harness.contract.supervision import IMAGE_LABELS, REGIONS, SALIENCY, Dataset
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.stage_data import TRAIN, WithSaliency
from wsss_harness.suite.presence import readers_of_saliency
from wsss_harness.suite.spec import Offered, Suite

FAINT = 1 / 255 + 1e-6  # the level 1 of a file of 8 bits, as float32
SOURCES = {SALIENCY: "saliency maps", IMAGE_LABELS: "image labels", REGIONS: "regions"}


def missing(suite: Suite, plugins: Plugins, supervision: frozenset[str]) -> Iterator[Finding]:
    """A finding for each row: the supervision, weights and checkpoints that it lacks."""
    for row in suite.rows:
        needs = row.rule.built.needs
        lacking = chain(
            *(_lacking(suite, plugins, supervision, *offer) for offer in suite.offers_of(row)),
            _maps(suite, supervision, needs, row.saliency),
        )
        problem = ", ".join(dict.fromkeys(lacking))
        yield judge(f"row '{row.method}' has all files", f"missing: {problem}" if problem else None)


def maps_of(suite: Suite, dataset: Dataset) -> dict[str, Dataset]:
    """The dataset with each of the saliency maps of a suite whose folder exists."""
    return {
        label: WithSaliency(dataset, Path(maps.folder), maps.resize)
        for label, maps in suite.saliency.items()
        if Path(maps.folder).is_dir()
    }


def _lacking(
    suite: Suite, plugins: Plugins, supervision: frozenset[str], kind: str, offered: Offered
) -> Iterator[str]:
    """What a plugin of a row lacks."""
    needs = frozenset(getattr(plugins.dataclass_of(kind, offered.name), "needs", ()))
    regions = suite.regions[offered.regions] if offered.regions else None
    own = supervision | ({REGIONS} if regions else set())
    yield from _maps(suite, own, needs, offered.saliency)
    if regions and regions.folder and not Path(regions.folder).is_dir():
        yield f"the maps of regions.{offered.regions}.folder"
    file = suite.weights[offered.weights].file if offered.weights else None
    if file and not Path(file).is_file():
        yield f"the weights {file} (weights.{offered.weights}.file)"
    checkpoint = offered.options.get("checkpoint")
    if checkpoint and not Path(checkpoint).is_file():
        yield f"the checkpoint {checkpoint} of '{offered.name}'"


def _maps(
    suite: Suite, supervision: frozenset[str], needs: frozenset[str], saliency: str | None
) -> Iterator[str]:
    """The supervision that is missing, where maps of this label replace the dataset's own."""
    available = supervision | ({SALIENCY} if saliency else set())
    yield from (SOURCES[part] for part in sorted(needs - available))
    if saliency and not Path(suite.saliency[saliency].folder).is_dir():
        yield f"the maps of saliency.{saliency}.folder"


def check_levels(suite: Suite, plugins: Plugins, dataset: Dataset) -> None:
    """Refuse saliency maps that a row reads and that are 0 and 1 in files of 8 bits.

    Raises:
        DataError: no map of train has a level above 1 of 255, though some have this level.
    """
    maps = maps_of(suite, dataset)
    for label, method in readers_of_saliency(suite, plugins).items():
        source = dataset if label is None else maps.get(label)
        ids = dataset.ids(TRAIN)
        if source and _are_faint(source, ids):
            raise DataError(
                f"row '{method}' reads saliency maps ({label or 'of the dataset'}) whose largest "
                f"level is 1, such as that of {ids[0]}, but 255 stands for 1, so they are 0 nearly "
                "everywhere; multiply them by 255"
            )


def _are_faint(source: Dataset, ids: Sequence[str]) -> bool:
    """Whether the maps have levels of 0 and 1 only; stops at the first that has more."""
    largest = 0.0
    for image_id in ids:
        try:
            largest = max(largest, float(source.saliency(image_id).max()))
        except Exception:  # the stage that needs the map says what is wrong with it
            continue
        if largest > FAINT:
            return False
    return largest > 0
