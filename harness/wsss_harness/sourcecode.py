"""Whose source code decides what a stage writes; its digest is part of the stage's key."""

from typing import Any


def modules(*names: str) -> tuple[str, ...]:
    return tuple(f"wsss_harness.{name}" for name in names)


# The modules whose source decides what a stage writes; every stage reads data and writes files.
CORE = modules("stages", "files", "types", "supervision", "scorefiles", "datasets.voc_folder")
MEASURE_CODE = (*CORE, *modules("metrics"))
NETWORK_CODE = (
    *CORE,
    *modules("backbones", "classmaps", "settings", "fitting", "training", "resuming"),
    *modules("optimizers", "mmseg_quiet"),
)
SEGMENTOR_CODE = (*NETWORK_CODE, *modules("segmentors", "metrics"))


def package_of(made: Any) -> str:
    """The package that a plugin's class or function comes from; the harness's own by module."""
    module: str = getattr(made, "__module__", None) or type(made).__module__
    package = module.partition(".")[0]
    return module if package == "wsss_harness" else package
