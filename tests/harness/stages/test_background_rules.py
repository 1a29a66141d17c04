"""Background rules by hand, against a float64 loop, and against masks of released code."""

import numpy as np
import pytest
from golden_files import golden

from wsss_harness.contract.errors import ConfigError, DataError, PluginError
from wsss_harness.contract.types import ClassScores, Sample
from wsss_harness.stages.background_rules import RULES, Constant, Power, build_rule, to_mask


def sample(saliency=None):
    def give(part):
        assert part == "saliency", f"a rule read '{part}'"
        return np.asarray(saliency, np.float32)

    return Sample("image_7", give)


def mask_of(values, name, classes=(3, 7), background=None, saliency=None, **options):
    """The mask of a 1 x n image as a list."""
    values = np.asarray(values, np.float32).reshape(len(classes), 1, -1)
    if background is not None:
        background = np.asarray(background, np.float32)[None]
    if saliency is not None:
        saliency = np.asarray(saliency)[None]
    scores = ClassScores(classes, values, background)
    mask = to_mask(scores, build_rule(name, options), sample(saliency))
    assert mask.dtype == np.uint8
    assert mask.shape == scores.size
    return mask[0].tolist()


def test_the_background_and_then_the_first_class_win_ties():
    values = [[0.2, 0.5, 0.3, 0.0], [0.2, 0.5, 0.6, 0.21]]
    assert mask_of(values, "constant", threshold=0.2) == [0, 3, 7, 7]
    assert mask_of([[0.0, 1.0], [0.0, 1.0]], "constant", threshold=0) == [0, 3]
    assert mask_of([[0.0, 1.0], [0.0, 1.0]], "constant", threshold=1) == [0, 0]


def test_power_of_one_minus_the_largest_score():
    """0.5 is (1 - 0.5) ** 1: a tie, which the background wins."""
    values = [[0.5, 0.51, 0.3], [0.1, 0.2, 0.4]]
    assert mask_of(values, "power", alpha=1) == [0, 3, 0]
    assert mask_of(values, "power", alpha=2) == [3, 3, 7]


def test_saliency_decides_and_the_scores_only_name():
    values = [[0.0, 0.1, 0.9, 0.0], [0.0, 0.2, 0.8, 0.0]]
    assert mask_of(values, "saliency", saliency=[0.5, 0.6, 0.4, 1]) == [0, 7, 0, 3]
    assert mask_of(values, "saliency", saliency=[0.5, 0.6, 0.4, 1], threshold=0.3) == [3, 7, 3, 3]


def test_an_explicit_background_map():
    values = [[0.3, 0.3, 0.3], [0.4, 0.4, 0.4]]
    assert mask_of(values, "explicit", background=[0.5, 0.4, 0.3]) == [0, 0, 7]
    with pytest.raises(PluginError, match="image_7: the rule 'explicit' needs scores with a back"):
        mask_of(values, "explicit")


def test_pixels_where_nothing_scores_are_left_open():
    """The third pixel says nothing, the fourth too little for the last of these rules."""
    values = [[0.0, 1.0, 0.0, 0.1, 0.3]]
    background = [1.0, 0.0, 0.0, 0.0, 0.3]
    options = {"classes": (3,), "background": background}
    assert mask_of(values, "explicit", **options) == [0, 3, 0, 3, 0]
    assert mask_of(values, "explicit", undefined=0, **options) == [0, 3, 255, 3, 0]
    assert mask_of(values, "explicit", undefined=0.1, **options) == [0, 3, 255, 255, 0]


def test_saliency_overrules_an_explicit_background():
    """Pixels: class, background, neither and a class that is not sure; then the same, salient."""
    values = [[1.0, 0.0, 0.0, 0.05] * 2, [0.0, 0.0, 0.0, 0.05] * 2]
    options = {"background": [0.0, 1.0, 0.0, 0.0] * 2}
    saliency = [2 / 255] * 4 + [3 / 255] * 4
    actual = mask_of(values, "explicit_saliency", saliency=saliency, **options)
    assert actual == [255, 0, 0, 255, 3, 255, 255, 255]


@pytest.mark.parametrize(
    ("salient", "expected"), [(0, [0, 255, 3]), (1, [0, 255, 3]), (2, [0, 0, 255])]
)
def test_with_too_little_saliency_the_background_must_agree(salient, expected):
    """Of 150 pixels, none of those looked at is salient: background, neither, class."""
    saliency = np.repeat([0.0, 1.0], [150 - salient, salient])
    values, background = np.zeros((1, 150)), np.zeros(150)
    background[0] = values[0, 2] = 1
    actual = mask_of(
        values, "explicit_saliency", classes=(3,), background=background, saliency=saliency
    )
    assert actual[:3] == expected


def test_nothing_finds_nothing():
    assert mask_of([[1.0, 0.0], [0.0, 1.0]], "nothing") == [0, 0]


def test_a_band_around_the_threshold_is_ignored():
    """Two thresholds, 0.25 and 0.75: what lies strictly between them is left open."""
    values = [[0.0, 0.25, 0.26, 0.5, 0.74, 0.75, 1.0]]
    mask = mask_of(values, "constant", classes=(3,), threshold=0.5, uncertain=0.25)
    assert mask == [0, 0, 255, 255, 255, 3, 3]


def test_soft_saliency_is_the_background_that_stretched_classes_must_beat():
    """The map runs from 0 to 0.5, so it is stretched to 0, 0.3, 0.29, 0.6, 0.96 and 1."""
    values = [[0.0, 0.15, 0.145, 0.3, 0.48, 0.5]]
    saliency = [0.0, 0.75, 0.75, 0.39, 1.0, 1.0]
    actual = mask_of(values, "soft_saliency", classes=(3,), saliency=saliency)
    assert actual == [0, 3, 255, 255, 3, 3]  # the third scores 0, as its background does
    actual = mask_of(values, "soft_saliency", classes=(3,), saliency=saliency, lowest=0.2)
    assert actual == [0, 3, 3, 255, 3, 3]


def test_soft_saliency_leaves_rivals_open():
    """Rivals: two classes, then a class and the background."""
    values = [[1.0, 1.0, 1.0, 0.0], [1.0, 0.98, 0.0, 0.0]]
    saliency = [1.0, 1.0, 0.0, 0.0]
    assert mask_of(values, "soft_saliency", saliency=saliency) == [255, 3, 255, 0]
    assert mask_of(values, "soft_saliency", saliency=saliency, conflict=0.9, fewest=0) == [
        255,
        255,
        255,
        0,
    ]


def test_soft_saliency_is_no_background_where_something_may_be():
    """Salient from 32 levels on, and a class that is sure; the last pixel is foreground."""
    values = [[0.0, 0.0, 0.96, 1.0]]
    saliency = np.float32([31, 32, 0, 255]) / np.float32(255)
    assert mask_of(values, "soft_saliency", classes=(3,), saliency=saliency) == [0, 255, 255, 3]
    options = {"salient": 0.5, "sure": 0.97}
    actual = mask_of(values, "soft_saliency", classes=(3,), saliency=saliency, **options)
    assert actual == [0, 0, 0, 3]


@pytest.mark.parametrize(("count", "expected"), [(1, 255), (2, 0)])
def test_soft_saliency_gives_up_an_image_with_little_foreground(count, expected):
    values = np.repeat([[0.0, 1.0]], [200 - count, count], axis=1)
    actual = mask_of(values, "soft_saliency", classes=(3,), saliency=values[0].astype(np.float32))
    assert actual[0] == expected
    assert actual[-1] == (3 if count == 2 else 255)


def test_soft_saliency_is_certain_of_nothing_where_nothing_is_salient():
    """The background scores 1 everywhere, so a class can only tie with it."""
    values = [[0.0, 0.9, 0.96, 1.0]]
    options = {"classes": (3,), "saliency": [0.0] * 4}
    assert mask_of(values, "soft_saliency", **options) == [255] * 4
    assert mask_of(values, "soft_saliency", fewest=0, **options) == [0, 0, 255, 255]


def test_soft_saliency_knows_nothing_of_an_image_without_classes():
    scores = ClassScores((), np.zeros((0, 2, 3), np.float32))
    saliency = np.zeros((2, 3), np.float32)
    mask = to_mask(scores, build_rule("soft_saliency", {}), sample(saliency))
    np.testing.assert_array_equal(mask, np.full((2, 3), 255))
    mask = to_mask(scores, build_rule("soft_saliency", {"fewest": 0}), sample(saliency))
    np.testing.assert_array_equal(mask, np.zeros((2, 3)))


def test_a_map_of_one_value_says_nothing_of_soft_saliency():
    values = [[0.7, 0.7, 0.7], [0.0, 0.5, 1.0]]
    assert mask_of(values, "soft_saliency", saliency=[1.0, 1.0, 1.0]) == [255, 7, 7]


@pytest.mark.parametrize("name", sorted(RULES.keys() - {"soft_saliency"}))
def test_an_image_without_classes_is_background(name):
    scores = ClassScores((), np.zeros((0, 2, 3), np.float32), np.zeros((2, 3), np.float32))
    mask = to_mask(scores, build_rule(name, {}), sample(np.ones((2, 3))))
    assert mask.dtype == np.uint8
    np.testing.assert_array_equal(mask, np.zeros((2, 3)))


def background_score(name, option, scores, saliency, explicit):
    if name == "constant":
        return float(np.float32(option))
    if name == "power":
        return (1 - max(scores)) ** option
    if name == "saliency":
        return -1.0 if saliency > np.float32(option) else 2.0
    return explicit


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("constant", "threshold", 0.37),
        ("power", "alpha", 3.0),
        ("saliency", "threshold", 0.6),
        ("explicit", None, None),
    ],
)
def test_rules_against_a_loop(name, option, value):
    rng = np.random.default_rng(5)
    values = rng.random((3, 9, 11), np.float32)
    saliency, explicit = rng.random((2, 9, 11), np.float32)
    scores = ClassScores((2, 4, 5), values, explicit)
    rule = build_rule(name, {option: value} if option else {})
    mask = to_mask(scores, rule, sample(saliency))
    for y, x in np.ndindex(9, 11):
        column = [float(v) for v in values[:, y, x]]
        best = background_score(name, value, column, saliency[y, x], float(explicit[y, x]))
        expected = 0
        for index, score in zip(scores.classes, column, strict=True):
            if score > best:
                best, expected = score, index
        assert mask[y, x] == expected


def test_a_rule_says_which_supervision_it_reads():
    assert {name: set(rule.needs) for name, rule in RULES.items()} == {
        "constant": set(),
        "power": set(),
        "saliency": {"saliency"},
        "explicit": set(),
        "explicit_saliency": {"saliency"},
        "soft_saliency": {"saliency"},
        "nothing": set(),
    }
    for name, rule in RULES.items():
        if not rule.needs:
            mask_of([[0.1], [0.2]], name, background=[0.0])  # `sample` fails if anything is read


def test_saliency_of_another_size_is_an_error_that_names_the_image():
    with pytest.raises(DataError, match=r"image_7: its saliency is \(1, 3\), its scores are"):
        mask_of([[0.1, 0.2], [0.2, 0.1]], "saliency", saliency=[0.1, 0.2, 0.3])
    with pytest.raises(DataError, match="image_7"):
        mask_of([[0.1, 0.2], [0.2, 0.1]], "soft_saliency", saliency=[0.1, 0.2, 0.3])


def test_the_first_option_of_a_rule_is_its_own():
    assert Constant(0.3) == build_rule("constant", {"threshold": 0.3})
    assert Power(4) == build_rule("power", {"alpha": 4})


def test_unknown_rules_and_options_list_what_exists():
    with pytest.raises(ConfigError, match="'konstant'; did you mean 'constant'"):
        build_rule("konstant", {})
    with pytest.raises(ConfigError, match=r"'power' has no option 'alfa'; did you mean 'alpha'"):
        build_rule("power", {"alfa": 2})


def released():
    """The masks in the file, with the threshold or power that their name states."""
    for name, mask in golden("cam_inference.npz").items():
        method, _, what = name.partition("_")
        if what.startswith("argmax_alpha"):
            yield method, "power", {"alpha": float(what.removeprefix("argmax_alpha"))}, mask
        elif what.startswith("pred_"):
            threshold = what.removeprefix("pred_").lstrip("bgthr").replace("p", ".")
            yield method, "constant", {"threshold": float(threshold)}, mask


@pytest.mark.golden
def test_masks_of_released_code():
    arrays = golden("cam_inference.npz")
    checked = 0
    for method, name, options, expected in released():
        keys = arrays[f"{method}_cam_keys"]
        scores = ClassScores(tuple(int(key) + 1 for key in keys), arrays[f"{method}_cam"])
        mask = to_mask(scores, build_rule(name, options), sample())
        assert np.mean(mask != expected) <= 0.001, (method, name, options)
        checked += 1
    assert checked >= 5


def pictures():
    names = golden("mcis2.npz")["gt_case_names"].tolist()
    return [pytest.param(number, id=name) for number, name in enumerate(names)]


@pytest.mark.golden
@pytest.mark.parametrize("number", pictures())
def test_masks_of_mcis(number):
    file = golden("mcis2.npz")
    part = {name: file.get(f"gt{number}_{name}") for name in ("sal", "att", "mask", "written")}
    there = file[f"gt{number}_att_present"]
    assert bool(part["written"]) == (part["sal"] is not None)  # without saliency: no mask
    if part["sal"] is None:
        return
    classes = tuple((file[f"gt{number}_classes"][there] + 1).tolist())
    maps = np.zeros((0, *part["sal"].shape)) if part["att"] is None else part["att"][there]
    scores = ClassScores(classes, (maps / 255).astype(np.float32))
    saliency = part["sal"].astype(np.float32) / np.float32(255)
    mask = to_mask(scores, build_rule("soft_saliency", {}), sample(saliency))
    np.testing.assert_array_equal(mask, part["mask"])


@pytest.mark.parametrize(
    ("name", "options", "problem"),
    [
        ("constant", {"uncertain": -1}, "uncertain is -1.*expected 0 to 1"),
        ("constant", {"uncertain": 5}, "uncertain is 5"),
        ("power", {"alpha": 0}, "alpha is 0.*expected above 0"),
        ("explicit", {"undefined": 1}, "undefined is 1.*expected 0 or more"),
        ("explicit_saliency", {"fewest": 2}, "fewest is 2.*expected a share"),
        ("soft_saliency", {"sure": 2}, "sure is 2.*expected 0 to 1"),
    ],
)
def test_options_out_of_range_are_refused(name, options, problem):
    with pytest.raises(ConfigError, match=problem):
        build_rule(name, options)
