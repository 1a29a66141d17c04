"""The learning rate of ToCo and SeCo: rulixiang/ToCo: utils/optimizer.py."""

POWER = 0.9


def rate_at(
    step: int, steps: int, base: float = 6e-5, warmup: int = 1500, start: float = 1e-6
) -> float:
    """The rate of ``step``, counted from 0, of ``steps``.

    It rises in a line from ``start`` times the ``base``, then falls as a polynomial of all steps:
    at the end of the warm-up it drops to what that has there.
    """
    if step < warmup:
        return base * (1 - (1 - step / warmup) * (1 - start))
    return float(base * (1 - step / steps) ** POWER)
