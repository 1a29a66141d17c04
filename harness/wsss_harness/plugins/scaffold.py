"""`wsss plugin new`: a whole distribution with a small method that works."""

import re
from collections.abc import Iterator, Mapping
from keyword import iskeyword
from pathlib import Path
from string import Template

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.hookspecs import CONTRACT
from wsss_harness.plugins.registry import installed
from wsss_harness.system import files

TEMPLATES = Path(__file__).parent / "templates"
RAILSCENES = 'name = "railscenes"\ntrain = 1000\nval = 200'
TORCH, NUMPY = "import torch", "import numpy as np"  # of their tests
KINDS: Mapping[str, Mapping[str, str]] = {
    "generator": {"imports": TORCH, "title": "$class_name and CAM"},
    "refiner": {"imports": NUMPY, "title": "CAM before and after $class_name"},
    "mask_refiner": {"imports": NUMPY, "title": "CAM before and after $class_name"},
    "metric": {"imports": NUMPY, "title": "CAM, also measured by $name"},
    "dataset": {"imports": NUMPY, "title": "CAM on $name"},
}


def create(name: str, kind: str, folder: Path | None = None) -> Path:
    """Write a distribution that offers a ``kind`` called ``name``; gives its folder.

    Raises:
        ConfigError: the name is no Python name or taken, or the folder is not empty.
    """
    name = name.replace("-", "_")
    usable = re.fullmatch("[a-z][a-z0-9]*(_[a-z0-9]+)*", name)
    if not usable or iskeyword(class_name(name)) or class_name(name) == "CAM":
        raise ConfigError(f"'{name}' cannot be a name; use small letters, digits and -, as my-cam")
    if name in installed().offers[kind]:
        raise ConfigError(f"a {kind} named '{name}' is installed already; choose another name")
    folder = folder or Path(f"wsss-{name.replace('_', '-')}")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; name another folder with --folder")
    for path, text in distribution(name, kind):
        files.write_text(folder / path, text)
    return folder


def class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def distribution(name: str, kind: str) -> Iterator[tuple[str, str]]:
    """The paths and texts of its files."""
    words = {
        "name": name,
        "kind": kind,
        "module": f"wsss_{name}",
        "distribution": f"wsss-{name.replace('_', '-')}",
        "class_name": class_name(name),
        "contract": str(CONTRACT),
        "dataset": f'name = "{name}"' if kind == "dataset" else RAILSCENES,
        "held_out": "50" if kind == "dataset" else "200",
    }
    words |= {key: Template(text).substitute(words) for key, text in KINDS[kind].items()}
    for part in ("own_test.txt", "offer.toml.txt", "row.toml.txt"):
        words[part.partition(".")[0]] = _filled(f"{kind}/{part}", words)
    words["own_test"] = words["own_test"].rstrip()
    yield f"{words['module']}.py", _filled(f"{kind}/module.txt", words)
    yield f"tests/test_{name}.py", _filled("common/tests.txt", words)
    yield f"{name}.toml", _filled("common/suite.toml.txt", words).rstrip() + "\n"
    yield "pyproject.toml", _filled("common/pyproject.toml.txt", words)
    yield "README.md", _filled("common/README.md.txt", words)
    yield ".github/workflows/ci.yml", _filled("common/ci.yml.txt", words)


def _filled(template: str, words: Mapping[str, str]) -> str:
    """A template with its words; some kinds have no such part."""
    path = TEMPLATES / template
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return Template(text).substitute(words)
