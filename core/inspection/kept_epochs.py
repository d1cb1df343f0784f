"""Which epochs of a run can be looked back at, what their weights take on the disk, and their deletion."""

from dataclasses import dataclass
from typing import Any

from core.epoch_weights import MOST_BYTES, delete_epochs, epoch_ordinal, kept_bytes, kept_epochs, kept_spacing
from core.errors import RunError
from core.formatting import count_of, reason
from core.inspection.answers import in_ranges
from core.store.records import Run
from core.store.store import Store
from core.workspace import Workspace


@dataclass(frozen=True)
class KeptEpochs:
    """The `epochs` whose weights are kept, in order, and the `bytes` that they take.

    `every` is 1, or 2, 4 and so on where only every 2nd or 4th epoch is kept, with the first, the best and the last.
    """

    run_id: str
    epochs: tuple[int, ...]
    every: int
    bytes: int

    @property
    def sentence(self) -> str:
        """For people."""
        if not self.epochs:
            return "No weights of single epochs are kept."
        which = f"epochs {in_ranges(self.epochs)}" if len(self.epochs) > 1 else f"epoch {self.epochs[0]}"
        thinned = f" {thinned_in_words(self.every)}" if self.every > 1 else ""
        return f"The weights of {which} are kept and take {megabytes(self.bytes)}.{thinned}"

    def to_json(self) -> dict[str, Any]:
        """As the command line and REST give it."""
        return {"run": self.run_id, "epochs": list(self.epochs), "every": self.every, "bytes": self.bytes}


def kept_of(workspace: Workspace, run: Run) -> KeptEpochs:
    """What is kept of a run now."""
    folder = workspace.run_folder(run.id)
    return KeptEpochs(run.id, kept_epochs(folder), kept_spacing(folder), kept_bytes(folder))


def delete_kept(workspace: Workspace, run: Run) -> tuple[int, int]:
    """Delete the weights of all single epochs; the best and the last model stay. Returns how many, and their bytes.

    A run that trains keeps those of its next epochs. Raises RunError; NotAllowed for another visitor's run.
    """
    with Store(workspace) as store:
        store.visitors.check_run(run, "delete weights of")
    try:
        return delete_epochs(workspace.run_folder(run.id))
    except OSError as error:
        raise RunError(
            f"The weights of the epochs of “{run.name}” cannot be deleted: {reason(error)}. Fix the folder's "
            "permissions and try again."
        ) from error


def deleted_in_words(epochs: int, freed: int) -> str:
    """`The weights of 12 epochs are deleted: 18.0 MB are free.`"""
    if not epochs:
        return "There were no weights of single epochs."
    return f"The weights of {count_of(epochs, 'epoch')} are deleted: {megabytes(freed)} are free."


def thinned_in_words(every: int) -> str:
    """Why there are not more of them."""
    return (
        f"Of this run, {epoch_ordinal(every)} is kept, with the first, the best and the last: more would take over "
        f"{megabytes(MOST_BYTES)}."
    )


def megabytes(size: float) -> str:
    """`0.01 MB`, `1.5 MB`, `300 MB`"""
    return f"{max(0.01, size / 1e6):.2g} MB" if size < 10e6 else f"{size / 1e6:,.0f} MB"
