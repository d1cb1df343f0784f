"""Everything that can be done on a page can be done by a command and by REST.

What pages do they do by functions of `core`, whose names begin with a verb. These are found in the pages' code; each is
here with its command and its route, or with the reason why it has none.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.api.routes import build_routes
from tests.test_docs import COMMANDS, ROOT

VERBS = (
    "add", "batch", "change", "complete", "confirm", "delete", "edit", "empty", "ensure", "estimate", "evaluate",
    "examine", "explain", "export", "fork", "import", "keep", "learn", "look", "map", "measure", "more", "pause",
    "place", "predict", "preview", "purge", "remove", "rename", "render", "report", "restore", "resume", "run", "save",
    "send", "set", "share", "start", "step", "stop", "write",
)  # fmt: skip
RUN, STUDY, SWEEP = "/api/v1/runs/{id}", "/api/v1/studies/{id}", "/api/v1/sweeps/{id}"

# By what the pages call: (command, route).
ACTIONS: dict[str, tuple[str, str]] = {
    "start.start_or_share_experiments": ("train", "POST /api/v1/runs"),
    "start.fork_or_share_experiment": ("fork", f"POST {RUN}/fork"),
    "control.stop_run": ("stop", f"POST {RUN}/stop"),
    "control.pause_run": ("pause", f"POST {RUN}/pause"),
    "control.resume_run": ("resume", f"POST {RUN}/resume"),
    "control.step_run": ("step", f"POST {RUN}/step"),
    "control.set_learning_rate": ("set-rate", f"POST {RUN}/learning-rate"),
    "control.add_epochs": ("add-epochs", f"POST {RUN}/epochs"),
    "control.rename_run": ("rename", f"POST {RUN}/rename"),
    "control.delete_run": ("delete", "POST /api/v1/runs/delete"),
    "trash.delete_runs": ("delete", "POST /api/v1/runs/delete"),
    "trash.restore_run": ("restore", "POST /api/v1/runs/restore"),
    "trash.restore_runs": ("restore", "POST /api/v1/runs/restore"),
    "trash.purge_run": ("delete", "DELETE /api/v1/trash/{id}"),
    "trash.empty_trash": ("trash", "DELETE /api/v1/trash"),
    "kept_epochs.delete_kept": ("epoch-weights", f"DELETE {RUN}/epoch-weights"),
    "preflights.start": ("preflight", "POST /api/v1/preflight"),
    "rate_ranges.start": ("rate-range", "POST /api/v1/rate-range"),
    "marks.change": ("tag", "POST /api/v1/runs/marks"),
    "marks.set_hidden": ("hide", "POST /api/v1/runs/marks"),
    "views.save": ("save-view", "POST /api/v1/views"),
    "views.restore": ("save-view", "POST /api/v1/views"),
    "views.delete": ("delete-view", "DELETE /api/v1/views/{id}"),
    "notes.write": ("note", "POST /api/v1/notes"),
    "notes.edit": ("note", "POST /api/v1/notes"),
    "notes.delete": ("note", "DELETE /api/v1/notes/{id}"),
    "notebook.render_html": ("notebook export", "GET /api/v1/notebook.html"),
    "notebook.render_markdown": ("notebook export", "GET /api/v1/notebook.md"),
    "picture_tags.set": ("tag-picture", f"POST {RUN}/picture-tags"),
    "start.start_study": ("study seeds", "POST /api/v1/studies"),
    "start.complete_study": ("resume-study", f"POST {STUDY}/resume"),
    "start.stop_study": ("stop-study", f"POST {STUDY}/stop"),
    "start.delete_study": ("delete-study", f"DELETE {STUDY}"),
    "start.start_sweep": ("sweep", "POST /api/v1/sweeps"),
    "estimate.estimate_sweep": ("sweep", "POST /api/v1/sweeps/estimate"),
    "start.add_trial": ("add-trial", f"POST {SWEEP}/trials"),
    "start.confirm_sweep": ("confirm-sweep", f"POST {SWEEP}/confirm"),
    "control.pause_sweep": ("pause-sweep", f"POST {SWEEP}/pause"),
    "control.resume_sweep": ("resume-sweep", f"POST {SWEEP}/resume"),
    "control.stop_sweep": ("stop-sweep", f"POST {SWEEP}/stop"),
    "control.more_trials": ("change-sweep", f"POST {SWEEP}/change"),
    "control.set_concurrency": ("change-sweep", f"POST {SWEEP}/change"),
    "control.rename_sweep": ("change-sweep", f"POST {SWEEP}/change"),
    "control.delete_sweep": ("delete-sweep", f"DELETE {SWEEP}"),
    "process.import_dataset": ("datasets add", "POST /api/v1/datasets"),
    "prepare.ensure_dataset": ("datasets add", "POST /api/v1/datasets"),
    "storage.delete_dataset": ("datasets remove", "DELETE /api/v1/datasets/{id}"),
    "uploads.remove_upload": ("datasets add", "DELETE /api/v1/uploads/{id}"),
    "looking.look": ("predict", f"POST {RUN}/predict"),
    "looking.look_at": ("predict", f"POST {RUN}/predict"),
    "engine.predict": ("predict", f"POST {RUN}/predict"),
    "evaluation.evaluate": ("evaluate", f"GET {RUN}/evaluate"),
    "engine.explain_pixels": ("explain", f"POST {RUN}/explain"),
    "heat_map.render_explanation": ("explain", f"POST {RUN}/explain"),
    "picture_map.place_pictures": ("map", f"POST {RUN}/map"),
    "robustness.measure_robustness": ("robustness", f"GET {RUN}/robustness"),
    "engine.batch": ("batch", f"GET {RUN}/batch"),
    "run_export.export_run": ("export", f"GET {RUN}/export"),
    "packing.export_bundle": ("export", f"GET {RUN}/export"),
    "model_card.run_card": ("export", f"GET {RUN}/export"),
    "arrivals.import_any": ("import", "POST /api/v1/imports"),
    "arrivals.look_at": ("import", "POST /api/v1/imports"),
    "importing.add_found": ("import", "POST /api/v1/imports"),
    "contents.report_of": ("report", f"GET {RUN}/report"),
    "render.render_report": ("report", f"GET {RUN}/report"),
    "shared_page.share_run": ("share", f"GET {RUN}/share"),
    "shared_page.share_study": ("share", f"GET {STUDY}/share"),
    "exports.export_runs": ("compare", "GET /api/v1/compare/runs.csv"),
    "exports.export_curves": ("compare", "GET /api/v1/compare/curves.csv"),
    "exports.write_table": ("compare", "GET /api/v1/compare/runs.csv"),
    "documents.curves_csv": ("compare", "GET /api/v1/compare/curves.csv"),
    "documents.summaries_csv": ("compare", "GET /api/v1/compare/runs.csv"),
    "documents.settings_json": ("show", f"GET {RUN}"),
    "selection.answers_csv": ("mistakes", f"GET {RUN}/mistakes"),
    "rules.add_rule": ("alerts add", "POST /api/v1/alerts"),
    "alerts.remove_rule": ("alerts remove", "DELETE /api/v1/alerts/{name}"),
    "rules.send_test": ("alerts test", "POST /api/v1/alerts/{name}/test"),
    "doctor.examine": ("doctor", "GET /api/v1/doctor"),
}  # fmt: skip

# What has no command or no route.
ONLY_ON_PAGES = {
    "engine.preview": "variants of a config that no run has; the command `augment` has them, REST only batches of runs",
    "generator_code.generator_code": "code to copy, beside the form that it is of",
    "keras_code.keras_code": "code to copy, beside the form that it is of",
    "lesson_guesses.keep_guess": "a guess in a lesson, which is a page",
    "drafts.save_draft": "what stands in a form",
}
# Verbs of what changes nothing that lasts, or is done beside an action above.
NO_ACTIONS = {
    "ExperimentConfig.from_json", "classroom.qr_code", "config.parse_json", "pace.estimate_seconds", "start.fork_name",
    "uploads.keep_upload", "uploads.remove_old_uploads", "prediction.learn_known", "lines.run_lines",
    "progress.run_fraction", "shared_page.share_name", "store.run_to_watch", "temperature.run_temperature",
}  # fmt: skip


def called_by_pages() -> Iterator[str]:
    """`module.function` of core's functions, and `part.method` of the store, the engine and the dry runs."""
    for path in (ROOT / "pages").rglob("*.py"):
        yield from calls_in(path)


def calls_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name: f"{node.module.rpartition('.')[2]}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core.")
        for alias in node.names
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in imported:
            yield imported[node.id]
        elif isinstance(node, ast.Attribute):
            words = ast.unparse(node.value).split(".")
            if words[-1] in imported or {"store", "notes", "engine", "preflights", "rate_ranges"} & set(
                words[-2:]
            ):
                yield f"{words[-1]}.{node.attr}"


def is_action(name: str) -> bool:
    function = name.rpartition(".")[2]
    is_verb = re.match(rf"({'|'.join(VERBS)})(_|$)", function) is not None
    return is_verb or re.search(r"_(csv|json|code)$", function) is not None


def test_every_action_of_a_page_is_listed_and_no_other() -> None:
    found = {name for name in called_by_pages() if is_action(name)}
    assert found - set(ACTIONS) - set(ONLY_ON_PAGES) - NO_ACTIONS == set(), "Add its command and its route."
    assert set(ACTIONS) | set(ONLY_ON_PAGES) | NO_ACTIONS <= found


@pytest.mark.parametrize("action", ACTIONS)
def test_it_has_a_command_and_a_route(action: str) -> None:
    command, route = ACTIONS[action]
    assert command in COMMANDS
    assert route in {f"{method} {each.path}" for each in build_routes() for method in each.methods or ()}


def test_an_action_that_is_not_listed_is_found(tmp_path) -> None:
    (tmp_path / "page.py").write_text(
        "from core.runs.trash import purge_expired\nfrom core.runs import control\n"
        "purge_expired(w)\ncontrol.start_run(w)\nservices.store.views.save('x')\nservices.store.get_run(1)\n"
    )
    found = {name for name in calls_in(tmp_path / "page.py") if is_action(name)}
    assert found == {"trash.purge_expired", "control.start_run", "views.save"}
