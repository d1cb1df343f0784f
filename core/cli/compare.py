"""The command compare: many runs side by side, filtered, grouped, against a baseline; also as CSV and Parquet."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from core.analysis.significance import Interval
from core.cli.output import print_json, print_table
from core.comparison.comparison import Comparison, at_epoch, compare
from core.comparison.documents import comparison_document, curves_document, hints
from core.comparison.exports import CSV, PARQUET, export_curves, export_runs
from core.comparison.facts import RunFacts
from core.comparison.groups import Group
from core.comparison.quantities import RESULTS, number_of, show_value, title_of, varying_settings, words_of
from core.comparison.query import ALIGNMENTS, ALL_BUT_SEED, HIDDEN, MEASURES, Query
from core.errors import UserError
from core.formatting import printable
from core.store.store import Store
from core.system.files import write_bytes
from core.workspace import Workspace

USUAL_COLUMNS = ("val_accuracy", "gap")
MOST_SETTINGS = 4  # in a table without chosen columns
# Each option is the key of a query of the same name, with `-` for `_`.
TEXTS = {
    "where": ("FILTER", "such as 'optimizer.learning_rate <= 0.01 and state = FINISHED and tags = good'"),
    "text": ("TEXT", "words in the name, data set, preset or tags"),
    "group_by": ("PATH,…", f"{ALL_BUT_SEED}, or settings whose values make the groups"),
    "sort": ("NAME", "a result or a setting, the largest first as --sort=-NAME"),
    "baseline": ("RUN", "say what differs from this run, or from its group"),
    "epoch": ("N", "values of this epoch instead of the best one's"),
    "columns": ("NAME,…", "the results and settings that the table shows"),
    "x": ("NAME", "quantities of the Pareto front in --json (default: parameters)"),
    "y": ("NAME", "the other one (default: val_accuracy)"),
    "smoothing": ("S", "of curves, from 0 to 0.999"),
}
CHOICES = {
    "hidden": (HIDDEN, "what is done with hidden runs"),
    "measure": (MEASURES, "the curve for --curves --json"),
    "align": (ALIGNMENTS, "the axis of its curves"),
}


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's command to the parser."""
    command = commands.add_parser("compare", help="many runs side by side: filtered, sorted, grouped")
    command.add_argument("--view", metavar="NAME", help="a saved view, which the other options change")
    for key, (metavar, text) in TEXTS.items():
        command.add_argument(f"--{key.replace('_', '-')}", metavar=metavar, help=text)
    for key, (choices, text) in CHOICES.items():
        command.add_argument(f"--{key}", choices=choices, help=text)
    command.add_argument("--curves", action="store_true", help="curves instead of the table of runs")
    out = command.add_mutually_exclusive_group()
    out.add_argument("--json", action="store_true", help="print one JSON document")
    out.add_argument("--csv", metavar="PATH", type=Path, help="write the runs, or their curves, to a file")
    out.add_argument("--parquet", metavar="PATH", type=Path, help="the same as Parquet")
    command.set_defaults(handle=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    with Store(Workspace.from_environment().ensure()) as store:
        comparison = compare(store, _query(store, arguments))
        if comparison.missing_baseline:
            raise UserError(f"There is no run {comparison.query.baseline} to compare with.")
        for path, file_format in ((arguments.csv, CSV), (arguments.parquet, PARQUET)):
            if path:
                return _write(store, comparison, path, file_format, curves=arguments.curves)
        if arguments.curves:
            if not arguments.json:
                raise UserError("--curves needs --json, --csv or --parquet: a terminal draws no curves.")
            print_json(curves_document(store, comparison))
        elif arguments.json:
            print_json(comparison_document(store, comparison))
        else:
            _print(store, comparison)
    return 0


def _query(store: Store, arguments: argparse.Namespace) -> Query:
    saved, problems = Query.from_query_string(store.views.get(arguments.view).query if arguments.view else "")
    asked = {
        key: getattr(arguments, key) for key in (*TEXTS, *CHOICES) if getattr(arguments, key) is not None
    }
    query, more = Query.from_parameters(saved.to_parameters() | asked)
    if problems or more:
        raise UserError(" ".join((*problems, *more)))
    return query


def _write(store: Store, comparison: Comparison, path: Path, file_format: str, *, curves: bool) -> int:
    runs = comparison.runs
    data = export_curves(store, runs, file_format) if curves else export_runs(runs, file_format)
    out = path.resolve()
    write_bytes(out, data)
    print(f"{'The curves of ' if curves else ''}{comparison.counted_in_words} written to {out}.")
    _print_hints(comparison)
    return 0


def _print_hints(comparison: Comparison) -> None:
    for hint in hints(comparison.query):
        print(hint)


def _print(store: Store, comparison: Comparison) -> None:
    items: Sequence[RunFacts] | Sequence[Group] = (
        comparison.groups if comparison.query.is_grouped else comparison.runs
    )
    print(f"{comparison.counted_in_words}.")
    _print_hints(comparison)
    if not items:
        return
    print()
    columns = _columns(comparison)
    measured = {} if comparison.query.epoch is None else at_epoch(store, comparison, comparison.query.epoch)
    rows: list[list[object]] = []
    for item in items:
        if isinstance(item, Group):
            row: list[object] = [
                item.counted_in_words,
                printable(item.title, 60),
                *(_mean(item, name) for name in columns),
            ]
            row.append(None if item.median_run is None else item.median_run.id)
        else:
            row = [
                item.id,
                item.name,
                item.run.state,
                *(words_of(item, name) for name in columns),
            ]
        if comparison.query.epoch is not None:
            key = item.key if isinstance(item, Group) else item.id
            row.append(_spanned("val_accuracy", measured.get(key, {}).get("val_accuracy")))
        if compared := comparison.difference_of(item):
            row += [compared.words, compared.val_accuracy.sentence, compared.gap.sentence]
        rows.append(row)
    print_table(_header(comparison, columns), rows)
    for group in comparison.groups:
        if group.values and group.mixed_in_words:
            print(f"\n{group.title}: {group.mixed_in_words}")


def _columns(comparison: Comparison) -> list[str]:
    if comparison.query.columns:
        return list(comparison.query.columns)
    if comparison.query.is_grouped:
        return list(USUAL_COLUMNS)
    return [
        *USUAL_COLUMNS,
        *[path for path in varying_settings(comparison.runs) if path != "seed"][:MOST_SETTINGS],
    ]


def _header(comparison: Comparison, columns: Sequence[str]) -> list[str]:
    names = [title_of(name).upper() for name in columns]
    header = (
        ["RUNS", "GROUP", *names, "MEDIAN RUN"]
        if comparison.query.is_grouped
        else ["RUN", "NAME", "STATE", *names]
    )
    if comparison.query.epoch is not None:
        header.append(f"VALIDATION ACCURACY AT EPOCH {comparison.query.epoch:,}")
    if comparison.baseline is not None:
        header += ["DIFFERS FROM THE BASELINE IN", "ACCURACY", "GAP"]
    return header


def _mean(group: Group, name: str) -> str:
    if name in RESULTS or any(number_of(run, name) is not None for run in group.runs):
        return _spanned(name, group.mean_of(name))
    values = {words_of(run, name) for run in group.runs}
    return values.pop() if len(values) == 1 else f"{len(values)} values"


def _spanned(name: str, interval: Interval | None) -> str:
    """`71.2 % (70.1 % to 72.3 %, n = 5)`."""
    if interval is None:
        return "–"

    def show(value: Any) -> str:
        return show_value(name, value)

    if interval.low is None or interval.high is None:
        return f"{show(interval.mean)} (n = {interval.n})"
    return f"{show(interval.mean)} ({show(interval.low)} to {show(interval.high)}, n = {interval.n})"
