"""Whether the maps of regions that a suite names can be read and fit their images."""

from collections.abc import Iterator

from wsss_harness.contract.errors import DataError
from wsss_harness.contract.findings import Finding
from wsss_harness.contract.supervision import Dataset
from wsss_harness.stages.stage_data import TRAIN, WithRegions
from wsss_harness.suite.data_check import Problems, finding_of
from wsss_harness.suite.spec import Suite


def findings(suite: Suite, dataset: Dataset) -> Iterator[Finding]:
    """A finding for each folder of regions, of its maps for images of train."""
    for label, maps in suite.maps("regions").items():
        if maps.folder is None or not maps.path.is_dir():
            continue  # superpixels are found later; rows say which folders they lack
        source, problems = WithRegions(dataset, maps.path), Problems()
        for image_id in filter(source.has_regions, dataset.ids(TRAIN)):
            problems.add(problem_of(source, image_id))
        yield finding_of(f"{label} regions have the size of their images", problems)


def problem_of(source: WithRegions, image_id: str) -> str | None:
    """What is wrong with the map of an image; None if it can be read."""
    try:
        source.regions(image_id)
    except DataError as error:
        return str(error)
    return None
