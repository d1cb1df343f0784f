"""What is in a bundle: its members, what each may hold at most, and the manifest that names them.

manifest.json           the format's version, and size and SHA-256 of every other member
run.json                `core.store.run_record.RunRecord`: settings, state, times, tags, note, interventions
epochs.json             every epoch with its details; log.json the log
weights/best-000018.keras, .json    the saved models, best and last, each with its description
temperature.json        of the best weights, where it was measured; evaluation.json what the model card says of them
receipts/onnx.json      the parity receipts of exports, by format
MODEL_CARD.md           for people; nothing of it is read again
"""

import re
import tomllib
from functools import cache
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from msgspec import Meta

from core.errors import BundleError
from core.formatting import printable
from core.inspection.run_export import CARD
from core.store.run_record import Id, Part, Short, Time, Whole
from core.workspace import PROJECT_ROOT

VERSION = 1
FORMAT: Final = "convdeck-bundle"
MANIFEST, RUN, EPOCHS, LOG = "manifest.json", "run.json", "epochs.json", "log.json"
TEMPERATURE, EVALUATION = "temperature.json", "evaluation.json"
WEIGHTS = re.compile(r"weights/(best|last)-(\d{6})\.(json|keras)")
RECEIPT = re.compile(r"receipts/([a-z][a-z0-9-]{0,30})\.json")

MAX_MEMBERS = 40
# Of what is read into memory: all members of text together, and one of them. Python needs up to twenty times as much
# for JSON that was made to need much, so what is not epochs or log may have less.
MAX_ALL_TEXT_BYTES = 40_000_000
MAX_TEXT_BYTES, MAX_SMALL_TEXT_BYTES = 32_000_000, 4_000_000
MAX_WEIGHTS_BYTES = 500_000_000
MAX_BUNDLE_BYTES = 2 * MAX_WEIGHTS_BYTES + 50_000_000
# A member of text shrinks by 10 to 20 times; only what was made to burst shrinks by more than this.
MAX_RATIO, RATIO_FROM_BYTES = 200, 5_000_000

T = TypeVar("T")


class Member(Part, frozen=True):
    """What a member is."""

    bytes: Whole
    sha256: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class Manifest(Part, frozen=True):
    """What a bundle says of itself; `run` is the run's id where it was exported."""

    format: Literal["convdeck-bundle"]
    version: int
    convdeck: Short
    exported_at: Time
    run: Id
    members: Annotated[dict[Short, Member], Meta(max_length=MAX_MEMBERS)]


class _Head(msgspec.Struct, frozen=True):
    """What every version of the manifest has."""

    format: Literal["convdeck-bundle"]
    version: int


def read_manifest(data: bytes) -> Manifest:
    """Raises BundleError for what is none, and for one of a newer ConvDeck."""
    try:
        head = msgspec.json.decode(data, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BundleError("This is no bundle of ConvDeck: it has no manifest that says so.") from None
    if head.version > VERSION:
        raise BundleError(
            f"This bundle was written by a newer ConvDeck (format {head.version}, this one reads {VERSION}). Update "
            "ConvDeck."
        )
    return parse(data, Manifest, MANIFEST)


def parse(data: bytes, kind: type[T], what: str) -> T:
    """A member read as what it should be. Raises BundleError with the place of the first value that is not."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise BundleError(f"{what} of the bundle cannot be read: {printable(str(error), 160)}.") from None


def check_name(name: str) -> None:
    """Raises BundleError for a name that no member has."""
    known = (MANIFEST, RUN, EPOCHS, LOG, TEMPERATURE, EVALUATION, CARD)
    if name not in known and not WEIGHTS.fullmatch(name) and not RECEIPT.fullmatch(name):
        raise BundleError(f"The bundle holds {printable(name, 60)!r}, which is no part of one.")


def most_bytes(name: str) -> int:
    """What a member of this name may hold."""
    if name.endswith(".keras"):
        return MAX_WEIGHTS_BYTES
    return MAX_TEXT_BYTES if name in (EPOCHS, LOG) else MAX_SMALL_TEXT_BYTES


@cache
def convdeck_version() -> str:
    """This ConvDeck's version."""
    try:
        project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))
        return str(project["project"]["version"])
    except (OSError, ValueError, KeyError):
        return "unknown"
