"""A run as a Python file that trains its network again, as pages, REST and the command line give it."""

from core.datasets.catalogue import SOURCES
from core.datasets.identity import data_problem
from core.datasets.storage import DatasetInfo, describe_dataset, load_dataset
from core.errors import DatasetError, UserError
from core.formatting import count_of, file_stem, percent, rate_in_words
from core.script.pictures import KERAS_NAMES
from core.script.script import Script, training_script
from core.script.source import ScriptSource, fingerprint_of
from core.store.interventions import Intervention
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.visitors.person import acting_person
from core.workspace import Workspace


def script_name(run: Run) -> str:
    """What the file is called."""
    return f"{file_stem(run.name, run.id)}-training.py"


def script_of(workspace: Workspace, store: Store, run: Run, file_name: str | None = None) -> Script:
    """The script of a run, called `file_name`, and what it leaves out. Takes well under a second; nothing is trained.

    It names the folder of the run's data set on this machine, but not for visitors of a class.

    Raises:
        UserError: the run's data set is neither here nor a known one, so the shape of its pictures is not known.
        RunError: the run's settings cannot be read.
    """
    config = run.config
    dataset_id = config.dataset.id
    problem = data_problem(workspace, run)
    info = describe_dataset(workspace, dataset_id)
    if info is None or not info.class_names or (problem and dataset_id not in SOURCES):
        raise UserError(f"The script cannot be written. {problem or 'The data set is not here.'}")
    place = None
    if dataset_id not in KERAS_NAMES and not acting_person().is_visitor:
        place = str(workspace.datasets / dataset_id)
    fingerprint, num_validation = _stored(workspace, info, run, problem)
    remarks = [*_changes(store.interventions.history(run.id)), *_end(run)]
    if fingerprint is None:
        remarks.append(
            "Data: the run's data set is not on this machine, so the script cannot check that it reads the same."
        )
    return training_script(
        ScriptSource(
            config, run.id, run.name, run.preset, _result(run), info.title, info.class_names, info.image_shape,
            info.num_train, num_validation, file_name or script_name(run), place, fingerprint,
            max(0, run.total_epochs - config.training.epochs) if run.added_epochs else 0, tuple(remarks),
        )
    )  # fmt: skip


def _stored(
    workspace: Workspace, info: DatasetInfo, run: Run, problem: str | None
) -> tuple[int | None, int | None]:
    """The fingerprint of what the run reads, and its data set's own `num_validation`; None where unknown."""
    if info.state != "ready" or problem:
        return None, None
    try:
        dataset = load_dataset(workspace, info.id)
    except DatasetError:
        return None, None
    return fingerprint_of(dataset, run.config.dataset.num_train), dataset.num_validation


def _result(run: Run) -> str:
    if run.best_epoch is None:
        return "nothing was measured yet"
    return (
        f"{percent(run.best_val_accuracy)} validation accuracy after epoch {run.best_epoch}, the best of "
        f"{count_of(run.epoch, 'epoch')}"
    )


def _changes(history: list[Intervention]) -> list[str]:
    """What people changed while it trained."""
    found = []
    for each in history:
        if each.applied_at is None or each.value is None:
            continue
        if each.kind == "learning_rate":
            found.append(
                f"Learning rate: after epoch {each.epoch or 0} somebody set it to {rate_in_words(each.value)}; the "
                "script keeps to the schedule."
            )
        if each.kind == "add_epochs":
            found.append(
                f"Epochs: after epoch {each.epoch or 0} somebody added {each.value:.0f}. The script trains them too, "
                "with the rate at which the schedule ends."
            )
    return found


def _end(run: Run) -> list[str]:
    if run.state is RunState.FINISHED or not run.state.is_finished:
        return []
    return [
        f"End: the run was over after {run.epoch} of {count_of(run.total_epochs, 'epoch')} "
        f"({run.state.value.lower()}); the script trains all of them."
    ]
