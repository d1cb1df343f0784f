"""Runs of a study that end as told, without training."""

import json
from collections.abc import Callable, Sequence

from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import Run
from core.store.states import RunState
from core.store.store import Store
from core.store.studies import Study
from core.studies.plan import RunRole, plan
from core.studies.run_results import RunResult
from core.studies.spec import StudySource, StudySpec, build_spec
from core.workspace import Workspace

TINY = PRESETS["tiny"].config.with_values(
    {"dataset.id": "shapes", "dataset.num_train": 60, "training.epochs": 3}
)
FLIPPED = TINY.with_values({"augmentation.horizontal_flip": True})
SHAPES_TRAIN, SHAPES_VALIDATION = 6_000, 1_500


def spec(kind: str = "seeds", *configs, **asked) -> StudySpec:
    """A spec of these configs, the tiny one unless given."""
    bases = [StudySource(f"config {index}", config) for index, config in enumerate(configs or (TINY,))]
    return build_spec(kind, bases, asked, SHAPES_TRAIN)


def create(store: Store, asked: StudySpec, *, reuse: bool = False, token: str | None = None) -> Study:
    """Its runs WAITING."""
    runs = [each.to_new_run() for each in plan(asked)]
    return store.studies.create(
        asked.kind, "A study", asked.to_json(), runs, reuse=reuse, token=token, max_seeds=asked.max_seeds
    )


def end(
    store: Store,
    run: Run,
    validation: Sequence[float] = (0.3, 0.5),
    clean: float = 0.6,
    state: RunState = RunState.FINISHED,
    **fields: object,
) -> Run:
    """Let a waiting run go through these validation accuracies, with `clean` training accuracy, and end."""
    store.claim(run.id, [f"device of {run.id}"])
    store.record_started(run.id, run.attempt, len(validation), 10, 0)
    for epoch, accuracy in enumerate(validation, start=1):
        row = EpochRow(epoch, clean_train_accuracy=clean, val_accuracy=accuracy, seconds=2.0)
        store.record_epoch(run.id, run.attempt, row)
    return store.transition(run.id, state, expected=RunState.RUNNING, **fields)


def save_weights(
    workspace: Workspace, run: Run, classes: int = 10, image_shape: Sequence[int] = (32, 32, 3)
) -> None:
    """What stands for the run's best model: its description, and a file whose contents nobody may read."""
    folder = workspace.run_folder(run.id)
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"class {number}" for number in range(classes)]
    description = {"epoch": 2, "class_names": names, "image_shape": list(image_shape), "sha256": "0"}
    (folder / "best-000002.json").write_text(json.dumps(description), encoding="utf-8")
    (folder / "best-000002.keras").write_bytes(b"weights")


def end_all(
    store: Store, study: Study, accuracy: Callable[[RunRole], float], gap: Callable[[RunRole], float]
) -> None:
    """Every run of a study, with the best validation accuracy and the last gap of its role."""
    for member in store.studies.members(study.id):
        role = RunRole.from_dict(member.role)
        best = accuracy(role)
        end(store, member.run, (best - 0.1, best), best + gap(role))


def measured(condition: str, seed: int, accuracy: float, gap: float = 0.1, epochs: int = 2) -> RunResult:
    """A run that got steadily better, up to its last epoch."""
    curve = tuple((epoch, accuracy * epoch / epochs) for epoch in range(1, epochs + 1))
    return RunResult(RunRole((condition,), seed), accuracy, accuracy, accuracy + gap, gap, curve)
