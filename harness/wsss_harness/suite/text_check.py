"""Whether background words of a suite name what surrounds a class of its data."""

from collections.abc import Iterator

from wsss_harness.contract.findings import WARNING, Finding
from wsss_harness.contract.supervision import Dataset
from wsss_harness.stages.context_words import contexts_named
from wsss_harness.suite.spec import Suite

CHECK = "no background word names a context of the data"


def findings(suite: Suite, dataset: Dataset) -> Iterator[Finding]:
    """A finding that lists the background words, if the suite has any, which name a context."""
    if suite.texts is None or not suite.texts.background:
        return
    named = contexts_named(suite.texts.background, dataset.classes, dataset.contexts)
    lines = tuple(
        f"'{word}' names {' and '.join(_described(contexts))}" for word, contexts in named.items()
    )
    if not lines:
        yield Finding(CHECK)
        return
    message = (
        f"{lines[0]}; who uses such words tells the method by hand what not to take for the class: "
        "leave them out (texts.background), or compare with a row without them"
    )
    yield Finding(CHECK, WARNING, message, len(lines), lines)


def _described(contexts: dict[str, list[str]]) -> Iterator[str]:
    for context, classes in contexts.items():
        yield f"{context}, the context of {', '.join(classes)}"
