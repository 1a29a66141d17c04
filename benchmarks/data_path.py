"""Training items of EPS, from files to a batch, against the steps of the released pipeline."""

import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from photographs import photographs
from PIL import Image
from timing import Result, interleave
from torch.utils.data import default_collate
from torchvision.transforms import ColorJitter

from wsss_harness.contract.supervision import IMAGE_LABELS, SALIENCY, Ledger, View
from wsss_harness.datasets.voc_folder import VocFolder
from wsss_harness.networks.classmaps.augment import Augmentation
from wsss_harness.networks.classmaps.fitting import item_maker

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
RESIZE, JITTER = (256, 512), (0.3, 0.3, 0.3, 0.1)
BATCH = 8


def data_path(quick):
    size, count, crop, repeats = ((60, 80), 8, 56, 1) if quick else ((375, 500), 40, 448, 7)
    resize = tuple(side * crop // 448 for side in RESIZE)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        description = write(root, count, size)
        view = View(
            VocFolder(str(root)).open(root),
            "train",
            (IMAGE_LABELS, SALIENCY),
            Ledger(root / "read"),
            "the benchmark",
        )
        augmentation = Augmentation(crop=crop, mean=MEAN, std=STD, jitter=JITTER, resize=resize)
        make = item_maker(view, augmentation)
        rng = np.random.default_rng(0)

        def ours():
            return batches(view.ids, lambda image_id: make(image_id, rng))

        def peer():
            return batches(view.ids, lambda image_id: released(root, image_id, crop, resize, rng))

        medians = interleave(ours, peer, repeats, time.process_time)
        times = [seconds / count for seconds in medians]
    note = (
        f"CPU seconds per item of {description} of {size[1]}x{size[0]} with saliency, "
        f"batches of {BATCH}, crop {crop}, colour jitter, one thread; peer: the steps of "
        "halbielee/EPS (metadata/dataset.py, util/imutils.py)"
    )
    return Result("data_path", *times, "s", note)


def write(root, count, size):
    """A dataset in VOC layout of ``count`` images; returns their description."""
    images, description = photographs(count, size)
    names = [f"image_{number:03d}" for number in range(count)]
    for folder in ("JPEGImages", "saliency", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(root / f"JPEGImages/{name}.jpg", quality=92)
        grey = Image.fromarray(image).convert("L")
        grey.point(lambda level: 255 * (level > 120)).save(root / f"saliency/{name}.png")
    for split, ids in {"train": names[1:], "val": names[:1]}.items():
        (root / f"ImageSets/Segmentation/{split}.txt").write_text("\n".join(ids))
    labels = {"classes": ["thing"], "labels": {name: ["thing"] for name in names}}
    (root / "image_labels.json").write_text(json.dumps(labels))
    return description


def batches(ids, make):
    items = [make(image_id) for image_id in ids]
    return [default_collate(items[i : i + BATCH]) for i in range(0, len(items), BATCH)]


def released(root, image_id, crop, resize, rng):
    """An item in the order of the released steps: both pictures RGB, arrays of whole images."""
    image = Image.open(root / f"JPEGImages/{image_id}.jpg").convert("RGB")
    saliency = Image.open(root / f"saliency/{image_id}.png").convert("RGB")
    factor = rng.integers(resize[0], resize[1] + 1) / max(image.size)
    size = tuple(round(side * factor) for side in image.size)
    image, saliency = (picture.resize(size, Image.BICUBIC) for picture in (image, saliency))
    if rng.random() < 0.5:
        image, saliency = (
            picture.transpose(Image.FLIP_LEFT_RIGHT) for picture in (image, saliency)
        )
    pixels = np.asarray(ColorJitter(*JITTER)(image))
    normal = np.empty_like(pixels, np.float32)
    for channel in range(3):
        normal[..., channel] = (pixels[..., channel] / 255.0 - MEAN[channel]) / STD[channel]
    grey = np.asarray(saliency) / 255.0
    place = [(rng.integers(abs(side - crop) + 1), side) for side in normal.shape[:2]]
    cropped = [laid_in(values, place, crop) for values in (normal, grey)]
    picture, mask = (torch.from_numpy(values.transpose(2, 0, 1).copy()) for values in cropped)
    return {"image": picture, "saliency": mask.mean(0, keepdim=True), "present": torch.ones(1)}


def laid_in(values, place, crop):
    filled = np.zeros((crop, crop, 3), np.float32)
    sources = tuple(slice(at, at + crop) if side > crop else slice(side) for at, side in place)
    targets = tuple(slice(crop) if side > crop else slice(at, at + side) for at, side in place)
    filled[targets] = values[sources]
    return filled
