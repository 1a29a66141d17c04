"""Maps of pairs become one map of each class: by hand, and golden numbers."""

import numpy as np
import pytest
import torch
from golden_files import golden

from wsss_mcis.aggregation import aligned, as_scores, at_size, means, summed
from wsss_mcis.settings import McisSettings

RNG = np.random.default_rng(0)
AT_LEAST = McisSettings().at_least


def loop_sum(maps, at_least):
    result = np.zeros(maps.shape[1:], int)
    for (k, y, x), _ in np.ndenumerate(result):
        total = 0.0
        for number, cam in enumerate(maps[:, k]):
            mean = sum(cam.ravel()) / cam.size
            if number == 0 or 1 / (1 + np.exp(-mean)) > at_least:
                total += max(cam[y, x], 0) / (max(cam.max(), 0) + 1e-8) * 255
        result[k, y, x] = int(total / len(maps))
    return result


def test_maps_are_divided_by_their_largest_value_and_averaged():
    maps = RNG.normal(0, 2, (5, 3, 4, 6))
    maps[1, 0] -= 5
    maps[0, 2] -= 9
    assert np.abs(summed(maps, 0.1) - loop_sum(maps, 0.1)).max() == 0


def test_a_negative_map_is_left_out_but_divides_all_the_same():
    maps = np.ones((5, 1, 2, 2))
    assert summed(maps, 0.1).max() == 254  # 255 * (1 - 1e-8), truncated
    maps[3] = [[[-99, 1], [1, 1]]]
    assert summed(maps, 0.1).max() == 203
    maps[0] = -99
    assert summed(maps, 0.1).max() == 152


def test_the_first_map_counts_whatever_its_mean():
    maps = np.full((5, 1, 2, 2), -99.0)
    maps[0, 0, 0, 0] = 1
    assert summed(maps, 0.1).tolist() == [[[50, 0], [0, 0]]]


def test_maps_without_any_positive_value_are_zero():
    assert not summed(np.full((5, 2, 3, 3), -1e-8), 0.1).any()
    assert not summed(np.zeros((5, 2, 3, 3)), 0.1).any()


def test_scores_are_stretched_from_their_own_lowest_to_their_own_highest():
    pictures = np.array([[[51, 102, 153]], [[7, 7, 7]]], np.uint8)
    np.testing.assert_allclose(as_scores(pictures, True), [[[0, 0.5, 1]], [[0, 0, 0]]], atol=1e-6)
    plain = as_scores(pictures, False)
    np.testing.assert_allclose(plain[0, 0], [0.2, 0.4, 0.6], atol=1e-7)


# Golden numbers


def pictures():
    return range(int(golden("mcis2.npz")["inf_n"]))


def maps_of(file, number):
    """All maps of a picture, from what the network gave: (5, K, h, w)."""

    def part(name):
        return torch.from_numpy(file[f"inf{number}_{name}_co_map{2 if name in SELF else 1}"])

    def group(g):
        names = (f"inf{number}_group{g}_ref{r}_co_map1" for r in range(McisSettings().references))
        return torch.stack([torch.from_numpy(file[name][g]) for name in names]).mean(0)

    first = torch.from_numpy(file[f"inf{number}_flip_co_map1"])
    groups = torch.stack([group(g) for g in range(len(first))])
    mirrored = torch.from_numpy(file[f"inf{number}_flip_co_map2"])
    return aligned([first, mirrored], [part("small"), part("large")], groups).numpy()


SELF = ("small", "large")


@pytest.mark.golden
@pytest.mark.parametrize("number", pictures())
def test_golden_sums(number):
    file = golden("mcis2.npz")
    maps = maps_of(file, number)
    np.testing.assert_allclose(means(maps).T, file[f"inf{number}_means"], atol=1e-5)
    expected = file[f"inf{number}_sum8"]
    assert len(expected) == len(file[f"inf{number}_classes"])
    assert np.abs(summed(maps, AT_LEAST).astype(int) - expected).max() <= 1


@pytest.mark.golden
@pytest.mark.parametrize("number", pictures())
def test_golden_pictures(number):
    file = golden("mcis2.npz")
    size = tuple(file[f"inf{number}_size"].tolist())
    large = at_size(file[f"inf{number}_sum8"], size)
    assert np.array_equal(large, file[f"inf{number}_png"])


@pytest.mark.golden
def test_golden_cases_hold_maps_on_both_sides_of_the_limit():
    file = golden("mcis2.npz")
    others = np.concatenate([file[f"inf{number}_means"][:, 1:].ravel() for number in pictures()])
    shares = 1 / (1 + np.exp(-others))
    assert 0 < (shares > AT_LEAST).sum() < len(shares)
