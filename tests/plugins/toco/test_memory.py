"""Queue, prototypes and losses of SeCo against the released numbers."""

import pytest
import torch
from golden_files import close, golden

from wsss_toco.memory import Queue, moved_prototypes
from wsss_toco.tag_losses import prototype_loss, queue_loss


def numbers(name):
    return torch.from_numpy(golden("seco.npz")[name])


def test_prototypes_are_the_released_ones():
    before, tags = numbers("proto_before"), numbers("proto_class")
    moved = moved_prototypes(before, numbers("proto_embed"), tags)
    assert close(moved, numbers("proto_after"), 1e-6)
    unmoved = moved_prototypes(before, numbers("proto_embed"), torch.full_like(tags, -1))
    assert close(unmoved, numbers("proto_after_no_single_class"), 1e-6)


@pytest.mark.parametrize("case", ["con", "conb", "cond", "conc"])
def test_losses_of_tags_are_the_released_ones(case):
    queries = numbers(f"{case}_q").requires_grad_()
    loss, tags = queue_loss(
        queries,
        numbers(f"{case}_flags"),
        numbers(f"{case}_keys_and_queue"),
        numbers(f"{case}_all_flags"),
    )
    assert torch.equal(tags.long(), numbers(f"{case}_lil_flags_revised").long())
    pairs = [("lil", loss), ("lig", prototype_loss(queries, tags, numbers(f"{case}_prototypes")))]
    for name, value in pairs:
        expected = numbers(f"{case}_{name}_loss")
        assert abs(value.detach() - expected).item() <= 1e-5 * max(1, abs(expected.item()))
        (gradient,) = torch.autograd.grad(value, queries, retain_graph=True)
        released = golden("seco.npz").get(f"{case}_{name}_grad")
        if released is not None and released.any():
            assert close(gradient, released, 1e-4)
        else:
            assert not gradient.any()


def test_queue_wraps_as_released():
    places = numbers("queue_ptr_sequence").tolist()
    kept, size = numbers("queue_after_four_blocks"), places[0]
    queue = Queue(len(kept), 1, 0)
    for block, place in enumerate(places, 1):
        queue.add(torch.full((size, 1), float(block)), torch.full((size,), 10.0 * block))
        assert queue.place.tolist() == [place]
    assert torch.equal(queue.keys[:, 0], kept)
    assert torch.equal(queue.tags, numbers("queue_labels_after_four_blocks"))


def test_queue_starts_normalised_over_its_length_as_released():
    queue = Queue(12, 5, -1)
    assert bool(numbers("init_queue_column_norms_are_one"))
    assert torch.allclose(queue.keys.norm(dim=0), torch.ones(5))
    assert (queue.tags == -1).all()
    assert float(Queue(3, 2, 0).tags.sum()) == float(numbers("init_queue_label_sum"))
