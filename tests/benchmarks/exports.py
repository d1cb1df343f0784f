"""Exports as a stranger uses them: a fresh environment with what the snippet's first line installs, the file, a photo.

The answers are held against `predict --json`. Environments with TensorFlow take gigabytes, so one is made at a time.
"""

import ast
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from core.config import DatasetConfig
from core.datasets.prepare import ensure_dataset
from core.datasets.splits import load_split
from core.export.formats import FORMATS, ROUNDED_TOLERANCE, TOLERANCE
from core.export.writing import bytes_of
from core.workspace import PROJECT_ROOT, Workspace
from tests.benchmarks.rows import Table

PREFIX = "# pip install "
TRAIN = (
    "train", "--preset", "article", "--dataset", "shapes", "--set", "training.epochs=4", "--wait",
)  # fmt: skip
HEAD = (
    "format", "what the snippet has installed", "MB", "first answer", "the app", "the snippet", "difference",
    "receipt", "same",
)  # fmt: skip
# Whole numbers of 8 bits: what a person would still call the same answer.
EIGHT_BITS = 0.1


@dataclass(frozen=True)
class Stranger:
    """A format's result. `snippet` is (class, probability), `program` and `app` are probabilities by class."""

    format: str
    installed: tuple[str, ...]
    megabytes: float
    seconds: float
    app: dict[str, float]
    snippet: tuple[str, float]
    program: dict[str, float]
    has_passed: bool

    @property
    def difference(self) -> float:
        """The largest of any class's probability, between program and app."""
        return max(abs(self.program[name] - probability) for name, probability in self.app.items())

    @property
    def is_same(self) -> bool:
        """Whether the snippet says the app's class and its probability, and the program all of them."""
        best = max(self.app, key=self.app.__getitem__)
        exact = FORMATS[self.format].exact
        name, probability = self.snippet
        return (
            name == best
            and abs(probability - self.app[best]) <= (ROUNDED_TOLERANCE if exact else EIGHT_BITS)
            and self.difference <= (TOLERANCE if exact else EIGHT_BITS)
        )


def measure() -> Table:
    """All formats, one after another."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace((Path(folder) / "workspace").resolve()).ensure()
        ensure_dataset(workspace, "shapes")
        run_id = _core(workspace, *TRAIN)["id"]
        photo = Path(folder) / "photo.jpg"
        write_photo(workspace, photo)
        (answer,) = _core(workspace, "predict", "--run", run_id, str(photo))
        app = {each["class"]: each["probability"] for each in answer["top"]}
        found = [_try(workspace, run_id, name, photo, app) for name in FORMATS]
    return Table(HEAD, [line_of(each) for each in found])


def write_photo(workspace: Workspace, path: Path) -> None:
    """A validation picture of Shapes as a camera would have taken it."""
    picture = load_split(workspace, DatasetConfig("shapes"), 0).x_validation[5]
    Image.fromarray(picture).resize((640, 480), Image.Resampling.BICUBIC).save(path, "JPEG", quality=95)


def line_of(found: Stranger) -> tuple[str, ...]:
    """Its cells in the table."""
    best = max(found.app, key=found.app.__getitem__)
    name, probability = found.snippet
    return (
        f"`{found.format}`", ", ".join(found.installed), f"{found.megabytes:,.0f}", f"{found.seconds:.1f} s",
        f"{best} {100 * found.app[best]:.2f} %", f"{name} {100 * probability:.2f} %", f"{found.difference:.1g}",
        "passed" if found.has_passed else "failed", "yes" if found.is_same else "**no**",
    )  # fmt: skip


def packages_of(snippet: str) -> list[str]:
    """What its first line says to install."""
    first = snippet.splitlines()[0]
    if not first.startswith(PREFIX):
        raise ValueError(f"The snippet does not say what to install: {first}")
    return first.removeprefix(PREFIX).split()


def _try(workspace: Workspace, run_id: str, name: str, photo: Path, app: dict[str, float]) -> Stranger:
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "made")
        made.mkdir()
        out = made / FORMATS[name].file_name("model")
        described = _core(workspace, "export", run_id, "--format", name, "--out", str(out), codes=(0, 1))
        desk = Path(folder, "desk")
        desk.mkdir()
        Path(described["path"]).rename(desk / Path(described["path"]).name)
        (desk / "picture.jpg").write_bytes(photo.read_bytes())
        snippet, program = "\n".join(described["snippet"]), "\n".join(described["python"])
        bare = Path(folder, "bare")
        venv.create(bare, with_pip=True)
        python = str(bare / "bin" / "python")
        packages = packages_of(snippet)
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], desk)
        megabytes = bytes_of(bare) / 1e6
        began = time.perf_counter()
        *words, probability = _run([python, "-c", snippet], desk).split()
        seconds = time.perf_counter() - began
        told = ast.literal_eval(_run([python, "-c", program], desk).strip().splitlines()[-1])
        listed = json.loads(
            _run([python, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"], desk)
        )
        versions = {each["name"].lower().replace("_", "-"): each["version"] for each in listed}
        return Stranger(
            name, tuple(f"{each} {versions[each]}" for each in packages), megabytes, seconds, app,
            (" ".join(words), float(probability)), told, described["receipt"]["passed"],
        )  # fmt: skip


def _core(workspace: Workspace, *arguments: str, codes: Sequence[int] = (0,)) -> Any:
    """What a command of ConvDeck says with --json."""
    done = subprocess.run(
        [sys.executable, "-m", "core", *arguments, "--json"], cwd=PROJECT_ROOT,
        env={**os.environ, "CONVDECK_HOME": str(workspace.root)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    if done.returncode not in codes:
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}.")
    return json.loads(done.stdout)


def _run(command: Sequence[str], folder: Path) -> str:
    """The output of a command in an environment that has nothing of this project in it."""
    ours = ("PYTHON", "CONVDECK", "KERAS", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    environment |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(command[:4])[:200]} ended with {done.returncode}:\n{done.stderr[-3000:]}"
        )
    return done.stdout
