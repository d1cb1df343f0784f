"""The parity receipt: an exported file opened again by what others open it with, and compared with the run's model.

The file is opened in a fresh process that knows nothing of ConvDeck: it gets the file and pictures, and answers JSON.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.export.formats import LEAST_AGREEMENT, ROUNDED_TOLERANCE, TOLERANCE, ExportFormat
from core.export.programs import check_lines
from core.formatting import percent

PICTURES = 256
SEED = 0  # of which pictures, so that two receipts are about the same
SECONDS = 45.0
MOST_CHARACTERS = 300  # of what another program says
MOST_SHOWN_DIGITS = 9


@dataclass(frozen=True)
class Receipt:
    """How the answers of an exported file differ from those of the run's model, for the same `n` pictures.

    `pictures` says which: `validation`, `test`, or `random` where the run's data set is not here. `max_difference` is
    that of the probabilities, `agreement` the share of pictures, from 0 to 1, with the same class; both are None where
    there are no answers, and `problem` says why. `runtime` is what opened the file, with its version; `milliseconds` is
    what it takes for one picture. `rule` is what it takes to pass. `versions` are those of all packages in question.
    """

    n: int
    pictures: str
    max_difference: float | None
    agreement: float | None
    runtime: str
    milliseconds: float | None
    rule: str
    passed: bool
    problem: str | None
    versions: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Plain values, without NaN."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """What was found, for people."""
        if self.problem is not None:
            return f"{self.problem} Do not use it."
        which = "made-up pictures" if self.pictures == "random" else f"{self.pictures} pictures"
        return (
            f"{self.runtime} gave the same class as the run's model for {self.agreement_in_words} of {self.n} {which}; "
            f"probabilities differ by at most {self.difference_in_words}. {self.rule}"
        )

    @property
    def agreement_in_words(self) -> str:
        """`98.0 %`, with as many digits as tell it from what is needed to pass."""
        return _told_apart(
            self.agreement,
            (LEAST_AGREEMENT,),
            lambda value, digits: percent(value, digits),
            lambda text: float(text[:-2]) / 100,
        )

    @property
    def difference_in_words(self) -> str:
        """`4e-08`, with as many digits as tell it from what is allowed."""
        return _told_apart(
            self.max_difference,
            (TOLERANCE, ROUNDED_TOLERANCE),
            lambda value, digits: f"{value:.{digits}g}",
            float,
        )


def _told_apart(
    value: float | None,
    limits: Sequence[float],
    show: Callable[[float, int], str],
    read: Callable[[str], float],
) -> str:
    """A number with the fewest digits from 1 on with which it is no limit, unless it is that limit; a dash for None."""
    if value is None:
        return "–"
    text = show(value, 1)
    for digits in range(1, MOST_SHOWN_DIGITS + 1):
        text = show(value, digits)
        if all(value == limit or not math.isclose(read(text), limit, rel_tol=1e-9) for limit in limits):
            return text
    return text


def rule_of(rounded: str | None) -> str:
    """What a file has to keep, in a sentence; `rounded` is as in `check_export`."""
    if rounded is None:
        return f"To pass, they may differ by {TOLERANCE:.4f}."
    return (
        f"To pass, {percent(LEAST_AGREEMENT, 0)} of the classes have to be the same, or no probability may differ by "
        f"more than {ROUNDED_TOLERANCE}: {rounded}."
    )


def check_export(
    export_format: ExportFormat,
    path: Path,
    pictures: NDArray[np.uint8],
    expected: NDArray[np.float32],
    class_names: tuple[str, ...],
    *,
    which: str,
    rounded: str | None,
    versions: Mapping[str, str],
) -> Receipt:
    """Ask the file at `path` about `pictures` (n, height, width, channels), to which the run's model says `expected`.

    `expected` is (n, classes); `which` pictures these are is as in `Receipt`. `rounded` says why probabilities cannot
    be the same, None where they can; `versions` are those of the packages that wrote the file.
    """
    told = _ask(export_format, path, pictures)
    runtime = export_format.runtime
    milliseconds, difference, agreement = None, None, None
    if isinstance(told, str):
        problem: str | None = told
    else:
        versions = {**versions, **told["versions"]}
        runtime = f"{runtime} {told['versions'][runtime]}"
        milliseconds = round(told["milliseconds"], 3)
        answers = np.asarray(told["answers"], np.float64)
        problem = _problem_of(answers, expected, told["class_names"], class_names)
        if problem is None:
            difference = float(np.max(np.abs(answers - expected)))
            agreement = float(np.mean(answers.argmax(axis=1) == expected.argmax(axis=1)))
    passed = difference is not None and agreement is not None and _passes(difference, agreement, rounded)
    return Receipt(
        len(pictures), which, difference, agreement, runtime, milliseconds, rule_of(rounded), passed, problem,
        dict(versions),
    )  # fmt: skip


def random_pictures(image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """(PICTURES, height, width, channels), for a run whose data set is not here."""
    return np.random.default_rng(SEED).integers(0, 256, (PICTURES, *image_shape), np.uint8)


def chosen_rows(count: int, most: int = PICTURES) -> NDArray[np.int64]:
    """Of `count` pictures those that are looked at, in order: at most `most`, the same every time."""
    return np.sort(np.random.default_rng(SEED).permutation(count)[:most])


def _ask(export_format: ExportFormat, path: Path, pictures: NDArray[np.uint8]) -> dict[str, Any] | str:
    """What the program of `check_lines` says; or, in a sentence, why it says nothing."""
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "pictures.npy"
        np.save(given, pictures)
        program = "\n".join(check_lines(export_format.name))
        environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
        try:
            # Isolated and elsewhere, so that nothing of ConvDeck can help it.
            done = subprocess.run(
                [sys.executable, "-I", "-c", program, str(path.resolve()), str(given)],
                cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                encoding="utf-8", errors="replace", timeout=SECONDS, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return f"{export_format.runtime} did not answer {len(pictures)} pictures within {SECONDS:.0f} seconds."
    if done.returncode:
        said = done.stderr.strip().splitlines()
        reason = f": {said[-1][:MOST_CHARACTERS]}" if said else f" (exit code {done.returncode})."
        return f"{export_format.runtime} could not open or run the file{reason.rstrip('.')}."
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def _passes(difference: float, agreement: float, rounded: str | None) -> bool:
    """As `rule_of` says."""
    if rounded is None:
        return difference <= TOLERANCE
    return agreement >= LEAST_AGREEMENT or difference <= ROUNDED_TOLERANCE


def _problem_of(
    answers: NDArray[np.float64],
    expected: NDArray[np.float32],
    found_names: list[str],
    class_names: tuple[str, ...],
) -> str | None:
    if tuple(found_names) != class_names:
        return "The file has other class names than the run."
    if answers.shape != expected.shape:
        return f"The file gave answers of the shape {answers.shape}, the run's model {expected.shape}."
    if not np.isfinite(answers).all():
        return "The file's probabilities are not all numbers (NaN)."
    return None
