"""TensorBoard's event files: a folder per run, with what Keras's own callback writes under the same tags."""

from collections.abc import Mapping
from pathlib import Path

from core.formatting import file_stem, reason
from core.sinks.event_file import append_events, restart_event, scalars_event
from core.sinks.sink import RunNews, SinkUnavailable, TimedEpoch

# Folder, then Keras's tag and the value of an epoch. Clean training pictures are no Keras thing; as a curve of the same
# tag they lie beside the other two.
CURVES: Mapping[str, Mapping[str, str]] = {
    "train": {
        "epoch_loss": "train_loss", "epoch_accuracy": "train_accuracy", "epoch_learning_rate": "learning_rate",
    },
    "validation": {"epoch_loss": "val_loss", "epoch_accuracy": "val_accuracy"},
    "clean_train": {"epoch_loss": "clean_train_loss", "epoch_accuracy": "clean_train_accuracy"},
}  # fmt: skip


class TensorBoardSink:
    """Writes under one folder. A run's key is its own folder in it; it stays when the run is renamed."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def keeps(self, key: str) -> bool:
        return (self._folder / key).is_dir()

    def send(self, news: RunNews) -> str:
        run = news.run
        key = news.key or f"{file_stem(run.name, 'run')}-{run.id}"
        try:
            # Also where nothing is to be written, so that a folder that is not there is noticed.
            (self._folder / key).mkdir(parents=True, exist_ok=True)
            for part, values in CURVES.items():
                if events := _events(news, values):
                    # TensorBoard reads files in the order of their names, which begin with a time; there is one.
                    name = f"events.out.tfevents.{int(run.created_at):010d}.{run.id}.v2"
                    append_events(self._folder / key / part / name, events)
        except OSError as error:
            raise SinkUnavailable(
                f"The folder {self._folder} cannot be written: {reason(error)}.",
                "Free some space, fix the folder's permissions, or set CONVDECK_TENSORBOARD to another folder.",
            ) from error
        return key


def _events(news: RunNews, values: Mapping[str, str]) -> list[bytes]:
    found = [_event(each, values) for each in news.epochs]
    events = [event for event in found if event is not None]
    if events and news.replaces_from is not None:
        events.insert(0, restart_event(news.epochs[0].time, news.replaces_from))
    return events


def _event(epoch: TimedEpoch, values: Mapping[str, str]) -> bytes | None:
    known = {tag: getattr(epoch.row, name) for tag, name in values.items()}
    known = {tag: value for tag, value in known.items() if value is not None}
    return scalars_event(epoch.time, epoch.row.epoch, known) if known else None
