"""The options of generators: their own, and those that a suite shares among them."""

from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.plugins.options import names, unused
from wsss_harness.suite.data_stages import set_by
from wsss_harness.suite.inputs import Inputs
from wsss_harness.system.memo import memoize
from wsss_harness.system.similar import did_you_mean


class GeneratorOptions(Inputs):
    """Which options each generator of a suite gets."""

    @memoize
    def generator_options(self, label: str) -> dict[str, Any]:
        """Its own options, and the shared ones that it has and has a use for."""
        offered, cls = self.suite.generators[label], self._class_of(label)
        shared = {name: value for name, value in self.suite.shared.items() if name in names(cls)}
        idle = unused(cls, {**shared, **offered.options})
        used = {name: value for name, value in shared.items() if name not in idle}
        return {**used, **offered.options}

    def _class_of(self, label: str) -> Any:
        offered = self.suite.generators[label]
        with set_by(f"generators.{label}."):
            return self.plugins_of(offered).dataclass_of("generator", offered.name)

    @memoize
    def check_shared(self) -> None:
        """ConfigError for a shared option that no generator has a use for."""
        generators = self.suite.generators
        # Other environments last: they are asked only about what no generator here has.
        labels = sorted(generators, key=lambda label: generators[label].environment is not None)
        for option in self.suite.shared:
            if not any(option in self.generator_options(label) for label in labels):
                known = sorted({name for label in labels for name in names(self._class_of(label))})
                raise ConfigError(
                    f"shared.{option} is an option of none of the generators; correct its name or "
                    f"take it out{did_you_mean(option, known)}"
                )
