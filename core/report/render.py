"""A report as one HTML file: no scripts, no fonts, and no pictures from elsewhere."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.engine.heat_map import lay_over
from core.formatting import percent, points, shortened
from core.inspection.measures import TOP, interval_in_words, largest_confusions, most_confused, span_in_words
from core.notebook.curves_svg import render_svg
from core.report.contents import Report
from core.report.drawings import COLORS, MOST_COLORED, map_svg, picture_source, reliability_svg

TEMPLATE = "run.html"
MOST_IN_MATRIX, SHOWN_OF_MORE = 20, 12  # classes
MOST_CONFUSIONS = 12
# Should text ever get past the escaping, nothing it asks for is loaded or run.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def render_report(report: Report) -> str:
    """The whole document."""
    # Here and not above: nothing else of the server needs it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        percent=_whole(percent),
        points=points,
        interval=_whole(interval_in_words),
        span=span_in_words,
        shortened=shortened,
    )
    test, names = report.test, report.test.answers.class_names
    shown = list(range(len(names)))
    if len(names) > MOST_IN_MATRIX:
        shown = most_confused(test.confusion, SHOWN_OF_MORE) or shown[:SHOWN_OF_MORE]
    drawings = {
        "curves": Markup(render_svg([report.facts])),
        "reliability": Markup(reliability_svg(test.bins, test.calibrated_bins)),
        "map": None,
    }
    if report.places is not None and report.shown is not None:
        drawings["map"] = Markup(map_svg(report.places, report.shown))
    return environment.get_template(TEMPLATE).render(
        report=report, policy=POLICY, names=names, shown=shown, matrix=_matrix(report, shown), top=TOP,
        flattery=_flattery_in_words(report.flattery.value), most_in_matrix=MOST_IN_MATRIX, colors=COLORS,
        most_colored=MOST_COLORED, confusions=_confusions(report),
        mistakes=[_mistake(each) for each in report.mistakes], **drawings,
    )  # fmt: skip


def _whole(in_words: Callable[[Any], str]) -> Callable[[Any], str]:
    """The same with no line break before a percent sign."""
    return lambda value: in_words(value).replace(" %", "\u00a0%")


def _flattery_in_words(value: float) -> str:
    return f"{points(abs(value))} {'above' if value > 0 else 'below'} that" if value else "the same as that"


def _matrix(report: Report, shown: Sequence[int]) -> list[list[tuple[int, float]]]:
    """(pictures, share of all pictures of the class) of each cell of these classes."""
    confusion = report.test.confusion
    totals = confusion.sum(axis=1)
    return [
        [
            (int(confusion[row, column]), float(confusion[row, column] / max(1, totals[row])))
            for column in shown
        ]
        for row in shown
    ]


def _confusions(report: Report) -> list[tuple[str, str, int, float]]:
    """(class, taken for, pictures, share of the class), the largest first."""
    names, confusion = report.test.answers.class_names, report.test.confusion
    return [
        (names[label], names[answer], count, count / int(confusion[label].sum()))
        for label, answer, count in largest_confusions(confusion, MOST_CONFUSIONS)
    ]


def _mistake(mistake: Any) -> dict[str, Any]:
    explanation = mistake.explanation
    return {
        "row": mistake.row,
        "label": mistake.label,
        "answer": mistake.answer,
        "confidence": mistake.confidence,
        "picture": picture_source(mistake.pixels),
        "map": None if explanation is None else picture_source(lay_over(explanation.seen, explanation.map)),
        "passes": None if explanation is None else explanation.passes,
    }
