"""The form of a new sweep as values, and as the file that the command line takes. No `st.*`.

Fields of the page write into a `SweepForm`, which a visitor keeps across pages. A file that is pasted becomes one.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.config import ExperimentConfig
from core.config.labels import setting_at
from core.config.paths import EVERY
from core.errors import ConfigError, RunError
from core.store.records import check_name
from core.sweeps.dimension import parse_dimension
from core.sweeps.spec import MAX_RUNS, SweepSpec
from pages.components.sweeps.settings import (
    COUNTS,
    KERNEL_SIZES,
    NEEDS,
    PADDING,
    suggested,
)
from pages.components.sweeps.typed import TypedError, parse_values, typed

DESIGN, FILE = "design", "file"
PICKED_KINDS = ("choice", "switch")  # few values, which are picked instead of typed
ACCURACY, LESS_GAP, PARETO = "accuracy", "less_gap", "pareto"
COSTS = ("parameters", "flops", "seconds", "gap")
USUAL_TRIALS = 20
SMALLEST_WEIGHT, LARGEST_WEIGHT = 0.01, 10.0  # of the gap
NO_FIELD = "has no field in this form."
FROM_TERMINAL = "Start this sweep from a terminal instead: python -m core sweep FILE"


@dataclass
class Row:
    """A setting that is searched: a list of values, typed or picked, or a range."""

    path: str
    is_range: bool = False
    text: str = ""
    picked: list[Any] = field(default_factory=list)
    low: float | None = None
    high: float | None = None
    log: bool = False
    step: float | None = None
    when: dict[str, Any] = field(default_factory=dict)
    asks_when: bool = False  # the field of its condition is shown

    @property
    def kind(self) -> str:
        """The kind of its setting; `count` for the number of blocks or layers."""
        return "count" if self.path in COUNTS else setting_at(self.path).kind

    @property
    def can_be_range(self) -> bool:
        """Whether it is a number."""
        return self.kind in ("whole", "number", "count")

    @property
    def is_whole(self) -> bool:
        """Whether its numbers have no fraction."""
        return self.kind in ("whole", "count")

    def values(self) -> list[Any]:
        """The values of a list. Raises TypedError."""
        if self.kind in PICKED_KINDS:
            if not self.picked:
                raise TypedError("Pick at least one value.")
            return list(self.picked)
        return parse_values(self.path, self.text)

    def entry(self) -> dict[str, Any]:
        """As it stands in a sweep's file. Raises TypedError."""
        if not self.is_range:
            found: dict[str, Any] = {"values": self.values()}
        else:
            if self.low is None or self.high is None:
                raise TypedError("A range needs its lowest and its highest value.")
            number = int if self.is_whole else float
            found = {"low": number(self.low), "high": number(self.high)}
            if self.log:
                found["log"] = True
            elif self.step is not None:
                found["step"] = number(self.step)
        return {**found, "when": dict(self.when)} if self.when else found


@dataclass
class SweepForm:
    """A new sweep as a visitor puts it together.

    `base` is `design`, `preset:NAME`, `run:ID`, or `file` for what a pasted file starts from, such as
    `{"config": {…}}`, which is then in `source`.
    `generation` is part of the key of each field: another one draws the fields again with other values.
    """

    base: str = DESIGN
    source: dict[str, Any] | None = None
    name: str = ""
    rows: list[Row] = field(default_factory=list)
    sets: dict[str, Any] = field(default_factory=dict)
    method: str = "tpe"
    trials: int = USUAL_TRIALS
    seed: int = 0
    seeds: int = 1
    pruning: str = "none"
    objective: str = ACCURACY
    gap_weight: float = 0.5
    cost: str = "parameters"
    other_objective: Any = None  # one from a file that the form has no fields for
    concurrency: int | None = None
    reuse: bool = True
    adds_padding: bool = True  # where kernels side by side need it; not to what a file asks
    generation: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def paths(self) -> list[str]:
        """What is searched."""
        return [row.path for row in self.rows]

    def add(self, path: str, config: ExperimentConfig) -> None:
        """A row for a setting, with values that are worth a try and the condition that it usually has."""
        found = suggested(path, config)
        row = Row(
            path, found.is_range, typed(path, found.values), list(found.values), found.low, found.high, found.log,
            found.step,
        )  # fmt: skip
        parent, value = NEEDS.get(path, ("", None))
        if parent in self.paths:
            row.when, row.asks_when = {parent: value}, True
        self.adds_padding |= path.endswith(".kernel_sizes")
        self.rows.append(row)

    def remove(self, path: str) -> None:
        """Search this setting no more; conditions on it go too."""
        self.rows = [row for row in self.rows if row.path != path]
        for row in self.rows:
            row.when.pop(path, None)

    def conditions(self, path: str) -> list[tuple[str, Any]]:
        """The (path, value) pairs that a row may wait for: values in the lists of the other rows."""
        found = []
        for row in self.rows:
            if row.path == path or row.is_range:
                continue
            try:
                found += [(row.path, value) for value in row.values()]
            except TypedError:
                continue  # its own field says why
        return found

    def all_sets(self, config: ExperimentConfig | None) -> dict[str, Any]:
        """What is set for all trials: several kernel sizes side by side need padding."""
        sets = dict(self.sets)
        asked = any(path.endswith(".padding") for path in (*sets, *self.paths))
        if config is None or asked or not self.adds_padding:
            return sets
        for row in self.rows:
            if row.path.endswith(".kernel_sizes") and not row.is_range:
                try:
                    several = any(len(value) > 1 for value in row.values())
                except TypedError:
                    continue
                padding = PADDING if row.path == KERNEL_SIZES else row.path.replace("kernel_sizes", "padding")
                blocks = config.model.blocks
                own = blocks if EVERY in padding else blocks[int(padding.split("[")[1].split("]")[0]) :][:1]
                if several and any(block.padding != "same" for block in own):
                    sets[padding] = "same"
        return sets

    def objective_entry(self) -> Any:
        """As it stands in a sweep's file."""
        if self.other_objective is not None:
            return self.other_objective
        if self.objective == LESS_GAP:
            return {"val_accuracy": 1, "gap": -self.gap_weight}
        return ["val_accuracy", self.cost] if self.objective == PARETO else "val_accuracy"


def to_file(
    form: SweepForm, base: dict[str, Any], config: ExperimentConfig | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """The sweep's file, and what cannot be read of its rows, by path. `base` says what the trials start from, such as
    `{"preset": "tiny"}`, with a `set` of its own or without; `config` is the same as a config.
    """
    space: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for row in form.rows:
        try:
            space[row.path] = row.entry()
        except TypedError as error:
            faults[row.path] = str(error)
    values: dict[str, Any] = {"name": form.name} if form.name else {}
    values |= base
    if sets := {**base.get("set", {}), **form.all_sets(config)}:
        values["set"] = sets
    values |= {
        "space": space,
        "method": form.method,
        "trials": form.trials,
        "seed": form.seed,
        "pruning": form.pruning,
        "objective": form.objective_entry(),
        "seeds": form.seeds,
        "concurrency": form.concurrency,
    }
    if not form.reuse:
        values["reuse"] = False  # fmt: skip
    return values, faults


def from_file(values: Mapping[str, Any], spec: SweepSpec) -> SweepForm:
    """The form that holds exactly what a file asks; `spec` is the file as the command line reads it.

    Raises ConfigError for what no field can hold. Where the trials start from is left to the caller.
    """
    trials = values.get("trials")
    form = SweepForm(
        sets=dict(values.get("set") or {}),
        method=spec.method,
        # More than there are combinations are kept: there may be more of them later.
        trials=trials if trials is not None and trials <= MAX_RUNS else spec.trials,
        seed=spec.seed,
        seeds=spec.num_seeds,
        pruning=spec.pruning,
        concurrency=spec.concurrency,
        reuse=spec.reuse,
        adds_padding=False,
    )
    name = values.get("name")
    if name is not None and str(name).strip():
        try:
            form.name = check_name(name)
        except RunError as error:
            raise ConfigError("name", str(error)) from None
    form.rows = [_row(str(path), entry) for path, entry in values["space"].items()]
    _take_objective(form, spec.objective.to_asked())
    return form


def _row(path: str, asked: object) -> Row:
    dimension = parse_dimension(path, asked)
    entry = dimension.to_dict()
    when = entry.get("when", {})
    row = Row(dimension.path, "values" not in entry, when=when, asks_when=bool(when))
    try:
        if row.is_range:
            row.low, row.high, row.step = entry["low"], entry["high"], entry.get("step")
            row.log = entry["log"]
        else:
            row.text, row.picked = typed(row.path, entry["values"]), entry["values"]
        if (row.can_be_range or not row.is_range) and parse_dimension(path, row.entry()) == dimension:
            return row
    except (KeyError, TypedError, ConfigError):
        pass
    raise ConfigError(f"space.{path}", f"{NO_FIELD} {FROM_TERMINAL}")


def _take_objective(form: SweepForm, asked: Any) -> None:
    if asked == "val_accuracy":
        return
    if isinstance(asked, dict) and set(asked) == {"val_accuracy", "gap"} and asked["val_accuracy"] == 1:
        weight = asked["gap"]
        if SMALLEST_WEIGHT <= -weight <= LARGEST_WEIGHT:
            form.objective, form.gap_weight = LESS_GAP, -float(weight)
            return
    if isinstance(asked, list) and len(asked) == 2 and asked[0] == "val_accuracy" and asked[1] in COSTS:
        form.objective, form.cost = PARETO, asked[1]
        return
    form.other_objective = asked
