"""Features of texts against the released numbers."""

import numpy as np
import pytest
from golden_files import close, golden

from wsss_clip_es.text_features import ensembled, features_of, read_features
from wsss_harness.contract.errors import ConfigError, DataError


def numbers(name):
    return golden("clip_es.npz")[name]


def test_templates_are_ensembled_as_released():
    raw = numbers("text_raw_two_templates")
    assert close(
        [ensembled(entry) for entry in raw], numbers("text_class_embedding_two_templates"), 1e-5
    )
    first = [ensembled(entry[:1]) for entry in raw]
    assert close(first, numbers("text_class_embedding_first_template_only"), 1e-5)


def test_prompts_are_the_released_ones():
    names = [*numbers("words_prompt_names").tolist(), *numbers("words_background").tolist()]
    prompts = [f"a clean origami {name}." for name in names]
    assert prompts == numbers("prompts").tolist()


def test_features_are_found_by_prompt(tmp_path):
    path = tmp_path / "texts.npz"
    np.savez(path, prompts=["a cat.", "a dog."], features=np.eye(2, 3))
    known = read_features(path)
    assert np.array_equal(features_of([("dog",), ("cat",)], ["a {}."], known), np.eye(2, 3)[::-1])
    with pytest.raises(ConfigError, match="lacks 1 prompts, such as 'a bird'"):
        features_of([("bird",)], ["a {}"], known)


@pytest.mark.parametrize(
    ("arrays", "named"),
    [
        ({"prompts": ["a"]}, "features"),
        ({"prompts": ["a", "b"], "features": np.eye(3)}, r"\(2,\) and features \(3, 3\)"),
    ],
)
def test_other_files_are_refused(tmp_path, arrays, named):
    path = tmp_path / "texts.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataError, match=named):
        read_features(path)
    path.write_text("no archive")
    with pytest.raises(DataError, match="cannot be read"):
        read_features(path)
