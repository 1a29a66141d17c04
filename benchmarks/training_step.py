"""EPS training, class maps and the walk on this machine's device, against its matrix peak.

On a GPU it uses the sizes of the paper (ResNet38, crops of 448, batches of 8), bf16 and channels
last; on a CPU small sizes and 32 bits. Weights are random: time does not depend on them.
"""

import time

import numpy as np
import torch
from timing import Result
from torch.utils.flop_counter import FlopCounterMode

from wsss_affinity.affinities import affinity_maps
from wsss_eps import Eps
from wsss_harness.contract.types import Sample
from wsss_harness.networks.affinity.walk import propagate
from wsss_harness.stages.scoring import at_once

CLASSES = tuple(f"class_{index}" for index in range(1, 21))


def training_step(quick):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    width, crop, batch, repeats = (1.0, 448, 8, 20) if device == "cuda" else (0.25, 112, 4, 3)
    if quick:
        width, crop, batch, repeats = 0.0625, 32, 2, 1
    eps = Eps(backbone={"name": "resnet38", "width": width}, scales=(0.5, 1.0, 1.5, 2.0))
    step, flops = training(eps, crop, batch, device)
    ours = seconds(step, repeats, device) / batch
    peer = flops / batch / peak(device, quick)
    images = at_once(device)
    score = scoring(eps, (crop * 5 // 6, crop * 10 // 9), device, images)
    maps = seconds(score, repeats, device) / images
    walk = seconds(walking((12, 16) if quick else (47, 63), device), repeats, device)
    note = (
        f"seconds an image of a training step of EPS, ResNet38 of width {width:g}, crop {crop}, "
        f"batch {batch}, {type_of(device)} on {name_of(device)}; {1 / ours:.3g} images a second, "
        f"{100 * peer / ours:.0f} % of the matrix peak. Maps at four scales: {1 / maps:.3g} images "
        f"a second; walks: {1 / walk:.3g} a second; peer: {flops / batch:.3g} operations an image "
        "at the measured peak"
    )
    return Result("training_step", ours, peer, "s", note)


def type_of(device):
    return torch.bfloat16 if device == "cuda" else torch.float32


def name_of(device):
    return torch.cuda.get_device_name() if device == "cuda" else "a CPU"


def training(eps, crop, batch, device):
    """A training step as a function, and the floating-point operations of one."""
    network = eps.network(len(CLASSES)).to(device, memory_format=torch.channels_last).train()
    loss = eps.loss(CLASSES)
    images = torch.randn(batch, 3, crop, crop, device=device)
    images = images.contiguous(memory_format=torch.channels_last)
    present = torch.zeros(batch, len(CLASSES), device=device)
    present[:, 0] = 1
    saliency = torch.rand(batch, 1, crop, crop, device=device)
    items = {"image": images, "present": present, "saliency": saliency}
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(trained, 0.01)

    def step():
        optimizer.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            total = sum(loss(network, items).values())
        total.backward()
        optimizer.step()

    with FlopCounterMode(display=False) as counter:
        step()
    return step, counter.get_total_flops()


def scoring(eps, size, device, images):
    """Maps of some images at all scales and mirrored, as the harness makes them."""
    from wsss_harness.networks.classmaps import inference

    score = inference.Scorer(eps.network(len(CLASSES)).to(device).eval(), eps.inference())
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    sample = Sample("image", {"image": image, "image_labels": (1, 5)}.__getitem__)
    return lambda: score.many([sample] * images)


def walking(grid, device):
    features = torch.randn(448, *grid, device=device)
    scores = torch.rand(3, *grid, device=device)
    return lambda: propagate(scores, affinity_maps(features, 5), 5)


def peak(device, quick):
    """Floating-point operations a second of the best of several large matrix products."""
    side = {"cuda": 8192, "cpu": 256 if quick else 1024}[device]
    first, second = torch.randn(2, side, side, device=device, dtype=type_of(device))
    best = min(seconds(lambda: first @ second, 1, device) for _ in range(10))
    return 2 * side**3 / best


def seconds(work, repeats, device):
    """Mean seconds of a call, after a call to warm up."""
    work()
    wait(device)
    start = time.perf_counter()
    for _ in range(repeats):
        work()
    wait(device)
    return (time.perf_counter() - start) / repeats


def wait(device):
    if device == "cuda":
        torch.cuda.synchronize()
