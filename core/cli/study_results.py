"""The result of a study as a table in a terminal."""

from core.analysis.significance import Interval
from core.cli.output import print_table
from core.formatting import percent, points
from core.studies.ablation import AblationResult, Change
from core.studies.noise import NoiseResult
from core.studies.report import Result
from core.studies.run_results import signed, span
from core.studies.seeds import SeedsResult
from core.studies.volume import VolumeResult


def print_result(result: Result) -> None:
    """The numbers below the headline."""
    if isinstance(result, SeedsResult):
        _print_seeds(result)
    elif isinstance(result, AblationResult):
        uneven = any(effect.balanced for effect in result.effects)
        measures = ["ACCURACY", *["BALANCED"][:uneven], "GAP"]
        header = ["CONDITION", *(text for name in measures for text in (f"{name}, POINTS", "95 %"))]
        print_table(
            header,
            [
                (e.name, *_change(e.accuracy), *(_change(e.balanced) if uneven else ()), *_change(e.gap))
                for e in result.effects
            ],
        )
    elif isinstance(result, VolumeResult):
        uneven = any(level.balanced for level in result.levels)
        print_table(
            ("PICTURES", "BEST VALIDATION", *["BALANCED"][:uneven], "LINE", "DIFFERENCE", "GAP"),
            [
                (
                    f"{level.size:,}", _mean(level.accuracy), *[_mean(level.balanced)][:uneven],
                    percent(level.fitted),
                    None if level.residual is None else signed(level.residual),
                    points(None if level.gap is None else level.gap.mean),
                )
                for level in result.levels
            ],
        )  # fmt: skip
    elif isinstance(result, NoiseResult):
        uneven = any(level.balanced for level in result.levels)
        print_table(
            (
                "WRONG LABELS", "BEST VALIDATION", *["BALANCED"][:uneven], "LAST VALIDATION", "CLEAN TRAINING",
                "MEMORISED",
            ),
            [
                (
                    f"{100 * level.fraction:g} %", _mean(level.best_validation),
                    *[_mean(level.balanced)][:uneven], _mean(level.last_validation), _mean(level.clean_training),
                    percent(level.memorised),
                )
                for level in result.levels
            ],
        )  # fmt: skip


def _print_seeds(result: SeedsResult) -> None:
    names = [
        condition.name if len(condition.name) <= 30 else condition.name[:29] + "…"
        for condition in result.conditions
    ]
    uneven = any(condition.balanced for condition in result.conditions)
    measures = ["BEST", *["BALANCED"][:uneven], "GAP"]
    header = ["SEED", *(f"{name}: {measure}" for measure in measures for name in names)]
    rows = [
        [
            row.seed,
            *map(percent, (*row.accuracies, *(row.balanced if uneven else ()))),
            *map(points, row.gaps),
        ]
        for row in result.rows
    ]
    means = [_mean(condition.accuracy) for condition in result.conditions]
    means += [_mean(condition.balanced) for condition in result.conditions if uneven]
    gaps = [points(None if condition.gap is None else condition.gap.mean) for condition in result.conditions]
    print_table(header, [*rows, ["mean", *means, *gaps]])


def _mean(interval: Interval | None) -> str:
    return percent(None if interval is None else interval.mean)


def _change(change: Change | None) -> tuple[str | None, str | None]:
    if change is None:
        return None, None
    known = change.low is not None and change.high is not None
    return signed(change.mean), span(change.low or 0.0, change.high or 0.0) if known else None
