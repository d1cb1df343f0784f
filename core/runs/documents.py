"""The one way from runs to JSON and CSV, for the command line and REST alike. NaN and infinities become null."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from core.analysis.diagnosis import Diagnosis
from core.datasets.class_counts import ClassCount
from core.epoch import CURVE_KEYS, Curves
from core.errors import RunError
from core.store.interventions import Intervention
from core.store.records import Run, finite

# A spreadsheet runs a cell that begins with one of these as a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def run_summary(run: Run) -> dict[str, Any]:
    """A run without its config, curves and verdict. Times are unix seconds."""
    return {
        "id": run.id,
        "name": run.name,
        "state": run.state.value,
        "attempt": run.attempt,
        "config_id": run.config_id,
        "dataset": run.dataset,
        "dataset_digest": run.dataset_digest,
        "preset": run.preset,
        "parent": run.parent_id,
        "visitor": run.visitor,
        "device": run.device,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "ended_at": run.ended_at,
        "stop_requested": run.stop_requested,
        "pause_requested": run.pause_requested,
        "epoch": run.epoch,
        "total_epochs": run.total_epochs,
        "added_epochs": run.added_epochs,
        "batch": run.batch,
        "total_batches": run.total_batches,
        "batch_loss": finite_or_none(run.batch_loss),
        "batch_accuracy": finite_or_none(run.batch_accuracy),
        "images_per_second": finite_or_none(run.images_per_second),
        "best_epoch": run.best_epoch,
        "best_val_accuracy": finite_or_none(run.best_val_accuracy),
        "balanced_accuracy": finite_or_none(run.balanced_accuracy),
        "gap": finite_or_none(run.gap),
        "error": run.error,
        "next_step": run.next_step,
    }


def run_detail(
    run: Run,
    curves: Curves,
    diagnosis: Diagnosis | None = None,
    interventions: Sequence[Intervention] = (),
    problem: str | None = None,
    class_counts: Sequence[ClassCount] | None = None,
) -> dict[str, Any]:
    """A run with its config, curves, verdict and interventions: what `show --json` prints.

    A config that another version of ConvDeck wrote and this one cannot read is None, and `config_error` says why.
    `class_names` are in the order of the network's outputs, and `class_counts` are of the run's own pictures; each is
    None where it is not known. `problem` is what `core.runs.trouble` says of it.
    """
    config = run.readable_config
    return {
        **run_summary(run),
        "problem": problem,
        "origin": None if run.origin is None else asdict(run.origin),
        "class_names": None if run.class_names is None else list(run.class_names),
        "class_counts": None if class_counts is None else [asdict(each) for each in class_counts],
        "verdict": None if diagnosis is None else diagnosis.to_dict(),
        "config": None if config is None else config.to_dict(),
        "config_error": run.unreadable,
        "curves": {key: [finite_or_none(value) for value in curves[key]] for key in CURVE_KEYS},
        "interventions": [intervention_row(each) for each in interventions],
    }


def intervention_row(intervention: Intervention) -> dict[str, Any]:
    """A person's request to a run. Pending: no `outcome`; never carried out: an `outcome` and no `applied_at`."""
    return {
        "kind": intervention.kind,
        "value": finite_or_none(intervention.value),
        "asked_at": intervention.asked_at,
        "applied_at": intervention.applied_at,
        "epoch": intervention.epoch,
        "outcome": intervention.outcome,
    }


def finite_or_none(value: float | int | None) -> float | int | None:
    """Whole numbers stay whole, what is not finite becomes None."""
    return value if isinstance(value, int) else finite(value)


def settings_json(runs: Sequence[Run]) -> str:
    """The settings of a run, or of several as a list, in lines for people."""
    try:
        configs = [run.config.to_dict() for run in runs]
    except RunError:
        # Damaged: to be repaired, they are needed as they are.
        texts = [run.config_json for run in runs]
        return texts[0] if len(texts) == 1 else f"[{','.join(texts)}]"
    return json.dumps(configs[0] if len(configs) == 1 else configs, indent=2, sort_keys=True)


def summaries_csv(runs: Iterable[Run]) -> str:
    """A row per run: what `run_summary` says of it. What is not known is empty."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for number, run in enumerate(runs):
        summary = run_summary(run)
        if number == 0:
            writer.writerow(summary)
        writer.writerow(escape_cell(value) if isinstance(value, str) else value for value in summary.values())
    return out.getvalue()


def curves_csv(runs: Iterable[tuple[Run, Curves]]) -> str:
    """A row per run and epoch: `run`, `name`, then the curves by their names. What is not known is empty."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(("run", "name", *CURVE_KEYS))
    for run, curves in runs:
        for epoch, *values in zip(*(curves[key] for key in CURVE_KEYS), strict=True):
            writer.writerow((run.id, escape_cell(run.name), epoch, *(finite(value) for value in values)))
    return out.getvalue()


def escape_cell(text: str) -> str:
    """Text that no spreadsheet reads as a formula: with an apostrophe before it where one would."""
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
