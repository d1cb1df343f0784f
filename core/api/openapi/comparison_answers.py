"""The JSON of runs side by side. What is not known or not finite is null."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from core.store.states import RunState

Numbers = list[float | None]
Outcome = Literal["finished", "failed", "stopped", "under way"]
Settings = Annotated[
    dict[str, Any],
    Meta(description="By path, as `optimizer.learning_rate`; `[*]` stands for every block or layer."),
]


class ResultInterval(TypedDict):
    """A mean over `n` values with its 95 % interval, whose ends are null where one value says nothing of spread."""

    mean: float | None
    low: float | None
    high: float | None
    n: int


class ResultChange(TypedDict):
    """What a run or group has more than the baseline, over `n` pairs of the same seed."""

    change: float | None
    low: float | None
    high: float | None
    n: int
    clear: Annotated[bool, Meta(description="Whether the interval leaves out zero.")]
    sentence: str


class FromBaseline(TypedDict):
    """How a run or group differs from the baseline: `paths` of settings, the same in `words`, and two results."""

    is_baseline: bool
    paths: list[str]
    words: str
    val_accuracy: ResultChange
    gap: ResultChange


class ComparedRun(TypedDict):
    """A run with its settings and results."""

    id: str
    name: str
    state: RunState
    outcome: Outcome
    dataset: str
    created_at: float
    config_id: str
    tags: list[str]
    hidden: bool
    learning_rate_changed: Annotated[bool, Meta(description="By a person, while it trained.")]
    results: Annotated[dict[str, float | None], Meta(description="By key, as `val_accuracy` and `gap`.")]
    settings: Settings
    difference: FromBaseline | None


class ComparedGroup(TypedDict):
    """Runs with equal settings as one. `n` is how many values the means are over, `counted` how many runs."""

    key: str
    title: str
    values: Settings
    n: int
    counted: int
    runs: list[str]
    outcomes: Annotated[dict[str, int], Meta(description="How many runs ended how.")]
    hidden: int
    means: dict[str, ResultInterval | None]
    median_run: str | None
    mixed: Annotated[
        dict[str, int], Meta(description="How many values each setting has that differs within the group.")
    ]
    difference: FromBaseline | None


class ParetoFront(TypedDict):
    """The ids of runs, or keys of groups, that none beats in both `x` and `y`."""

    x: str
    y: str
    items: list[str]


class AtEpoch(TypedDict):
    """What each run (by id) or group (by key) measured in one epoch."""

    epoch: int
    items: dict[str, dict[str, ResultInterval | None]]


class Compared(TypedDict):
    """Runs or groups side by side: `runs` or `groups`, and `epoch` where one was asked for."""

    query: str
    total: int
    matching: int
    hidden: int
    baseline: str | None
    front: ParetoFront
    hints: list[str]
    groups: NotRequired[list[ComparedGroup]]
    runs: NotRequired[list[ComparedRun]]
    epoch: NotRequired[AtEpoch]


class ComparedCurve(TypedDict):
    """The curve of a run or a group. Of groups: the interval of the mean, the lowest and the highest run, and `n`."""

    key: str
    title: str
    epochs: Numbers
    x: Numbers
    y: Numbers
    low: NotRequired[Numbers]
    high: NotRequired[Numbers]
    least: NotRequired[Numbers]
    most: NotRequired[Numbers]
    n: NotRequired[Numbers]
    best: Annotated[int | None, Meta(description="The position of the best epoch.")]
    why_empty: str | None


class ComparedCurves(TypedDict):
    """The curves of runs or groups."""

    measure: str
    align: str
    smoothing: float
    curves: list[ComparedCurve]
    left_out: int
    hints: list[str]
