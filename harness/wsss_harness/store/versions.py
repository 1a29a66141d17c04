"""Finished stages that were made with other versions of libraries than the installed ones.

Versions are in no cache key: an update of torch would throw away weeks of training whose bytes it
rarely changes. Commands warn instead.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from wsss_harness.store.stage import Stage
from wsss_harness.store.store import Store
from wsss_harness.system.meter import library_versions


def version_warnings(stages: Iterable[Stage], store: Store) -> Iterator[str]:
    """A sentence for each library of which finished stages were made with another version."""
    installed = library_versions()
    titles: dict[tuple[str, str], list[str]] = defaultdict(list)
    for stage in stages:
        for library, version in store.environment(stage).items():
            if library in installed and installed[library] != version:
                titles[library, version].append(stage.title)
    for (library, version), made in sorted(titles.items()):
        stages_made = f"{made[0]} was" if len(made) == 1 else f"{len(made)} finished stages were"
        yield (
            f"{stages_made} made with {library} {version}; {installed[library]} is installed and "
            "may give other numbers. To make everything with the installed versions, use another "
            "--store."
        )
