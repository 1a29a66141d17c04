"""Training a segmentor as a stage, against mmengine's Runner with the same configuration."""

import contextlib
import io
import shutil
import tempfile
from pathlib import Path

import numpy as np
import torch
from crf_processes import Pictures
from mmengine.optim import build_optim_wrapper
from mmengine.registry import DefaultScope
from mmengine.runner import Runner
from mmengine.structures import PixelData
from PIL import Image
from scenes import scene
from timing import Result, interleave

from wsss_harness.contract.supervision import Ledger, View
from wsss_harness.execution.run_stage import make_stage
from wsss_harness.networks.mmseg_imports import SegDataSample
from wsss_harness.networks.segmentors import MmsegSegmentor
from wsss_harness.networks.segmentors.fitting import augmentation, build, item_maker
from wsss_harness.networks.training.optimizers import ReleasedPolyLR
from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.system.pictures import write_mask

SIZE, CLASSES, IMAGES = (96, 128), 20, 64


def overhead(quick):
    iterations, batch, repeats = (2, 2, 1) if quick else (60, 16, 5)
    segmentor = MmsegSegmentor("deeplab_v1_railscenes", iterations=iterations, batch=batch)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder)
        times = interleave(
            lambda: by_harness(folder, segmentor), lambda: by_mmengine(folder, segmentor), repeats
        )
    note = (
        f"seconds per iteration of DeepLab V1 on a slim ResNet18, batch {batch}, {iterations} "
        "iterations with start and end; peer: mmengine's Runner with the same "
        "network, optimizer, schedule and augmented images"
    )
    return Result("overhead", *(seconds / iterations for seconds in times), "s", note)


def write_images(folder):
    rng = np.random.default_rng(0)
    for number in range(IMAGES):
        image, _ = scene(rng, SIZE, CLASSES, 1)
        Image.fromarray(image).save(folder / f"{number:03d}.png")
        mask = rng.integers(0, CLASSES + 1, (SIZE[0] // 8, SIZE[1] // 8)).astype(np.uint8)
        write_mask(folder / "masks" / f"{number:03d}.png", mask.repeat(8, 0).repeat(8, 1))


def by_harness(folder, segmentor):
    """Make the stage in a new store."""
    root = folder / "store"
    shutil.rmtree(root, ignore_errors=True)

    def fit(work):
        from wsss_harness.contract.hookspecs import Run

        data = View(Pictures(folder), "train", (), work.ledger, "the benchmark")
        segmentor.fit(data, folder / "masks", Run(work.folder, progress=work.progress))

    stage = Stage("segment", "V1", fit, {}, heavy=True)
    make_stage(stage, Store(root))


def by_mmengine(folder, segmentor):
    """Train the same network on the same images without the harness."""
    settings = segmentor.configuration(CLASSES)
    data = View(Pictures(folder), "train", (), Ledger(folder / "read"), "the benchmark")
    network = build(settings.model, 0)
    poly = {"type": ReleasedPolyLR, "max_step": settings.train.iterations, "by_epoch": False}
    work = folder / "mmengine"
    quiet = contextlib.redirect_stdout(io.StringIO())
    with quiet, contextlib.redirect_stderr(io.StringIO()), scope():
        runner = Runner(
            model=network,
            work_dir=str(work),
            train_dataloader={
                "dataset": Items(data, folder / "masks", augmentation(settings)),
                "batch_size": settings.train.batch,
                "num_workers": 0,
                "sampler": {"type": "InfiniteSampler", "shuffle": True},
                "collate_fn": {"type": "pseudo_collate"},
            },
            train_cfg={"type": "IterBasedTrainLoop", "max_iters": settings.train.iterations},
            optim_wrapper=build_optim_wrapper(network, settings.optim_wrapper),
            param_scheduler=[{**poly, **settings.get("schedule", {})}],
            default_hooks={"checkpoint": {"type": "CheckpointHook", "by_epoch": False}},
            log_processor={"by_epoch": False},
        )
        runner.train()
    shutil.rmtree(work)


def scope():
    return DefaultScope.overwrite_default_scope("mmseg")


class Items(torch.utils.data.Dataset):
    """Augmented images and masks, as mmsegmentation packs them."""

    def __init__(self, data, masks, augment):
        self.ids, self.make = data.ids, item_maker(data, masks, augment)

    def __len__(self):
        return len(self.ids)

    def __getitem__(self, number):
        item = self.make(self.ids[number], np.random.default_rng())
        sample = SegDataSample(gt_sem_seg=PixelData(data=item["masks"]))
        return {"inputs": item["images"], "data_samples": sample}
