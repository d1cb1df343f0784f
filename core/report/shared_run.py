"""What the shared page of a run says: verdict with evidence, curves, settings, network, notes and tags. No weights."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from core.analysis.diagnosis import Diagnosis
from core.analysis.suggestion import Suggestion
from core.config.changes import settings_in_words
from core.datasets.identity import data_problem
from core.datasets.storage import describe_dataset
from core.design.architecture import Architecture, describe_network
from core.epoch import Curves
from core.errors import ConvDeckError
from core.formatting import count_of, rate_in_words
from core.inspection.measures import Accuracy, wilson_interval
from core.notebook.facts import RunFacts, facts_of
from core.report.shared_curves import (
    MEASURES_OF_RUN,
    OF_RUN,
    epochs_per_run,
    measures_json,
    run_json,
    thinned,
)
from core.runs.verdicts import suggestions_of, verdict_of
from core.store.interventions import Intervention
from core.store.notes import Note
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace


@dataclass(frozen=True)
class SharedRun:
    """`accuracy` is the best validation accuracy with its interval, None where it or the number of pictures is not
    known. `settings` are (name, value) in words, empty where they cannot be read; `network` is None where the shape of
    its pictures is not known. `changes` are what was changed by hand during training, a sentence each. `curves` are
    thinned where there are very many epochs.

    A run's error and device are left out: they name files and the computer. So are the names of visitors.
    """

    run: Run
    facts: RunFacts
    verdict: Diagnosis
    suggestions: tuple[Suggestion, ...]
    accuracy: Accuracy | None
    settings: list[tuple[str, str]]
    network: Architecture | None
    tags: tuple[str, ...]
    note: Note | None
    changes: tuple[str, ...]
    curves: Curves

    @property
    def result(self) -> str:
        """Accuracy, epochs, time and gap in a sentence, without the verdict, which stands above it."""
        return self.facts.sentence().removeprefix(f"{self.facts.headline}. ")

    def to_json(self) -> dict[str, Any]:
        """What the page's script reads, and any other program may."""
        drawn = run_json(
            self.run.id, self.run.name, self.curves, OF_RUN,
            best_epoch=self.verdict.best_epoch, onset_epoch=self.verdict.onset_epoch,
        )  # fmt: skip
        return {
            "kind": "run",
            "verdict": self.verdict.to_dict(),
            "measures": measures_json(MEASURES_OF_RUN),
            "variants": [],
            "runs": [drawn],
        }


def shared_run_of(workspace: Workspace, store: Store, run: Run) -> SharedRun:
    """As the run stands now. Raises RunNotFound where it is deleted meanwhile."""
    curves = store.curves(run.id)
    verdict, config = verdict_of(store, run, curves), run.readable_config
    return SharedRun(
        run=run,
        facts=facts_of(store, run, curves),
        verdict=verdict,
        suggestions=suggestions_of(workspace, run, verdict),
        accuracy=accuracy_of(run),
        settings=[] if config is None else settings_in_words(config),
        network=_network(workspace, run),
        tags=store.marks.tags_of(run.id),
        note=store.notes.find([run.id]),
        changes=tuple(_changes(store.interventions.history(run.id))),
        curves=thinned(curves, epochs_per_run(1), verdict.best_epoch),
    )


def accuracy_of(run: Run) -> Accuracy | None:
    """The best validation accuracy with its Wilson interval; None where not known on how many pictures."""
    value, count = run.best_val_accuracy, run.data_num_validation
    return (
        Accuracy(value, *wilson_interval(round(value * count), count))
        if value is not None and count
        else None
    )


def _network(workspace: Workspace, run: Run) -> Architecture | None:
    config = run.readable_config
    info = (
        None if config is None or data_problem(workspace, run) else describe_dataset(workspace, run.dataset)
    )
    if config is None or info is None or not info.class_names:
        return None
    with suppress(ConvDeckError):
        return describe_network(
            config.model, config.dataset.picture_shape(info.image_shape), info.num_classes
        )
    return None


def _changes(history: Sequence[Intervention]) -> list[str]:
    found = []
    for each in history:
        if each.applied_at is None or each.value is None:
            continue
        if each.kind == "learning_rate":
            found.append(f"Learning rate set to {rate_in_words(each.value)} after epoch {each.epoch or 0}.")
        elif each.kind == "add_epochs":
            found.append(f"{count_of(int(each.value), 'epoch')} added after epoch {each.epoch or 0}.")
    return found
