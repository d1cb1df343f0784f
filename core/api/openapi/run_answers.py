"""The JSON of runs. Times are unix seconds, accuracies fractions of 1; what is not known is null."""

from typing import Annotated, TypedDict

from msgspec import Meta

from core.analysis.findings import Verdict
from core.config import ExperimentConfig
from core.datasets.class_counts import ClassCount
from core.store.records import Origin
from core.store.states import RunState

Numbers = list[float | None]


class RunSummary(TypedDict):
    """A run without its config, curves and verdict."""

    id: str
    name: str
    state: RunState
    attempt: int
    config_id: str
    dataset: str
    dataset_digest: str | None
    preset: str | None
    parent: Annotated[str | None, Meta(description="The run that it was forked from.")]
    visitor: Annotated[str | None, Meta(description="The visitor of a class who started it.")]
    device: str | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    stop_requested: bool
    pause_requested: bool
    epoch: Annotated[int, Meta(description="The number of finished epochs.")]
    total_epochs: int
    added_epochs: int
    batch: int
    total_batches: int
    batch_loss: float | None
    batch_accuracy: float | None
    images_per_second: float | None
    best_epoch: int | None
    best_val_accuracy: float | None
    balanced_accuracy: float | None
    gap: Annotated[float | None, Meta(description="Clean training minus validation accuracy.")]
    error: str | None
    next_step: str | None


class Diagnosed(TypedDict):
    """The verdict on a run's curves."""

    verdict: Verdict
    onset_epoch: int | None
    gap: float | None
    best_epoch: int | None
    evidence: str
    headline: str


class ListedRun(RunSummary):
    """A run with its verdict."""

    problem: Annotated[str | None, Meta(description="Why it waits or soon will, if the disk is the reason.")]
    verdict: Diagnosed


class StartedRun(ListedRun):
    """A run that a request was answered with."""

    shared: Annotated[bool, Meta(description="Whether it existed already.")]


class Curves(TypedDict):
    """Lists of equal length, in the order of the epochs."""

    epoch: list[int]
    train_loss: Numbers
    train_accuracy: Numbers
    clean_train_loss: Numbers
    clean_train_accuracy: Numbers
    val_loss: Numbers
    val_accuracy: Numbers
    learning_rate: Numbers
    seconds: Numbers
    images_per_second: Numbers


class Intervention(TypedDict):
    """A person's request to a run."""

    kind: str
    value: float | None
    asked_at: float
    applied_at: float | None
    epoch: int | None
    outcome: str | None


class ImportedRun(RunSummary):
    """A run that was imported. `notes` are sentences on what it lacks here, or what was made of its files."""

    notes: list[str]
    runs: Annotated[
        list[str], Meta(description="The ids of all runs that were imported; the first is this one.")
    ]


class RunDetail(RunSummary):
    """A run with its config, curves, verdict and interventions."""

    problem: str | None
    origin: Annotated[Origin | None, Meta(description="Where it was imported from.")]
    class_names: list[str] | None
    class_counts: list[ClassCount] | None
    verdict: Diagnosed
    config: ExperimentConfig | None
    config_error: Annotated[str | None, Meta(description="Why the config cannot be read.")]
    curves: Curves
    interventions: list[Intervention]


class KeptEpochs(TypedDict):
    """Which single epochs' weights are kept."""

    run: str
    epochs: list[int]
    every: int
    bytes: int


class DeletedEpochs(KeptEpochs):
    """What is still kept, and what was deleted."""

    deleted: int
    freed_bytes: int


# With a key that is a word of Python's.
ClassDetails = TypedDict(
    "ClassDetails",
    {
        "class": str,
        "num_clean_train": int,
        "num_validation": int,
        "clean_train_accuracy": Numbers,
        "val_accuracy": Numbers,
        "gap": Numbers,
    },
)


class CorruptedLabels(TypedDict):
    """What became of wrong labels, over the epochs."""

    num_corrupted: int
    num_intact: int
    memorised: Numbers
    resisted: Numbers
    other: Numbers
    intact_accuracy: Numbers


class FollowedPicture(TypedDict):
    """The answers to one picture, over the epochs."""

    label: str
    true_label: str
    answer: list[str]
    probability: list[float]
    learned: int
    forgotten: int
    confidence: float
    variability: float


class FollowedPictures(TypedDict):
    """Some pictures of each part."""

    training: list[FollowedPicture]
    validation: list[FollowedPicture]


class Details(TypedDict):
    """Accuracy by class, corrupted labels and followed pictures, over the epochs in `epoch`."""

    id: str
    name: str
    epoch: list[int]
    note: str | None
    classes: list[ClassDetails]
    balanced_val_accuracy: Numbers
    corrupted_labels: CorruptedLabels | None
    followed: FollowedPictures | None


class BatchPicture(TypedDict):
    """A picture as training gets it."""

    row: int
    label: dict[str, float]
    corrupted: bool
    drawn: dict[str, str]
    png: str


class Batch(TypedDict):
    """The batch of one step."""

    seed: int
    epoch: int
    epochs: int
    step: int
    steps: int
    pictures: int
    shown: list[BatchPicture]


class Robustness(TypedDict):
    """The accuracy at each level of a distortion."""

    run: str
    knob: str
    unit: str
    untouched: float
    trained: list[float] | None
    randaugment: bool
    num_pictures: int
    level: list[float]
    accuracy: Numbers


class Mark(TypedDict):
    """The tags of a run, and whether it is hidden."""

    id: str
    tags: list[str]
    hidden: bool


class TrashedRun(TypedDict):
    """A run in the trash."""

    id: str
    name: str
    deleted_at: float
    kept_until: float


class Purged(TypedDict):
    """How many runs were deleted for good."""

    deleted: int


class TrashedRuns(TypedDict):
    """Runs that went to the trash together."""

    runs: list[str]
    deleted_at: float
    kept_until: float
