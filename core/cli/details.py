"""What `show RUN --details` prints."""

import numpy as np

from core.cli.output import percent, points, print_json, print_table
from core.runs.breakdown import class_names_of, details_document, memorised_in_words, why_no_details
from core.store.breakdowns import Followed
from core.store.store import Run, Store


def print_details(store: Store, run: Run, *, as_json: bool) -> None:
    """All epochs as JSON, or how it stands after the last one."""
    details = store.details.read(run.id)
    if as_json:
        print_json(details_document(store.workspace, run, details))
        return
    print(f"{run.name} ({run.id}): {run.state}")
    if details is None:
        print(why_no_details(run))
        return
    names = class_names_of(store.workspace, run, details.num_classes)
    epoch = int(details.epochs[-1])
    print(f"\nClasses at epoch {epoch}, the largest gap first")
    clean, validation, gap = details.clean.accuracy[-1], details.validation.accuracy[-1], details.gap[-1]
    rows = [
        (names[i], percent(_or_none(clean[i])), percent(_or_none(validation[i])), points(_or_none(gap[i])))
        for i in np.argsort(-np.nan_to_num(gap, nan=-np.inf), kind="stable")
    ]
    print_table(("CLASS", "CLEAN TRAIN", "VALIDATION", "GAP"), rows)
    if details.corrupted:
        print(f"\n{memorised_in_words(epoch, details.corrupted)}")
    for title, followed in (
        ("training", details.training_pictures),
        ("validation", details.validation_pictures),
    ):
        print(f"\nFollowed {title} pictures, most often forgotten first")
        header = ("PICTURE", "LABEL", "TAKEN FOR", "PROBABILITY OF ITS LABEL", "LEARNED", "FORGOTTEN")
        print_table(header, [_picture(followed, index, names) for index in followed.most_forgotten_first])


def _picture(followed: Followed, index: int, names: tuple[str, ...]) -> tuple[object, ...]:
    label, true = names[followed.labels[index]], names[followed.true_labels[index]]
    return (
        index + 1,
        label if label == true else f"{label}, though it is {true}",
        names[followed.answers[-1, index]],
        percent(followed.probabilities[-1, index]),
        followed.learned[index],
        followed.forgotten[index],
    )


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
