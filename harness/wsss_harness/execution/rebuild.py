"""Rebuild the stages of a suite in another process.

The function of a stage closes over the suite and cannot be sent to another process. What is sent is
the suite and the key of the stage; the other process rebuilds the stages and picks that one.
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from wsss_harness.contract.errors import StageError
from wsss_harness.plugins.registry import installed
from wsss_harness.store.stage import Stage, upstream
from wsss_harness.store.store import Store
from wsss_harness.suite.graph import Graph
from wsss_harness.suite.spec import Suite
from wsss_harness.suite.suite_rows import known_rows


def rebuild_stage(suite_json: str, key: str, root: Path) -> Stage:
    """The stage with this key.

    Raises:
        StageError: the suite has none, since the code here differs from that of the run.
    """
    has_data = Store(root).done(_data_stage(suite_json))
    stages = _stages_by_key(suite_json, root, has_data)
    if key not in stages:
        raise StageError(
            "the source code of the harness or of a plugin is not that with which this run began; "
            "run again, and on a cluster install the same version everywhere"
        )
    return stages[key]


@lru_cache(maxsize=1)
def _data_stage(suite_json: str) -> Stage:
    suite = Suite.model_validate_json(suite_json)
    return Graph(suite, installed(), suite.seeds[0]).data


@lru_cache(maxsize=1)
def _stages_by_key(suite_json: str, root: Path, has_data: bool) -> Mapping[str, Stage]:
    """All stages of a suite; ``has_data`` belongs to the cache key: data brings control rows."""
    suite = Suite.model_validate_json(suite_json)
    rows, saliency_stages = known_rows(suite, installed(), Store(root))
    targets = [target for row in rows for target in row.targets]
    return {stage.key: stage for stage in upstream(*targets, *saliency_stages)}
