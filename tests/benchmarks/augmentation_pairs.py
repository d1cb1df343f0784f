"""`python -m tests.benchmarks.augmentation_pairs [--add N]`: is the augmented network also more accurate on CIFAR-10?

`augmentation_pairs.csv` has a pair of runs for each seed: the presets `article` and `article-augmented` on all
pictures, 15 epochs, and the best validation accuracy of each. Prints the difference as it was to be seen after each
pair, with the interval that holds at all looks, by which a study adds seeds until it is decided.

`--add N` trains up to N pairs more in the workspace of CONVDECK_HOME, which needs the data set `cifar10`, until it is
decided. Each is appended when it has ended, so the work may be spread over days; nothing is left out.
"""

import argparse
import csv
import time
from collections.abc import Sequence
from pathlib import Path

from core.analysis.anytime import looks, settled
from core.analysis.significance import Interval, paired_difference
from core.design.presets import get_preset
from core.runs.start import start_or_share_experiment
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.workspace import Workspace

TABLE = Path(__file__).with_name("augmentation_pairs.csv")
PLAIN, AUGMENTED = "article", "article-augmented"
EPOCHS = 15
ROUNDED_TO = 0.001  # the first three pairs were written down with a tenth of a point
Pair = tuple[int, float, float]


def read_pairs(path: Path = TABLE) -> list[Pair]:
    """(seed, best validation accuracy without augmentation, with it), in the order in which they were trained."""
    with path.open(newline="", encoding="utf-8") as file:
        return [(int(row["seed"]), float(row[PLAIN]), float(row[AUGMENTED])) for row in csv.DictReader(file)]


def read_looks(pairs: Sequence[Pair]) -> tuple[Interval, ...]:
    """How much more accurate the augmented network is, as it was to be seen after each pair."""
    without, augmented = [pair[1] for pair in pairs], [pair[2] for pair in pairs]
    return looks(augmented, without, rounding=ROUNDED_TO)


def train_pair(workspace: Workspace, seed: int) -> Pair:
    """Train both presets with a seed; runs that are there already are taken."""
    store = Store(workspace)
    runs = []
    for preset in (PLAIN, AUGMENTED):
        config = get_preset(preset).config.with_values({"training.epochs": EPOCHS, "seed": seed})
        request = RunRequest(config, preset=preset)
        runs.append(start_or_share_experiment(workspace, request, reuse=True).run)
    best = []
    for run in runs:
        while not (now := store.get_run(run.id)).state.is_finished:
            time.sleep(1)
        if now.state is not RunState.FINISHED or now.best_val_accuracy is None:
            raise SystemExit(f"“{now.name}” has not finished: {now.error}")
        best.append(now.best_val_accuracy)
    return seed, best[0], best[1]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.augmentation_pairs", description=__doc__
    )
    parser.add_argument("--add", type=int, default=0, metavar="N", help="train up to N pairs more")
    more = parser.parse_args().add
    pairs = read_pairs()
    for _ in range(more):
        if settled(read_looks(pairs)[-1]):
            break
        pairs.append(train_pair(Workspace.from_environment(), pairs[-1][0] + 1))
        with TABLE.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerow(
                [pairs[-1][0], *(f"{each:.4f}" for each in pairs[-1][1:])]
            )
        print(
            f"seed {pairs[-1][0]}: {100 * pairs[-1][1]:.1f} %, augmented {100 * pairs[-1][2]:.1f} %",
            flush=True,
        )
    print("| seed | without | augmented | difference | mean so far | interval that holds at all looks |")
    print("| --- | --- | --- | --- | --- | --- |")
    for (seed, without, augmented), look in zip(pairs, read_looks(pairs), strict=True):
        between = (
            "–"
            if look.low is None or look.high is None
            else f"{100 * look.low:+.1f} to {100 * look.high:+.1f}"
        )
        print(
            f"| {seed} | {100 * without:.1f} % | {100 * augmented:.1f} % | {100 * (augmented - without):+.1f} | "
            f"{100 * look.mean:+.2f} | {between} |"
        )
    usual = paired_difference([pair[2] for pair in pairs], [pair[1] for pair in pairs])
    print("\nWith Student's t, as if it had been looked at once, after the last pair:")
    print(f"{100 * usual.mean:+.2f} ({100 * (usual.low or 0):+.1f} to {100 * (usual.high or 0):+.1f})")
    print(f"Decided: {settled(read_looks(pairs)[-1]) or 'not yet'}")


if __name__ == "__main__":
    main()
