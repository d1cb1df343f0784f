"""A run's confusion matrices over its epochs, measured on the validation pictures while it trained."""

from typing import Any

from core.runs.breakdown import class_names_of
from core.store.breakdowns import Confusions
from core.store.records import Run
from core.workspace import Workspace


def why_no_confusions(run: Run) -> str:
    """Why a run has none, in a sentence."""
    if run.epoch:
        return "This run was trained before ConvDeck kept confusions. New runs have them."
    return "Confusions are counted once the first epoch has ended."


def confusions_document(workspace: Workspace, run: Run, confusions: Confusions | None) -> dict[str, Any]:
    """As JSON: `confusion` over `epoch`, each with a row per true class; and why there are none."""
    document: dict[str, Any] = {
        "run": run.id,
        "split": "validation",
        "note": None,
        "class_names": [],
        "epoch": [],
        "confusion": [],
    }
    if confusions is None:
        return document | {"note": why_no_confusions(run)}
    return document | {
        "class_names": list(class_names_of(workspace, run, confusions.matrices.shape[1])),
        "epoch": confusions.epochs.tolist(),
        "confusion": confusions.matrices.tolist(),
    }
