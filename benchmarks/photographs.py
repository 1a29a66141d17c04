"""Photographs for benchmarks whose cost depends on content, or images with similar statistics."""

import os
from itertools import cycle, islice
from pathlib import Path

import cv2
import numpy as np

from wsss_harness.system.pictures import read_photograph

FOLDER = "WSSS_PHOTOS"  # an environment variable: a folder of .jpg files


def photographs(count, size):
    """``count`` uint8 images of ``size`` from the folder or generated, and their description."""
    folder = os.environ.get(FOLDER)
    if not folder:
        rng = np.random.default_rng(0)
        return [
            generated(rng, size) for _ in range(count)
        ], f"generated images ({FOLDER} is not set)"
    paths = sorted(Path(folder).glob("*.jpg"))
    if not paths:
        raise SystemExit(f"{FOLDER} is {folder}, which holds no .jpg file")
    chosen = list(islice(cycle(paths[:: max(1, len(paths) // count)]), count))
    return [fitted(read_photograph(path), size) for path in chosen], "photographs"


def fitted(image, size):
    """``image`` turned to the orientation of ``size`` and resized to it."""
    height, width = size
    if (image.shape[0] > image.shape[1]) != (height > width):
        image = np.ascontiguousarray(image.swapaxes(0, 1))
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_CUBIC)


def generated(rng, size):
    """Shaded objects on a background, both with the texture of most photographs: noise whose
    strength falls with frequency."""
    image = texture(rng, size)
    for _ in range(8):
        inside = np.zeros(size, np.uint8)
        cv2.ellipse(inside, *ellipse(rng, size), 1, -1)
        soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.8)[..., None]
        image += soft * (texture(rng, size) - image)
    image += rng.normal(0, 2, image.shape).astype(np.float32)
    return np.clip(image, 0, 255).astype(np.uint8)


def ellipse(rng, size):
    height, width = size
    centre = int(width * rng.random()), int(height * rng.random())
    axes = int(width * rng.uniform(0.04, 0.25)), int(height * rng.uniform(0.04, 0.3))
    return centre, axes, rng.uniform(0, 180), 0, 360


def texture(rng, size):
    """(H, W, 3): a colour, shaded by octaves of smooth noise that the channels share in part."""
    height, width = size
    total = np.zeros((*size, 3), np.float32)
    for octave in range(1, 7):
        grid = (2 + 2**octave, 2 + 2**octave)
        shared = rng.normal(0, 1, (*grid, 1)) + 0.3 * rng.normal(0, 1, (*grid, 3))
        wave = cv2.resize(shared.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        total += wave * 24 / octave
    return total + rng.uniform(40, 215, 3).astype(np.float32)
