"""Saved models of every kind of network that ConvDeck builds pass, and with a weight of another shape none does."""

import io
import zipfile
from pathlib import Path

import h5py
import pytest

from core.bundles.process import check_model
from core.config import ExperimentConfig
from core.errors import BundleError
from core.training.models import build_model, with_test_time_flip

SHAPE = (16, 16, 3)
BLOCKS = {
    "plain": [{"filters": 4}, {"filters": 6, "batch_norm": False, "dropout": 0.2}],
    "residual": [{"filters": 4, "padding": "same", "repeats": 2, "residual": True},
                 {"filters": 6, "padding": "same", "residual": True, "stride": 2, "pool": "none"}],
    "branches": [{"filters": 4, "padding": "same", "kernel_sizes": [1, 3, 5]}, {"filters": 6, "padding": "same",
                 "kernel_sizes": [5, 1], "residual": True}],
    "separable": [{"filters": 4, "separable": True}, {"filters": 6, "separable": True, "repeats": 2}],
}  # fmt: skip
MORE = {
    "whitening": {"model.whitening": True},
    "half": {"training.precision": "mixed_float16"},
    "flip": {"training.test_time_flip": True},
    "dense": {"model.dense": [{"units": 8, "dropout": 0.5}, {"units": 7}]},
    "frozen": {"model.start_from": "deckexampl", "model.frozen_blocks": 1},
}


def saved(tmp_path: Path, config: ExperimentConfig) -> Path:
    """As a run saves its network."""
    path = tmp_path / "best.keras"
    network = build_model(config, SHAPE, 3)
    with_test_time_flip(network, test_time_flip=config.training.test_time_flip).save(path)
    return path


def with_first_kernel_turned(path: Path) -> Path:
    """The same file with the axes of one kernel in another order: as many numbers as before."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO(files["model.weights.h5"])
    with h5py.File(buffer, "r+") as file:
        found: list[str] = []
        file.visititems(
            lambda name, item: found.append(name) if len(getattr(item, "shape", ())) == 4 else None
        )
        values = file[found[0]][:]
        del file[found[0]]
        file[found[0]] = values.transpose(3, 0, 1, 2)
    files["model.weights.h5"] = buffer.getvalue()
    turned = path.with_name("turned.keras")
    with zipfile.ZipFile(turned, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return turned


@pytest.mark.parametrize(
    ("blocks", "more"), [*((blocks, None) for blocks in BLOCKS), *(("residual", each) for each in MORE)]
)
def test_what_training_saves_passes(tmp_path, blocks, more) -> None:
    config = ExperimentConfig().with_values({"model.blocks": BLOCKS[blocks], **MORE.get(more, {})})
    saved(tmp_path, config)  # a worker's first run
    path = saved(tmp_path, config)
    check_model(path, config, SHAPE, 3)
    with pytest.raises(BundleError, match=r"another network: \w+ has [\d×]+ numbers, not [\d×]+\."):
        check_model(with_first_kernel_turned(path), config, SHAPE, 3)
