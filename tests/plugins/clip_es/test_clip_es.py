"""The generator CLIP-ES: its texts and files, scores, and what is refused."""

import subprocess
import sys
import tomllib

import numpy as np
import pytest
import torch
from fake_data import FakeDataset, view
from golden_files import golden

from wsss_clip_es import ClipEs, wsss_generators
from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import Generator, Run
from wsss_harness.contract.texts import Texts
from wsss_harness.networks import backbones
from wsss_harness.plugins.options import construct
from wsss_harness.system.files import configs
from wsss_harness.testing.surroundings import WithBlocks

SLIM = {
    **{"name": "clip_vit_base", "positions": "clip_es", "embed": 8},
    **{"dim": 64, "depth": 2, "heads": 1, "grid": 2},
}
WORDS = ("building", "fence")


@pytest.fixture
def files(tmp_path):
    """A tower with random weights, and random features of the texts of WithBlocks."""
    torch.manual_seed(0)
    backbone = backbones.build(**SLIM)
    for parameter in backbone.parameters():
        parameter.data.add_(torch.randn_like(parameter), alpha=0.3)
    torch.save(backbone.state_dict(), tmp_path / "tower.pth")
    prompts = [f"a clean origami {name}." for name in (*FakeDataset.classes, *WORDS)]
    features = np.random.default_rng(0).normal(size=(len(prompts), SLIM["embed"]))
    np.savez(tmp_path / "texts.npz", prompts=prompts, features=features.astype(np.float32))
    return {"backbone": tmp_path / "tower.pth", "text_features": tmp_path / "texts.npz"}


def clip_es(**options):
    return construct("the test", ClipEs, {"backbone": SLIM, **options})


def data_in(folder):
    return view(folder, ClipEs.needs, WithBlocks(FakeDataset()))


def scorer(folder, files, **options):
    generator = clip_es(**options)
    generator.fit(data_in(folder), Run(folder, files=files))
    return generator.load(folder, "cpu", files=files)


def test_announcing_loads_no_torch():
    code = "import sys, wsss_clip_es as c; c.wsss_generators(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_it_is_a_generator_that_reads_language():
    assert wsss_generators() == {"clip_es": ClipEs}
    assert isinstance(ClipEs(), Generator)
    assert ClipEs.needs == {"image_labels", "language"}
    assert ClipEs.wants_weights == {"backbone", "text_features"}


@pytest.mark.parametrize("options", [{}, {"spread": False}, {"edges": "whole", "boxes": "largest"}])
def test_scores_are_of_present_classes(tmp_path, files, options):
    score, data = scorer(tmp_path, files, **options), data_in(tmp_path)
    largest = []
    for image_id in data.ids[:3]:
        scores = score(data[image_id])
        scores.validate(image_id, "clip_es")
        assert scores.classes == FakeDataset().present(image_id)
        largest.append(scores.values.max())
    assert max(largest) > 0.5


def test_words_of_contexts_can_be_left_out():
    texts = Texts((("train",),), ("wall", "railroad"), ("railroad",))
    assert clip_es().words(texts) == ("wall", "railroad")
    assert clip_es(contexts=False).words(texts) == ("wall",)


def test_texts_without_features_are_named_before_any_image(tmp_path, files):
    np.savez(files["text_features"], prompts=["a cat."], features=np.eye(1, 8))
    with pytest.raises(ConfigError, match="lacks 2 prompts, such as 'a clean origami square"):
        scorer(tmp_path, files)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"backbone": {"name": "resnet38"}}, "clip_vit_base"),
        ({"backbone": {"name": "clip_vit_base"}}, "embed"),
        ({"templates": ("a photo",)}, "templates"),
        ({"box_threshold": 1.0}, "box_threshold"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, named):
    with pytest.raises(ConfigError, match=named):
        clip_es(**options)


def test_texts_of_voc_are_the_released_ones():
    texts = tomllib.loads((configs() / "texts" / "voc12_clip_es.toml").read_text())
    numbers = golden("clip_es.npz")
    names = numbers["words_class_names"].tolist()
    assert list(texts["classes"]) == names
    prompts = [texts["classes"][name] for name in names]
    assert prompts == [[name] for name in numbers["words_prompt_names"].tolist()]
    assert texts["background"] == numbers["words_background"].tolist()
