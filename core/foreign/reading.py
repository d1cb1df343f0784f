"""Files of other tools, known by their content: event files, CSV, JSON, a folder or a zip of them."""

import contextlib
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple, get_args

from core.errors import DatasetError, RecordError
from core.foreign.columns import best_epoch_name, is_epoch, match_of, words_of
from core.foreign.documents import read_document
from core.foreign.epochs import FoundRun, on_epochs
from core.foreign.events import is_event_file, read_events
from core.foreign.recorded import (
    MAX_ALL_EPOCHS,
    MAX_FILE_BYTES,
    MAX_FILES,
    MAX_POINTS,
    MAX_RUNS,
    MAX_TOTAL_BYTES,
    TENSORBOARD,
    Numbers,
    Recorded,
    Series,
    merge,
    note_percent,
)
from core.foreign.tables import is_table, read_table
from core.formatting import count_of, listed, printable, reason
from core.importing.zip_guard import UNREADABLE, check_archive, check_directory, file_name, is_plain

Format = Literal["tensorboard", "csv", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)
ZIP = b"PK"
_ENDINGS = (".csv", ".tsv", ".log", ".json", ".jsonl", ".ndjson")
# Names that say nothing of a run: its folder does.
_GENERIC = {
    "metrics", "history", "training", "train", "log", "logs", "results", "trainer_state", "wandb-history", "data",
    "progress", "export",
}  # fmt: skip
# `clean_train` is ConvDeck's own, in what it writes for TensorBoard.
_PARTS = {"train", "training", "val", "valid", "validation", "eval", "test", "dev", "clean_train"}
_EVALUATION = "evaluation_"  # of tags that Keras writes into the validation's file alone
_HEAD_BYTES = 65_536


class _Full(RecordError):
    """More than is read at once, whichever file it is in."""


class Given(NamedTuple):
    """A file that a person gives, and what it is called, which may be a path with folders."""

    path: Path
    name: str


class _Content(NamedTuple):
    name: PurePosixPath
    data: bytes
    is_alone: bool  # given by itself, not found in a folder or zip


def read_runs(given: Sequence[Given], forced: Format | None = None) -> list[FoundRun]:
    """The runs in files, folders and zips, in the order in which they come. Raises RecordError in one sentence.

    `forced` says what the files are, where their content does not tell.
    """
    events: dict[PurePosixPath, list[tuple[str, dict[str, tuple[Numbers, Numbers]]]]] = {}
    runs: list[Recorded] = []
    remarks: list[str] = []
    shown = printable(given[0].name, 60) if len(given) == 1 else count_of(len(given), "file")
    unused: list[str] = []
    total = 0
    for content in _contents(given):
        total += len(content.data)
        if total > MAX_TOTAL_BYTES:
            raise RecordError(
                f"The files have more than {MAX_TOTAL_BYTES / 1e6:,.0f} MB in all. Import fewer at once."
            )
        called = printable(str(content.name), 80) or "The file"
        kind = forced or _kind_of(content.data, called, is_alone=content.is_alone)
        try:
            if kind is None:
                unused.append(called)
            elif kind == "tensorboard":
                if not is_event_file(content.data[:12]):
                    raise RecordError(f"{called} is no event file of TensorBoard.")
                found, said = read_events(content.data, called)
                events.setdefault(content.name.parent, []).append((content.name.name, found))
                remarks += said
            else:
                read = read_table if kind == "csv" else read_document
                place = _run_place(content.name)
                several = read(content.data, called, place.name)
                note_percent(several)
                if not any(run.series for run in several):
                    unused.append(called)
                for run in several:
                    run.place = place if run.name == place.name else None
                    runs.append(run)
                points = sum(len(series.value) for run in runs for series in run.series)
                if points > MAX_POINTS:
                    raise _Full(
                        f"The files have more than {MAX_POINTS:,} values in all. Import fewer at once."
                    )
        except RecordError as error:
            if content.is_alone or isinstance(error, _Full):
                raise
            unused.append(called)  # a folder may hold tables and documents of all kinds
        except RecursionError:
            raise RecordError(f"{called} is nested too deeply.") from None
    of_events = _of_events(events, remarks)
    for run in of_events:
        note_percent([run])
    found_runs = _found(merge([*runs, *of_events]), shown, unused)
    if not found_runs:
        raise RecordError(
            f"{shown} holds no curves that can be read: TensorBoard's event files, CSV, JSON or JSON lines."
        )
    if len(found_runs) > MAX_RUNS:
        raise RecordError(
            f"{shown} holds {len(found_runs):,} runs; at most {MAX_RUNS} can be imported at once."
        )
    epochs = sum(len(run.rows) for run in found_runs)
    if epochs > MAX_ALL_EPOCHS:
        raise RecordError(
            f"{shown} holds {epochs:,} epochs in all; at most {MAX_ALL_EPOCHS:,} can be imported at once. Import its "
            "runs in several parts."
        )
    if unused:
        sentence = f"Not used, as no curves were found in {'it' if len(unused) == 1 else 'them'}: {listed(unused, 8)}."
        found_runs[0] = replace(found_runs[0], beside=(sentence,))
    return found_runs


def _found(recorded: Sequence[Recorded], shown: str, unused: list[str]) -> list[FoundRun]:
    """Those with curves. Raises the first fault where there are none; else the others are added to `unused`."""
    found, fault = [], None
    for each in recorded:
        try:
            found.append(on_epochs(each, shown))
        except RecordError as error:
            fault = fault or error
            if each.series:
                unused.append(f"{printable(each.name, 60)} ({printable(str(error).rstrip('.'), 160)})")
    if not found and fault is not None:
        raise fault
    return found


def _kind_of(data: bytes, shown: str, *, is_alone: bool) -> Format | None:
    """None, or RecordError for a file that was given alone, where it is nothing that is read."""
    if not data.strip():
        if is_alone:
            raise RecordError(f"{shown} is empty.")
        return None
    if is_event_file(data[:12]):
        return "tensorboard"
    head = data[:_HEAD_BYTES]
    if b"\0" not in head:
        text = head.decode("utf-8-sig", "replace").lstrip()
        if text[:1] in ("{", "["):
            return "json"
        if is_table(text):
            return "csv"
    if is_alone:
        raise RecordError(
            f"{shown} is nothing that can be imported: a bundle of ConvDeck, TensorBoard's event files, CSV, JSON or "
            "JSON lines."
        )
    return None


def _contents(given: Sequence[Given]) -> Iterator[_Content]:
    """Each file with its content, one after the other."""
    for path, name in given:
        shown = printable(name, 60) or "The file"
        try:
            if path.is_dir():
                yield from _in_folder(path, name, shown)
                continue
            size = path.stat().st_size
            if size > MAX_FILE_BYTES:
                raise RecordError(
                    f"{shown} has {size / 1e6:,.0f} MB; at most {MAX_FILE_BYTES / 1e6:,.0f} MB are read."
                )
            data = path.read_bytes()
        except OSError as error:
            raise RecordError(f"{shown} cannot be read: {reason(error)}.") from None
        if data[:2] == ZIP:
            yield from _in_zip(path, shown, PurePosixPath(name).stem)
        else:
            yield _Content(_plain(name), data, True)


def _in_folder(folder: Path, name: str, shown: str) -> Iterator[_Content]:
    count = 0
    root = PurePosixPath(folder.resolve().name or name)
    for where, folders, files in os.walk(folder):
        folders.sort()
        for each in sorted(files):
            path = Path(where) / each
            if not _is_wanted(each) or path.is_symlink() or not path.is_file():
                continue
            count += 1
            if count > MAX_FILES:
                raise RecordError(
                    f"{shown} holds more than {MAX_FILES:,} files that may be curves. Choose a subfolder."
                )
            if path.stat().st_size <= MAX_FILE_BYTES:
                yield _Content(
                    root / PurePosixPath(path.relative_to(folder).as_posix()), path.read_bytes(), False
                )


def _in_zip(path: Path, shown: str, stem: str) -> Iterator[_Content]:
    with contextlib.ExitStack() as opened:
        try:
            check_directory(path, shown, MAX_FILES)
            archive = opened.enter_context(zipfile.ZipFile(path))
            infos = archive.infolist()
            check_archive(infos, shown, MAX_FILES, MAX_TOTAL_BYTES)
            for info in infos:
                name = file_name(info)
                if info.is_dir() or not is_plain(info) or not _is_wanted(PurePosixPath(name).name):
                    continue
                if info.file_size > MAX_FILE_BYTES:
                    raise RecordError(f"{printable(name, 60)} of {shown} is larger than can be read.")
                with archive.open(info) as stream:
                    data = stream.read(MAX_FILE_BYTES + 1)
                if len(data) > MAX_FILE_BYTES:
                    raise RecordError(f"{printable(name, 60)} of {shown} is longer than it says.")
                yield _Content(PurePosixPath(stem) / _plain(name), data, False)
        except DatasetError as error:
            raise RecordError(str(error)) from None
        except (*UNREADABLE, zipfile.LargeZipFile, NotImplementedError, ValueError) as error:
            if isinstance(error, RecordError):
                raise
            raise RecordError(f"{shown} is no whole zip: {reason(error)}. Copy it again.") from None


def _is_wanted(name: str) -> bool:
    return not name.startswith(".") and ("tfevents" in name or name.lower().endswith(_ENDINGS))


def _plain(name: str) -> PurePosixPath:
    parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", "..", ".")]
    return PurePosixPath(*parts) if parts else PurePosixPath("file")


def _run_place(name: PurePosixPath) -> PurePosixPath:
    """What a run is called after: its file without the ending, or the folder of a file whose name says nothing."""
    stem = name.name.partition(".")[0]
    return (
        name.parent if stem.lower() in _GENERIC and name.parent.name else name.with_name(stem or "Imported")
    )


def _of_events(
    events: dict[PurePosixPath, list[tuple[str, dict[str, tuple[Numbers, Numbers]]]]], remarks: list[str]
) -> list[Recorded]:
    """Event files by folder: `run/train` and `run/validation` are parts of one run."""
    by_run: dict[PurePosixPath, list[tuple[str, dict[str, tuple[Numbers, Numbers]]]]] = {}
    for folder, files in events.items():
        files.sort(key=lambda file: file[0])
        of_validation = [any(tag.startswith(_EVALUATION) for tag in tags) for _, tags in files]
        for (_, tags), is_validation in zip(files, of_validation, strict=True):
            run, part = folder, ""
            if folder.name.lower() in _PARTS or _is_part(folder.name, tags):
                run, part = folder.parent, folder.name
            elif any(of_validation) and not all(of_validation):
                part = "validation" if is_validation else "train"
            by_run.setdefault(run, []).append((part, tags))
    found = []
    for run, parts in by_run.items():
        name = run.name or "TensorBoard"
        found.append(
            Recorded(name, TENSORBOARD, _series_of(parts), run, remarks=list(dict.fromkeys(remarks)))
        )
    return found


def _is_part(folder: str, tags: dict[str, tuple[Numbers, Numbers]]) -> bool:
    """Whether it is one that `add_scalars` makes: `Loss_train` for the tag `Loss`."""
    words = set(words_of(folder))
    return bool(words & _PARTS) and any(words - _PARTS == set(words_of(tag)) for tag in tags)


def _series_of(parts: Sequence[tuple[str, dict[str, tuple[Numbers, Numbers]]]]) -> list[Series]:
    """The tags of a run; epochs are the steps of Keras's `epoch_loss`, or what a tag `epoch` says at each step."""
    import numpy as np

    counted = [tags[name] for _, tags in parts if (name := best_epoch_name(tags)) is not None]
    found = []
    for part, tags in parts:
        for tag, (steps, values) in tags.items():
            if is_epoch(tag):
                continue
            epochs = steps if tag.startswith("epoch_") else None
            if epochs is None and counted and match_of(f"{part}/{tag}"):
                at, numbers = counted[0]
                order = np.argsort(at, kind="stable")
                place = np.searchsorted(at[order], steps, side="right") - 1
                epochs = numbers[order][np.maximum(place, 0)]
            found.append(Series(f"{part}/{tag}" if part else tag, steps, values, epochs))
    return found
