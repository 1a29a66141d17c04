"""The texts of a suite beside the images of its dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wsss_harness.contract.errors import ConfigError
from wsss_harness.contract.supervision import LANGUAGE, Dataset
from wsss_harness.contract.texts import Texts
from wsss_harness.stages.context_words import contexts_named


@dataclass(frozen=True)
class SuiteTexts:
    """Prompts by the name of a class, and background words, as a suite has them."""

    prompts: Mapping[str, tuple[str, ...]]
    background: tuple[str, ...] = ()

    def beside(self, dataset: Dataset) -> Dataset:
        """The dataset with these texts."""
        with_texts: Any = WithTexts(dataset, self)
        opened: Dataset = with_texts
        return opened

    def of(self, dataset: Dataset) -> Texts:
        """The texts for the classes of a dataset.

        Raises:
            ConfigError: a class has no prompt, or a prompt is of no class.
        """
        classes = dataset.classes
        if lacking := [name for name in classes if not self.prompts.get(name)]:
            raise ConfigError(f"texts.classes has no prompt for '{lacking[0]}'; add one")
        if unknown := sorted({*self.prompts} - {*classes}):
            raise ConfigError(
                f"texts.classes has '{unknown[0]}', which is no class of the data; its classes: "
                f"{', '.join(classes)}"
            )
        named = contexts_named(self.background, classes, dataset.contexts)
        return Texts(tuple(self.prompts[n] for n in classes), self.background, tuple(named))


@dataclass(frozen=True)
class WithTexts:
    """A dataset with texts, which are the same for every image."""

    dataset: Dataset
    suite_texts: SuiteTexts

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dataset, name)

    @property
    def supervision(self) -> frozenset[str]:
        return self.dataset.supervision | {LANGUAGE}

    def texts(self, image_id: str) -> Texts:
        return self.suite_texts.of(self.dataset)
