"""A way to look at runs, as one frozen value: which, in which order, in which groups, against what, and how drawn.

As a query string it is a link to Compare, a saved view and the question that REST and the command line ask.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from core.comparison.conditions import Where, conditions_text, is_writable, parse_conditions
from core.comparison.quantities import RESULTS, check_name, quantity
from core.epoch import CURVE_KEYS
from core.errors import UserError
from core.store.records import RUN_ID

# Groups of runs that differ in their seed alone; otherwise groups are of equal values at paths.
ALL_BUT_SEED = "all-but-seed"
NO_GROUPS: tuple[str, ...] = ()

ALIGNMENTS = ("epoch", "step", "seconds", "pictures")
# What is done with hidden runs: kept out of lists and charts but in the numbers of groups, drawn as all others, or
# left out of everything.
HIDDEN = ("folded", "shown", "left_out")
MEASURES = tuple(key for key in CURVE_KEYS if key != "epoch")
LOG_AXES = ("x", "y")
MAX_SMOOTHING = 0.999
MAX_PATHS = 20
MAX_TEXT = 200


@dataclass(frozen=True)
class Query:
    """`sort` is a name, with `-` before it the largest first. `group_by` holds paths, or ALL_BUT_SEED alone.

    `baseline` is the id of a run; with groups, the group that it is in. `epoch`: values are those of this epoch, None:
    of each run's best. `x` and `y` are the quantities of the scatter plot, `measure` the curve that is drawn,
    `colour` what it is coloured by. `columns` are the names that a table shows; none: it chooses.
    """

    where: Where = ()
    text: str = ""
    sort: str = "-created"
    group_by: tuple[str, ...] = NO_GROUPS
    hidden: str = HIDDEN[0]
    baseline: str | None = None
    measure: str = "val_accuracy"
    align: str = ALIGNMENTS[0]
    smoothing: float = 0.0
    epoch: int | None = None
    colour: str | None = None
    x: str = "parameters"
    y: str = "val_accuracy"
    log: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def sort_name(self) -> str:
        """What is sorted by."""
        return self.sort.removeprefix("-")

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def is_grouped(self) -> bool:
        return bool(self.group_by)

    def with_values(self, **values: Any) -> "Query":
        """A copy with other values, checked. Raises UserError."""
        made = replace(self, **values)
        for key, value in made.to_parameters().items():
            _READERS[key](value)
        return made

    def to_parameters(self) -> dict[str, str]:
        """What differs from the plain view, by key, as text."""
        plain = Query()
        return {
            each.name: _WRITERS.get(each.name, str)(getattr(self, each.name))
            for each in fields(self)
            if getattr(self, each.name) != getattr(plain, each.name)
        }

    def to_query_string(self) -> str:
        """Empty for the plain view; otherwise such as `where=state+%3D+FINISHED&group_by=all-but-seed`."""
        return urlencode(self.to_parameters())

    @classmethod
    def from_parameters(cls, parameters: Mapping[str, str]) -> tuple["Query", tuple[str, ...]]:
        """(the query, a sentence for each part that cannot be read, which is then as in the plain view).

        Keys that no query has are left to others.
        """
        values: dict[str, Any] = {}
        problems: list[str] = []
        for key, text in parameters.items():
            if key in _READERS:
                try:
                    values[key] = _READERS[key](text)
                except UserError as error:
                    problems.append(str(error))
        return cls(**values), tuple(problems)

    @classmethod
    def from_query_string(cls, text: str) -> tuple["Query", tuple[str, ...]]:
        """As `from_parameters`; of a key that is there twice the last counts."""
        try:
            parameters = dict(parse_qsl(text.removeprefix("?"), max_num_fields=200))
        except ValueError:
            return cls(), ("The link holds too much to be read.",)
        return cls.from_parameters(parameters)


# What a link to Compare says beside its query: which chart is drawn.
SHOW = "show"


def read_query(text: str, others: Collection[str] = ()) -> Query:
    """The query of a query string. Raises UserError for whatever cannot be read, and for a key that is neither of a
    query nor one of `others`: a program should not get another answer than it asked for.
    """
    query, problems = Query.from_query_string(text)
    if problems:
        raise UserError(" ".join(problems))
    keys = {key for key, _ in parse_qsl(text.removeprefix("?"), keep_blank_values=True)}
    if unknown := keys - _READERS.keys() - set(others):
        raise UserError(f"“{min(unknown)[:40]}” is no part of a query.")
    return query


def check_view(text: object) -> str:
    """The query string of a view that may be saved. Raises UserError for what Compare would not show as it says."""
    if not isinstance(text, str):
        raise UserError("The query of a view must be text.")
    read_query(text, (SHOW,))
    return text


def view_parameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Of the parts of an address those that a view keeps."""
    return {key: text for key, text in parameters.items() if key in _READERS or key == SHOW}


def best_first(name: str) -> str:
    """The `sort` by which what is best under a name, or newest, comes first."""
    falls = name == "created" or (name in RESULTS and RESULTS[name].direction >= 0)
    return f"-{name}" if falls else name


def _sort(text: str) -> str:
    check_name(text.removeprefix("-"))
    return text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if len(names) > MAX_PATHS:
        raise UserError(f"At most {MAX_PATHS} settings or results can be chosen at a time, not {len(names)}.")
    return tuple(check_name(name) for name in names)


def _groups(text: str) -> tuple[str, ...]:
    if ALL_BUT_SEED in text:
        if text.strip() != ALL_BUT_SEED:
            raise UserError(f"{ALL_BUT_SEED} groups by every other setting already, so it stands alone.")
        return (ALL_BUT_SEED,)
    return _names(text)


def _one_of(key: str, choices: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in choices:
            raise UserError(f"{key} must be one of {', '.join(choices)}, not “{text[:40]}”.")
        return text

    return read


def _axes(text: str) -> tuple[str, ...]:
    return tuple(_one_of("log", LOG_AXES)(each.strip()) for each in text.split(",") if each.strip())


def _text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise UserError(f"text has at most {MAX_TEXT} characters, not {len(text):,}.")
    if not is_writable(text):
        raise UserError("text holds an unpaired surrogate, which is no character.")
    return text


def _run(text: str) -> str:
    if not RUN_ID.fullmatch(text):
        raise UserError(f"baseline must be the id of a run, not “{text[:40]}”.")
    return text


def _smoothing(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= MAX_SMOOTHING:
        raise UserError(f"smoothing must lie between 0 and {MAX_SMOOTHING}, not “{text[:20]}”.")
    return value


def _epoch(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:9]) > 0 and len(text) < 9):
        raise UserError(f"epoch must be a whole number from 1 on, not “{text[:20]}”.")
    return int(text)


def _number_name(text: str) -> str:
    return quantity(text).key


_WRITERS: dict[str, Callable[[Any], str]] = {
    "where": conditions_text,
    "group_by": ",".join,
    "log": ",".join,
    "columns": ",".join,
}
_READERS: dict[str, Callable[[str], Any]] = {
    "where": parse_conditions,
    "text": _text,
    "sort": _sort,
    "group_by": _groups,
    "hidden": _one_of("hidden", HIDDEN),
    "baseline": _run,
    "measure": _one_of("measure", MEASURES),
    "align": _one_of("align", ALIGNMENTS),
    "smoothing": _smoothing,
    "epoch": _epoch,
    "colour": check_name,
    "x": _number_name,
    "y": _number_name,
    "log": _axes,
    "columns": _names,
}
