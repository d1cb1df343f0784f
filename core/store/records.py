"""What the store gives out and takes in: runs, requests for runs, and lines of a run's log."""

import json
import math
import re
import secrets
import unicodedata
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import get_args, get_type_hints

from core.config import ExperimentConfig, parse_json
from core.epoch import EpochRow
from core.errors import ConfigError, RunError, TokenTaken
from core.formatting import has_visible
from core.store.database import reading
from core.store.states import RunState

MAX_NAME_CHARACTERS = 120
MAX_TOKEN_CHARACTERS = 200

# No 0 and o, no 1, i and l; a letter first, so that an id never looks like a number.
_LETTERS = "abcdefghjkmnpqrstuvwxyz"
_LETTERS_AND_DIGITS = _LETTERS + "23456789"
RUN_ID = re.compile(f"[{_LETTERS}][{_LETTERS_AND_DIGITS}]{{9}}")


@dataclass(frozen=True)
class Run:
    """A run as the store knows it. Times are unix seconds; accuracies and `gap` are fractions of 1.

    `epoch` counts finished epochs; `batch` of `total_batches` is the place in the one after it. `best_epoch` is
    the first epoch with the highest validation accuracy; `gap` is clean training minus validation accuracy, the median
    of the last three epochs that have both (with fewer, the last); where clean accuracies are not known at all, as of
    another tool's run, training minus validation accuracy, the lowest of three. `started_at` and `ended_at` are those
    of the current attempt. `pid` is that of the last process, until that is known to be gone; `pid_started` tells it
    from a later process with the same number. `parent_id` is the run that it was forked from, which may have been
    deleted since.
    `pause_requested` is true from the request to pause until the request to resume. `total_epochs` includes the
    `added_epochs`, which are not in the config. `dataset_digest` tells the data that it was started on, with
    `data_num_train` training and `data_num_validation` validation pictures, from another data set of that name; None
    where it is not known, as for runs of an older version. `balanced_accuracy` is the mean of the classes' validation
    accuracies at the best epoch, None where classes were not measured; with `uneven_classes` it tells what
    `best_val_accuracy` hides (see `core.store.class_accuracy`). `visitor` is the id of the visitor of a class who
    started it; None: the person of this machine, or the teacher. `origin` says where it was imported from.
    `config_json`, `class_names_json` and `origin_json` are parsed when `config`, `class_names` and `origin` are first
    read.
    """

    id: str
    name: str
    state: RunState
    attempt: int
    config_json: str
    config_id: str
    dataset: str
    preset: str | None
    parent_id: str | None
    device: str | None
    created_at: float
    started_at: float | None
    ended_at: float | None
    error: str | None
    next_step: str | None
    stop_requested: bool
    epoch: int
    total_epochs: int
    batch: int
    total_batches: int
    batch_loss: float | None
    batch_accuracy: float | None
    images_per_second: float | None
    pid: int | None
    pid_started: float | None
    best_epoch: int | None
    best_val_accuracy: float | None
    gap: float | None
    heartbeat: float | None
    pause_requested: bool = False
    added_epochs: int = 0
    dataset_digest: str | None = None
    class_names_json: str | None = None
    data_num_train: int | None = None
    data_num_validation: int | None = None
    balanced_accuracy: float | None = None
    uneven_classes: bool = False
    visitor: str | None = None
    origin_json: str | None = None

    @property
    def origin(self) -> "Origin | None":
        """Where it was imported from; None for a run of this workspace."""
        return None if self.origin_json is None else _parse_origin(self.origin_json)

    @property
    def recorded_by(self) -> str | None:
        """The tool that has recorded it, where ConvDeck has its curves alone: no settings, no weights, no data."""
        return None if self.origin is None else self.origin.tool

    @property
    def has_weights(self) -> bool:
        """Whether it has saved a best model."""
        return self.best_epoch is not None and self.recorded_by is None

    def check_weights(self) -> None:
        """Raises RunError where `has_weights` is not so: why there are none."""
        if not self.has_weights:
            raise RunError(
                self._recorded_elsewhere
                or f"“{self.name}” has no weights yet: it has to finish its first epoch."
            )

    @property
    def _recorded_elsewhere(self) -> str | None:
        if (tool := self.recorded_by) is None:
            return None
        return (
            f"“{self.name}” was imported from {tool}: ConvDeck has its curves, but neither its settings nor its "
            "weights."
        )

    @property
    def can_resume(self) -> bool:
        """Whether it can be resumed. An imported run has come without the checkpoints to continue from."""
        return self.state.can_resume and self.origin_json is None

    @property
    def balanced_where_uneven(self) -> float | None:
        """`balanced_accuracy` where classes are uneven; None where they are even: it is the accuracy once more then."""
        return self.balanced_accuracy if self.uneven_classes else None

    @property
    def config(self) -> ExperimentConfig:
        """What the run was told to do. Raises RunError when another version of ConvDeck wrote what this cannot
        read, and for a run that another tool has recorded.
        """
        if (elsewhere := self._recorded_elsewhere) is not None:
            raise RunError(elsewhere)
        try:
            return _parse_config(self.config_json)
        except ConfigError as error:
            raise RunError(
                f"The settings of “{self.name}” cannot be read: {error} "
                "Another version of ConvDeck may have written them."
            ) from None

    @property
    def trained_config(self) -> ExperimentConfig:
        """`config` with as many epochs as it trains, those that were added included. Raises RunError."""
        return (
            self.config.with_values({"training.epochs": self.total_epochs})
            if self.added_epochs
            else self.config
        )

    @property
    def unreadable(self) -> str | None:
        """Why its settings cannot be read, as `config` says it; None where they can."""
        try:
            _ = self.config
        except RunError as error:
            return str(error)
        return None

    @property
    def readable_config(self) -> ExperimentConfig | None:
        """`config`, or None where it cannot be read."""
        try:
            return self.config
        except RunError:
            return None

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """The names of the classes of its data, in the order of the network's outputs; None where not known."""
        return None if self.class_names_json is None else _parse_names(self.class_names_json)

    @property
    def data(self) -> "RunData | None":
        """What it was started on; None where that is not known."""
        if self.dataset_digest is None:
            return None
        return RunData(
            self.dataset_digest,
            self.class_names or (),
            self.data_num_train or 0,
            self.data_num_validation or 0,
        )

    @property
    def num_gpus(self) -> int:
        """How many GPUs it asks for; one where its settings cannot be read: its worker says so when it starts."""
        config = self.readable_config
        return 1 if config is None else config.training.num_gpus


@dataclass(frozen=True)
class RunData:
    """What a run is started on: the data set's digest, its classes in order, and how many pictures it has."""

    digest: str
    class_names: tuple[str, ...]
    num_train: int
    num_validation: int


@dataclass(frozen=True)
class Origin:
    """Where an imported run was before: its id there, when it was exported and imported (unix seconds), the ConvDeck
    and the processor there. `parent_id` is the run that it was forked from there, `parent_name` what that is called.
    `tool` is another one that has recorded it, such as TensorBoard; then only `imported_at` is known beside it.
    """

    run: str | None
    exported_at: float | None
    imported_at: float
    convdeck: str | None
    machine: str | None = None
    parent_id: str | None = None
    parent_name: str | None = None
    tool: str | None = None

    def to_json(self) -> str:
        """As `runs.origin` keeps it."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class RunRequest:
    """A run that a person or a study asks for. Without a name it is called after its preset or data set, numbered.

    The same `token` starts only one run, for a click or a request that arrives twice. `parent_id` is the run that it
    is forked from. `expectation` goes into the notebook. `data` is None where its data is not here yet: then its worker
    notes it.
    """

    config: ExperimentConfig
    name: str | None = None
    preset: str | None = None
    token: str | None = None
    parent_id: str | None = None
    expectation: str | None = None
    data: RunData | None = None

    def checked(self) -> "RunRequest":
        """With a name that is allowed, or None. Raises RunError for another name and for a token that is not."""
        check_token(self.token)
        blank = self.name is None or not str(self.name).strip()
        return replace(self, name=None if blank else check_name(self.name))

    def answered_by(self, run: Run, *, shared: bool = False) -> Run:
        """The run that this request's token has started, or with `shared` was answered with, if it is the one asked
        for; a shared one may have another parent. Raises TokenTaken.
        """
        if run.config_id != self.config.config_id or not (shared or run.parent_id == self.parent_id):
            done = "been answered with" if shared else "started"
            raise TokenTaken(
                f"This token has {done} “{run.name}” ({run.id}), which has other settings. Send another token for "
                "another run."
            )
        return run


@dataclass(frozen=True)
class FinishedRun:
    """A run that was trained elsewhere: what it was told to do, what it measured, and a line for its log."""

    id: str
    name: str
    preset: str | None
    config: ExperimentConfig
    epochs: tuple[EpochRow, ...]
    log: str


@dataclass(frozen=True)
class RecordedRun:
    """A run that another tool has recorded: its curves, lines for its log, and on how many pictures validation rests,
    where that is known. `nan_epoch` is the one from which on its loss is NaN: the run has failed then.
    """

    name: str
    tool: str
    epochs: tuple[EpochRow, ...]
    log: tuple[str, ...]
    num_validation: int | None = None
    nan_epoch: int | None = None


@dataclass(frozen=True)
class LogLine:
    """A line of a run's log; `number` grows, for asking what came after it. `level`: info, warning or error."""

    number: int
    time: float
    attempt: int
    level: str
    text: str


RUN_COLUMNS = tuple(field.name.removesuffix("_json") for field in fields(Run))

_STATE = RUN_COLUMNS.index("state")
_KINDS = tuple(get_args(hint) or (hint,) for hint in get_type_hints(Run).values())
_BOOLEANS = tuple(
    RUN_COLUMNS.index(column) for column in ("stop_requested", "pause_requested", "uneven_classes")
)


def run_from_row(row: tuple[object, ...]) -> Run:
    """A row with RUN_COLUMNS in their order. Raises DamagedRow."""
    with reading("a run"):
        values = list(row)
        values[_STATE] = RunState(str(values[_STATE]))
        for index in _BOOLEANS:
            values[index] = bool(values[index])
        if not all(map(isinstance, values, _KINDS)):
            raise TypeError("a value is of another type")
        return Run(*values)  # type: ignore[arg-type]


@lru_cache(maxsize=4096)
def _parse_config(text: str) -> ExperimentConfig:
    # Configs are frozen, so that runs can share one; building one takes longer than reading its row.
    return ExperimentConfig.from_stored(parse_json(text))


@lru_cache(maxsize=256)
def _parse_origin(text: str) -> Origin:
    return Origin(**json.loads(text))


@lru_cache(maxsize=256)
def _parse_names(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


def new_run_id() -> str:
    """Ten characters that are easy to read out."""
    return secrets.choice(_LETTERS) + "".join(secrets.choice(_LETTERS_AND_DIGITS) for _ in range(9))


def check_name(name: object) -> str:
    """The name without space around it. Raises RunError when it is empty, too long or not plain text."""
    if not isinstance(name, str):
        raise RunError("The name of a run must be text.")
    name = name.strip()
    if not name:
        raise RunError("The name of a run cannot be empty.")
    if len(name) > MAX_NAME_CHARACTERS:
        raise RunError(f"The name of a run has at most {MAX_NAME_CHARACTERS} characters, not {len(name):,}.")
    if not has_visible(name):
        raise RunError(
            "The name of a run must have a character that can be seen; this one has only spaces, zero-width or "
            "directional characters."
        )
    if any(_is_control(character) for character in name):
        raise RunError(
            "The name of a run cannot hold line breaks, control characters or unpaired surrogates."
        )
    return name


def check_token(token: str | None) -> None:
    """Raises RunError when it is empty or too long."""
    if token is not None and not 0 < len(token) <= MAX_TOKEN_CHARACTERS:
        raise RunError(f"A token has 1 to {MAX_TOKEN_CHARACTERS} characters, not {len(token):,}.")


def finite(value: float | None) -> float | None:
    """The value as a float; None for NaN and infinities, which neither JSON nor a chart can show."""
    if value is None:
        return None
    value = float(value)
    return value if math.isfinite(value) else None


def _is_control(character: str) -> bool:
    # Bidirectional controls (U+202A to U+202E, U+2066 to U+2069) would let a name rewrite the text beside it.
    if "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069":
        return True
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
