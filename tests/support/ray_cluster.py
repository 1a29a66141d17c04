"""Run the small suite on a Ray cluster of three nodes of this machine, one of which is killed.

python ray_cluster.py STORE, in a network namespace of its own. Prints what happened as JSON.
"""

import json
import sys
from pathlib import Path

import ray
import small_suite
from ray.cluster_utils import Cluster

from wsss_harness import testing
from wsss_harness.contract.hookspecs import StageEvent
from wsss_harness.execution.engine import Engine
from wsss_harness.execution.executors.ray import Ray
from wsss_harness.execution.job import Policy
from wsss_harness.execution.run import prepare_suite, run_suite
from wsss_harness.store.store import Store

NODES = 3
SUITE = {
    "dataset": {"name": "in_memory", "count": 24},
    "generators": {
        name: {"name": "redness", "pause": 2.0, "value": 1.0 - number / 10}
        for number, name in enumerate("ABCDEF")
    },
    "rows": [{"method": name, "generator": name, "segmentors": ["one"]} for name in "ABCDEF"],
    "seeds": [0],
}


def main() -> None:
    cluster = Cluster(head_node_args={"num_cpus": 1, "include_dashboard": False})
    lost = [cluster.add_node(num_cpus=1) for _ in range(NODES - 1)][-1]
    cluster.wait_for_nodes()
    events: list[StageEvent] = []

    def notify(event: StageEvent) -> None:
        nonlocal lost
        events.append(event)
        fits = [e for e in events if e.kind == "started" and e.stage.startswith("fit")]
        if lost is not None and len(fits) >= NODES:
            cluster.remove_node(lost, allow_graceful=False)
            lost = None

    plugins, suite = small_suite.plugins(), small_suite.suite(**SUITE)
    store = Store(Path(sys.argv[1]), notify)
    engine = Engine(store, Ray(cluster.address, threads=1), Policy(shards=2))
    with engine.session():
        dataset = prepare_suite(suite, plugins, engine)
        outcomes = list(run_suite(suite, plugins, engine, dataset))
        nodes = sum(node["Alive"] for node in ray.nodes())
    sent = [[event.kind, event.stage, event.key] for event in events]
    failures = [str(outcome.failure) for outcome in outcomes if outcome.failure]
    findings = [
        str(finding) for finding in testing.check("executor", "ray", {"address": cluster.address})
    ]
    result = {"nodes": nodes, "failures": failures, "events": sent, "check": findings}
    print(json.dumps(result))
    cluster.shutdown()


if __name__ == "__main__":
    main()
