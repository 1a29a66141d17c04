"""One of two processes that train a small network, and the loss curve; see test_distributed.

python distributed_curve.py FOLDER
"""

import json
import sys
from datetime import timedelta
from pathlib import Path

import torch
from mmengine.hooks import Hook
from torch import distributed, nn

from wsss_harness.contract.hookspecs import Run
from wsss_harness.networks.training.loop import Draws, train

BATCH, ITERATIONS = 8, 12


class Curve(Hook):
    """Keeps the mean of the losses of all processes."""

    def __init__(self):
        self.losses = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        loss = outputs["loss"].detach().clone()
        if distributed.is_initialized():
            distributed.all_reduce(loss)
            loss /= distributed.get_world_size()
        self.losses.append(loss.item())


def item(image_id, rng):
    image = torch.from_numpy(rng.normal(size=(3, 8, 8)).astype("float32"))
    return {"image": image, "truth": 1 + image.std()}


def loss(network, batch):
    return {"loss": (network(batch["image"]).mean((1, 2, 3)) - batch["truth"]).square().mean()}


def curve(folder):
    """The losses of a training; those of all processes together, if there are several."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 1, 3))
    optimizer, losses_hook = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9), Curve()
    draws = Draws([str(number) for number in range(20)], item, seed=3)
    numbers = {"iterations": ITERATIONS, "batch": BATCH}
    train(network, loss, draws, Run(folder), optimizer=optimizer, hooks=[losses_hook], **numbers)
    return losses_hook.losses


def curve_of_rank(rank, folder):
    """The losses of the training of which this process is one of two."""
    meeting = f"file://{folder / 'meeting'}"
    seconds = timedelta(seconds=100)
    distributed.init_process_group("gloo", meeting, seconds, world_size=2, rank=rank)
    try:
        losses = curve(folder / "two")
        distributed.barrier()  # a rank that ends early may abort the other
        return losses
    finally:
        distributed.destroy_process_group()


if __name__ == "__main__":
    print(json.dumps(curve_of_rank(1, Path(sys.argv[1]))))
