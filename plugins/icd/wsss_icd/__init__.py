"""The generator ICD."""

from collections.abc import Mapping

from wsss_harness import hookimpl
from wsss_icd.icd import Icd

__all__ = ["Icd"]


@hookimpl
def wsss_generators() -> Mapping[str, type[Icd]]:
    return {"icd": Icd}
