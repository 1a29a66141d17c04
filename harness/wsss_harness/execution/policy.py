"""How a run makes its stages; nothing here is part of a stage's key."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Policy:
    """How a run makes its stages.

    ``retries``: further tries after failures other than config, data, plugin or supervision errors.
    ``shards``: into how many shards stages of images are divided; None takes as many as the
    executor runs at once.
    ``deterministic``: use one thread and deterministic algorithms of torch.
    ``processes``: how many processes train one network, where its plugin supports that.
    """

    retries: int = 0
    shards: int | None = None
    deterministic: bool = False
    processes: int = 1
