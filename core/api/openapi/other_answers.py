"""The JSON of studies, sweeps, notes, data sets, uploads and errors. What is not known is null."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from core.api.openapi.run_answers import RunSummary
from core.api.openapi.study_answers import StudyResult
from core.datasets.class_counts import ClassCount
from core.store.alerts import DeliveryState, Subject
from core.store.devices import LossCode
from core.store.states import SweepState, TrialState
from core.system.devices import Device


class Health(TypedDict):
    """That the server is up."""

    status: Literal["ok"]


class DeviceAside(TypedDict):
    """A GPU that was lost. `device` is its id then, `detail` what the driver said; `since` in unix seconds."""

    key: str
    device: str
    name: str
    code: LossCode
    detail: str | None
    since: float
    reason: str


class DataSetState(TypedDict):
    """Whether a data set is here."""

    id: str
    state: Literal["ready", "available", "damaged"]


class Sink(TypedDict):
    """A sink that is on. Times are unix seconds; `failing_since` is null while it takes what it is sent."""

    kind: Literal["tensorboard", "mlflow", "optuna"]
    target: str
    sent_at: float | None
    failing_since: float | None
    cause: str | None
    next_step: str | None
    num_sent: int
    num_refused: int
    refusal: str | None


class Doctor(TypedDict):
    """What the server's computer has. `advice` says what is missing and how to get it, a sentence each."""

    python: str
    platform: str
    sqlite: str
    packages: dict[str, str | None]
    devices: list[Device]
    devices_aside: Annotated[
        list[DeviceAside], Meta(description="GPUs that were lost, and that no run is given.")
    ]
    device_note: str | None
    datasets: list[DataSetState]
    workspace: str
    disk_free_bytes: int
    sinks: list[Sink]
    advice: list[str]


class DataSet(TypedDict):
    """What lists show of a data set."""

    id: str
    title: str
    state: Literal["ready", "available", "damaged"]
    description: str
    num_train: int
    num_validation: int
    num_test: int
    num_classes: int
    class_names: list[str]
    image_shape: Annotated[list[int], Meta(min_length=3, max_length=3)]
    size_bytes: int
    digest: str | None
    crop: str | None


class LeftOut(TypedDict):
    """A file that was not imported, and why."""

    file: str
    reason: str


class Duplicates(TypedDict):
    """Pictures with the same pixels."""

    kind: Literal["train_validation", "train_test", "validation_test", "two_labels", "within_part"]
    pictures: int
    examples: list[list[str]]


class AddedDataSet(TypedDict):
    """What came of an import."""

    name: str
    classes: list[ClassCount]
    left_out: list[LeftOut]
    duplicates: list[Duplicates]
    notes: list[str]


class Upload(TypedDict):
    """A file that is being uploaded."""

    id: str
    name: str
    size: int
    received: int
    portion_bytes: int


class Received(TypedDict):
    """How many bytes of a file have arrived."""

    received: int


class Removed(TypedDict):
    """That it is gone."""

    removed: bool


class StudySummary(TypedDict):
    """A study without its runs."""

    id: str
    kind: Literal["seeds", "ablation", "volume", "noise"]
    name: str
    created_at: float
    num_planned: int
    num_runs: int
    num_finished: int
    num_under_way: int
    until_decided: bool
    is_stopped: bool
    adding_seeds: bool
    adding_ended_by: str | None


class StudyRun(RunSummary):
    """A run in a study."""

    arms: list[str]
    seed: int
    reused: bool
    changed_while_training: bool


class Study(StudySummary):
    """A study with its runs and its result so far."""

    num_missing: int
    partial: bool
    standing: str
    problem: str | None
    seeds_note: str | None
    headline: str | None
    notes: list[str]
    result: StudyResult | None
    runs: list[StudyRun]


Objective = str | list[str] | dict[str, float]


class SweepSummary(TypedDict):
    """A sweep without its trials."""

    id: str
    name: str
    state: SweepState
    method: str | None
    objective: Objective | None
    pruning: str | None
    planned: int
    concurrency: int | None
    num_trials: int
    num_runs: int
    num_under_way: int
    created_at: float
    ended_at: float | None
    error: str | None
    next_step: str | None


class BestTrial(TypedDict):
    """The best trial of a sweep."""

    number: int
    values: dict[str, Any]
    objective: float | list[float] | None
    runs: list[str]


class Trial(BestTrial):
    """A trial of a sweep."""

    state: TrialState
    epochs: int
    best_val_accuracy: float | None
    origin: Literal["search", "hand", "found"]
    reused: bool
    changed_while_training: bool
    pruned_at: int | None
    error: str | None


class Sweep(SweepSummary):
    """A sweep with its trials, the best of them and the confirmation."""

    standing: str
    problem: str | None
    counts: dict[str, int]
    trials: list[Trial]
    best: BestTrial | None
    front: list[int] | None
    importance: dict[str, Any] | None
    importance_is_current: bool
    honesty: dict[str, Any] | None
    confirmed: dict[str, Any] | None
    spec: dict[str, Any] | None


class Deleted(TypedDict):
    """Why runs, and so a sweep, are still there; empty where they are not."""

    kept: list[str]


class EstimatedSeconds(TypedDict):
    """How long a sweep takes."""

    low: float
    expected: float
    high: float


class InfeasibleTrial(TypedDict):
    """Choices that cannot be trained, and why."""

    values: dict[str, Any]
    reason: str


class SweepEstimate(TypedDict):
    """What a sweep comes to."""

    trials: int
    runs: int
    found_trials: int
    existing_runs: int
    runs_to_train: int
    infeasible_trials: int
    infeasible: list[InfeasibleTrial]
    exact: bool
    sampled: int
    seconds: EstimatedSeconds | None
    parallel: int
    measured: str | None
    notes: list[str]


class NotedRun(TypedDict):
    """The facts of a run that a note is about."""

    id: str
    name: str
    deleted: bool
    state: str | None
    headline: str | None
    epochs: int
    total_epochs: int
    best_epoch: int | None
    best_val_accuracy: float | None
    balanced_accuracy: float | None
    gap: float | None
    seconds: float | None


class Note(TypedDict):
    """A note with the facts of its runs."""

    id: str
    runs: list[NotedRun]
    expectation: str
    outcome: str
    created_at: float
    changed_at: float
    is_open: bool
    facts: list[str]


AlertKind = Literal[
    "overfitting", "diverged", "plateau", "finished", "failed", "sweep_decided", "study_finished"
]


class Alert(TypedDict):
    """A rule: what is told, and where. Either `webhook` or `command` is there."""

    name: str
    on: list[AlertKind]
    webhook: str | None
    command: list[str] | None
    public_only: Annotated[
        bool, Meta(description="It was set from another computer: it sends to public addresses alone.")
    ]
    created_at: float


class AlertTry(TypedDict):
    """An attempt to send. `status` is that of HTTP, or the exit code of a command."""

    time: float
    ok: bool
    status: int | None
    answer: str


class AlertDelivery(TypedDict):
    """A message and how it went."""

    id: str
    alert: str | None
    kind: AlertKind | Literal["test", "given_up"]
    subject: Subject | None
    subject_id: str | None
    state: DeliveryState
    message: Annotated[dict[str, Any], Meta(description="What is sent; empty where looking was given up.")]
    tries: list[AlertTry]
    created_at: float
    next_at: float | None


class Problem(TypedDict):
    """An error as RFC 9457 says it. `error` is `detail` once more, for programs that are older than it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    error: str
    field: Annotated[str | None, Meta(description="The path of the value that it is about.")]
    received: NotRequired[Annotated[int, Meta(description="Of an upload: from where to continue.")]]


class ProblemKind(TypedDict):
    """What a code means."""

    code: str
    title: str
