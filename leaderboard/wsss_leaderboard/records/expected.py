"""What is expected of a method stage by stage, as expected.toml has it."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.records.model import StrictModel, validated

EXPECTED = Path(__file__).with_name("expected.toml")
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Allowances(StrictModel):
    """By how much a number may differ: losses by a share of them, mIoU by points."""

    loss: Positive
    masks: Positive
    segmentation: Positive


class ExpectedLosses(StrictModel):
    """A published curve: the mean of a loss over 50 iterations that end at each of these."""

    method: str
    dataset: str
    source: str
    iterations: tuple[int, ...]
    loss_cls: tuple[Positive, ...]
    loss_sal: tuple[Positive, ...] = ()

    @property
    def curves(self) -> dict[str, dict[int, float]]:
        """Each loss by iteration."""
        named = {"loss_cls": self.loss_cls, "loss_sal": self.loss_sal}
        return {
            name: dict(zip(self.iterations, values, strict=True))
            for name, values in named.items()
            if values
        }


class ExpectedSetting(StrictModel):
    """A value of an option of a stage, and what is known of other values.

    ``methods`` are generators for what they fit and score, else whole rows. ``dataset`` is empty
    for a value that holds on all.
    """

    methods: tuple[str, ...]
    dataset: str = ""
    segmentor: str = ""
    kind: Literal["fit", "score", "refiner", "refine", "mask", "segment", "predict"]
    option: str
    value: Any
    effect: str


class Expected(StrictModel):
    allowances: Allowances
    losses: tuple[ExpectedLosses, ...]
    settings: tuple[ExpectedSetting, ...]

    def of(self, dataset: str) -> "Expected":
        """What is expected on one dataset."""
        losses = tuple(one for one in self.losses if one.dataset == dataset)
        settings = tuple(one for one in self.settings if one.dataset in ("", dataset))
        return self.model_copy(update={"losses": losses, "settings": settings})

    def losses_of(self, method: str) -> ExpectedLosses | None:
        return next((one for one in self.losses if one.method == method), None)


@cache
def expected(path: Path = EXPECTED) -> Expected:
    """The content of a TOML file; DataError names the file and what is wrong in it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path} cannot be read as TOML: {error}") from None
    found = validated(Expected, content, path)
    for one in found.losses:
        lengths = {len(one.iterations), len(one.loss_cls), len(one.loss_sal) or len(one.iterations)}
        if len(lengths) > 1:
            raise DataError(f"{path}: the curves of '{one.method}' are not all of one length")
    return found
