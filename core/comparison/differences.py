"""What differs from a pinned baseline, in words, and what it did to accuracy and gap.

Of two runs a difference may be chance, and the sentence says so. Of two groups, runs of the same seed are pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import fmean

from core.analysis.significance import Difference, paired_difference
from core.comparison.facts import FAILED, SEED, STOPPED, UNDER_WAY, RunFacts
from core.comparison.groups import CONFIDENCE, Group, copies, is_known, limits_of, rounding_of
from core.comparison.quantities import RESULTS, in_words, show_value
from core.config import ExperimentConfig
from core.config.changes import describe_changes, differences
from core.config.labels import shown_beside
from core.formatting import MINUS, points, with_minus

COMPARED = ("val_accuracy", "gap")
MOST_CHANGES = 4


@dataclass(frozen=True)
class Change:
    """What a run or a group has more of one result than the baseline. `low` and `high` are None where chance is not
    excluded because there are no two pairs; `n` counts the pairs; `clear` when the interval leaves out zero.
    """

    change: float | None
    low: float | None
    high: float | None
    n: int
    clear: bool
    sentence: str


@dataclass(frozen=True)
class Compared:
    """`paths` of the settings that differ from the baseline's, and the same in `words`; both are empty for itself."""

    is_baseline: bool
    paths: tuple[str, ...]
    words: str
    val_accuracy: Change
    gap: Change


def compare_runs(baseline: RunFacts, other: RunFacts) -> Compared:
    """One run beside another."""
    paths, words = _settings(baseline, other)
    changes = {key: _of_two(key, baseline, other) for key in COMPARED}
    return Compared(baseline.id == other.id, paths, words, **changes)


def compare_groups(baseline: Group, other: Group) -> Compared:
    """One group beside another, paired by seed."""
    if baseline.values:
        paths = tuple(path for path in baseline.values if baseline.values[path] != other.values[path])
        words = ", ".join(
            in_words(
                path, " → ".join(shown_beside(path, (baseline.values[path], other.values[path]), show_value))
            )
            for path in paths
        )
    else:
        paths, words = _settings(baseline.runs[0], other.runs[0], but_seed=True)
    changes = {key: _of_groups(key, baseline, other) for key in COMPARED}
    return Compared(baseline.key == other.key, paths, words, **changes)


def _settings(baseline: RunFacts, other: RunFacts, but_seed: bool = False) -> tuple[tuple[str, ...], str]:
    """The paths that differ, and the same in words with what is no setting."""
    before, after = baseline.config, other.config
    if before is None or after is None:
        return (), "The settings of one of them cannot be read."
    paths, described = _changes(before, after, but_seed)
    words = [described] if paths else []
    if before.dataset.id == after.dataset.id and _differ(
        baseline.run.dataset_digest, other.run.dataset_digest
    ):
        words.append("other data under the same name")
    if other.learning_rate_changed:
        words.append("learning rate changed by hand")
    if baseline.learning_rate_changed:
        words.append("the baseline's learning rate was changed by hand")
    return paths, ", ".join(words) or "same settings"


@lru_cache(maxsize=4096)
def _changes(
    before: ExperimentConfig, after: ExperimentConfig, but_seed: bool
) -> tuple[tuple[str, ...], str]:
    """The paths of the settings that differ, and the same in words: 1 ms each."""
    if but_seed:
        after = after.with_values({SEED: before.seed})
    paths = tuple(path for path, _, _ in differences(before, after))
    return paths, describe_changes(before, after, most=MOST_CHANGES)


def _differ(first: str | None, second: str | None) -> bool:
    return first is not None and second is not None and first != second


def _of_two(key: str, baseline: RunFacts, other: RunFacts) -> Change:
    before, after = baseline.results[key], other.results[key]
    unfinished = _unfinished(baseline, other)
    if before is None or after is None:
        return Change(None, None, None, 0, False, f"One of them has no result.{unfinished}")
    if baseline.id == other.id:
        return Change(0.0, None, None, 0, False, f"The baseline itself.{unfinished}")
    sentence = f"{_in_points(after - before)}. One run each: chance is not excluded.{unfinished}"
    return Change(after - before, None, None, 1, False, sentence)


_ENDINGS = {FAILED: "failed", STOPPED: "was stopped", UNDER_WAY: "is under way"}


def _unfinished(baseline: RunFacts, other: RunFacts) -> str:
    """` This run failed.`, ` The baseline is under way.`: their results are those of the epochs until then."""
    runs = (
        {"The baseline": baseline}
        if baseline.id == other.id
        else {"The baseline": baseline, "This run": other}
    )
    return "".join(f" {who} {_ENDINGS[run.outcome]}." for who, run in runs.items() if run.outcome in _ENDINGS)


def _of_groups(key: str, baseline: Group, other: Group) -> Change:
    if baseline.key == other.key:
        return Change(0.0, None, None, 0, False, "The baseline itself.")
    before, after = _by_seed(key, baseline.counted), _by_seed(key, other.counted)
    if not before or not after:
        return Change(None, None, None, 0, False, "One of them has no result.")
    seeds = sorted(before.keys() & after.keys())
    if len(seeds) < 2:
        change = fmean(after.values()) - fmean(before.values())
        why = (
            "Only one seed in common: train both with more of"
            if seeds
            else "No seed in common: train both with"
        )
        sentence = f"{_in_points(change)}. {why} the same seeds to exclude chance."
        return Change(change, None, None, len(seeds), False, sentence)
    found = paired_difference(
        [after[seed] for seed in seeds],
        [before[seed] for seed in seeds],
        CONFIDENCE,
        ("It", "the baseline"),
        rounding=rounding_of(key, [*baseline.counted, *other.counted]),
        limits=limits_of(key),
    )
    return Change(found.mean, found.low, found.high, found.n, found.clear, _paired_sentence(key, found))


def _by_seed(key: str, runs: Sequence[RunFacts]) -> dict[int, float]:
    """The result of each seed: of copies their mean, of several settings with one seed the mean of these."""
    found: dict[int, list[float]] = {}
    for places in copies(runs):
        known = [value for place in places if is_known(value := runs[place].results[key])]
        if known and (seed := runs[places[0]].seed) is not None:
            found.setdefault(seed, []).append(fmean(known))
    return {seed: fmean(values) for seed, values in found.items()}


def _paired_sentence(key: str, found: Difference) -> str:
    if found.low is None or found.high is None:
        return found.sentence
    span = with_minus(f"{100 * found.low:+.1f} to {100 * found.high:+.1f} points over {found.n} seeds")
    if not found.clear:
        return f"{_in_points(found.mean)}: no clear difference ({span})."
    word = "better" if (found.mean > 0) == (RESULTS[key].direction > 0) else "worse"
    return f"{_in_points(found.mean)}: {word} ({span})."


def _in_points(change: float) -> str:
    size = points(abs(change))
    if size == points(0.0):
        return size  # without a sign: neither up nor down
    return ("+" if change >= 0 else MINUS) + size
