"""`python -m tests.benchmarks.suggestions`: how often the first suggestion helps, over real runs. Prints a table.

Trains runs of drawn settings on Shapes, takes the first suggestion of each verdict as its card does, trains that fork,
and compares the best validation accuracies. Not a part of `make bench`: what it measures depends on no machine.
"""

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from core.datasets.prepare import ensure_dataset
from core.design.presets import get_preset
from core.runs.start import fork_experiment, start_experiment
from core.runs.verdicts import suggestions_of, verdict_of
from core.store.records import Run, RunRequest
from core.store.store import Store
from core.workspace import Workspace

SEED = 1
NOISE = (
    0.02  # twice the standard error of a difference on Shapes' 1,500 validation pictures near 60 %, and more
)


def drawn_settings(generator: np.random.Generator) -> tuple[str, dict[str, Any]]:
    """A preset, and settings as a learner might leave them: too much or too little of something, mostly."""
    preset = str(generator.choice(["tiny", "overfit"]))
    batch_norm = bool(generator.random() < 0.7)
    settings: dict[str, Any] = {
        "dataset.id": "shapes",
        "dataset.num_train": int(generator.choice([300, 600, 1200])),
        "training.epochs": int(generator.integers(4, 13)),
        "training.batch_size": int(generator.choice([16, 32, 128])),
        "optimizer.learning_rate": float(np.round(10 ** generator.uniform(-4.3, -1.3), 6)),
        "seed": int(generator.integers(1000)),
    }
    if batch_norm:
        settings["model.batch_norm_momentum"] = float(generator.choice([0.9, 0.99]))
    if generator.random() < 0.4:
        settings["augmentation.rotation_degrees"] = float(generator.choice([10, 45, 90]))
    return preset, settings


def finished(store: Store, run: Run) -> Run:
    """The run when it has ended."""
    while not (now := store.get_run(run.id)).state.is_finished:
        time.sleep(0.2)
    return now


def measure(workspace: Workspace, count: int) -> list[tuple[str, str, float]]:
    """(verdict, suggestion or "", change of the best validation accuracy) of each run."""
    generator = np.random.default_rng(SEED)
    ensure_dataset(workspace, "shapes")
    store = Store(workspace)
    rows = []
    for _ in range(count):
        preset, settings = drawn_settings(generator)
        config = get_preset(preset).config.with_values(settings)
        run = finished(store, start_experiment(workspace, RunRequest(config, preset=preset)))
        diagnosis = verdict_of(store, run, store.curves(run.id))
        suggestions = () if diagnosis is None else suggestions_of(workspace, run, diagnosis)
        verdict = "–" if diagnosis is None else diagnosis.verdict.value
        if not suggestions:
            rows.append((verdict, "", 0.0))
            continue
        fork = finished(store, fork_experiment(workspace, run.id, suggestions[0].changes))
        change = (fork.best_val_accuracy or 0.0) - (run.best_val_accuracy or 0.0)
        rows.append((verdict, suggestions[0].id, change))
        print(f"{len(rows)}: {verdict}, {suggestions[0].title}: {100 * change:+.1f} points", flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.suggestions", description=__doc__)
    parser.add_argument("--runs", type=int, default=30)
    count = parser.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="convdeck-") as folder:
        rows = measure(Workspace(Path(folder)), count)
    by_suggestion = defaultdict(list)
    for _, suggestion, change in rows:
        by_suggestion[suggestion or "none offered"].append(change)
    print(
        "\n| first suggestion | taken | better | by 2 points or more | worse by 2 or more | median change |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    taken = [change for _, suggestion, change in rows if suggestion]
    for name, changes in [*sorted(by_suggestion.items()), ("all taken", taken)]:
        if name == "none offered" or not changes:
            continue
        better, much, worse = (
            sum(change > 0 for change in changes),
            sum(change >= NOISE for change in changes),
            sum(change <= -NOISE for change in changes),
        )
        median = 100 * statistics.median(changes)
        print(f"| {name} | {len(changes)} | {better} | {much} | {worse} | {median:+.1f} points |")
    print(f"\n{len(rows) - len(taken)} of {len(rows)} runs were offered nothing.")


if __name__ == "__main__":
    main()
