"""Tools about runs: list, show, start, fork, stop."""

from typing import Any

from core.errors import RunError
from core.mcp.designing import config_of
from core.mcp.schemas import NAME, RUN, TRAIN_AGAIN, dataset_schema, preset_schema, settings_schema
from core.mcp.tool import Bench, Tool
from core.runs import control
from core.runs.documents import run_detail
from core.runs.start import fork_or_share_experiment, start_or_share_experiment
from core.runs.trouble import trouble_of
from core.runs.verdicts import class_counts_of, suggestions_of, summaries_of, summary_of, verdict_of
from core.store.records import Run, RunRequest
from core.store.reuse import Queued
from core.store.states import RunState

FEWEST_POINTS, USUAL_POINTS, MOST_POINTS = 2, 20, 1000
USUAL_RUNS, MOST_RUNS = 20, 200


def tools() -> list[Tool]:
    """list_runs, show_run, start_run, fork_run, stop_run."""
    return [
        Tool(
            "list_runs", "List runs",
            "The runs, newest first, without their curves: state, epoch, best validation accuracy, gap, verdict.",
            {
                "limit": {
                    "type": "integer", "minimum": 1, "maximum": MOST_RUNS, "default": USUAL_RUNS,
                    "description": "At most this many.",
                },
                "state": {"type": "string", "enum": [each.value for each in RunState]},
                "dataset": dataset_schema() | {"description": "On this data set alone."},
            },
            _list_runs, reads_only=True,
        ),
        Tool(
            "show_run", "Show a run",
            "All that is known of a run: config, curves, the verdict (does it overfit, since which epoch, by how much) "
            "with its evidence, and suggestions, each with an id that fork_run takes.",
            {
                "run": RUN,
                "points": {
                    "type": "integer", "minimum": FEWEST_POINTS, "maximum": MOST_POINTS, "default": USUAL_POINTS,
                    "description": "Curves have at most this many epochs, evenly chosen; the best and the one in which "
                    "overfitting began are among them.",
                },
            },
            _show_run, required=("run",), reads_only=True,
        ),
        Tool(
            "start_run", "Start a run",
            "Queue a training and return at once; wait_for_run follows it. It continues when this program ends.",
            {
                "preset": preset_schema(), "dataset": dataset_schema(), "settings": settings_schema(), "name": NAME,
                "train_again": TRAIN_AGAIN,
            },
            _start_run, is_idempotent=True,
        ),
        Tool(
            "fork_run", "Fork a run",
            "Train a run again with something changed, from the same initial weights: a suggestion of show_run by its "
            "id, settings by path, or both.",
            {
                "run": RUN,
                "suggestion": {
                    "type": "string", "minLength": 1, "description": "The id of one of the run's suggestions.",
                },
                "settings": settings_schema(), "name": NAME, "train_again": TRAIN_AGAIN,
            },
            _fork_run, required=("run",), is_idempotent=True,
        ),
        Tool(
            "stop_run", "Stop a run",
            "End a run after its current batch and keep what it has learned. Nothing is deleted.",
            {"run": RUN}, _stop_run, required=("run",), is_destructive=True, is_idempotent=True,
        ),
    ]  # fmt: skip


def show_run(bench: Bench, run: Run, points: int) -> dict[str, Any]:
    """As `show --json`, with suggestions, and with thinned curves of five digits."""
    store, workspace = bench.store, bench.workspace
    curves = store.curves(run.id)
    verdict, history = verdict_of(store, run, curves), store.interventions.history(run.id)
    shown = run_detail(
        run, curves, verdict, history, trouble_of(workspace, run), class_counts_of(workspace, run)
    )
    places = chosen_epochs(curves["epoch"], points, (verdict.best_epoch, verdict.onset_epoch))
    return shown | {
        "curves": {key: [_rounded(values[at]) for at in places] for key, values in shown["curves"].items()},
        "suggestions": [
            {"id": each.id, "title": each.title, "why": each.why, "settings": each.changes}
            for each in suggestions_of(workspace, run, verdict)
        ],
    }


def chosen_epochs(epochs: list[Any], points: int, kept: tuple[int | None, ...]) -> list[int]:
    """The places of at most `points` epochs: the first, the last, the `kept` ones as far as there is room, and others
    at even distances.
    """
    last = len(epochs) - 1
    if last < points:
        return list(range(last + 1))
    chosen = dict.fromkeys(
        (0, last, *(epochs.index(each) for each in kept if each is not None and each in epochs))
    )
    places = list(chosen)[:points]
    left = points - len(places)
    others = [place for place in range(last + 1) if place not in places]
    return sorted([*places, *(others[(2 * turn + 1) * len(others) // (2 * left)] for turn in range(left))])


def _rounded(value: float | int | None) -> float | int | None:
    """Five digits: what is read as text should not be mostly noise."""
    return float(f"{value:.5g}") if isinstance(value, float) else value


def _list_runs(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    runs = [
        run
        for run in bench.store.list_runs()
        if asked.get("state") in (None, run.state.value) and asked.get("dataset") in (None, run.dataset)
    ]
    shown = runs[: asked.get("limit", USUAL_RUNS)]
    return {"runs": summaries_of(bench.store, shown), "total": len(runs)}


def _show_run(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    return show_run(bench, bench.store.get_run(asked["run"]), asked.get("points", USUAL_POINTS))


def _start_run(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    request = RunRequest(config_of(bench, asked), asked.get("name"), asked.get("preset"))
    reuse = not asked.get("train_again", False)
    return _queued(bench, start_or_share_experiment(bench.workspace, request, reuse=reuse))


def _fork_run(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if "suggestion" in asked:
        run = bench.store.get_run(asked["run"])
        verdict = verdict_of(bench.store, run, bench.store.curves(run.id))
        offered = {each.id: each.changes for each in suggestions_of(bench.workspace, run, verdict)}
        if asked["suggestion"] not in offered:
            choice = f"choose one of {', '.join(offered)}" if offered else "it has none at present"
            raise RunError(f"“{run.name}” has no suggestion {asked['suggestion'][:60]!r}; {choice}.")
        values = dict(offered[asked["suggestion"]])
    values |= asked.get("settings", {})
    if not values:
        raise RunError("A fork needs a change: give suggestion (an id of show_run) or settings.")
    reuse = not asked.get("train_again", False)
    queued = fork_or_share_experiment(bench.workspace, asked["run"], values, asked.get("name"), reuse=reuse)
    return _queued(bench, queued)


def _queued(bench: Bench, queued: Queued) -> dict[str, Any]:
    """`shared`: an identical run was there already, and this is it."""
    return summary_of(bench.store, queued.run) | {"shared": queued.is_shared}


def _stop_run(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    return summary_of(bench.store, control.stop_run(bench.workspace, asked["run"]))
