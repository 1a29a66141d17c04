"""What is expected of a method, stage by stage, from expected.toml."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from wsss_harness.contract.errors import DataError
from wsss_leaderboard.records.model import StrictModel, read_toml, validated

EXPECTED = Path(__file__).with_name("expected.toml")
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Allowances(StrictModel):
    """How much a number may differ: a loss by a fraction of itself, mIoU by points."""

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
    """The published value of an option of a stage, and the known effect of other values.

    ``methods`` are generators for the kinds fit and score, whole rows for the others. ``dataset``
    is empty for a value that holds on all of them. ``published`` is false where the authors state
    no value and ours is a choice.
    """

    methods: tuple[str, ...]
    dataset: str = ""
    segmentor: str = ""
    kind: Literal["fit", "score", "refiner", "refine", "mask", "segment", "predict"]
    option: str
    value: Any
    effect: str
    published: bool = True


class Expected(StrictModel):
    allowances: Allowances
    losses: tuple[ExpectedLosses, ...]
    settings: tuple[ExpectedSetting, ...]

    def of(self, dataset: str) -> "Expected":
        """What is expected on one dataset."""
        losses = tuple(entry for entry in self.losses if entry.dataset == dataset)
        settings = tuple(entry for entry in self.settings if entry.dataset in ("", dataset))
        return self.model_copy(update={"losses": losses, "settings": settings})

    def losses_of(self, method: str) -> ExpectedLosses | None:
        return next((losses for losses in self.losses if losses.method == method), None)


@cache
def expected(path: Path = EXPECTED) -> Expected:
    """The content of a TOML file; DataError names the file and the invalid field."""
    content = validated(Expected, read_toml(path), path)
    for losses in content.losses:
        count = len(losses.iterations)
        if {len(losses.loss_cls), len(losses.loss_sal) or count} != {count}:
            raise DataError(
                f"{path}: the curves of '{losses.method}' differ in length; give each loss a value "
                "for every iteration"
            )
    return content
