"""What came of an import: pictures by class and part, what was left out and why, what is worth knowing."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from core.datasets.class_counts import ClassCount, count_notes
from core.datasets.saving import REPORT
from core.errors import DatasetError
from core.formatting import count_of, listed
from core.workspace import Workspace

# 16-bit pictures whose brightest pixel becomes darker than this hold fewer bits, and look black.
DARK = 64
MOST_LISTED = 10_000  # files that are named; more are counted in a note


@dataclass(frozen=True)
class LeftOut:
    """A file that was not imported: its path within what was imported, and why, as a sentence without its subject."""

    file: str
    reason: str


@dataclass(frozen=True)
class Duplicates:
    """Pictures with the same pixels. `kind` is `train_validation`, `train_test`, `validation_test`, `two_labels` or
    `within_part`.

    `pictures` counts those of the second part that are in the first too, all that are under two labels, or the copies
    beyond the first of each picture in a class's part. `examples` are files, or places such as `x_test[3]`: two that
    are the same in each.
    """

    kind: str
    pictures: int
    examples: tuple[tuple[str, str], ...]

    def sentence(self, classes: Sequence[ClassCount]) -> str:
        """What was found and what it means, for a person, with an example."""
        first, second = self.examples[0]
        return f"{self.finding(classes)} For example {first} and {second}."

    def finding(self, classes: Sequence[ClassCount]) -> str:
        """What was found and what it means."""
        if self.kind == "two_labels":
            return (
                f"{count_of(self.pictures, 'picture')} {'is' if self.pictures == 1 else 'are'} under two classes with "
                f"the same pixels: no network can get both right."
            )
        if self.kind == "within_part":
            return (
                f"{count_of(self.pictures, 'picture')} {'repeats' if self.pictures == 1 else 'repeat'} another one of "
                f"the same class and part (the same pixels), so {'it counts' if self.pictures == 1 else 'they count'} "
                "more than once."
            )
        before, after = self.kind.split("_")
        total = sum(getattr(each, after) for each in classes)
        names = {"train": "training", "validation": "validation", "test": "test"}
        return (
            f"{self.pictures:,} of {count_of(total, f'{names[after]} picture')} "
            f"{'is a' if self.pictures == 1 else 'are'} {names[before]} picture{'' if self.pictures == 1 else 's'} too "
            f"(the same pixels), so the {names[after]} accuracy looks better than it is."
        )


@dataclass(frozen=True)
class ImportReport:
    """All of it. `notes` are sentences on what was converted, chosen or is to be kept in mind."""

    classes: tuple[ClassCount, ...]
    left_out: tuple[LeftOut, ...] = ()
    duplicates: tuple[Duplicates, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values, as the command line prints and `report.json` keeps them."""
        return asdict(self)

    def serious(self) -> list[str]:
        """What accuracies mislead by: duplicates, and classes or parts with no, few or uneven pictures."""
        return [*(each.sentence(self.classes) for each in self.duplicates), *count_notes(self.classes)]

    def serious_findings(self) -> list[str]:
        """The same without examples."""
        return [*(each.finding(self.classes) for each in self.duplicates), *count_notes(self.classes)]

    def sentences(self) -> list[str]:
        """Notes and duplicates, for a person."""
        return [*(each.sentence(self.classes) for each in self.duplicates), *self.notes]


class DamagedPictures(DatasetError):
    """Some pictures cannot be read. `left_out` names each, `num_whole` are the others; nothing was stored."""

    def __init__(self, left_out: Sequence[LeftOut], num_whole: int) -> None:
        self.left_out = tuple(left_out)
        self.num_whole = num_whole
        named = listed([f"{each.file} {each.reason}" for each in self.left_out], 3, separator="; ")
        others = f", or import the other {num_whole:,} without {'it' if len(left_out) == 1 else 'them'}"
        super().__init__(
            f"{len(self.left_out):,} of {count_of(len(self.left_out) + num_whole, 'picture')} cannot be read: {named}. "
            f"Replace {'it' if len(left_out) == 1 else 'them'}{others if num_whole else ''}."
        )


def load_report(workspace: Workspace, dataset_id: str) -> ImportReport | None:
    """What is kept of a data set's import; None where nothing is, as with those of older versions."""
    try:
        kept = json.loads((workspace.datasets / dataset_id / REPORT).read_text(encoding="utf-8"))
        return ImportReport(
            tuple(ClassCount(**each) for each in kept["classes"]),
            tuple(LeftOut(**each) for each in kept["left_out"]),
            tuple(
                Duplicates(each["kind"], each["pictures"], tuple((one, two) for one, two in each["examples"]))
                for each in kept["duplicates"]
                if each["examples"]
            ),
            tuple(str(note) for note in kept["notes"]),
        )
    # It only informs: whatever is wrong with the file, the data set is as good as without it.
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def dark_note(brightest: int) -> str:
    """On 16-bit pictures whose brightest pixel, from 0 to 255, is dark."""
    return (
        f"Its 16-bit pictures are very dark: their brightest pixel became {brightest} of 255. If they hold 10 or 12 "
        "bits, multiply them by 64 or 16 first."
    )


def shorten_left_out(left_out: Collection[LeftOut]) -> tuple[tuple[LeftOut, ...], list[str]]:
    """As many as are listed, sorted by file, and a note on the others, if there are any."""
    ordered = sorted(left_out, key=lambda each: each.file)
    rest = len(ordered) - MOST_LISTED
    return tuple(ordered[:MOST_LISTED]), [f"{rest:,} more files were left out."] if rest > 0 else []
