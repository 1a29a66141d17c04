"""Conformance checks: the built-in plugins pass, and each fault of a plugin is named."""

import os
import re
from importlib.util import find_spec

import pytest
from slow import slow_but

from wsss_harness import testing
from wsss_harness.contract.findings import FAILURE, OK, WARNING
from wsss_harness.plugins.registry import installed
from wsss_harness.testing import methods

UNCHECKED = {"voc_folder", "coco14", "pack", "ray"}  # they need a folder, or a cluster
UNCHECKED |= {"single_stage", "clip_es"}  # stands for what a generator learnt; needs files
UNCHECKED |= set() if find_spec("pydensecrf") else {"crf"}
OWN = [
    (kind, name)
    for kind, offers in installed().offers.items()
    for name in offers
    if name not in UNCHECKED
]
# Of the methods, each of which is run several times, the one without a network is always checked.
QUICK = [case for case in OWN if case[0] not in methods.KINDS] + [("refiner", "crf")]


@pytest.mark.parametrize(
    ("kind", "name"), slow_but(*QUICK, cases=OWN), ids=lambda value: str(value)
)
def test_built_in_plugins_conform(kind, name):
    findings = list(testing.check(kind, name))
    assert not [str(f) for f in findings if f.outcome == FAILURE]
    assert not [str(f) for f in findings if f.outcome == WARNING]
    assert sum(f.outcome == OK for f in findings) >= 5


# Plugins that break their contract

MODULE = '''
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
import numpy as np
from wsss_harness import Metric, hookimpl
from wsss_harness import ClassScores

wsss_contract = 1


@dataclass(frozen=True)
class Red:
    """Scores every class by how red the image is, times ``value``, which fit writes down."""

    paper: ClassVar[str] = "nobody, nowhere"
    needs: ClassVar[frozenset] = frozenset({"image_labels"})
    value: float = 1.0

    def fit(self, data, run):
        folder = run.folder
        for done in range(5):
            run.progress(done, 4)
        (folder / "value.txt").write_text(str(self.value))

    def load(self, folder, device):
        value = float((folder / "value.txt").read_text())

        def score(sample):
            image, present = sample.image, sample.present
            red = value * image[..., 0].astype(np.float32) / 255
            return ClassScores(present, np.stack([red] * len(present) or [red])[: len(present)])

        return score


@hookimpl
def wsss_generators():
    return {"red": Red}
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A function that installs a module as the only outside plugin, also in new processes."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(*changes, module=MODULE):
        for old, new in changes:
            assert old in module
            module = module.replace(old, new)
        name = f"red_{abs(hash(module))}"
        (tmp_path / f"{name}.py").write_text(module)
        monkeypatch.setenv("WSSS_PLUGIN_PATH", str(tmp_path / f"{name}.py"))
        installed.cache_clear()
        return name

    yield install
    monkeypatch.undo()
    installed.cache_clear()


def outcomes(kind="generator", name="red", options=None, limit=300):
    """{check: message} of the findings that are not ok."""
    findings = testing.check(kind, name, options, limit)
    return {f.check: f"{f.outcome}: {f.message}" for f in findings if f.outcome != OK}


def problem_of(check, limit=300):
    """The first finding of a check that is not ok; what comes after it is not run."""
    findings = testing.check("generator", "red", None, limit)
    return next(f for f in findings if check in f.check and f.outcome != OK)


def test_a_good_plugin_conforms(plugin):
    plugin()
    assert outcomes() == {}


WANTS = (
    ("    value: float", '    wants_weights: ClassVar[frozenset] = {"clip"}\n    value: float'),
    ("load(self, folder, device)", "load(self, folder, device, files)"),
    ("value = float(", "value = float(files['clip'].read_text()) * float("),
)


def test_a_method_that_wants_weights_is_tried_with_those_that_are_passed(plugin, tmp_path):
    plugin(*WANTS)
    remedy = "failure: pass a file: --weights clip=FILE, or weights= in a test"
    assert outcomes() == {"gets the weights that it wants": remedy}
    (tmp_path / "half").write_text("0.5")
    testing.assert_conforms("generator", "red", weights={"clip": tmp_path / "half"})


def test_a_method_that_takes_no_files_in_load_is_named(plugin):
    plugin(WANTS[0])
    assert "cannot be called as load(folder, device, files)" in str(outcomes())


FAULTS = {
    "no contract": ("contract", "wsss_contract = 1", "", "warning: set wsss_contract = 1"),
    "no paper": ("paper", '    paper: ClassVar[str] = "nobody, nowhere"', "", "class attri"),
    "one golden name": (
        "golden",
        '    paper: ClassVar[str] = "nobody, nowhere"',
        '    paper: ClassVar[str] = "nobody, nowhere"\n    golden: ClassVar[str] = "red"',
        r"golden is 'red'; give a tuple of names, such as \('red',\)",
    ),
    "undocumented": ("documents", "times ``value``, ", "", "does not say what value do"),
    "heavy": ("torch", "import time", "import time, torch", "import torch.* inside methods"),
    "no dataclass": ("option", "@dataclass(frozen=True)", "", "Red is not a dataclass"),
    "raises": ("fits", "folder = run.folder", "1 / 0", "ZeroDivisionError: division by zero"),
    "truth": ("fits", "folder = run.folder", "data.truth('x')", "never see the truth"),
    "undeclared": (
        "fits",
        "folder = run.folder",
        "folder = run.folder; data[data.ids[0]].saliency",
        r"read 'saliency' .* add it to its `needs`",
    ),
    "unused": (
        "supervision",
        'frozenset({"image_labels"})',
        'frozenset({"image_labels", "saliency"})',
        "declares 'saliency' and never reads it; take it out",
    ),
    "writes elsewhere": (
        "writes below",
        "folder = run.folder",
        "folder = run.folder; Path('stray.txt').write_text('x')",
        r"it wrote .*stray.txt; write in fit alone, below run.folder",
    ),
    "writes when loaded": (
        "writes below",
        "        value = float(",
        "        (folder / 'cache.txt').write_text('x'); value = float(",
        r"it wrote .*cache.txt; write in fit alone",
    ),
    "no docstring": (
        "documents",
        '    """Scores every class by how red the image is, times ``value``, which fit',
        '    text = """',
        "does not say what value do",
    ),
    "cannot be killed": (
        "after a kill",
        "            run.progress(done, 4)",
        "            time.sleep(0.5)",
        "not tried: it reported no progress between start and end",
    ),
    "writes into the data": (
        "writes below",
        "folder = run.folder",
        "folder = run.folder; np.save(data._readers['image'].__self__.layout.root + '/x', [1])",
        r"it wrote .*x.npy; write in fit",
    ),
    "nan": ("valid predictions", "/ 255", "/ 0", "must be finite and lie in"),
    "too large": ("valid predictions", "/ 255", "/ 2", "must be finite and lie in"),
    "shape": (
        "valid predictions",
        "image[..., 0]",
        "image[1:, :, 0]",
        r"scores are \(47, 64\), the image",
    ),
    "dtype": (
        "valid predictions",
        "np.float32",
        "np.float64",
        "scores are float64; expected float32",
    ),
    "array": (
        "valid predictions",
        "return ClassScores(present, ",
        "return (",
        "gave ndarray; expected Cl",
    ),
    "absent": (
        "valid predictions",
        "ClassScores(present, ",
        "ClassScores((1, 2, 3, 4, 5, 6, 7, 8), np.stack([red] * 8)); (",
        "which is not in the image; score present classes only",
    ),
    "no objects": (
        "fits",
        " or [red])[: len(present)]",
        ")",
        r"failed on a scene \(without objects, 64x48\): ValueError",
    ),
    "changes the image": (
        "valid predictions",
        "image, present = sample.image, sample.present",
        "image, present = sample.image, sample.present; image[0] = 0",
        "it changed its input; copy first",
    ),
    "memory": (
        "fresh process",
        '        value = float((folder / "value.txt").read_text())',
        "        import os; value = (os.getpid() % 1000) / 1000",
        "values differ by up to .*; draw every random number from run.seed",
    ),
    "random": (
        "same seed",
        "str(self.value)",
        "str(np.random.default_rng().random())",
        "values differ by up to",
    ),
    "no resuming": (
        "after a kill",
        "folder = run.folder",
        "folder = run.folder; (folder / 'mark').mkdir()",
        "FileExistsError",
    ),
    "reads at_inference": (
        "fits and predicts",
        "    value: float",
        '    at_inference: ClassVar[frozenset] = frozenset({"value"})\n    value: float',
        "fit of generator 'red' read the option 'value'",
    ),
    "idle in fit": (
        "fits the same",
        "    value: float",
        '    idle: ClassVar[frozenset] = frozenset({"value"})\n    value: float',
        r"with value = 0\.5, value\.txt differs; take it out of at_inference or idle",
    ),
    "endless": ("fits", "folder = run.folder", "time.sleep(600)", "did not end within 2 s; look"),
}


# One for each check, of those that need the fewest processes.
BRIEF = ["no contract", "no dataclass", "truth", "undeclared", "writes elsewhere", "nan"]
BRIEF += ["reads at_inference", "changes the image", "memory", "random", "endless"]


@pytest.mark.parametrize("fault", slow_but(*BRIEF, cases=FAULTS))
def test_a_fault_is_named_with_its_remedy(plugin, fault):
    check, old, new, message = FAULTS[fault]
    plugin((old, new))
    actual = problem_of(check, 2 if fault == "endless" else 300)
    assert re.search(message, f"{actual.outcome}: {actual.message}")
    harmless = {"no contract", "no paper", "undocumented", "heavy", "unused"}
    harmless |= {"no docstring", "cannot be killed"}
    assert actual.outcome == (WARNING if fault in harmless else FAILURE)


def test_an_idle_option_that_load_reads_is_named(plugin):
    idle = 'idle: ClassVar[frozenset] = frozenset({"value"})\n    value: float'
    writing, reading = "str(self.value)", 'float((folder / "value.txt").read_text())'
    plugin(("value: float", idle), (writing, "'1.0'"), (reading, "self.value"))
    (problem,) = outcomes().items()
    assert problem[0] == "predicts the same with other values of idle options"
    assert "with value = 0.5, values differ" in problem[1]


def test_true_claims_are_tried_with_other_values(plugin):
    late = 'at_inference: ClassVar[frozenset] = frozenset({"value"})\n    value: float'
    writing, reading = "str(self.value)", 'float((folder / "value.txt").read_text())'
    plugin(("value: float", late), (writing, "'1.0'"), (reading, "self.value"))
    checks = {f.check: f.outcome for f in testing.check("generator", "red")}
    assert checks["fits the same with other values of options that fit ignores"] == OK


def test_a_generator_that_follows_another_gets_one(plugin):
    plugin(
        (
            "    value: float = 1.0\n",
            '    follows: ClassVar[str] = "before"\n    value: float = 1.0\n',
        ),
        ("        folder = run.folder\n", "        folder = run.folder\n" + USE_PREVIOUS),
        (
            '    return {"red": Red}',
            '    return {"red": Red, "before": dataclass(frozen=True)(Before)}',
        ),
        ("@hookimpl\n", BEFORE + "@hookimpl\n"),
    )
    assert outcomes() == {}


BEFORE = """class Before(Red):
    paper: ClassVar[str] = "nobody, before"
    follows: ClassVar[None] = None

    def fit(self, data, run):
        (run.folder / "value.txt").write_text("0.5")


"""
USE_PREVIOUS = """        before = run.previous.generator.load(run.previous.folder, run.device)
        assert before(data[data.ids[0]]).values.max() <= 0.5
"""


def test_a_method_that_needs_train_and_regions_gets_both(plugin):
    plugin(
        ('frozenset({"image_labels"})', 'frozenset({"image_labels", "regions"})'),
        (
            "    value: float = 1.0\n",
            "    needs_train: ClassVar[bool] = True\n    value: float = 1.0\n",
        ),
        ("def load(self, folder, device):\n", "def load(self, folder, device, data):\n" + TRAIN),
        (
            "image, present = sample.image, sample.present",
            "image, present = sample.image, sample.present\n" + REGIONS,
        ),
    )
    assert outcomes() == {}


SEGMENTS = """    def load_segmentor(self, folder, device):
        return lambda sample: (sample.image[..., 0] > 128).astype(np.uint8)


@hookimpl
"""


def test_a_single_stage_generator_also_segments_without_labels(plugin):
    plugin(("@hookimpl\n", SEGMENTS))
    assert outcomes() == {}
    plugin(("@hookimpl\n", SEGMENTS.replace(".astype", ".repeat(2, 0).astype")))
    assert "the mask is" in problem_of("returns valid predictions").message
    plugin(("@hookimpl\n", SEGMENTS.replace("(sample", "(sample.present and sample", 1)))
    assert "read 'image_labels'" in problem_of("fits and predicts").message


NEEDS_TRAIN = "    needs_train: ClassVar[bool] = True\n"
READS = "sample.image, sample.present"
TRAIN = "        assert len(data.ids) > 2 and data[data.ids[1]].image.ndim == 3\n"
REGIONS = "            assert sample.regions.shape == image.shape[:2] and sample.regions.max() > 1"


def test_a_short_fit_without_progress_is_no_warning(plugin):
    plugin(("            run.progress(done, 4)", "            pass"))
    findings = testing.check("generator", "red")
    kill = next(f for f in findings if f.check == "resumes after a kill with the same result")
    assert (kill.outcome, kill.message[:9]) == (OK, "not tried")


def test_a_relative_plugin_path_works_in_other_processes(plugin, tmp_path, monkeypatch):
    name = plugin(("nobody, nowhere", "nobody, on the way"))
    monkeypatch.chdir(tmp_path)
    installed.cache_clear()
    monkeypatch.setenv("WSSS_PLUGIN_PATH", f"{name}.py")
    assert outcomes() == {}


def test_weight_of_one_plugin_is_not_charged_to_another(plugin, tmp_path, monkeypatch):
    name = plugin(("nobody, nowhere", "nobody, light"))
    heavy = MODULE.replace("import time", "import torch").replace('"red"', '"blue"')
    (tmp_path / "heavy_one.py").write_text(heavy)
    paths = [str(tmp_path / f"{module}.py") for module in (name, "heavy_one")]
    monkeypatch.setenv("WSSS_PLUGIN_PATH", os.pathsep.join(paths))
    installed.cache_clear()
    assert [weight("red"), weight("blue")] == [OK, WARNING]


def weight(name):
    findings = testing.check("generator", name)
    return next(f.outcome for f in findings if f.check == "is announced without loading torch")


def test_assert_conforms_names_every_failure(plugin):
    plugin(("/ 255", "/ 2"), ("folder = run.folder", "folder = run.folder; open('stray', 'w')"))
    with pytest.raises(AssertionError) as caught:
        testing.assert_conforms("generator", "red")
    assert "generator 'red' breaks its contract" in str(caught.value)
    assert "stray" in str(caught.value)
    assert "must be finite" in str(caught.value)


def test_a_plugin_that_is_not_installed_does_not_conform():
    with pytest.raises(AssertionError, match="no generator is named 'rde'"):
        testing.assert_conforms("generator", "rde")


METRIC = """
import numpy as np
from wsss_harness import Metric, hookimpl

wsss_contract = 1

def count(truth, mask, classes, context):
    return np.array([(truth == mask).sum(), truth.size])

def read(counts, names, contexts):
    return {"equal": counts[0] / counts[1] if counts[1] else None}

@hookimpl
def wsss_metrics():
    return {"equal": Metric(count, read)}
"""


@pytest.mark.parametrize(
    ("old", "new", "check", "message"),
    [
        ("def", "def", "", ""),
        (".sum(), ", ".sum() / 2, ", "whole numbers", "counts are not integers; compute ratios"),
        ("truth.size])", "*truth.shape][: truth.size])", "one shape", "use one shape for all"),
        ("truth.size]", "np.random.randint(9)]", "twice", "not a pure function"),
        (" if counts[1] else None", "", "JSON", "None for undefined ones"),
        ("counts[0] / counts[1] if counts[1] else None", "counts", "JSON", "return plain values"),
        ("np.array([(", "np.array([(1 / 0, ", "empty", "ZeroDivisionError"),
    ],
)
def test_metrics_are_checked(plugin, old, new, check, message):
    plugin((old, new), module=METRIC)
    assert_only(outcomes("metric", "equal"), check, message)


def assert_only(messages, check, message):
    """The message of ``check`` holds ``message``; without a check there is no message."""
    if not check:
        assert messages == {}
        return
    assert message in next(text for name, text in messages.items() if check in name)


NONE = "raise DataError('there is none')"
DATASET = '''
from dataclasses import dataclass
import numpy as np
from fake_data import FakeDataset
from wsss_harness import DataError, hookimpl

wsss_contract = 1

class Data(FakeDataset):
    def image(self, i):
        return FakeDataset(self.count).image(i)

    def saliency(self, i):
        return FakeDataset(self.count).saliency(i)

    pass

@dataclass(frozen=True)
class Drawn:
    """Shapes; ``count`` of them."""
    count: int = 12

    def prepare(self, run):
        pass

    def open(self, folder):
        return Data(self.count)

@hookimpl
def wsss_datasets():
    return {"drawn": Drawn}
'''


@pytest.mark.parametrize(
    ("body", "check", "message"),
    [
        ("pass", "", ""),
        ("def fingerprint(self): return str(np.random.random())", "again", "fingerprint differs"),
        ("def ids(self, split): return self.names", "prepared and opened", "in train and in val"),
        ("classes = ('square', 'Square')", "prepared and opened", "have one name"),
        ("def present(self, i): return (2, 1)", "valid images", "expected ascending"),
        ("def truth(self, i): return super().truth(i) * 0", "agree", "its truth holds []"),
        ("def truth(self, i): return np.zeros((2, 2), np.uint8)", "valid truth", "expected ui"),
        ("def saliency(self, i): return np.ones((2, 2))", "valid images", "its saliency"),
        ("def image(self, i): raise OSError('gone')", "valid images", "OSError: gone"),
        (f"def truth(self, i): {NONE}", "truth, without", "for pretraining only"),
        (f"def has_truth(self, i): return False\n\n    def truth(self, i): {NONE}", "", ""),
    ],
)
def test_datasets_are_checked(plugin, body, check, message):
    plugin(("    pass\n\n@dataclass", f"    {body}\n\n@dataclass"), module=DATASET)
    assert_only(outcomes("dataset", "drawn"), check, message)


# Refiners of masks

MASK_REFINER = '''
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from wsss_harness import hookimpl

wsss_contract = 1


@dataclass(frozen=True)
class Closed:
    """Makes open pixels class ``value``."""

    paper: ClassVar[str] = "nobody, nowhere"
    needs: ClassVar[frozenset] = frozenset({"regions"})
    value: int = 1

    def load(self, device):
        def close(sample, mask):
            assert sample.region_masks.shape[1:] == mask.shape
            return np.where(mask == 255, self.value, mask).astype(np.uint8)

        return close


@hookimpl
def wsss_mask_refiners():
    return {"closed": Closed}
'''


def test_a_good_refiner_of_masks_conforms(plugin):
    plugin(module=MASK_REFINER)
    assert outcomes("mask_refiner", "closed") == {}


MASK_FAULTS = {
    "value": ("value: int = 1", "value: int = 200", "valid predictions", "the mask holds 200"),
    "type": ("np.uint8)", "np.int64)", "valid predictions", "it gave int64; expected uint8"),
    "changes its input": ("return np", "mask[0] = 7; return np", "fits", "changed the mask"),
    "undeclared": ('frozenset({"regions"})', "frozenset()", "fits", "add it to its `needs`"),
}


@pytest.mark.parametrize("fault", slow_but("value", cases=MASK_FAULTS))
def test_a_fault_of_a_refiner_of_masks_is_named(plugin, fault):
    old, new, check, message = MASK_FAULTS[fault]
    plugin((old, new), module=MASK_REFINER)
    messages = outcomes("mask_refiner", "closed")
    assert message in next(text for name, text in messages.items() if check in name)
