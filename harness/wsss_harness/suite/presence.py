"""Whether the truth and the maps that a suite needs are there, before any work.

Methods and background rules see saliency and regions of train alone, so val needs no maps, but
for refiners of predictions.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from wsss_harness.contract.errors import ConfigError, DataError, WsssError
from wsss_harness.contract.findings import FAILURE, WARNING, Finding, judge
from wsss_harness.contract.supervision import (
    REGIONS,
    SALIENCY,
    TRUTH,
    Dataset,
    scored_ids,
    scores_masks,
    without,
)
from wsss_harness.plugins.elsewhere import plugins_at
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.stage_data import TRAIN, VAL, WithRegions, WithSaliency
from wsss_harness.stages.texts import SuiteTexts
from wsss_harness.suite.spec import Row, Suite

FIRST = 10  # images that a message or a finding names
NEEDED = "the truth and the maps that the rows need are there"
UNSCORED = "No image of train has a truth, so masks are not scored."


def check_presence(suite: Suite, plugins: Plugins, dataset: Dataset) -> None:
    """Refuse a suite that reads a truth or a map that is missing.

    Raises:
        DataError: counts the images without one and lists the first.
        ConfigError: names a row or an option that needs a truth of train, where there is none; or
            the texts of the suite are not for the classes of the data.
    """
    for problem in problems(suite, plugins, dataset):
        raise DataError(problem)
    if not scores_masks(dataset):
        refuse_choices(suite)
    if suite.texts is not None:
        SuiteTexts(suite.texts.classes, suite.texts.background).of(dataset)


def finding(suite: Suite, plugins: Plugins, dataset: Dataset) -> Finding:
    """What ``check_presence`` says of a suite."""
    try:
        check_presence(suite, plugins, dataset)
    except WsssError as error:
        return Finding(NEEDED, FAILURE, str(error))
    return Finding(NEEDED)


def findings(dataset: Dataset, maps: Mapping[str, Dataset]) -> Iterator[Finding]:
    """What is missing of the data itself; ``maps``: the dataset with other maps, by their label."""
    failure = next(truth_problems(dataset, segments=False), None)
    problem = failure or next(truth_problems(dataset), None)  # not every row has a segmentor
    yield judge("what is scored has a truth", problem, FAILURE if failure else WARNING)
    if not scores_masks(dataset):
        yield Finding("masks are scored", WARNING, UNSCORED)
    for name, source in maps.items():
        problem = next(map_problems(source, SALIENCY, "rows may read saliency"), None)
        yield judge(f"all images of train have {name} maps", problem, WARNING)


def problems(suite: Suite, plugins: Plugins, dataset: Dataset) -> Iterator[str]:
    """What is missing of truth, saliency maps and regions, for the rows that need it."""
    yield from truth_problems(dataset, scores_val(suite))
    missing = without(dataset, TRUTH, dataset.ids(TRAIN)) if scores_masks(dataset) else ()
    if suite.bounds and missing:
        yield (
            f"{counted(missing, dataset.ids(TRAIN))} images of train have no truth, which the rows "
            f"of bounds = {list(suite.bounds)} are made from; add it, or leave bounds out"
        )
    for label, method in readers(suite, plugins, SALIENCY).items():
        folder = suite.maps("saliency")[label].path if label else None
        maps: Dataset = WithSaliency(dataset, folder) if folder else dataset
        if SALIENCY not in maps.supervision:
            continue  # without any maps, the rows that read them fail one by one
        yield from map_problems(maps, SALIENCY, f"'{method}' reads saliency")
    for label, method in readers(suite, plugins, REGIONS).items():
        spec = suite.maps("regions").get(label or "")
        if spec and spec.folder:  # superpixels are made of every image
            maps = WithRegions(dataset, spec.path)
            for split in (TRAIN, VAL) if label in of_predictions(suite) else (TRAIN,):
                yield from map_problems(maps, REGIONS, f"'{method}' reads regions", split)


def truth_problems(dataset: Dataset, segments: bool = True) -> Iterator[str]:
    """What is missing of the truth; that of val is needed only if something ``segments`` it."""
    ids, val = scored_ids(dataset), dataset.ids(VAL)
    missing, missing_of_val = (without(dataset, TRUTH, split) for split in (ids, val))
    if len(missing) == len(ids) and len(missing_of_val) == len(val):
        yield (
            "no image of train or of val has a truth, so nothing could be scored; correct the "
            "option of the dataset that says where the masks are (dataset.truth of voc_folder)"
        )
    elif 0 < len(missing) < len(ids):
        yield (
            f"{counted(missing, ids)} scored images of train have no truth; add it, or score only "
            "those that have one (dataset.scored of voc_folder), or none (dataset.train_truth)"
        )
    elif missing_of_val and segments:
        yield (
            f"{counted(missing_of_val, val)} images of val have no truth, on which segmentors are "
            "scored; add it, take the images out of val, or run rows without segmentors"
        )


def scores_val(suite: Suite) -> bool:
    """Whether segmentors are trained, which are scored on val."""
    return any(row.segmentors for row in suite.rows) or "supervised" in suite.bounds


def of_predictions(suite: Suite) -> set[str | None]:
    """The labels of the regions with which predictions on val are refined."""
    labels = {label for row in suite.rows for label in row.prediction_refiners}
    return {suite.mask_refiners[label].regions for label in labels}


def map_problems(dataset: Dataset, part: str, reader: str, split: str = TRAIN) -> Iterator[str]:
    """What is missing of the maps of a split, of SALIENCY or REGIONS."""
    ids = dataset.ids(split)
    missing = without(dataset, part, ids)
    if missing:
        yield (
            f"{reader}, but {counted(missing, ids)} images of {split} have no map; add the maps, "
            f"take the images out of {split}, or run other rows alone (--rows)"
        )


def counted(missing: Sequence[str], ids: Collection[str]) -> str:
    """Such as ``2 of 7 (a, b)``."""
    more = f" and {len(missing) - FIRST:,} more" if missing[FIRST:] else ""
    return f"{len(missing):,} of {len(ids):,} ({', '.join(missing[:FIRST])}{more})"


def readers(suite: Suite, plugins: Plugins, part: str) -> dict[str | None, str]:
    """The first row that reads each label of SALIENCY or REGIONS; None is the dataset's own."""
    first: dict[str | None, str] = {}
    for row in suite.rows:
        for label in _labels(row, suite, plugins, part):
            first.setdefault(label, row.method)
    return first


def _labels(row: Row, suite: Suite, plugins: Plugins, part: str) -> Iterator[str | None]:
    """The labels of the maps that a row reads."""
    for kind, offered in suite.offers_of(row):
        cls = plugins_at(plugins, offered.environment).dataclass_of(kind, offered.name)
        if part in getattr(cls, "needs", ()):
            yield offered.saliency if part == SALIENCY else offered.regions
    if part == SALIENCY and SALIENCY in row.rule.built.needs:
        yield row.saliency


def refuse_choices(suite: Suite) -> None:
    """Raise ConfigError for what only a truth of train could decide or paint."""
    for row in suite.rows:
        if row.rule.choice:
            raise ConfigError(
                f"row '{row.method}': the threshold '{row.rule.choice}' is chosen on the truth of "
                "train, but no image of train has one; give a number as its threshold"
            )
    for option, asked in (("held_out", suite.held_out), ("bounds", suite.bounds)):
        if asked:
            raise ConfigError(
                f"{option} is {asked!r}, which needs the truth of train, but no image of train has "
                f"one; leave {option} out"
            )
