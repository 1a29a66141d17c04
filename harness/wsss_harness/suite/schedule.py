"""The order of stages: each after its inputs, the stages of the first rows first."""

import heapq
from collections.abc import Callable, Iterable, Iterator

from wsss_harness.store.stage import Stage


class Schedule:
    """The unfinished stages that some targets need, as a run works through them.

    graphlib's sorter could not hand a stage out twice, order ready stages, or drop what depends
    on a failed stage.
    """

    def __init__(self, targets: Iterable[Stage], done: Callable[[Stage], bool]) -> None:
        self.there: dict[str, Stage] = {}  # finished before the run
        self.remaining: dict[str, Stage] = {}
        self._users: dict[str, list[Stage]] = {}
        self._lacking: dict[str, set[str]] = {}
        self._ready: list[tuple[int, str]] = []
        self._offered: set[str] = set()
        for target in targets:
            self._add(target, done)
        self._place = {key: place for place, key in enumerate(self.remaining)}
        for key in self.remaining:
            self._offer(key)

    def _add(self, stage: Stage, done: Callable[[Stage], bool]) -> None:
        if stage.key in self.there or stage.key in self.remaining:
            return
        if done(stage):
            self.there[stage.key] = stage
            return
        for needed in stage.inputs.values():
            self._add(needed, done)
            self._users.setdefault(needed.key, []).append(stage)
        self._lacking[stage.key] = {i.key for i in stage.inputs.values() if i.key in self.remaining}
        self.remaining[stage.key] = stage

    def _offer(self, key: str) -> None:
        if not self._lacking[key] and key not in self._offered:
            self._offered.add(key)
            heapq.heappush(self._ready, (self._place[key], key))

    def take(self, wanted: Callable[[Stage], bool]) -> Iterator[Stage]:
        """Yield the ready stages that are wanted, in order."""
        passed = []
        while self._ready:
            place = heapq.heappop(self._ready)
            stage = self.remaining.get(place[1])
            self._offered.discard(place[1])
            if stage is None:  # dropped with a failed input
                continue
            if wanted(stage):
                yield stage
            else:
                passed.append(stage)
        for stage in passed:
            self._offer(stage.key)

    def give_back(self, stage: Stage) -> None:
        """Make a stage available again that ``take`` has yielded."""
        self._offer(stage.key)

    def finished(self, stage: Stage) -> None:
        self.remaining.pop(stage.key)
        for user in self._users.get(stage.key, ()):
            self._lacking[user.key].discard(stage.key)
            self._offer(user.key)

    def failed(self, stage: Stage) -> list[Stage]:
        """Drop a stage and all that depend on it; gives what was dropped, the failed one first."""
        if self.remaining.pop(stage.key, None) is None:
            return []
        users = self._users.get(stage.key, ())
        return [stage, *(dropped for user in users for dropped in self.failed(user))]
