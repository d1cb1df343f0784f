"""Receipts belong to the weights that were exported: those of other weights are neither kept nor shown."""

import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.engine.export_requests import ExportRequests
from core.engine.exporting import ExportedModel
from core.errors import UserError
from core.export.receipt import Receipt
from core.inspection import run_export
from core.inspection.answers import BEST, weights_of
from core.inspection.kept_receipts import keep_receipt, kept_receipts
from core.model_description import Description
from tests.core.bundles.made import example_in

RECEIPT = Receipt(
    256, "random", 1e-7, 1.0, "keras 3.15", 0.5, "To pass, they may differ by 0.0001.", True, None, {}
)


@pytest.fixture
def run(workspace, store):
    """With weights, and nothing measured of them."""
    return store.get_run(example_in(workspace))


@pytest.fixture
def folder(workspace, run) -> Path:
    return workspace.run_folder(run.id)


def exported(sha256: str) -> ExportedModel:
    described = {"format": "keras", "bytes": 1000, "receipt": RECEIPT.to_json()}
    return ExportedModel(Path("m.keras"), Path("m.keras.json"), described, sha256)


def save_better(folder: Path) -> str:
    """As a run does that trains: another best model in the place of the one before. Returns its digest."""
    (before,) = folder.glob("best-*.json")
    described = Description.from_json(before.read_bytes())
    assert described is not None
    sha256 = "b" * 64
    newer = replace(described, epoch=described.epoch + 1, sha256=sha256)
    (folder / f"best-{newer.epoch:06d}.json").write_text(newer.to_json(), encoding="utf-8")
    before.with_suffix(".keras").rename(folder / f"best-{newer.epoch:06d}.keras")
    before.unlink()
    return sha256


def test_a_receipt_is_that_of_the_weights_which_were_exported(workspace, run, folder) -> None:
    first = weights_of(workspace, run, BEST).sha256
    keep_receipt(workspace, run, exported(first), time.time())
    assert kept_receipts(folder, first)["keras"].receipt == RECEIPT
    second = save_better(folder)
    assert weights_of(workspace, run, BEST).sha256 == second
    assert kept_receipts(folder, second) == {}


def test_a_receipt_of_weights_that_were_replaced_meanwhile_is_not_kept(workspace, run, folder) -> None:
    """Before, it was kept as one of the new weights, which nobody had compared."""
    first = weights_of(workspace, run, BEST).sha256
    second = save_better(folder)
    keep_receipt(workspace, run, exported(first), time.time())
    assert kept_receipts(folder, first) == kept_receipts(folder, second) == {}


def test_an_export_asks_for_the_weights_whose_temperature_it_has(workspace, run, folder, monkeypatch) -> None:
    """A run that trains may save better ones after the temperature was measured."""
    first, asked = weights_of(workspace, run, BEST).sha256, []

    def temperature(*arguments: object) -> float:
        save_better(folder)
        return 1.5

    def ask(document, arrays):
        asked.append((document["method"], document["temperature"], document["sha256"]))
        raise UserError("Enough.")

    monkeypatch.setattr(run_export, "known_temperature", temperature)
    with pytest.raises(UserError, match="Enough"):
        run_export.export_run(workspace, SimpleNamespace(ask=ask), run, "keras", folder / "out.keras")
    assert asked == [("export", 1.5, first)]


def test_the_engine_exports_no_other_weights_than_those_asked_for(tmp_path) -> None:
    loader = SimpleNamespace(model=lambda run_id: SimpleNamespace(sha256="b" * 64))
    asked = {
        "run_id": "deckexampl", "format": "keras", "out": str(tmp_path / "m"), "dataset": None, "temperature": 1.5,
        "sha256": "a" * 64,
    }  # fmt: skip
    with pytest.raises(UserError, match="saved another model"):
        ExportRequests(loader).export(asked, {})
    assert not list(tmp_path.iterdir())
