"""The stages that prepare data, and what identifies them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from wsss_harness.contract.errors import ConfigError, OptionError
from wsss_harness.contract.hookspecs import DatasetSource
from wsss_harness.contract.supervision import Dataset
from wsss_harness.plugins.elsewhere import PluginsElsewhere, plugins_at
from wsss_harness.plugins.registry import Plugins
from wsss_harness.stages.limited import LimitedSource
from wsss_harness.stages.stage_data import PrepareData, open_dataset
from wsss_harness.store.stage import Stage
from wsss_harness.suite.spec import Offered, Suite


class DataStages:
    """The data that all rows share, for the repetition with the number ``seed``."""

    def __init__(self, suite: Suite, plugins: Plugins, seed: int) -> None:
        self.suite = suite
        self.plugins = plugins
        self.seed = seed
        self.seeds = suite.seeds_of(seed)

    def plugins_of(self, offered: Offered) -> Plugins | PluginsElsewhere:
        """The plugins among which a method of the suite is."""
        return plugins_at(self.plugins, offered.environment)

    def offered(self, kind: str, label: str) -> Offered:
        """What the suite says of the method of this kind and label."""
        offered: Offered = getattr(self.suite, f"{kind}s")[label]
        return offered

    def built(self, kind: str, label: str, options: Mapping[str, Any]) -> Any:
        """The plugin of a method: the generator, refiner, mask_refiner or segmentor of this label.

        Raises:
            ConfigError: an option is wrong; it names the key of the suite that sets it.
            PluginError: the class cannot be built.
        """
        offered = self.offered(kind, label)
        with set_by(f"{kind}s.{label}.", shared=options.keys() - offered.options.keys()):
            return self.plugins_of(offered).build(kind, offered.name, options)

    @cached_property
    def data(self) -> Stage:
        return self.data_of(self.suite.dataset.name, self.source)

    def data_of(self, name: str, source: Any) -> Stage:
        """The stage that prepares a dataset."""
        return Stage(
            kind="data", name=name, body=PrepareData(source), options=identity_of_data(source)
        )

    def source_of(self, offered: Offered, place: str) -> Any:
        with set_by(place):
            return self.plugins.build("dataset", offered.name, offered.options)

    @cached_property
    def source(self) -> DatasetSource:
        source: DatasetSource = self.source_of(self.suite.dataset, "dataset.")
        return LimitedSource(source, self.suite.limit) if self.suite.limit else source

    def opened(self, folder: Path) -> Dataset:
        """The dataset whose stage lies in ``folder``."""
        return open_dataset(self.source, folder)


@contextmanager
def set_by(place: str, shared: Collection[str] = ()) -> Iterator[None]:
    """Let errors of the body about an option name the key that sets it, below ``place``.

    ``shared``: options that the table ``shared`` sets.
    """
    try:
        yield
    except OptionError as error:
        raise error.set_by("shared." if error.option in shared else place) from error
    except ConfigError as error:
        raise type(error)(f"{place.rstrip('.')}: {error}") from error


def identity_of_data(source: Any) -> dict[str, Any]:
    """What cache keys say of a dataset: what it says of itself, or its options.

    A dataset that reads its files where they lie can be opened before it is prepared; then they
    count as well, by its fingerprint.
    """
    if isinstance(source, LimitedSource):
        return {**identity_of_data(source.source), "limit": dict(source.most)}
    options = asdict(source)
    place = f"{type(source).__module__}.{type(source).__qualname__} {options!r}"
    if place not in _identities:
        own = source.identity() if hasattr(source, "identity") else None
        _identities[place] = {**options, **_fingerprint(source)} if own is None else own
    return _identities[place]


_identities: dict[str, dict[str, Any]] = {}  # by dataset and options: every row of a suite asks


def _fingerprint(source: Any) -> dict[str, str]:
    """The fingerprint of a dataset before it is prepared; empty if it must be prepared first."""
    with TemporaryDirectory(prefix="wsss-unprepared-") as folder, suppress(Exception):
        if fingerprint := str(source.open(Path(folder)).fingerprint()):
            return {"fingerprint": fingerprint}
    return {}
