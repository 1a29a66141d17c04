"""Find and read the configurations of segmentors; mmengine is first imported to read one."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.system.files import configs

if TYPE_CHECKING:
    from mmengine import Config


def folder() -> Path:
    return configs() / "segmentors"


def find(name: str) -> Path:
    """The file of a configuration, by name or path.

    Raises:
        ConfigError: the file does not exist; the message lists the names.
    """
    path = Path(name) if name.endswith(".py") else folder() / f"{name}.py"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in folder().glob("*.py")))
        raise ConfigError(
            f"segmentor configuration '{name}' is not there; give the path of a .py file or one "
            f"of {names}"
        )
    return path


def text(path: Path) -> str:
    """The text of a configuration followed by that of its bases (``_base_``)."""
    source = path.read_text(encoding="utf-8")
    return "".join([source, *(text(path.parent / base) for base in _bases(source))])


def _bases(source: str) -> list[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_base_":
            bases = ast.literal_eval(node.value)
            return [bases] if isinstance(bases, str) else list(bases)
    return []


def settled(name: str, classes: int, overrides: dict[str, Any]) -> Config:
    """The configuration for a number of classes, with the ``overrides`` that are not None."""
    from mmengine import Config

    config = Config.fromfile(find(name), import_custom_modules=False)
    for key in ("model", "train", "optim_wrapper"):
        if key not in config:
            raise ConfigError(f"segmentor configuration '{name}' does not set '{key}'")
    config.train.update({k: value for k, value in overrides.items() if value is not None})
    config.model.decode_head.num_classes = classes + 1
    config.model.decode_head.out_channels = classes + 1
    crop = config.train.crop
    config.model.data_preprocessor.size = (crop, crop)
    return config
