"""Whether what a run was started on is still there and the same: its name alone does not tell.

A data set can be removed and another one added under its name. So a run keeps its data's digest (see
`core.datasets.storage.digest_of`), and whatever needs the pictures again asks here first.
"""

from typing import Protocol

from core.config.dataset import NOT_KNOWN
from core.datasets.storage import describe_dataset
from core.errors import DatasetError
from core.workspace import Workspace


class OnData(Protocol):
    """What is asked about: a run. `dataset_digest` is None where it is not known; then nothing is compared."""

    @property
    def name(self) -> str: ...

    @property
    def dataset(self) -> str: ...

    @property
    def dataset_digest(self) -> str | None: ...


def data_problem(workspace: Workspace, run: OnData) -> str | None:
    """Why the run's data cannot be used again, and what to do, in a sentence; None where it can be.

    What can be drawn or downloaded again is no problem: it is compared once it is here.
    """
    if run.dataset == NOT_KNOWN:
        return f"“{run.name}” was trained elsewhere, on pictures that ConvDeck does not have."
    info = describe_dataset(workspace, run.dataset)
    if info is None:
        return (
            f"The data set {run.dataset} that “{run.name}” was started on is not here any more: add it again under "
            "this name, or start a new run on another one."
        )
    if info.state == "damaged":
        return info.description
    if info.digest is None or run.dataset_digest is None or info.digest == run.dataset_digest:
        return None
    return (
        f"“{run.name}” was started on another data set that was called {run.dataset}: remove the one that has this "
        "name now and add the former one again, or start a new run."
    )


def check_same_data(workspace: Workspace, run: OnData) -> None:
    """Raise DatasetError with the sentence of `data_problem`, if there is one."""
    if problem := data_problem(workspace, run):
        raise DatasetError(problem)
