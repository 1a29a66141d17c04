"""PAR against the released numbers and a naive loop."""

import math

import numpy as np
import torch
from golden_files import close, golden

from wsss_toco.par import AROUND, Par, position_weights, shifted


def numbers(name):
    return torch.from_numpy(golden("toco.npz")[name])


def test_neighbours_are_those_of_the_released_program():
    expected = numbers("par_neighbours_of_ramp")
    ramp = torch.arange(30.0).reshape(1, 1, 5, 6)
    near = torch.stack([maps[0, 0, 2, 3] for maps in shifted(ramp, Par().dilations)])
    assert torch.equal(near, expected.to(near))


def test_weights_are_those_of_the_released_program():
    images = numbers("par_image_uint8") / 255
    assert close(position_weights(Par().dilations), numbers("par_position_weights"), 1e-5)
    (y, x), weights = numbers("par_affinity_at").T, Par().weights(images)
    expected = numbers("par_affinity")
    at_places = weights[:, :, y, x].permute(2, 0, 1)
    assert close(at_places, expected, 1e-5)


def test_maps_are_those_of_the_released_program():
    images, masks = numbers("par_image_uint8") / 255, numbers("par_masks")
    assert close(Par(1)(images, masks), numbers("par_out1"), 1e-5)
    assert close(Par(10)(images, masks), numbers("par_out10"), 1e-5)
    few = Par(3, dilations=(1, 3))(images, masks)
    assert close(few, numbers("par_two_dilations_out3"), 1e-5)


def test_flat_image_spreads_by_position_alone():
    masks, expected = numbers("par_flat_masks"), numbers("par_flat_out1")
    flat = torch.full((1, 3, *masks.shape[2:]), 0.5)
    assert close(Par(1)(flat, masks), expected, 1e-5)
    assert close(Par(10)(flat, masks), numbers("par_flat_out10"), 1e-5)


def test_normalised_weights_keep_a_constant_map():
    images, ones = torch.rand(1, 3, 9, 8), torch.ones(1, 2, 9, 8)
    assert torch.allclose(Par(5, normalised=True)(images, ones), ones, atol=1e-5)
    assert torch.allclose(Par(5)(images, ones), ones * 1.01**5, atol=1e-4)


def test_par_equals_a_naive_loop():
    rng = np.random.default_rng(0)
    image, mask = rng.random((3, 6, 5)), rng.random((6, 5))
    par = Par(2, dilations=(1, 2))
    actual = par(torch.from_numpy(image)[None], torch.from_numpy(mask)[None, None])[0, 0]
    expected = naive(naive(mask, image, par), image, par)
    assert np.abs(actual.numpy() - expected).max() < 1e-7  # positions are single precision


def naive(mask, image, par):
    height, width = mask.shape
    steps = [(d * y, d * x) for d in par.dilations for y, x in AROUND]
    distances = [math.hypot(*step) for step in steps]
    positions = soft([-((d / np.std(distances, ddof=1) / 0.3) ** 2) for d in distances])
    spread = np.zeros_like(mask)
    for y in range(height):
        for x in range(width):
            near = [
                (min(max(y + down, 0), height - 1), min(max(x + right, 0), width - 1))
                for down, right in steps
            ]
            energies = np.zeros(len(near))
            for channel in image:
                colours = np.array([channel[place] for place in near])
                deviation = colours.std(ddof=1) + 1e-8
                energies -= ((colours - channel[y, x]) / deviation / 0.3) ** 2 / 3
            weights = soft(energies) + par.position * positions
            spread[y, x] = sum(w * mask[place] for w, place in zip(weights, near, strict=True))
    return spread


def soft(energies):
    powers = np.exp(np.array(energies) - max(energies))
    return powers / powers.sum()
