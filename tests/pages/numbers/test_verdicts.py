"""Each verdict's numbers, calculated again from the database as docs/decisions/0006-diagnosis.md says.

Since when validation stands still is held against where the drawn curves stop to rise. Overfitting by its gap is in
`test_runs`.
"""

import math
import re
import statistics

import pytest

from core.store.records import Run
from core.store.store import Store
from tests.pages.numbers.drawn import follow, gap_error, median_of_three
from tests.pages.numbers.readings import epochs_of, read_numbers, texts_of
from tests.pages.visits import open_page

HEADLINES = (
    "Too early", "Healthy", "Little learned", "Still gaining", "Plateau", "Underfitting", "Too noisy", "Diverged",
    "Overfitting",
)  # fmt: skip
GUESSED = "10"  # percent: Shapes has ten classes
WIGGLE = (0.0011, -0.0007, 0.0002, -0.0013, 0.0009)


def rising(top: float, length: int, turn: int, start: float = 0.1) -> list[float]:
    """A curve that rises straight from `start` to `top` at epoch `turn` and stays there, not quite still."""
    return [
        start + (top - start) * min(epoch, turn) / turn + WIGGLE[epoch % 5] for epoch in range(1, length + 1)
    ]


def run_with(store: Store, clean: list[float], val: list[float], **curves: list[float]) -> Run:
    """Losses fall as accuracies rise, unless told."""
    told = {
        "train_accuracy": [value - 0.0131 for value in clean], "clean_train_accuracy": clean, "val_accuracy": val,
        "train_loss": [2.31 * (1 - value) for value in clean],
        "clean_train_loss": [2.2 * (1 - value) for value in clean], "val_loss": [2.3 * (1 - value) for value in val],
    }  # fmt: skip
    return follow(store, **(told | curves))


def verdict_on(run: Run) -> tuple[str, set[str]]:
    """The headline and all numbers in headline and evidence, as they stand on the page of the run."""
    found = [
        text for text in texts_of(open_page("runs.py", run=run.id))
        if re.match(rf":\w+-badge\[:material/\w+: ({'|'.join(HEADLINES)})", text)
    ]  # fmt: skip
    (text,) = found
    return re.search(r": ([A-Z].*?)\] ", text)[1], read_numbers([text])


def tenths(fraction: float) -> str:
    return f"{100 * fraction:.1f}"


def whole(fraction: float) -> str:
    return f"{100 * fraction:.0f}"


def reckon(store: Store, run: Run) -> dict[str, str]:
    """The numbers that verdicts are made of."""
    rows = epochs_of(store.workspace, run.id)
    gaps = median_of_three([row["clean_train_accuracy"] - row["val_accuracy"] for row in rows])
    error = gap_error(rows)
    return {
        "gap": tenths(gaps[-1]),
        "normal": tenths(0.06 + 2 * error),
        "uncertain": tenths(2 * error),
        "validation": whole(max(row["val_accuracy"] for row in rows[-3:])),
        "training": whole(max(row["clean_train_accuracy"] for row in rows[-3:])),
    }


def test_healthy(store) -> None:
    run = run_with(store, rising(0.8437, 9, 12), rising(0.8011, 9, 12))
    headline, numbers = verdict_on(run)
    known = reckon(store, run)
    assert headline == f"Healthy, gap {known['gap']} points"
    assert numbers == {known["validation"], known["gap"], known["normal"]}


def test_little_learned(store) -> None:
    run = run_with(store, rising(0.1937, 9, 12), rising(0.1811, 9, 12))
    headline, numbers = verdict_on(run)
    known = reckon(store, run)
    assert headline == f"Little learned yet, validation {known['validation']} %"
    assert numbers == {known["validation"], GUESSED, known["gap"], known["normal"]}


def test_still_gaining(store) -> None:
    run = run_with(store, rising(0.9737, 9, 9), rising(0.7311, 9, 9))
    headline, numbers = verdict_on(run)
    known = reckon(store, run)
    assert headline == f"Still gaining, gap {known['gap']} points"
    assert numbers == {known["gap"], known["normal"]}


@pytest.mark.parametrize(
    ("clean", "val", "first"), [(0.8837, 0.8311, "Plateau"), (0.4137, 0.3911, "Underfitting")]
)
def test_at_a_standstill(store, clean: float, val: float, first: str) -> None:
    turn = 6
    run = run_with(store, rising(clean, 16, turn), rising(val, 16, turn))
    headline, numbers = verdict_on(run)
    known = reckon(store, run)
    since = int(re.search(r"since epoch (\d+)", " ".join(texts_of(open_page("runs.py", run=run.id))))[1])
    assert abs(since - turn) <= 1
    if first == "Plateau":
        assert headline == f"Plateau since epoch {since}, gap {known['gap']} points"
        middles = median_of_three([row["val_accuracy"] for row in epochs_of(store.workspace, run.id)])
        assert numbers == {str(since), tenths(middles[since - 1]), tenths(middles[-1]), known["gap"]}
    else:
        assert headline == f"Underfitting, clean training accuracy only {known['training']} %"
        assert numbers == {str(since), known["training"], GUESSED}


def test_too_noisy(store) -> None:
    jumps = [0.17, -0.15, 0.02, 0.16, -0.18, 0.01, 0.19, -0.13, 0.03, 0.14]
    val = [value + jump for value, jump in zip(rising(0.55, 10, 14), jumps, strict=True)]
    run = run_with(store, rising(0.62, 10, 14), val)
    headline, numbers = verdict_on(run)
    known = reckon(store, run)
    assert headline == "Too noisy to tell"
    assert numbers == {known["gap"], known["uncertain"]} and float(known["uncertain"]) > 10


def test_averages_that_lag_behind(store) -> None:
    clean = rising(0.4137, 7, 9)
    run = run_with(store, clean, rising(0.4011, 7, 9), train_accuracy=[value + 0.2371 for value in clean])
    headline, numbers = verdict_on(run)
    last = epochs_of(store.workspace, run.id)[-1]
    assert headline == "Too noisy to tell: averages lag behind"
    assert numbers == {whole(last["train_accuracy"]), whole(last["clean_train_accuracy"])}


def test_overfitting_by_its_loss(store) -> None:
    """Accuracies are too high for a gap, and validation loss rises from epoch 4 on."""
    length = 12
    clean = [min(0.9991, 0.93 + 0.0171 * epoch) for epoch in range(length)]
    val = [min(0.9613, 0.93 + 0.0101 * epoch) - 0.0003 * epoch for epoch in range(length)]
    losses = [
        0.2113 + (0.0371 * abs(epoch - 4) if epoch > 4 else 0.011 * (4 - epoch))
        for epoch in range(1, length + 1)
    ]
    run = run_with(store, clean, val, val_loss=losses)
    headline, numbers = verdict_on(run)
    known = reckon(store, run)
    onset = int(re.search(r"since epoch (\d+)", headline)[1])
    assert abs(onset - 4) <= 3
    rows = epochs_of(store.workspace, run.id)
    gaps = median_of_three([row["clean_train_accuracy"] - row["val_accuracy"] for row in rows])
    told = [row["val_loss"] for row in rows]
    smooth, lowest = median_of_three(told), min(told)
    assert headline == f"Overfitting since epoch {onset}, gap {known['gap']} points"
    assert numbers == {
        str(onset), known["gap"], tenths(gaps[onset - 1]), f"{smooth[onset - 1]:.2f}", f"{smooth[-1]:.2f}",
        f"{lowest:.2f}", str(1 + told.index(lowest)),
    }  # fmt: skip


def test_a_loss_that_is_no_number(store) -> None:
    clean, val = rising(0.5137, 6, 9), rising(0.5011, 6, 9)
    unknown = [math.nan]
    run = follow(
        store,
        train_accuracy=[*clean, 0.1], clean_train_accuracy=clean + unknown, val_accuracy=val + unknown,
        train_loss=[1.9137 - 0.1 * epoch for epoch in range(6)] + unknown, clean_train_loss=[1.9] * 6 + unknown,
        val_loss=[2.0] * 6 + unknown,
    )  # fmt: skip
    headline, numbers = verdict_on(run)
    rows = epochs_of(store.workspace, run.id)
    assert rows[-1]["train_loss"] is None
    assert headline == f"Diverged in epoch {rows[-1]['epoch']}"
    assert numbers == {"7", "6", f"{rows[-2]['train_loss']:.2f}"}


def test_training_that_collapsed(store) -> None:
    clean = [0.3, 0.5137, 0.6813, 0.7011, 0.2137, 0.1911]
    run = run_with(store, clean, [value - 0.02 for value in clean])
    headline, numbers = verdict_on(run)
    accuracies = [row["train_accuracy"] for row in epochs_of(store.workspace, run.id)]
    assert headline == "Diverged in epoch 5"
    assert numbers == {"5", whole(max(accuracies)), whole(accuracies[-1])}


def test_a_loss_far_above_that_of_guessing(store) -> None:
    clean = [0.1021, 0.1113, 0.0989, 0.1077]
    run = run_with(store, clean, clean, train_loss=[31.37, 8.113, 2.37, 2.33])
    headline, numbers = verdict_on(run)
    rows = epochs_of(store.workspace, run.id)
    assert headline == "Diverged in epoch 1"
    assert numbers == {
        "1", f"{max(row['train_loss'] for row in rows):.1f}", f"{math.log(10):.1f}", whole(rows[-1]["train_accuracy"]),
    }  # fmt: skip


def test_too_early(store) -> None:
    run = run_with(store, rising(0.5, 2, 9), rising(0.5, 2, 9))
    headline, numbers = verdict_on(run)
    assert headline == "Too early to tell"
    assert numbers == {"4", str(len(epochs_of(store.workspace, run.id)))}


def test_without_clean_accuracy_the_smallest_of_three_gaps_counts(store) -> None:
    train, val = rising(0.8437, 9, 12), rising(0.8011, 9, 12)
    run = follow(store, train_accuracy=train, val_accuracy=val)
    headline, _ = verdict_on(run)
    gaps = [row["train_accuracy"] - row["val_accuracy"] for row in epochs_of(store.workspace, run.id)]
    assert headline == f"Healthy, gap {tenths(min(gaps[-3:]))} points"
    assert statistics.median(gaps[-3:]) > min(gaps[-3:])
