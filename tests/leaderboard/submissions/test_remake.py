"""A row that was made again is compared with its record."""

from sample_submissions import LAST, moved, record_of

from wsss_leaderboard.records.record import load_record
from wsss_leaderboard.submissions import remake
from wsss_leaderboard.submissions.remake import compare


def test_torch_has_the_threads_of_the_record(good):
    import torch

    record = load_record(record_of(good))
    step = record.steps[0].model_copy(update={"environment": {"threads": "1"}})
    before = torch.get_num_threads()
    with remake.as_recorded(record.model_copy(update={"steps": (step,)})):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_equal_bytes_can_only_be_asked_for_on_the_same_machinery(good):
    record = load_record(record_of(good))
    assert compare(record, record).alike
    assert not compare(record, record).differing
    other = {"device": "cpu", "threads": "64"}
    changed = moved(record, environment=other, products="x")
    result = compare(moved(record, environment=other), changed)
    assert (result.differing, result.alike) == ((LAST,), True)
    assert not compare(moved(record, environment={**other, "threads": "2"}), changed).alike
    gpu = moved(record, environment={"device": "NVIDIA H100"})
    assert not compare(gpu, gpu).alike


def test_thresholds_that_a_rescored_record_leaves_empty_are_not_claimed(good):
    record = load_record(record_of(good))
    masks = record.masks.model_copy(update={"curve": (), "others": {}})
    assert compare(record.model_copy(update={"masks": masks}), record).unlike == ()


def test_missing_segmentor_is_reported(good):
    record = load_record(record_of(good))
    other = record.segmentations[0].model_copy(update={"segmentor": "two"})
    result = compare(record.model_copy(update={"segmentations": (other,)}), record)
    assert "segmentations.0.segmentor is two, measured again one" in result.unlike
