"""The generator MCIS."""

from collections.abc import Mapping

from wsss_harness import hookimpl
from wsss_mcis.mcis import Mcis

__all__ = ["Mcis"]


@hookimpl
def wsss_generators() -> Mapping[str, type[Mcis]]:
    return {"mcis": Mcis}
