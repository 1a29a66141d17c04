"""A segmentor that mmsegmentation builds and mmengine trains; both load when they are needed."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.options import require_option
from wsss_harness.networks.segmentors.settings import PredictionSettings
from wsss_harness.networks.training.settings import Amp, Arithmetic
from wsss_harness.system.files import configs
from wsss_harness.system.similar import did_you_mean

if TYPE_CHECKING:
    from mmengine import Config

    from wsss_harness.contract.hookspecs import Run
    from wsss_harness.contract.supervision import View
    from wsss_harness.contract.types import Mask, Sample

# Options that replace a value of ``train`` in a configuration, and the name of that value.
REPLACED = {
    "iterations": "iterations",
    "batch": "batch",
    "crop": "crop",
    "rescale": "scales",
    "mirror": "flip",
}


@dataclass(frozen=True)
class MmsegSegmentor(PredictionSettings):
    """Train an EncoderDecoder on masks, then segment whole images.

    ``config``: the name of a file in configs/segmentors, or the path of another file.
    ``iterations``, ``batch``, ``crop``, ``lr``: replace the values of the configuration, and so do
    ``rescale``, its factors for training images, and ``mirror``, the share of mirrored ones.
    ``scales``, ``flip``, ``average``, ``crf``: see settings.PredictionSettings.
    ``amp``, ``channels_last``, ``compiled``: see training.settings.Arithmetic.
    ``workers``: the number of processes that load images.
    ``checkpoint_every``, ``checkpoint_seconds``: see training.settings.TrainingSettings.
    """

    config: str = "deeplab_v2_resnet101_voc"
    iterations: int | None = None
    batch: int | None = None
    crop: int | None = None
    lr: float | None = None
    rescale: tuple[float, ...] | None = None
    mirror: float | None = None
    amp: Amp = "off"
    channels_last: bool = False
    compiled: bool = False
    workers: int = 0
    checkpoint_every: int = 200
    checkpoint_seconds: float = 10.0

    paper: ClassVar[str] = "Chen et al., TPAMI 2018"
    golden: ClassVar[tuple[str, ...]] = ("deeplab",)
    needs: ClassVar[frozenset[str]] = frozenset()
    distributed: ClassVar[bool] = True
    at_inference: ClassVar[frozenset[str]] = frozenset({"scales", "flip", "average", "crf"})
    idle: ClassVar[frozenset[str]] = frozenset(
        {"workers", "checkpoint_every", "checkpoint_seconds"}
    )
    in_iterations: ClassVar[frozenset[str]] = frozenset({"iterations"})
    quick: ClassVar[Mapping[str, Any]] = {
        "config": "deeplab_v1_railscenes",
        "iterations": 4,
        "batch": 2,
        "crop": 32,
        "checkpoint_every": 1,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        config_file(self.config)
        for name in ("iterations", "batch", "crop", "lr", "checkpoint_every"):
            value = getattr(self, name)
            require_option(self, name, value is None or value > 0, "above 0")
        for name in ("workers", "checkpoint_seconds"):
            require_option(self, name, getattr(self, name) >= 0, "at least 0")
        factors = self.rescale
        sound = factors is None or (len(factors) > 0 and min(factors) > 0)
        require_option(self, "rescale", sound, "factors above 0")
        require_option(self, "mirror", self.mirror is None or 0 <= self.mirror <= 1, "in [0, 1]")

    def identity(self) -> dict[str, Any]:
        """The digest of the configuration's text, on which the result depends."""
        content = config_text(config_file(self.config))
        return {"config": sha256(content.encode()).hexdigest()}

    def configuration(self, classes: int) -> Config:
        """The configuration for a number of classes, with the options that replace its values."""
        from mmengine import Config

        config = Config.fromfile(config_file(self.config), import_custom_modules=False)
        for key in ("model", "train", "optim_wrapper"):
            if key not in config:
                raise ConfigError(f"segmentor configuration '{self.config}' does not set '{key}'")
        options = {key: getattr(self, name) for name, key in REPLACED.items()}
        config.train.update({k: value for k, value in options.items() if value is not None})
        if self.lr is not None:
            config.optim_wrapper.optimizer.lr = self.lr
        config.model.decode_head.num_classes = classes + 1
        config.model.decode_head.out_channels = classes + 1
        crop = config.train.crop
        config.model.data_preprocessor.size = (crop, crop)
        return config

    def fit(self, data: View, masks: Path, run: Run) -> None:
        """Train on the images of ``data`` and masks/<image id>.png, where 255 is ignored.

        Writes weights.pth, a plain state dict, and config.json.
        """
        from wsss_harness.networks.segmentors import fitting

        fitting.fit(
            self.configuration(len(data.classes)),
            data,
            masks,
            run,
            checkpoint_every=self.checkpoint_every,
            checkpoint_seconds=self.checkpoint_seconds,
            workers=self.workers,
            arithmetic=Arithmetic(self.amp, self.channels_last, self.compiled),
        )

    def load(self, folder: Path, device: str) -> Callable[[Sample], Mask]:
        """The trained network as a function from an image to its mask of the same size."""
        from wsss_harness.networks.segmentors import inference

        return inference.load(folder, device, self)


def config_file(name: str) -> Path:
    """The file of a configuration, by name or path.

    Raises:
        ConfigError: the file does not exist; the message lists the names.
    """
    folder = configs() / "segmentors"
    path = Path(name) if name.endswith(".py") else folder / f"{name}.py"
    if not path.is_file():
        names = sorted(file.stem for file in folder.glob("*.py"))
        raise ConfigError(
            f"segmentor configuration '{name}' is not there; give a name or the path of a .py file"
            f"{did_you_mean(Path(name).stem, names)}"
        )
    return path


def config_text(path: Path) -> str:
    """The text of a configuration followed by that of its bases (``_base_``)."""
    source = path.read_text(encoding="utf-8")
    return "".join([source, *(config_text(path.parent / base) for base in _bases(source))])


def _bases(source: str) -> list[str]:
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_base_":
            bases = ast.literal_eval(node.value)
            return [bases] if isinstance(bases, str) else list(bases)
    return []
