"""The choice of features and centres: loops, cases by hand, and the released program."""

import numpy as np
import pytest
import torch
from golden_files import close, golden

from wsss_harness.contract.errors import ConfigError
from wsss_lpcam import Lpcam
from wsss_lpcam.centres import (
    high_and_low,
    judged,
    of_context,
    of_object,
    probabilities,
    standing_in,
)
from wsss_lpcam.clusters import cluster


def loop_probability(centre, weights, number):
    logits = [sum(a * b for a, b in zip(centre, row, strict=True)) for row in weights]
    exponents = [np.exp(value - max(logits)) for value in logits]
    return exponents[number - 1] / sum(exponents)


def test_probabilities_agree_with_a_loop():
    rng = np.random.default_rng(0)
    centres, weights = rng.normal(0, 1, (4, 6)), rng.normal(0, 1, (3, 6))
    for number in (1, 2, 3):
        actual = probabilities(torch.from_numpy(centres), torch.from_numpy(weights), number)
        expected = [loop_probability(centre, weights, number) for centre in centres]
        assert np.abs(actual.numpy() - expected).max() <= 1e-12


def test_a_score_of_exactly_the_threshold_is_neither_high_nor_low():
    scores = torch.tensor([[0.1, 0.11], [0.09, 0.1]])
    high, low = high_and_low(scores, (2, 2), 0.1)
    assert high.tolist() == [[False, True], [False, False]]
    assert low.tolist() == [[False, False], [True, False]]


def test_scores_are_resized_to_the_nearest_pixel():
    scores = torch.zeros(5, 7)
    scores[0, 3] = 1
    high, _ = high_and_low(scores, (3, 4), 0.5)
    expected = [[scores[y * 5 // 3, x * 7 // 4] > 0.5 for x in range(4)] for y in range(3)]
    assert high.tolist() == expected


def test_centres_of_object_and_context_lie_strictly_between_their_bounds():
    probable = torch.tensor([0.05, 0.06, 0.9, 0.91], dtype=torch.float64)
    assert of_object(probable, 0.9, "error").tolist() == [False, False, False, True]
    assert of_context(probable, (0.05, 0.9)).tolist() == [False, True, False, False]


WEIGHTS = torch.eye(3) * 8
UNSURE = torch.tensor([[0.3, 0.2, 0.1], [0.1, 0.2, 0.2]])  # of class 1: the first is better
NONE = UNSURE[:0]


@pytest.mark.parametrize(
    ("fallback", "high", "expected", "words"),
    [
        ("best", UNSURE, UNSURE[:1], "its best centre stands in"),
        ("best", NONE, WEIGHTS[:1], "its weights in the classifier stands in"),
        ("classifier", UNSURE, WEIGHTS[:1], "its weights in the classifier stands in"),
    ],
)
def test_a_class_without_a_sure_centre_has_the_fallback_and_says_so(
    fallback, high, expected, words
):
    settings = Lpcam(fallback=fallback)
    assert torch.equal(judged(high, NONE, WEIGHTS, 1, settings).objects, expected)
    assert words in standing_in(high, WEIGHTS, 1, "cat", settings)


def test_without_a_fallback_a_class_without_a_sure_centre_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"class 'cat'.*0\.9.*lower.*'sure'.*fallback"):
        standing_in(UNSURE, WEIGHTS, 1, "cat", Lpcam(fallback="error"))


def test_a_class_with_a_sure_centre_needs_nothing_to_stand_in():
    sure = torch.eye(3)
    assert standing_in(sure, WEIGHTS, 1, "cat", Lpcam(fallback="error")) == ""
    assert torch.equal(judged(sure, sure, WEIGHTS, 1, Lpcam()).objects, sure[:1])


# Golden numbers


def pictures(file):
    return range(sum(name.endswith("_feature") and name.startswith("img") for name in file))


def limit():
    """The released threshold on VOC, which the file does not hold but its README states."""
    return Lpcam().threshold


@pytest.mark.golden
def test_golden_groups_of_features():
    file, names = golden("lpcam.npz"), ("obj", "ctx")
    classes = len(file["classifier_weight"])
    rows = {(group, c): [] for group in names for c in range(classes)}
    neither = np.zeros(classes, int)
    first = 0
    for n in pictures(file):
        size = file[f"img{n}_feature"].shape[1:]
        for key, cam in zip(file[f"img{n}_keys"].tolist(), file[f"img{n}_high_res"], strict=True):
            both = high_and_low(torch.from_numpy(cam), size, limit())
            for group, mask in zip(names, both, strict=True):
                rows[group, key] += (first + np.flatnonzero(mask.numpy())).tolist()
            neither[key] += int((~(both[0] | both[1])).sum())
        first += size[0] * size[1]
    for (group, c), expected in rows.items():
        assert file[f"sel_{group}_rows{c}"].tolist() == expected
    assert file["sel_neither_count"].tolist() == neither.tolist()
    assert len(file["sel_row_image_y_x"]) == first


@pytest.mark.golden
def test_golden_centres_of_the_groups():
    file = golden("lpcam.npz")
    features = torch.cat(
        [torch.from_numpy(file[f"img{n}_feature"]).flatten(1).T for n in pictures(file)]
    )
    for group in ("obj", "ctx"):
        for c in range(len(file["classifier_weight"])):
            rows = features[file[f"sel_{group}_rows{c}"].astype(int)]
            start = rows[file[f"sel_{group}_init{c}"]]
            assert len(start) == int(file["sel_num_clusters"])
            ids, centres = cluster(rows, start, Lpcam().tolerance)
            assert ids.tolist() == file[f"sel_{group}_ids{c}"].tolist()
            assert close(centres, file[f"sel_{group}_centers{c}"], 1e-5)


def judgements(file, part):
    """Of each class: probabilities (2, K), and which centres of each kind are chosen."""
    if part == "sel":
        weights = torch.from_numpy(file["classifier_weight"])
        both = [
            np.stack([file[f"sel_{group}_centers{c}"] for c in range(len(weights))])
            for group in ("obj", "ctx")
        ]
    else:
        weights = torch.from_numpy(file[f"{part}_weight"])
        both = [file[f"{part}_centers"], file[f"{part}_context_centers"]]
    for c in range(len(weights)):
        yield [probabilities(torch.from_numpy(k[c]), weights, c + 1) for k in both]


@pytest.mark.golden
@pytest.mark.parametrize(
    ("part", "fallback", "bounds"),
    [
        ("sel", "error", Lpcam().context),
        ("judge", "error", Lpcam().context),
        ("judge_coco", "best", (0.0, 0.5)),
    ],
)
def test_golden_judgement(part, fallback, bounds):
    file = golden("lpcam.npz")
    for c, (high, low) in enumerate(judgements(file, part)):
        assert close(torch.stack((high, low)), file[f"{part}_prob"][c], 1e-5)
        chosen = of_object(high, Lpcam().sure, fallback)
        assert chosen.tolist() == file[f"{part}_object_chosen"][c].tolist()
        assert of_context(low, bounds).tolist() == file[f"{part}_context_chosen"][c].tolist()


@pytest.mark.golden
def test_golden_refusal_of_a_class_without_a_sure_centre():
    file = golden("lpcam.npz")
    without = np.flatnonzero(~file["judge_object_chosen"].any(1))
    assert bool(file["map_no_object_centre_raises"])
    weights = torch.from_numpy(file["judge_weight"])
    for c in without.tolist():
        centres = torch.from_numpy(file["judge_centers"][c])
        with pytest.raises(ConfigError):
            standing_in(centres, weights, c + 1, "a class", Lpcam(fallback="error"))
