"""What a model card says of a run's best weights: measured where their data is, and kept beside them for elsewhere."""

import contextlib
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from core.datasets.storage import describe_dataset
from core.engine.client import Engine
from core.errors import ConvDeckError
from core.inspection.answers import BEST, FOLDER, Advance, weights_of
from core.inspection.evaluation import SplitEvaluation, evaluate
from core.inspection.temperature import run_temperature
from core.store.records import Run
from core.store.run_record import MAX_CLASSES, Fraction, Part, Short, Whole
from core.system.files import write_bytes
from core.workspace import Workspace

FILE = "evaluation.json"
Sha = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class ClassFacts(Part, frozen=True):
    """Pictures of a class, and how many of them were right."""

    name: Short
    n: Whole
    right: Whole


class PartFacts(Part, frozen=True):
    """Of one part of the data: pictures, how many were right, and the expected calibration error without and with the
    temperature.
    """

    n: Annotated[int, Meta(ge=1, le=2**53)]
    right: Whole
    ece: Fraction
    ece_calibrated: Fraction
    classes: Annotated[list[ClassFacts], Meta(max_length=MAX_CLASSES)]


class CardFacts(Part, frozen=True):
    """Results of the weights whose digest is `sha256`. `test` is None if nobody has looked at the test pictures."""

    sha256: Sha
    validation: PartFacts
    test: PartFacts | None

    @property
    def is_sound(self) -> bool:
        """Whether its numbers fit together."""
        return all(
            part.right <= part.n and all(each.right <= each.n for each in part.classes)
            for part in (self.validation, self.test)
            if part is not None
        )


def measure_card_facts(
    workspace: Workspace, engine: Engine, run: Run, advance: Advance | None = None
) -> CardFacts | None:
    """Measured with the run's validation pictures, or where these are not here, as they were kept; else None.

    Test pictures count only where their answers were asked for before: a card is no reason to look at them.
    """
    folder = workspace.run_folder(run.id)
    try:
        weights = weights_of(workspace, run, BEST)
    except ConvDeckError:
        return None
    info = describe_dataset(workspace, run.dataset)
    if info is None or info.state != "ready":  # Shapes would be drawn for it
        return read_card_facts(folder, weights.sha256)
    try:
        validation = evaluate(workspace, engine, run, "validation", BEST, advance)
        has_test = (folder / FOLDER / f"test-{weights.epoch:06d}.npz").exists()
        test = evaluate(workspace, engine, run, "test") if has_test else None
        run_temperature(workspace, engine, run)  # keeps it in the run's folder, where a bundle finds it
        is_changed = weights_of(workspace, run, BEST).sha256 != weights.sha256
    except ConvDeckError:
        return read_card_facts(folder, weights.sha256)
    if is_changed:  # the run trains: what was measured may be of the weights before or after
        return None
    found = CardFacts(weights.sha256, _facts_of(validation), None if test is None else _facts_of(test))
    if found.test is None and (kept := read_card_facts(folder, weights.sha256)) is not None:
        found = msgspec.structs.replace(found, test=kept.test)
    with contextlib.suppress(OSError):  # measured again the next time
        write_bytes(folder / FILE, msgspec.json.encode(found))
    return found


def read_card_facts(folder: Path, sha256: str) -> CardFacts | None:
    """What is kept of these weights in a run's folder."""
    try:
        found = msgspec.json.decode((folder / FILE).read_bytes(), type=CardFacts)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return found if found.sha256 == sha256 and found.is_sound else None


def _facts_of(evaluation: SplitEvaluation) -> PartFacts:
    right = evaluation.confusion.diagonal()
    return PartFacts(
        len(evaluation.answers), int(evaluation.answers.right.sum()), evaluation.ece, evaluation.ece_calibrated,
        [ClassFacts(each.name, each.support, int(right[at])) for at, each in enumerate(evaluation.classes)],
    )  # fmt: skip
