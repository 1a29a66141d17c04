"""The metrics of masks. Counts of images are added; ratios are read from their sum."""

from collections.abc import Mapping

from wsss_harness.contract.hookspecs import Metric
from wsss_harness.metrics import anatomy, boundary, confusion, cooccurrence, large

EVALUATOR = 1  # raised when a metric returns another number for the same masks
METRICS: Mapping[str, Metric] = {
    "confusion": Metric(confusion.confusion, confusion.read),
    "boundary": Metric(boundary.count, boundary.read),
    "cooccurrence": Metric(cooccurrence.count, cooccurrence.read),
    "large": Metric(large.count, large.read),
    "anatomy": Metric(anatomy.count, anatomy.read),
}
