"""Find OpenMMLab's original packages where their maintained continuation should be.

Both install the same folders, such as ``mmcv``, and pip does not notice: whichever comes last
overwrites files of the other one.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, PackagePath, distribution
from typing import Any

ORIGINALS: Mapping[str, tuple[str, ...]] = {
    "onedl-mmengine": ("mmengine", "mmengine-lite"),
    "onedl-mmcv": ("mmcv", "mmcv-full", "mmcv-lite"),
    "onedl-mmsegmentation": ("mmsegmentation",),
}
FIRST = 3  # files that a message names


def problems(needs: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with each continuation; ``needs``: what pip is to install, by its name."""
    for name, originals in ORIGINALS.items():
        found = [original for original in map(_installed, originals) if original is not None]
        own = _installed(name)
        damaged = _damaged(own) if own is not None else []
        if found or damaged:
            yield _message(name, own, found, damaged, needs.get(name, name))


def _message(
    name: str, own: Distribution | None, found: list[Distribution], damaged: list[str], need: str
) -> str:
    reinstall = f"python -m pip install --force-reinstall --no-deps '{need}'"
    continuation = f"{name} {own.version}" if own else name
    state = (
        f"{len(damaged)} files of {continuation} are missing or not its own "
        f"({', '.join(damaged[:FIRST])}{', ...' if damaged[FIRST:] else ''})"
    )
    if not found:
        return f"{state}, as after a package of OpenMMLab was installed over it: run {reinstall}"
    names = " ".join(original.name for original in found)
    originals = ", ".join(f"{original.name} {original.version}" for original in found)
    beside = "beside" if own else "and not"
    return (
        f"{originals} of OpenMMLab is installed {beside} its maintained continuation "
        f"{continuation}, which has the same folders{f'; {state}' if damaged else ''}: run "
        f"python -m pip uninstall -y {names}, then {reinstall}"
    )


def _installed(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _damaged(installed: Distribution) -> list[str]:
    """The Python files of a distribution that are not as it installed them."""
    files = [file for file in installed.files or () if file.suffix == ".py" and file.hash]
    return [str(file) for file in files if not _as_installed(file)]


def _as_installed(file: PackagePath) -> bool:
    stated: Any = file.hash  # typed as optional
    try:
        digest = hashlib.new(stated.mode, file.read_binary()).digest()
    except OSError:
        return False
    return bool(base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == stated.value)
