"""The files that a method gets besides the data: weights, text features, vocabularies."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from wsss_harness.contract.errors import ConfigError, SupervisionError

BACKBONE = "backbone"  # the name of what every method may start from, as ``run.weights``
READ = "weights."  # begins what a ledger notes of them


class Files(Mapping[str, Path]):
    """Paths by name, of the files that a suite gives to a method; each is noted when it is taken.

    Only names that the class of the method declares are here.

    ``prefix`` begins what the ledger notes.

    Raises:
        SupervisionError: another name is read; it names the method and what it declares.
    """

    def __init__(
        self, paths: Mapping[str, Path], ledger: Any, owner: str, prefix: str = READ
    ) -> None:
        self._paths, self._ledger, self._owner = dict(paths), ledger, owner
        self._prefix = prefix

    def __getitem__(self, name: str) -> Path:
        if name not in self._paths:
            raise SupervisionError(
                f"{self._owner} read the weights '{name}', but declares "
                f"{sorted(self._paths) or 'none'}; add it to its `wants_weights`"
            )
        self._ledger.note(f"{self._prefix}{name}")
        return self._paths[name]

    def __contains__(self, name: object) -> bool:
        return name in self._paths

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def wanted_weights(method: Any) -> tuple[str, ...]:
    """The names of the files that a method declares, sorted."""
    return tuple(sorted(getattr(method, "wants_weights", ())))


def check_weights(method: Any, given: Collection[str], owner: str) -> None:
    """Raise ConfigError unless a suite gives a method the weights that it wants, and no others.

    It may give a backbone to each.
    """
    wanted = wanted_weights(method)
    if missing := [name for name in wanted if name not in given]:
        raise ConfigError(
            f"{owner} wants the weights '{missing[0]}'; define them as [weights.LABEL] and give it "
            f'weights = {{ {missing[0]} = "LABEL" }}'
        )
    taken = sorted({BACKBONE, *wanted})
    if unknown := sorted(set(given) - set(taken)):
        raise ConfigError(f"{owner} takes no weights '{unknown[0]}', only {', '.join(taken)}")
