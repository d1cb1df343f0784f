"""A run's outcome in numbers and in a sentence; and how several runs differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from core.analysis.significance import mean_and_interval
from core.config import ExperimentConfig
from core.config.changes import describe_changes
from core.epoch import Curves
from core.formatting import as_sentence, duration, percent, points
from core.runs.verdicts import verdict_of
from core.store.records import Run, finite
from core.store.store import Store

MOST_CHANGES = 20
ONE_RUN_EACH = "One run each: no interval, and a small difference may be chance. Run several seeds."


@dataclass(frozen=True)
class RunFacts:
    """What is known of a noted run; where it was deleted, its id and last name alone.

    Accuracies and `gap` are fractions of 1, as the run's own. `seconds` is the sum of its epochs'. `headline` is the
    verdict in a few words. `dataset_digest` is None where it is not known. `balanced` is the balanced accuracy of the
    best epoch, None where classes are even.
    """

    id: str
    name: str
    deleted: bool = False
    state: str | None = None
    headline: str | None = None
    epochs: int = 0
    total_epochs: int = 0
    best_epoch: int | None = None
    best_val_accuracy: float | None = None
    gap: float | None = None
    seconds: float | None = None
    curves: Curves | None = field(default=None, repr=False)
    config: ExperimentConfig | None = field(default=None, repr=False)
    dataset_digest: str | None = None
    balanced: float | None = None

    @property
    def shown_name(self) -> str:
        return f"{self.name} (deleted)" if self.deleted else self.name

    @property
    def has_curves(self) -> bool:
        return self.curves is not None and any(value is not None for value in self.curves["val_accuracy"])

    def sentence(self) -> str:
        """`Overfitting since epoch 14. Best validation accuracy 71.2 % at epoch 12, 30 of 30 epochs …`"""
        if self.deleted:
            return "This run was deleted; only what was written about it is left."
        if not self.epochs:
            return f"No epoch has finished yet ({str(self.state).lower()})."
        parts = []
        if self.best_val_accuracy is not None:
            parts.append(
                f"best validation accuracy {100 * self.best_val_accuracy:.1f} % at epoch {self.best_epoch}"
                + ("" if self.balanced is None else f" (balanced {percent(self.balanced)})")
            )
        took = "" if self.seconds is None else f" in {duration(self.seconds)}"
        parts.append(f"{self.epochs} of {self.total_epochs} epochs{took}")
        if self.gap is not None:
            parts.append(f"a gap of {points(self.gap)}")
        text = ", ".join(parts)
        return f"{self.headline}. {as_sentence(text)}."

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without the curves: `show` has them."""
        return {
            "id": self.id, "name": self.name, "deleted": self.deleted, "state": self.state, "headline": self.headline,
            "epochs": self.epochs, "total_epochs": self.total_epochs, "best_epoch": self.best_epoch,
            "best_val_accuracy": finite(self.best_val_accuracy),
            "balanced_accuracy": finite(self.balanced), "gap": finite(self.gap),
            "seconds": finite(self.seconds),
        }  # fmt: skip


def facts_of(store: Store, run: Run, curves: Curves) -> RunFacts:
    """The facts of a run that is there. Raises RunNotFound."""
    seconds = [value for value in curves["seconds"] if value is not None]
    config = run.readable_config
    return RunFacts(
        id=run.id,
        name=run.name,
        state=run.state.value,
        headline=verdict_of(store, run, curves).headline if run.epoch else None,
        epochs=run.epoch,
        total_epochs=run.total_epochs,
        best_epoch=run.best_epoch,
        best_val_accuracy=run.best_val_accuracy,
        gap=run.gap,
        seconds=sum(seconds) if seconds else None,
        curves=curves,
        config=config,
        dataset_digest=run.dataset_digest,
        balanced=run.balanced_where_uneven,
    )


def compare(runs: Sequence[RunFacts]) -> tuple[str, ...]:
    """How several runs differ in settings and in best validation accuracy, a sentence each; nothing for one run."""
    known = [run for run in runs if not run.deleted]
    if len(known) < 2:
        return ()
    first, *others = known
    lines = []
    for other in others:
        if first.config is not None and other.config is not None:
            changes = describe_changes(first.config, other.config, most=MOST_CHANGES)
            lines.append(f"“{other.name}” compared with “{first.name}”: {changes}.")
        if _on_other_data(first, other):
            lines.append(
                f"“{other.name}” and “{first.name}” were trained on two data sets that had the same name, so their "
                "accuracies cannot be compared."
            )
        elif first.best_val_accuracy is not None and other.best_val_accuracy is not None:
            apart = 100 * (other.best_val_accuracy - first.best_val_accuracy)
            lines.append(
                f"Best validation accuracy of “{other.name}”: {abs(apart):.1f} points "
                f"{'above' if apart >= 0 else 'below'} “{first.name}”{_balanced_in_words(first, other)}."
            )
    groups = _same_but_for_the_seed(known)
    if all(len(group) < 2 for group in groups):
        return (*lines, ONE_RUN_EACH)
    return (*lines, *(_mean(group) for group in groups if len(group) > 1))


def _balanced_in_words(first: RunFacts, other: RunFacts) -> str:
    if first.balanced is None or other.balanced is None:
        return ""
    apart = 100 * (other.balanced - first.balanced)
    return f", balanced accuracy {abs(apart):.1f} points {'above' if apart >= 0 else 'below'}"


def _on_other_data(first: RunFacts, second: RunFacts) -> bool:
    """Whether two runs are known to have seen different pictures under one name."""
    if first.config is None or second.config is None or first.config.dataset.id != second.config.dataset.id:
        return False
    return None not in (digests := (first.dataset_digest, second.dataset_digest)) and digests[0] != digests[1]


def _same_but_for_the_seed(runs: Sequence[RunFacts]) -> list[list[RunFacts]]:
    digests: dict[str, set[str]] = {}
    for run in runs:
        if run.config is not None and run.dataset_digest is not None:
            digests.setdefault(run.config.dataset.id, set()).add(run.dataset_digest)
    groups: dict[tuple[str, str | None], list[RunFacts]] = {}
    for run in runs:
        if run.config is not None and run.best_val_accuracy is not None:
            several = len(digests.get(run.config.dataset.id, ())) > 1
            key = run.config.with_values({"seed": 0}).config_id, run.dataset_digest if several else None
            groups.setdefault(key, []).append(run)
    return list(groups.values())


def _mean(group: Sequence[RunFacts]) -> str:
    interval = mean_and_interval([run.best_val_accuracy or 0.0 for run in group])
    span = (
        ""
        if interval.low is None or interval.high is None
        else f" (95 % interval {100 * interval.low:.1f} to {100 * interval.high:.1f} %)"
    )
    balanced = [run.balanced for run in group if run.balanced is not None]
    if len(balanced) == len(group):
        span += f", balanced {100 * sum(balanced) / len(balanced):.1f} %"
    names = ", ".join(f"“{run.name}”" for run in group)
    return f"{names} differ only in their seed: mean {100 * interval.mean:.1f} %{span}."
