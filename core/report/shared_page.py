"""A run or a study as one interactive HTML file that opens offline: our own script, and nothing else that runs."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from core.epoch import Curves
from core.errors import RunNotFound, StudyNotFound, UserError
from core.formatting import count_of, file_stem, percent, points, rate_in_words
from core.inspection.measures import interval_in_words
from core.notebook.curves_svg import render_svg
from core.report.drawings import COLORS
from core.report.shared_curves import OF_RUN, thinned
from core.report.shared_run import SharedRun, shared_run_of
from core.report.shared_study import SharedStudy, shared_study_of
from core.store.records import Run
from core.store.store import Store
from core.store.studies import Study
from core.workspace import Workspace

FOLDER = Path(__file__).parent
RUN_TEMPLATE, STUDY_TEMPLATE, SCRIPT = "shared_run.html", "shared_study.html", "shared.js"
MOST_ROWS = 200  # epochs of the table, which is also there without the script
# Should text ever get past the escaping, nothing that it asks for is loaded, sent or run: only this very script may.
POLICY = (
    "default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'"
)


def share_run(workspace: Workspace, store: Store, run: Run, now: float) -> str:
    """The page of a run, as it stands now; `now` is unix seconds, for its date. Raises RunNotFound."""
    return render_shared_run(shared_run_of(workspace, store, run), now)


def share_study(workspace: Workspace, store: Store, study_id: str, now: float) -> str:
    """The page of a study, as it stands now. Raises StudyNotFound."""
    return render_shared_study(shared_study_of(workspace, store, study_id), now)


def find_shared(store: Store, some_id: str) -> Run | Study:
    """The run or the study with this id. Raises UserError where there is neither."""
    try:
        return store.get_run(some_id)
    except RunNotFound:
        pass
    try:
        return store.studies.get(some_id)
    except StudyNotFound:
        raise UserError(
            f"There is no run and no study {some_id}. List them with: python -m core runs, python -m core studies"
        ) from None


def share_name(shared: Run | Study) -> str:
    """What the file of a run or a study is called."""
    return f"{file_stem(shared.name, shared.id)}-shared.html"


def render_shared_run(shared: SharedRun, now: float) -> str:
    """The whole document."""
    from markupsafe import Markup

    drawn = render_svg([shared.facts])
    return _render(
        RUN_TEMPLATE, shared.run.name, shared.to_json(), now, shared=shared, drawn=Markup(drawn),
        rows=_rows(shared.curves, shared.verdict.best_epoch), total=shared.run.epoch,
    )  # fmt: skip


def render_shared_study(shared: SharedStudy, now: float) -> str:
    """The whole document."""
    return _render(STUDY_TEMPLATE, shared.report.study.name, shared.to_json(), now, shared=shared)


def _render(template: str, title: str, data: dict[str, Any], now: float, **values: Any) -> str:
    # Here and not above: nothing else of the server needs it.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters.update(
        percent=percent, points=points, interval=interval_in_words, rate=rate_in_words, count_of=count_of
    )
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template(template).render(
        title=title, colors=COLORS, policy=POLICY.format(digest=digest), script=Markup(script),
        data=Markup(_json(data)), made_on=datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d"), **values,
    )  # fmt: skip


@cache
def _script() -> str:
    return (FOLDER / SCRIPT).read_text(encoding="utf-8")


def _json(data: dict[str, Any]) -> str:
    """ASCII in which no name can end the block or begin a comment."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _rows(curves: Curves, best_epoch: int | None) -> list[list[Any]]:
    fewer = thinned(curves, MOST_ROWS, best_epoch)
    return [list(row) for row in zip(*(fewer[key] for key in OF_RUN), strict=True)]
