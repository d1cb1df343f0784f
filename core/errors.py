"""What can go wrong, as a tree.

    ConvDeckError
    ├── UserError (also ValueError)   a person can fix it: one plain sentence, optionally the field it is about
    │   ├── ConfigError               a value in an ExperimentConfig; `field` is its path
    │   ├── DatasetError              a data set is unknown, damaged, in use or cannot be imported
    │   ├── BundleError               a bundle is damaged, hostile or of a newer ConvDeck
    │   ├── RecordError               what another tool has recorded cannot be read
    │   ├── UploadError               a file that is being uploaded is refused, or its portion does not fit
    │   │   └── UploadNotFound
    │   ├── PictureError              an uploaded file is not a picture that ConvDeck reads
    │   ├── StudyNotFound
    │   ├── SweepNotFound
    │   ├── ViewNotFound
    │   ├── AlertNotFound
    │   ├── NotAllowed                a visitor of a class asks for what only its owner or the teacher can do
    │   └── RunError                  a run cannot do what was asked of it
    │       ├── RunNotFound
    │       ├── IllegalTransition     its state forbids it
    │       ├── TrialTaken            another process has written this trial of a sweep first
    │       └── TokenTaken            a token that has started something else
    ├── CannotWrite                   the disk is full or the folder read-only: it works again once a person helps
    ├── StaleAttempt                  a worker wrote for an attempt that is no longer the current one
    ├── TrainingError                 a run failed for a reason that has a name and a next step
    │   ├── Diverged                  the loss became NaN or infinite
    │   └── CheckpointDamaged         no checkpoint on disk can be trusted
    ├── PreflightError                a dry run gave no answer
    │   └── PreflightBusy             another one is running, or no device is free for it
    └── EngineError                   the helper process crashed or overran its deadline

Every message is written for the person who reads it on a page or in a terminal: what was received, what is
allowed, how to fix it.
"""


class ConvDeckError(Exception):
    """The root of all errors raised on purpose."""


class UserError(ConvDeckError, ValueError):
    """A mistake that the person in front of the screen can fix."""


class ConfigError(UserError):
    """A value in a config is not allowed.

    `field` is the path of the value, such as `model.blocks[1].kernel_sizes[0]`; `message` is one sentence.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message


class DatasetError(UserError):
    """A data set is unknown, damaged, in use or cannot be imported."""


class BundleError(UserError):
    """A bundle is damaged, hostile, or of a newer ConvDeck; nothing of it is kept."""


class RecordError(UserError):
    """What another tool has recorded of a training cannot be read, or holds no curves."""


class UploadError(UserError):
    """A file that is being uploaded is refused. `status` is the HTTP status that says so; `received` are the bytes
    that are stored of it, where the sender can continue from there.
    """

    def __init__(self, message: str, status: int = 400, received: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.received = received


class UploadNotFound(UploadError):
    """There is no upload with this id."""

    def __init__(self) -> None:
        super().__init__("There is no such upload; it may have been removed. Start it again.", 404)


class PictureError(UserError):
    """A file is not a picture that ConvDeck reads."""


class StudyNotFound(UserError):
    """There is no study with this id."""


class SweepNotFound(UserError):
    """There is no sweep with this id."""


class ViewNotFound(UserError):
    """There is no saved view with this name or id."""


class AlertNotFound(UserError):
    """There is no alert with this name."""


class NotAllowed(UserError):
    """A visitor of a class cannot do this: it is somebody else's, or for the teacher alone."""


class RunError(UserError):
    """A run cannot do what was asked of it."""


class RunNotFound(RunError):
    """There is no run with this id."""


class IllegalTransition(RunError):
    """The run's state does not allow the change that was asked for."""


class TrialTaken(RunError):
    """A sweep has other trials than the one who adds the next has seen."""


class TokenTaken(RunError):
    """A token comes a second time, with another request than the first."""


class CannotWrite(ConvDeckError):
    """The workspace's disk is full or its folder cannot be written: the same works once a person has seen to it."""


class StaleAttempt(ConvDeckError):
    """A worker reported for an attempt that is no longer the run's current one."""


class TrainingError(ConvDeckError):
    """A run failed for a known reason. `next_step` says what to try."""

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message)
        self.next_step = next_step


class Diverged(TrainingError):
    """The loss became NaN or infinite."""


class CheckpointDamaged(TrainingError):
    """No checkpoint on disk passes its own hash."""


class PreflightError(ConvDeckError):
    """A dry run could not be made, or ended without an answer."""


class PreflightBusy(PreflightError):
    """Another dry run is running, or every device that this one needs is training."""


class EngineError(ConvDeckError):
    """The helper process crashed, could not start or overran its deadline."""
