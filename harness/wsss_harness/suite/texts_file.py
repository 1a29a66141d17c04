"""The file of texts that a suite file names: prompts of classes and background words."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.system.files import configs
from wsss_harness.system.similar import did_you_mean

KEY = "texts"


def texts_in(content: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """The content of a suite file with the texts themselves where it names a file of them.

    So a suite, once it is read, names no file of texts: records and workers have the words.

    Raises:
        ConfigError: the file is missing or no TOML, or the suite has texts of its own as well.
    """
    texts = content.get(KEY)
    if not isinstance(texts, Mapping) or "file" not in texts:
        return dict(content)
    if len(texts) > 1:
        raise ConfigError(
            f"{source}: texts has a file and {next(name for name in texts if name != 'file')}; "
            "leave one of them out"
        )
    return {**content, KEY: _read(str(texts["file"]), source)}


def _read(name: str, source: Path) -> dict[str, Any]:
    """The tables of a file, given by its path or by the name of one that comes with the harness."""
    folder = configs() / KEY
    path = Path(name) if name.endswith(".toml") else folder / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError:
        known = sorted(file.stem for file in folder.glob("*.toml"))
        raise ConfigError(
            f"{source}: texts.file is '{name}', but there is no file {path}; give the path of a "
            f".toml file, or a name{did_you_mean(path.stem, known)}"
        ) from None
    except ValueError as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
