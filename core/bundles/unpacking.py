"""A bundle from outside: looked at as a zip, unpacked into a folder of its own, and read with every limit.

Nothing of it is trusted: names are those of `core.bundles.contents` or refused, sizes are checked before and counted
while unpacking, digests after it; JSON is read by types. Saved models are looked at in a process of their own.
"""

import contextlib
import hashlib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from core.bundles.card_facts import CardFacts
from core.bundles.contents import (
    EPOCHS,
    EVALUATION,
    LOG,
    MANIFEST,
    MAX_ALL_TEXT_BYTES,
    MAX_BUNDLE_BYTES,
    MAX_MEMBERS,
    MAX_RATIO,
    RATIO_FROM_BYTES,
    RECEIPT,
    RUN,
    TEMPERATURE,
    WEIGHTS,
    Manifest,
    check_name,
    most_bytes,
    parse,
    read_manifest,
)
from core.bundles.process import check_models_apart
from core.config import parse_json
from core.errors import BundleError, ConfigError, DatasetError, RunError
from core.formatting import printable, reason
from core.images import CROPS
from core.importing.zip_guard import UNREADABLE, check_archive, check_directory, is_plain
from core.inspection import temperature
from core.inspection.calibration import LEAST_TEMPERATURE, MOST_TEMPERATURE
from core.inspection.kept_receipts import FOLDER as RECEIPTS
from core.inspection.kept_receipts import KeptReceipt
from core.inspection.run_export import CARD
from core.model_description import Description
from core.store.run_record import MAX_LOG_LINES, EpochRecord, LineRecord, RunRecord, Source, WholeRun
from core.system.files import is_write_refused, sha256_of, sync, write_bytes

_READ_BYTES = 1 << 20


@dataclass(frozen=True)
class Unpacked:
    """A bundle that was found sound: the run in it, and where it comes from."""

    whole: WholeRun
    source: Source


def unpack(path: Path, shown: str, folder: Path) -> Unpacked:
    """Read the bundle at `path`, called `shown`, and leave the files of the run's folder in `folder`, which is new.

    Raises BundleError in one sentence, and OSError where `folder` cannot be written.
    """
    folder.mkdir(parents=True)
    with _opened(path, shown) as archive:
        return _read(archive, shown, folder)


def check_whole(path: Path, shown: str) -> None:
    """Whether the bundle at `path` is a whole zip with a manifest and what that lists, before anything is unpacked.

    Raises BundleError.
    """
    with _opened(path, shown) as archive:
        _members(archive, shown, _TextReader(archive, shown))


@contextlib.contextmanager
def _opened(path: Path, shown: str) -> Iterator[zipfile.ZipFile]:
    """What opening it and reading from it raises becomes a BundleError."""
    try:
        if path.stat().st_size > MAX_BUNDLE_BYTES:
            raise BundleError(
                f"{shown} is larger than {MAX_BUNDLE_BYTES / 1e6:,.0f} MB, the most of a bundle."
            )
        stream = path.open("rb")
    except OSError as error:
        raise BundleError(f"{shown} cannot be read: {reason(error)}.") from None
    with stream:
        try:
            check_directory(stream, shown, MAX_MEMBERS)
            with zipfile.ZipFile(stream) as archive:
                yield archive
        except DatasetError as error:
            raise BundleError(str(error)) from None
        except RunError as error:
            raise BundleError(f"{shown} is damaged: {error}") from None
        except (*UNREADABLE, zipfile.LargeZipFile, NotImplementedError, ValueError) as error:
            if isinstance(error, BundleError) or is_write_refused(error):
                raise
            raise BundleError(f"{shown} is no whole zip: {reason(error)}. Export or copy it again.") from None


def _members(
    archive: zipfile.ZipFile, shown: str, reader: "_TextReader"
) -> tuple[dict[str, zipfile.ZipInfo], Manifest]:
    """The members but the manifest, checked by name and size, and what that says. Raises BundleError."""
    infos = archive.infolist()
    check_archive(infos, shown, MAX_MEMBERS, MAX_BUNDLE_BYTES)
    by_name: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        name = info.filename
        check_name(name)
        if name in by_name:
            raise BundleError(f"{shown} holds {name} twice.")
        if not is_plain(info) or info.is_dir():
            raise BundleError(f"{shown} holds a link or a device.")
        if info.file_size > most_bytes(name):
            raise BundleError(f"{name} of {shown} would take {info.file_size:,} bytes, which is too many.")
        if info.file_size > max(RATIO_FROM_BYTES, MAX_RATIO * info.compress_size):
            raise BundleError(f"{name} of {shown} unfolds to far more than it takes: it is malicious.")
        by_name[name] = info
    text = sum(info.file_size for name, info in by_name.items() if not name.endswith(".keras"))
    if text > MAX_ALL_TEXT_BYTES:
        raise _too_much_text(shown)
    if MANIFEST not in by_name:
        raise BundleError(f"{shown} is no bundle of ConvDeck: it has no {MANIFEST}.")
    manifest = read_manifest(reader.read(by_name.pop(MANIFEST)))
    if set(by_name) != set(manifest.members):
        raise BundleError(f"{shown} does not hold what its manifest lists. Export or copy it again.")
    return by_name, manifest


def _read(archive: zipfile.ZipFile, shown: str, folder: Path) -> Unpacked:
    reader = _TextReader(archive, shown)
    by_name, manifest = _members(archive, shown, reader)
    texts, models = {}, {}
    for name, info in by_name.items():
        if name.endswith(".keras"):
            models[name] = _unpack_model(archive, info, manifest, folder)
        else:
            texts[name] = _checked(reader.read(info), name, manifest)
    for name in (RUN, EPOCHS, LOG):
        if name not in texts:
            raise BundleError(f"{shown} has no {name}.")
    whole = _read_run(texts)
    config = whole.check()
    described = _describe_models(texts, models, whole, config.dataset.image_size)
    check_models_apart(list(described.items()), config)
    _keep_measured(texts, described, folder)
    record = whole.record
    return Unpacked(
        whole, Source(manifest.run, manifest.exported_at, manifest.convdeck, record.machine, record.parent)
    )


class _TextReader:
    """Reads members of text, and counts what they unfold to: one by one, and all together."""

    def __init__(self, archive: zipfile.ZipFile, shown: str) -> None:
        self._archive = archive
        self._shown = shown
        self._room = MAX_ALL_TEXT_BYTES

    def read(self, info: zipfile.ZipInfo) -> bytes:
        """Raises BundleError where it is longer than it may be."""
        most = most_bytes(info.filename)
        with self._archive.open(info) as stream:
            data = stream.read(min(most, self._room) + 1)
        if len(data) > most:
            raise BundleError(f"{info.filename} of the bundle is longer than it says.")
        self._room -= len(data)
        if self._room < 0:
            raise _too_much_text(self._shown)
        return data


def _too_much_text(shown: str) -> BundleError:
    return BundleError(
        f"The texts in {shown} take more than {MAX_ALL_TEXT_BYTES / 1e6:,.0f} MB together, the most of a bundle."
    )


def _checked(data: bytes, name: str, manifest: Manifest) -> bytes:
    member = manifest.members[name]
    if len(data) != member.bytes or hashlib.sha256(data).hexdigest() != member.sha256:
        raise _changed(name)
    return data


def _unpack_model(archive: zipfile.ZipFile, info: zipfile.ZipInfo, manifest: Manifest, folder: Path) -> Path:
    member, digest, count = manifest.members[info.filename], hashlib.sha256(), 0
    target = folder / info.filename.rpartition("/")[2]
    with archive.open(info) as stream, target.open("xb") as out:
        while data := stream.read(_READ_BYTES):
            count += len(data)
            if count > member.bytes:
                raise _changed(info.filename)
            digest.update(data)
            out.write(data)
    if count != member.bytes or digest.hexdigest() != member.sha256:
        raise _changed(info.filename)
    sync(target)
    return target


def _changed(name: str) -> BundleError:
    return BundleError(
        f"{name} of the bundle is not what was exported: it is damaged. Export or copy it again."
    )


def _read_run(texts: dict[str, bytes]) -> WholeRun:
    try:
        # Duplicate keys too, which the typed reader takes in silence.
        parse_json(texts[RUN].decode(), "bundle's run.json")
    except (ConfigError, UnicodeDecodeError) as error:
        raise BundleError(f"{RUN} of the bundle cannot be read: {printable(str(error), 160)}.") from None
    epochs = parse(texts[EPOCHS], tuple[EpochRecord, ...], EPOCHS)
    log = parse(texts[LOG], tuple[LineRecord, ...], LOG)
    if len(log) > MAX_LOG_LINES:
        raise BundleError(f"The log of the bundle has more than {MAX_LOG_LINES:,} lines.")
    return WholeRun(parse(texts[RUN], RunRecord, RUN), epochs, log)


def _describe_models(
    texts: dict[str, bytes], models: dict[str, Path], whole: WholeRun, size: int | None
) -> dict[Path, Description]:
    """Each model with its description, which is written beside it. Raises BundleError."""
    described: dict[Path, Description] = {}
    which = [match[1] for name in models if (match := WEIGHTS.fullmatch(name))]
    if len(set(which)) < len(which):
        raise BundleError("The bundle has two best or two last models.")
    beside = {name.removesuffix(".json") for name in texts if WEIGHTS.fullmatch(name)}
    if beside != {name.removesuffix(".keras") for name in models}:
        raise BundleError("A saved model of the bundle has no description, or a description no model.")
    for name, path in models.items():
        data = texts[f"{name.removesuffix('.keras')}.json"]
        description = Description.from_json(data)
        if description is None or not _fits(description, path, name, whole, size):
            raise BundleError(f"The description of {name} of the bundle does not fit the model and the run.")
        write_bytes(path.with_suffix(".json"), description.to_json().encode())
        described[path] = description
    return described


def _fits(description: Description, path: Path, name: str, whole: WholeRun, size: int | None) -> bool:
    match = WEIGHTS.fullmatch(name)
    data, names = whole.record.data, description.class_names
    height, width, channels = description.image_shape
    sizes = (height, width)
    return (
        match is not None
        and type(description.epoch) is int
        and int(match[2]) == description.epoch
        and 1 <= description.epoch <= len(whole.epochs)
        and all(type(each) is int and 1 <= each <= 4096 for each in sizes)
        and (size is None or sizes == (size, size))
        and channels in (1, 3)
        and description.crop in CROPS
        and 2 <= len(names) <= 100_000
        and all(isinstance(each, str) and printable(each, 200) for each in names)
        and len(set(names)) == len(names)
        and (data is None or tuple(data.class_names) == names)
        and sha256_of(path) == description.sha256
    )


def _keep_measured(texts: dict[str, bytes], described: dict[Path, Description], folder: Path) -> None:
    """Write what was measured of the best weights, read by its types. Raises BundleError."""
    best = next((each.sha256 for path, each in described.items() if path.name.startswith("best-")), None)
    for name, data in texts.items():
        if name == TEMPERATURE:
            found = parse(data, _Temperature, name)
            _check_weights(found.sha256, best, name)
            write_bytes(folder / temperature.FILE, msgspec.json.encode(found))
        elif name == EVALUATION:
            facts = parse(data, CardFacts, name)
            _check_weights(facts.sha256, best, name)
            if not facts.is_sound:
                raise BundleError(f"{name} of the bundle holds numbers that do not fit together.")
            write_bytes(folder / EVALUATION, msgspec.json.encode(facts))
        elif match := RECEIPT.fullmatch(name):
            receipt = parse(data, KeptReceipt, name)
            _check_weights(receipt.sha256, best, name)
            (folder / RECEIPTS).mkdir(exist_ok=True)
            write_bytes(folder / RECEIPTS / f"{match[1]}.json", msgspec.json.encode(receipt))
        elif name == CARD:
            continue  # is not read: ConvDeck writes a new card from the run


def _check_weights(sha256: str, best: str | None, name: str) -> None:
    if sha256 != best:
        raise BundleError(f"{name} of the bundle is of other weights.")


class _Temperature(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    sha256: str
    value: float
    note: str | None

    def __post_init__(self) -> None:
        if not LEAST_TEMPERATURE <= self.value <= max(MOST_TEMPERATURE, 1.0) or len(self.note or "") > 500:
            raise ValueError("the temperature is out of its range")
