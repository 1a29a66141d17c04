"""Mask packs: masks or scores of a method as a folder that others can check and use.

    pack.json           their origin, and each file with its size and digest
    masks/ID.png        palette PNG, 0..C or 255          or
    scores/ID.scores    class scores

A pack stands for a generator whose code is not here; refiners, segmentors and tables treat it as
any other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from wsss_harness.packs.manifest import MANIFEST, Pack, read_manifest

if TYPE_CHECKING:
    from wsss_harness.contract.hookspecs import Run
    from wsss_harness.contract.supervision import View
    from wsss_harness.contract.types import ClassScores, Sample


@dataclass(frozen=True)
class MaskPack:
    """Masks or scores that were made elsewhere, as `wsss pack export` and `import` write them.

    ``folder``: the pack. It reads no supervision itself; tables mark the supervision that the pack
    states as unverified.
    """

    needs: ClassVar[frozenset[str]] = frozenset()
    idle: ClassVar[frozenset[str]] = frozenset({"folder"})  # the content counts; see identity

    folder: str

    def identity(self) -> dict[str, Any]:
        """The digest of the manifest, which holds that of every file."""
        read_manifest(Path(self.folder))
        content = (Path(self.folder) / MANIFEST).read_bytes()
        return {"pack": hashlib.sha256(content).hexdigest()}

    @cached_property
    def stated(self) -> tuple[str, ...]:
        """The supervision that the pack says the method used."""
        supervision = read_manifest(Path(self.folder)).supervision
        return ("unknown",) if supervision is None else supervision

    @cached_property
    def chosen_on(self) -> str:
        """On what the pack says the threshold of its masks was chosen; scores have none."""
        manifest = read_manifest(Path(self.folder))
        return "fixed" if manifest.kind == "scores" else manifest.chosen_on or "unknown"

    def fit(self, data: View, run: Run) -> None:
        """Check every file of the pack against its manifest and against the images."""
        pack = Pack(Path(self.folder))
        pack.refuse_other(data.classes, data.ids)
        for done, image_id in enumerate(data, 1):
            pack.check_size(image_id, data[image_id].image.shape[:2])
            pack.scores(image_id)
            run.progress(done, len(data))

    def load(self, folder: Path, device: str) -> Callable[[Sample], ClassScores]:
        pack = Pack(Path(self.folder))
        return lambda sample: pack.scores(sample.image_id)
