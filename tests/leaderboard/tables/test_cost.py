"""The table of what rows cost."""

from sample_records import record

from wsss_leaderboard.records.provenance import Cost, Step
from wsss_leaderboard.tables.cost import cost_table


def steps(*costs):
    return tuple(Step(stage=f"fit {n}", key=str(n), cost=cost) for n, cost in enumerate(costs))


def cells(*records):
    return [row.cells for row in cost_table(records).rows]


def test_time_of_stages_adds_up_and_memory_is_that_of_the_largest():
    first = Cost(wall_seconds=900, cpu_seconds=60, peak_memory=2**30)
    second = Cost(wall_seconds=900, cpu_seconds=120, gpu_seconds=30, peak_memory=2**20)
    assert cells(record("CAM", steps=steps(first, second))) == [
        ("CAM", "I.+S.", "3.0", "0.5", "1,024")
    ]


def test_seeds_are_averaged_and_unknown_cost_is_left_out():
    runs = [
        record("CAM", seed=seed, steps=steps(Cost(wall_seconds=1, cpu_seconds=60 * (1 + seed))))
        for seed in (0, 1)
    ]
    assert cells(*runs) == [("CAM", "I.+S.", "1.5", "-", "-")]
