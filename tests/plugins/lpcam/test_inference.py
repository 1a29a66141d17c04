"""Maps of the centres: loops, cases by hand, and the released program."""

import numpy as np
import pytest
import torch
from golden_files import close, fill, golden

from wsss_lpcam.centres import Centres
from wsss_lpcam.inference import as_squares, attribution, divided, full_size, strided


def loop_cosine(a, b):
    return sum(a * b) / (np.sqrt(sum(a * a)) * np.sqrt(sum(b * b)))


@pytest.mark.parametrize("contexts", [0, 1, 3])
def test_attribution_agrees_with_a_loop(contexts):
    rng = np.random.default_rng(contexts)
    features, objects = rng.random((2, 5, 3, 4)), rng.random((2, 5))
    around = rng.random((contexts, 5))
    both = Centres(torch.from_numpy(objects), torch.from_numpy(around))
    actual = attribution(torch.from_numpy(features), both).numpy()
    for b, y, x in np.ndindex(actual.shape):
        f = features[b, :, y, x]
        expected = np.mean([loop_cosine(f, centre) for centre in objects])
        if contexts:
            expected = max(0, expected - np.mean([loop_cosine(f, centre) for centre in around]))
        assert abs(actual[b, y, x] - expected) <= 1e-12


def test_a_map_of_zeros_stays_zero_and_others_reach_one():
    maps = divided(torch.tensor([[[0.0, 0.0]], [[1.0, 4.0]]]))
    assert maps.tolist() == [[[0, 0]], [[0.25, 1]]]


def test_maps_of_an_image_without_classes_are_empty():
    none = [torch.zeros(0, 2, 3), torch.zeros(0, 4, 5)]
    assert full_size(none, (30, 41)).shape == (0, 30, 41)
    assert strided(none, (30, 41)).shape == (0, 8, 11)


def test_a_node_of_the_grid_stands_for_its_square():
    nodes = torch.arange(6.0).reshape(1, 2, 3)
    large = as_squares(nodes, (6, 9))
    assert large.shape == (1, 6, 9)
    assert all(large[0, y, x] == nodes[0, y // 4, x // 4] for y in range(6) for x in range(9))


# Golden numbers


@pytest.fixture(scope="module")
def file():
    return golden("lpcam.npz")


def rule_features(file, picture, scale, channels=2048):
    """The features of a picture and of its mirror image."""
    amplitudes = file[f"map_amp_img{picture}_s{scale}"].astype(np.float64)
    kinds = amplitudes.shape[1]
    planted = [fill(f"lpcam.proto{k}", -0.5, 1, (channels,)).double().numpy() for k in range(kinds)]
    shape = (2, channels, *amplitudes.shape[2:])
    noise = fill(f"lpcam.img{picture}.s{scale}", -0.5, 0.5, shape).double().numpy()
    total = noise + np.einsum("vkhw,kd->vdhw", amplitudes, np.stack(planted))
    values = np.maximum(total, 0).astype(np.float32)
    assert close(values[:, :3, 0, 0], file[f"map_feature_check_img{picture}_s{scale}"], 1e-6)
    return torch.from_numpy(values)


def rule_centres(file, channels=2048):
    """The centres of each class by the rule of the file."""
    classes = file["map_classes"].tolist()
    kinds = file["map_amp_img0_s0"].shape[1]
    planted = [fill(f"lpcam.proto{k}", -0.5, 1, (channels,)) for k in range(kinds)]

    def made(kind, i, c, count):
        noise = [fill(f"lpcam.{kind}{c}.{j}", -0.6, 0.6, (channels,)) for j in range(count)]
        rows = [(planted[i % kinds].double() + n.double()).relu().float() for n in noise]
        return torch.stack(rows) if rows else torch.zeros(0, channels)

    centres = {}
    for i, c in enumerate(classes):
        objects = made("center", i, c, int(file["map_n_centers"][i]))
        contexts = made("context", i + 1, c, int(file["map_n_context"][i]))
        assert close(objects[0, :6], file["map_center_check"][i], 1e-6)
        centres[c] = Centres(objects, objects if c == classes[-1] else contexts)
    return centres


def rule_attributions(file, picture):
    """{class: its map of each scale}."""
    centres, maps = rule_centres(file), {}
    scales = sum(name.startswith(f"map_amp_img{picture}_s") for name in file)
    for scale in range(scales):
        plain, mirrored = rule_features(file, picture, scale)
        both = (plain + mirrored.flip(-1))[None]
        for c in file[f"map_keys{picture}"].tolist():
            maps.setdefault(c, []).append(attribution(both, centres[c]))
    return maps


def is_void(expected):
    return np.abs(expected).max() < 1e-6


@pytest.mark.golden
def test_golden_attributions(file):
    for picture in range(len(file["map_sizes"])):
        for c, maps in rule_attributions(file, picture).items():
            for scale, actual in enumerate(maps):
                expected = file[f"map_att{picture}_class{c}_s{scale}"]
                if is_void(expected):
                    assert actual.abs().max() < 1e-6
                else:
                    assert close(actual[0], expected, 1e-4)


@pytest.mark.golden
def test_golden_maps_over_scales(file):
    """What the released code makes NaN, the map of a class that is its own context, is 0 here."""
    for picture in range(len(file["map_sizes"])):
        check_maps_over_scales(file, picture)


def check_maps_over_scales(file, picture):
    maps = rule_attributions(file, picture)
    size = tuple(file["map_sizes"][picture].tolist())
    by_scale = [torch.cat(of_scale) for of_scale in zip(*maps.values(), strict=True)]
    void = file[f"map_is_nan{picture}"]
    for make, name in ((strided, "strided"), (full_size, "high_res")):
        actual = divided(make(by_scale, size)).numpy()
        assert close(actual[~void], file[f"map_{name}{picture}"], 1e-4)
        assert not actual[void].any()
