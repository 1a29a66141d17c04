"""Footnotes of tables: what marks and short words in cells mean, and which rows failed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from wsss_harness.contract.kinds import WORDS
from wsss_harness.suite.presence import UNSCORED
from wsss_leaderboard.records import repetition
from wsss_leaderboard.records.record import Record, by_method, distinct
from wsss_leaderboard.records.scores import ERROR
from wsss_leaderboard.tables.table import Table, inert, shortened

CHOSEN = {"fixed": "", "held_out": " (h)", "oracle": " (o)", "unknown": " (?)"}
CHOSEN_ON = {
    "held_out": "(h) threshold chosen on the ground truth of held-out train images.",
    "oracle": "(o) threshold chosen on the ground truth of the scored images.",
    "unknown": "(?) the mask pack does not say how its threshold was chosen.",
}

ANATOMY = (
    "Every wrong pixel has the first cause that fits. ignored: 255 in the mask; missing: of a "
    "class that the mask lacks in this image; boundary: right if an edge moved by the tolerance of "
    "the boundary F; context: painted on a context map; confusion: painted as another object; "
    "extension: painted on other background; partial: the rest of an object that is found in part."
)
GAINS = (
    "Points of mIoU gained if the pixels of this cause alone were right. IoU is not additive, so "
    "gains do not add up."
)


NAME = 60  # characters of a method's name


def marked(table: Table, records: Iterable[Record]) -> Table:
    """The table with a title that says so if numbers of it are of a rehearsal."""
    if not any(record.rehearsal for record in records):
        return table
    return replace(table, title=f"REHEARSAL, numbers mean nothing: {table.title}")


def sup(columns: Iterable[str]) -> list[str]:
    """What the letters mean that the column ``sup`` of some rows shows."""
    shown = " ".join(columns)
    meant = [f"{letter} {words}" for letter, words in WORDS.items() if letter in shown]
    return [f"sup: {', '.join(meant)}."] if meant else []


def packs(records: Iterable[Record]) -> list[str]:
    stated = any(record.supervision.stated for record in records)
    return ["(p) as the mask pack states; ? not stated."] if stated else []


def kinds(records: Iterable[Record]) -> list[str]:
    controls = [record.sup for record in records if record.control]
    marks = ["† control: needs no method."] if any(s != "F." for s in controls) else []
    marks += ["‡ bound: reads the ground truth."] if "F." in controls else []
    return [" ".join(marks)] if marks else []


def chosen(records: Iterable[Record]) -> list[str]:
    used = {record.masks.chosen_on for record in records if record.masks}
    return [note for policy, note in CHOSEN_ON.items() if policy in used]


def seeds(records: Sequence[Record], target: str = "") -> list[str]:
    """The seeds behind means and deviations of masks or of a segmentor, and what they repeat."""
    runs = {method: distinct(group, target) for method, group in by_method(records).items()}
    counts = {m: len(own) for m, own in runs.items() if len(own) > 1 or not own[0].control}
    numbers = sorted(set(counts.values()))
    if numbers in ([], [1]):
        return []
    each = ", ".join(f"{method} {count}" for method, count in counts.items())
    over = f"{numbers[0]} seeds" if len(numbers) == 1 else f"seeds: {each}"
    same = _fixed({method: runs[method] for method in counts}, target)
    return [f"Mean ± standard deviation over {over}{same}.", *_draws(runs, target)]


def _fixed(runs: Mapping[str, Sequence[Record]], target: str) -> str:
    """What seeds leave out, by method unless it is the same for all."""
    axes = {m: ", ".join(sorted(repetition.fixed(own, target))) for m, own in runs.items()}
    if not any(axes.values()):
        return ""
    each = "; ".join(f"{method:.{NAME}} {words}" for method, words in axes.items() if words)
    words = each if len(set(axes.values())) > 1 else next(iter(axes.values()))
    return f"; the same seed throughout: {words}"


def _draws(runs: Mapping[str, Sequence[Record]], target: str) -> Iterator[str]:
    """Which methods have several runs on the same masks, so that seeds repeat a part of them."""
    for method, own in runs.items():
        draws = len(repetition.draws_of(own, target))
        if draws < len(own):
            yield (
                f"{method:.{NAME}}: {len(own)} runs share masks or weights and count as {draws} "
                f"draw{'s' * (draws > 1)}."
            )


def weights(records: Sequence[Record]) -> list[str]:
    """On what initial weights were trained, and which methods had none."""
    used = sorted({w.trained_on for record in records for w in record.supervision.weights})
    notes = [f"Initial weights trained on: {', '.join(used)}."] if used else []
    if bare := dict.fromkeys(record.method for record in records if starts_at_random(record)):
        named = ", ".join(shortened(inert(method)) for method in bare)
        notes.append(f"No initial weights: {named}. Layers that are frozen stay at random values.")
    return [*notes, *selected(records)]


def selected(records: Iterable[Record]) -> Iterator[str]:
    """Which methods have weights that were selected on truth, and on the truth of which split."""
    by_split: dict[str, dict[str, None]] = {}
    for record in records:
        for split in record.supervision.selected_on:
            by_split.setdefault(split, {})[shortened(inert(record.method))] = None
    for split, methods in by_split.items():
        yield (
            f"Weights selected on the truth of {split}, where they look better than they are: "
            f"{', '.join(methods)}."
        )


def starts_at_random(record: Record) -> bool:
    """Whether a backbone of the record was trained from random weights."""
    fits = (step.options for step in record.steps if step.stage.startswith("fit "))
    starts = ("weights", "checkpoint", "checkpoints")
    return any("backbone" in fit and not any(fit.get(name) for name in starts) for fit in fits)


def scored(records: Iterable[Record]) -> str:
    """How segmentors are scored, and which are followed by a CRF."""
    sharpened = {
        label: offered["crf"]
        for record in records
        for label, offered in record.definition.get("segmentors", {}).items()
        if label in record.recipe["segmentors"] and offered.get("crf", "none") != "none"
    }
    crfs = ", ".join(f"{label} with the CRF '{name}'" for label, name in sharpened.items())
    return f"Scored by mmsegmentation, {crfs or 'without CRF'}, the last iteration's weights."


def saliency(records: Iterable[Record]) -> list[str]:
    qualities = dict.fromkeys(record.saliency for record in records if record.saliency)
    return [
        "Saliency"
        + (f" of {q.detector}, trained on {q.trained_on}" if q.detector else "")
        + (f", resized ({q.resize})" if q.resize else "")
        + f": IoU at 0.5 {q.iou:.2f}, mean absolute error {q.error:.3f}, largest F {q.max_f:.2f}."
        for q in qualities
    ]


def named_by_hand(records: Iterable[Record]) -> list[str]:
    """Which methods treat classes by name: their option ``named_by_hand`` lists these."""
    classes = {
        record.method: step.options["named_by_hand"]
        for record in records
        for step in record.steps
        if step.options.get("named_by_hand")
    }
    return [
        f"{method:.{NAME}}: has a rule of its own for classes named by hand: {', '.join(names)}."
        for method, names in classes.items()
    ]


def failures(records: Iterable[Record]) -> list[str]:
    return [
        f"Failed: {record.method}, seed {record.seed}: {message}"
        for record in records
        for message in _messages(record)
    ]


def _messages(record: Record) -> Iterator[str]:
    if record.failure:
        yield record.failure.message
    for metric, read in (record.masks.more if record.masks else {}).items():
        if isinstance(read.get(ERROR), str):
            yield f"metric '{metric}' could not be read from its counts: {read[ERROR]}"


def unscored(records: Iterable[Record]) -> list[str]:
    """That masks have no score, where train has no truth."""
    return [UNSCORED] if any(record.unscored for record in records) else []


def common(records: Sequence[Record], target: str = "") -> list[str]:
    """The last notes of every table, of masks or of a segmentor."""
    missing = [] if target else unscored(records)
    return [*missing, *seeds(records, target), *named_by_hand(records), *failures(records)]


def ending(records: Sequence[Record]) -> list[str]:
    return [*packs(records), *kinds(records), *common(records)]
