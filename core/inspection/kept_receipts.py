"""The parity receipts of a run's exports, kept in its folder by format, without the files that they are about."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from core.engine.exporting import ExportedModel
from core.errors import ConvDeckError
from core.export.receipt import Receipt
from core.inspection.answers import BEST, weights_of
from core.store.records import Run
from core.store.run_record import Digest, Fraction, Part, Short, Time, Whole
from core.system.files import write_bytes
from core.workspace import Workspace

FOLDER = "receipts"


class KeptReceipt(Part, frozen=True):
    """A receipt of the weights whose digest is `sha256`, exported as a file of `bytes` bytes.

    The other fields are those of `core.export.receipt.Receipt`.
    """

    sha256: Digest
    made_at: Time
    bytes: Whole
    n: Whole
    pictures: Literal["validation", "test", "random"]
    max_difference: Fraction | None
    agreement: Fraction | None
    runtime: Short
    milliseconds: Annotated[float, Meta(ge=0, le=1e9)] | None
    rule: Annotated[str, Meta(max_length=400)]
    passed: bool
    problem: Annotated[str, Meta(max_length=1000)] | None
    versions: Annotated[dict[Short, Short], Meta(max_length=50)]

    @property
    def receipt(self) -> Receipt:
        return Receipt(
            self.n, self.pictures, self.max_difference, self.agreement, self.runtime, self.milliseconds, self.rule,
            self.passed, self.problem, self.versions,
        )  # fmt: skip


def keep_receipt(workspace: Workspace, run: Run, made: ExportedModel, now: float) -> None:
    """Keep what was found of an export, if the run's best weights are still those that were exported.

    What cannot be kept is found again by the next one.
    """
    receipt = made.receipt
    try:
        if weights_of(workspace, run, BEST).sha256 != made.sha256:
            return
        kept = KeptReceipt(
            made.sha256, now, made.bytes, receipt.n, receipt.pictures,  # type: ignore[arg-type]
            receipt.max_difference, receipt.agreement, receipt.runtime, receipt.milliseconds, receipt.rule,
            receipt.passed, receipt.problem, dict(receipt.versions),
        )  # fmt: skip
        folder = workspace.run_folder(run.id) / FOLDER
        folder.mkdir(exist_ok=True)
        write_bytes(folder / f"{made.description['format']}.json", msgspec.json.encode(kept))
    except (OSError, ConvDeckError):
        return


def kept_receipts(folder: Path, sha256: str) -> Mapping[str, KeptReceipt]:
    """Those of the weights with this digest in a run's folder, by format."""
    found = {}
    for path in sorted((folder / FOLDER).glob("*.json")):
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=KeptReceipt)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            continue
        if kept.sha256 == sha256:
            found[path.stem] = kept
    return found
