"""A whole run as plain values, as it leaves one store and enters another: types and limits of everything in it.

msgspec checks them where JSON is read. What joins several values is in `check`.
"""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from core.config import ExperimentConfig
from core.config.fields import limits_of
from core.config.training import TrainingConfig
from core.errors import ConfigError, RunError
from core.formatting import count_of
from core.store.marks import MAX_TAGS, check_tag
from core.store.notes import MAX_NOTE_CHARACTERS, check_text
from core.store.records import RUN_ID, check_name

MAX_EPOCHS = int(limits_of(TrainingConfig)["epochs"].high) + 100_000  # those that were added included
MAX_CLASSES = 100_000
MAX_LOG_LINES = 20_000
MAX_TEXT = 4000
MOST_FOLLOWED = 24  # as `core.datasets.followed` has it

Time = Annotated[float, Meta(ge=0, le=32_503_680_000)]  # unix seconds, until the year 3000
Whole = Annotated[int, Meta(ge=0, le=2**53)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Amount = Annotated[float, Meta(ge=0, le=1e30)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Short = Annotated[str, Meta(max_length=200)]
Id = Annotated[str, Meta(pattern=f"^{RUN_ID.pattern}$")]
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{8,128}$")]
Counts = Annotated[list[Whole], Meta(max_length=MAX_CLASSES)]
Ended = Literal["FINISHED", "STOPPED", "FAILED", "INTERRUPTED"]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every part of a record is."""


class NamedRun(Part, frozen=True):
    """Another run, which need not be where this one is."""

    id: Id
    name: Short | None


class Source(Part, frozen=True):
    """Where a run was before: its id and its parent there, when it left, and the ConvDeck and processor there."""

    run: Id
    exported_at: Time
    convdeck: Short
    machine: Short | None
    parent: NamedRun | None


class Data(Part, frozen=True):
    """What a run was started on, as `core.store.records.RunData`."""

    digest: Digest
    class_names: Annotated[list[Short], Meta(min_length=1, max_length=MAX_CLASSES)]
    num_train: Whole
    num_validation: Whole


class NoteRecord(Part, frozen=True):
    """The note on this run alone."""

    expectation: Annotated[str, Meta(max_length=MAX_NOTE_CHARACTERS)]
    outcome: Annotated[str, Meta(max_length=MAX_NOTE_CHARACTERS)]
    created_at: Time
    changed_at: Time


class InterventionRecord(Part, frozen=True):
    """As `core.store.interventions.Intervention`; none is pending."""

    kind: Literal["learning_rate", "add_epochs", "pause", "resume", "step"]
    value: Amount | None
    asked_at: Time
    attempt: Annotated[int, Meta(ge=1, le=1_000_000)]
    applied_at: Time | None
    epoch: Annotated[int, Meta(ge=0, le=MAX_EPOCHS)] | None
    outcome: Text


class LineRecord(Part, frozen=True):
    """A line of the log."""

    time: Time
    attempt: Annotated[int, Meta(ge=1, le=1_000_000)]
    level: Literal["info", "warning", "error"]
    text: Text


class ByClass(Part, frozen=True):
    """Pictures of each class, and how many of them were right."""

    count: Counts
    right: Counts


class Wrong(Part, frozen=True):
    """Cells of the confusion matrix: label · classes + answer, and how many pictures."""

    place: Annotated[list[Whole], Meta(max_length=1_000_000)]
    count: Annotated[list[Whole], Meta(max_length=1_000_000)]


class Corrupted(Part, frozen=True):
    """As `core.store.breakdowns.CorruptedLabels`, of one epoch."""

    count: Whole
    memorised: Whole
    resisted: Whole
    intact: Whole
    intact_right: Whole


class Pictures(Part, frozen=True):
    """Pictures that are followed one by one."""

    label: Annotated[list[Whole], Meta(max_length=MOST_FOLLOWED)]
    true_label: Annotated[list[Whole], Meta(max_length=MOST_FOLLOWED)]
    answer: Annotated[list[Whole], Meta(max_length=MOST_FOLLOWED)]
    probability: Annotated[list[Fraction], Meta(max_length=MOST_FOLLOWED)]


class FollowedRecord(Part, frozen=True):
    """Of both parts."""

    training: Pictures
    validation: Pictures


class Details(Part, frozen=True):
    """What is measured in an epoch beyond its row, as `core.epoch.EpochRow.details`."""

    clean: ByClass
    validation: ByClass
    corrupted: Corrupted | None
    followed: FollowedRecord
    confusion: Wrong | None = None

    def check(self, where: str, num_classes: int) -> None:
        """Raises RunError where its lists do not fit together."""
        for part in (self.clean, self.validation):
            if not len(part.count) == len(part.right) == num_classes or any(
                right > count for right, count in zip(part.right, part.count, strict=True)
            ):
                raise RunError(f"{where}: the numbers per class do not fit {count_of(num_classes, 'class')}.")
        if (wrong := self.confusion) is not None and (
            len(wrong.place) != len(wrong.count) or any(place >= num_classes**2 for place in wrong.place)
        ):
            raise RunError(f"{where}: the confusions do not fit {num_classes:,} classes.")
        for pictures, part in (
            (self.followed.training, self.clean),
            (self.followed.validation, self.validation),
        ):
            labels = (pictures.label, pictures.true_label, pictures.answer)
            if (
                {len(each) for each in labels} != {len(pictures.probability)}
                or len(pictures.probability) > sum(part.count)
                or any(label >= num_classes for each in labels for label in each)
            ):
                raise RunError(f"{where}: the pictures that are followed do not fit the classes.")


class EpochRecord(Part, frozen=True):
    """An epoch: the fields of `core.epoch.EpochRow`, and the attempt that it was trained in."""

    epoch: Annotated[int, Meta(ge=1, le=MAX_EPOCHS)]
    attempt: Annotated[int, Meta(ge=1, le=1_000_000)]
    train_loss: Amount | None
    train_accuracy: Fraction | None
    clean_train_loss: Amount | None
    clean_train_accuracy: Fraction | None
    val_loss: Amount | None
    val_accuracy: Fraction | None
    learning_rate: Amount | None
    seconds: Amount | None
    images_per_second: Amount | None
    details: Details | None


class RunRecord(Part, frozen=True):
    """A run that has ended, without its epochs and its log, which lie in files of their own.

    `parent` is the run that it was forked from, `machine` the processor of the computer that it was trained on.
    """

    name: Annotated[str, Meta(max_length=500)]
    state: Ended
    attempt: Annotated[int, Meta(ge=1, le=1_000_000)]
    config: dict[str, Any]
    preset: Short | None
    device: Short | None
    machine: Short | None
    parent: NamedRun | None
    created_at: Time
    started_at: Time | None
    ended_at: Time | None
    error: Text | None
    next_step: Text | None
    total_epochs: Annotated[int, Meta(ge=1, le=MAX_EPOCHS)]
    added_epochs: Annotated[int, Meta(ge=0, le=MAX_EPOCHS)]
    total_batches: Whole
    images_per_second: Amount | None
    data: Data | None
    tags: Annotated[list[str], Meta(max_length=MAX_TAGS)]
    note: NoteRecord | None
    interventions: Annotated[list[InterventionRecord], Meta(max_length=100_000)]

    def read_config(self) -> ExperimentConfig:
        """Raises ConfigError with the path of what this ConvDeck does not read."""
        return ExperimentConfig.from_stored(self.config)


class WholeRun(msgspec.Struct, frozen=True):
    """All of a run that the store keeps."""

    record: RunRecord
    epochs: tuple[EpochRecord, ...]
    log: tuple[LineRecord, ...]

    def check(self) -> ExperimentConfig:
        """What no single value shows. Returns the settings. Raises RunError for the first fault."""
        record, count = self.record, len(self.epochs)
        check_name(record.name)
        for tag in record.tags:
            check_tag(tag)
        if len(set(record.tags)) < len(record.tags):
            raise RunError("The run has a tag twice.")
        if record.note is not None:
            check_text(record.note.expectation, "expectation")
            check_text(record.note.outcome, "outcome")
            if not (record.note.expectation or record.note.outcome):
                raise RunError("The note is empty.")
        for text in _texts_of(record, self.log):
            if not _is_plain(text):
                raise RunError("A text of the run holds control characters.")
        try:
            config = record.read_config()
        except ConfigError as error:
            raise RunError(f"The run's settings cannot be used here: {error}") from None
        if record.total_epochs != config.training.epochs + record.added_epochs:
            raise RunError("The number of epochs is not that of the settings with those that were added.")
        if [each.epoch for each in self.epochs] != list(range(1, count + 1)):
            raise RunError("The epochs are not numbered 1, 2, 3 and so on.")
        if count > record.total_epochs or (record.state == "FINISHED" and not count):
            raise RunError(
                f"A {record.state.lower()} run of {record.total_epochs:,} epochs cannot have {count:,}."
            )
        if record.started_at is not None and record.ended_at is not None:
            if record.ended_at < record.started_at:
                raise RunError("The run has ended before it began.")
        elif record.ended_at is None:
            raise RunError("The run does not say when it ended.")
        self._check_details()
        return config

    def _check_details(self) -> None:
        for each in self.epochs:
            if each.details is not None:
                data = self.record.data
                num_classes = len(each.details.clean.count) if data is None else len(data.class_names)
                each.details.check(f"Epoch {each.epoch}", num_classes)


def _texts_of(record: RunRecord, log: tuple[LineRecord, ...]) -> list[str]:
    texts = [record.preset, record.device, record.machine, record.error, record.next_step]
    texts += [each.outcome for each in record.interventions] + [line.text for line in log]
    texts += record.data.class_names if record.data else []
    texts += [record.parent.name] if record.parent else []
    return [text for text in texts if text is not None]


def _is_plain(text: str) -> bool:
    """Whether it holds no control character but a line break or tab, and can be stored as UTF-8."""
    return not any(
        unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text
    )


def as_plain(part: Part) -> Mapping[str, Any]:
    """As plain values, for JSON."""
    plain: Mapping[str, Any] = msgspec.to_builtins(part)
    return plain
