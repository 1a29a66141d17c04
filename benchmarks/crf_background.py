"""The background from which a CRF starts, on photographs: mIoU of masks with and without the CRF.

python benchmarks/crf_background.py FOLDER --weights FILE [--every N] [--images N] [--only EPS]

FOLDER has the layout of VOC, with saliency maps, and images about half as large as those of VOC, so
the CRF's widths are halved. On the frozen features of MobileNetV2 (FILE, torchvision's names,
pixels from -1 to 1) two heads are trained: CAM, whose maps are stretched as SEAM's are and have the
CRF of psa, and EPS with the CRF that its authors name. Masks of images of train are scored.
"""

import argparse
import sys
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate, multilabel_soft_margin_loss

from wsss_affinity import Crf
from wsss_affinity.backgrounds import Background
from wsss_eps import loss as eps
from wsss_harness import ClassScores
from wsss_harness.datasets.voc_folder import VocFolder
from wsss_harness.metrics.confusion import confusion, iou, mean
from wsss_harness.networks import backbones
from wsss_harness.networks.backbones.weights import load_weights
from wsss_harness.networks.classmaps.augment import normalise
from wsss_harness.networks.classmaps.inference import divide_by_maximum, scaled, stretch
from wsss_harness.stages.background_rules import Explicit, to_mask

CONSTANTS = (0.1, 0.15, 0.2, 0.26, 0.3)
ALPHAS = (1, 2, 4, 8, 16, 32)
CRFS = {"CAM": "psa", "EPS": "deeplab"}
SCALE = 1.5  # of the images that the network sees
STEPS, BATCH = 1500, 16


class Photo(NamedTuple):
    image_id: str
    image: Any  # (H, W, 3) uint8
    present: tuple[int, ...]
    truth: Any  # (H, W), 255 ignored
    saliency: Any  # (H, W) in [0, 1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1, help="take every Nth image of train")
    parser.add_argument("--images", type=int, help="how many of them to score; default: all")
    parser.add_argument("--only", choices=CRFS, help="one generator")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    data = VocFolder(str(options.folder)).open(Path())
    ids = data.ids("train")[:: options.every]
    photos = [photo(data, image_id) for image_id in ids]
    backbone = backbones.build("mobilenet_v2", output_stride=16, normalise="half").eval()
    load_weights(backbone, options.weights)
    features = [features_of(backbone, shown.image) for shown in photos]
    print(f"{len(ids)} images of train, {len(ids[:: step(ids, options)])} of them scored")
    for name, scores in (("CAM", cam), ("EPS", saliency_guided)):
        if options.only not in (None, name):
            continue
        made = scores(features, photos, len(data.classes))
        chosen = list(zip(photos, made, strict=True))[:: step(ids, options)]
        report(name, chosen, len(data.classes), options.processes)


def step(ids, options):
    return max(1, len(ids) // (options.images or len(ids)))


def photo(data, image_id):
    parts = (data.image, data.present, data.truth, data.saliency)
    return Photo(image_id, *(part(image_id) for part in parts))


@torch.inference_mode()
def features_of(backbone, image):
    """(2, 1280, h, w): of the image and of its mirror image, in half precision."""
    pixels = torch.from_numpy(normalise(scaled(image, SCALE), backbone.mean, backbone.std))
    return backbone(torch.stack([pixels, pixels.flip(-1)]))["out"].half()


def labels(photos, classes):
    present = torch.zeros(len(photos), classes)
    for row, shown in zip(present, photos, strict=True):
        row[[number - 1 for number in shown.present]] = 1
    return present


def trained(channels, batch_loss, features):
    """A 1x1 head, trained on batches of whole images."""
    head = nn.Conv2d(features[0].shape[1], channels, 1, bias=False)
    optimizer = torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=1e-4)
    for _ in range(STEPS):
        rows = torch.randint(len(features), (BATCH,)).tolist()
        side = int(torch.randint(2, ()))
        maps = [head(features[row][side : side + 1].float()) for row in rows]
        loss = batch_loss(rows, side, maps)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return head


def cam(features, photos, classes):
    present = labels(photos, classes)

    def loss(rows, side, maps):
        pooled = torch.cat([one.mean((2, 3)) for one in maps])
        return multilabel_soft_margin_loss(pooled, present[rows])

    head = trained(classes, loss, features)
    return scores_of(head, features, photos, torch.relu, stretch)


def saliency_guided(features, photos, classes):
    present = labels(photos, classes)
    saliency = [torch.from_numpy(np.array(p.saliency, np.float32))[None, None] for p in photos]
    select = eps.adaptive(0.4)

    def loss(rows, side, maps):
        pooled = torch.cat([one.mean((2, 3)) for one in maps])
        total = eps.classification_loss(pooled, present[rows])
        for row, one in zip(rows, maps, strict=True):
            seen = saliency[row].flip(-1) if side else saliency[row]
            total = total + eps.saliency_loss(one, seen, present[[row]], select, 0.5) / len(rows)
        return total

    head = trained(classes + 1, loss, features)
    return scores_of(head, features, photos, lambda maps: maps.softmax(1), divide_by_maximum)


@torch.inference_mode()
def scores_of(head, features, photos, activate, normalised):
    """The scores of each image: maps of both sides, enlarged, summed and normalised."""
    made = []
    for feature, shown in zip(features, photos, strict=True):
        maps = activate(head(feature.float()))[:, [number - 1 for number in shown.present]]
        large = interpolate(maps, shown.image.shape[:2], mode="bilinear", align_corners=False)
        total = large[0] + large[1].flip(-1)
        values = normalised(total).clamp(0, 1).numpy()
        made.append(ClassScores(shown.present, values))
    return made


def report(name, chosen, classes, processes):
    """Print a row of mIoU for each background, without and with the CRF."""
    print(f"\n| {name}: background | without CRF | with the CRF {CRFS[name]} |\n|---|---|---|")
    kinds = [Background(kind="constant", threshold=value) for value in CONSTANTS]
    kinds += [Background(alpha=value) for value in ALPHAS]
    work = [(name, classes, kinds, *pair) for pair in chosen]
    with get_context("spawn").Pool(processes) as pool:
        counts = sum(pool.imap_unordered(counted, work, chunksize=4))
    for kind, (plain, sharp) in zip(kinds, 100 * mean(iou(counts)), strict=True):
        constant = kind.kind == "constant"
        label = f"{kind.threshold}" if constant else f"(1 - largest)^{kind.alpha:g}"
        print(f"| {label} | {plain:.1f} | {sharp:.1f} |", flush=True)


def counted(work):
    """Confusion counts (backgrounds, 2, C + 1, C + 2) of an image, without and with the CRF."""
    name, classes, kinds, shown, scores = work
    torch.set_num_threads(1)
    counts = []
    for kind in kinds:
        background = kind.score(scores, shown.image_id)
        crf = Crf(CRFS[name], scale=2.0, background=kind)
        plain = ClassScores(scores.classes, scores.values, background)
        masks = [to_mask(s, Explicit(), None) for s in (plain, crf.refine(shown, scores))]
        counts.append([confusion(shown.truth, mask, classes) for mask in masks])
    return np.array(counts)


if __name__ == "__main__":
    sys.exit(main())
