"""A rank of torchrun that trains a small network and prints its loss curve; see test_distributed.

python distributed_curve.py FOLDER
"""

import json
import sys
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


if __name__ == "__main__":
    distributed.init_process_group("gloo")
    losses = curve(Path(sys.argv[1]))
    if distributed.get_rank() == 0:
        print("losses", json.dumps(losses))
    distributed.barrier()  # a rank that ends early may abort the others
    distributed.destroy_process_group()
