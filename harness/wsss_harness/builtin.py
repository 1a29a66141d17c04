"""What the harness itself offers, through the hooks that plugins use."""

from collections.abc import Mapping
from typing import Any

from wsss_harness.contract.hookspecs import Metric, hookimpl


@hookimpl
def wsss_datasets() -> Mapping[str, type[Any]]:
    from wsss_harness.datasets.coco import Coco14
    from wsss_harness.datasets.railscenes import Icons, RailScenes
    from wsss_harness.datasets.voc_folder import VocFolder

    return {"railscenes": RailScenes, "icons": Icons, "voc_folder": VocFolder, "coco14": Coco14}


@hookimpl
def wsss_generators() -> Mapping[str, type[Any]]:
    from wsss_harness.packs import MaskPack

    return {"pack": MaskPack}


@hookimpl
def wsss_segmentors() -> Mapping[str, type[Any]]:
    from wsss_harness.networks.segmentors import MmsegSegmentor
    from wsss_harness.stages import single_stage

    return {"mmseg": MmsegSegmentor, single_stage.NAME: single_stage.SingleStage}


@hookimpl
def wsss_executors() -> Mapping[str, type[Any]]:
    from wsss_harness.execution.executors.inline import Inline
    from wsss_harness.execution.executors.local import Local
    from wsss_harness.execution.executors.ray import Ray

    return {"local": Local, "inline": Inline, "ray": Ray}


@hookimpl
def wsss_metrics() -> Mapping[str, Metric]:
    from wsss_harness.metrics import METRICS

    return METRICS
