"""What a form asks for: the sweep's file, and what is wrong with it by field. No `st.*`."""

import re
from dataclasses import dataclass, field
from typing import Any

from core.config import ExperimentConfig
from core.config.labels import label_of
from core.errors import ConfigError, UserError
from core.formatting import as_sentence, count_of
from core.server.services import Services
from core.sweeps.spec import NUMBERS, SweepSpec, check_count
from core.sweeps.start import parse_sweep
from pages.components.kit.text import error_text
from pages.components.sweeps.form_state import SweepForm, to_file

# Fields of the form: what they are called, by the key of the sweep's file.
FIELDS = {
    "objective": "Best is", "method": "Method", "pruning": "Pruning", "trials": "Trials", "seeds": "Seeds per trial",
    "concurrency": "Trials at once", "seed": "Seed of the search",
}  # fmt: skip
_ENDS = {"low": "Lowest", "high": "Highest", "step": "Step", "log": "Logarithmic", "when": "Condition"}
_IN_SPACE = re.compile(r"^space\.(.+?)(?:\.(values|low|high|step|log|when)(?:\[(\d+)\])?.*)?$")


@dataclass(frozen=True)
class Plan:
    """The file, its spec where it is in order, and what is wrong otherwise.

    `faults` are sentences by setting or by a key of FIELDS, which stand below their field; `problem` is one without a
    field. `notes` stand below their field too, where nothing is wrong.
    """

    values: dict[str, Any]
    spec: SweepSpec | None = None
    faults: dict[str, str] = field(default_factory=dict)
    problem: str | None = None
    notes: dict[str, str] = field(default_factory=dict)


def make_plan(services: Services, form: SweepForm, base: dict[str, Any], config: ExperimentConfig) -> Plan:
    """What the form asks for now. `base` and `config` are what it starts from."""
    values, faults = to_file(form, base, config)
    # Each of them at once, also while no setting is chosen: the rest can be read only where there is one.
    for key in NUMBERS:
        try:
            check_count(values, key)
        except ConfigError as error:
            faults[key] = as_sentence(error.message)
    if faults or not form.rows:
        return Plan(values, None, faults)
    try:
        spec = parse_sweep(services.workspace, services.store, values)
        return Plan(values, spec, notes=_notes(form, spec))
    except ConfigError as error:
        place, sentence = place_of(error, form.paths)
        return Plan(values, None, {place: sentence}) if place else Plan(values, problem=sentence)
    except UserError as error:
        return Plan(values, problem=error_text(error))


def _notes(form: SweepForm, spec: SweepSpec) -> dict[str, str]:
    if form.trials <= spec.trials:
        return {}
    exist = "exists" if spec.trials == 1 else "exist"
    return {"trials": f"Only {count_of(spec.trials, 'combination')} {exist}."}


def place_of(error: ConfigError, paths: list[str]) -> tuple[str | None, str]:
    """Where an error stands in the form, and the sentence there: a setting of `paths`, a key of FIELDS, or None."""
    found = _IN_SPACE.match(error.field)
    if found and found[1] in paths:
        path, end, index = found.groups()
        part = f"Value {int(index) + 1}" if index else _ENDS.get(end or "", "")
        return path, f"{part} {error.message}" if part else as_sentence(error.message)
    key = error.field.partition(".")[0].partition("[")[0]
    if key in FIELDS:
        return key, as_sentence(error.message)
    if key == "set":
        return None, f"{label_of(error.field.removeprefix('set.'))}: {error.message}"
    return None, error_text(error)
