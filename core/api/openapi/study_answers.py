"""The JSON of what studies find. Accuracies, gaps and differences are fractions of 1; what is not known is null."""

from typing import Annotated, Literal, NotRequired, TypedDict

from msgspec import Meta

BALANCED = "Null where classes are even."


class MeanAndInterval(TypedDict):
    """A mean over `n` runs with its 95 % interval, whose ends are null where one run says nothing of spread."""

    mean: float
    low: float | None
    high: float | None
    n: int


class PairedDifference(MeanAndInterval):
    """The mean difference of `n` pairs of runs with the same seed, by the paired t-test."""

    p: float | None
    clear: Annotated[bool, Meta(description="Whether the interval leaves out zero.")]


class EpochOfSeeds(MeanAndInterval):
    """The validation accuracy of an epoch that all runs of a config have reached."""

    epoch: int


class ConfigOverSeeds(TypedDict):
    """A config over its seeds."""

    name: str
    best_val_accuracy: MeanAndInterval | None
    balanced_accuracy: Annotated[MeanAndInterval | None, Meta(description=BALANCED)]
    gap: MeanAndInterval | None
    standard_deviation: Annotated[
        float | None, Meta(description="Of the best validation accuracy, from seed to seed.")
    ]
    telling_difference: Annotated[
        float | None, Meta(description="What two single runs must differ by, to differ by more than chance.")
    ]
    epochs: list[EpochOfSeeds]


class SeedOfConfigs(TypedDict):
    """A seed with what each config reached, in the order of `configs`; null where a run has not finished."""

    seed: int
    best_val_accuracy: list[float | None]
    balanced_accuracy: list[float | None]
    gap: list[float | None]


class SeedForecast(TypedDict):
    """How many more seeds a true `difference` takes: half of studies `more_seeds`, 80 % `low` to `high`."""

    difference: float
    more_seeds: int | None
    low: int
    high: int | None


class SeedsDecision(TypedDict):
    """Whether it is decided, where seeds are added until it is; `looks` are the differences after each pair."""

    decided: bool
    verdict: Literal["different", "equal"] | None
    num_seeds: int
    max_seeds: int
    looks: list[MeanAndInterval | None]
    forecast: SeedForecast | None


class ChangeOfKnob(MeanAndInterval):
    """A condition minus its reference. With one seed the interval is that of the pictures alone, and `clear` null."""

    standard_error: float | None
    clear: bool | None


class EffectOfKnob(TypedDict):
    """What it changes to leave a knob out, or to have it alone; `knob` is null for the whole policy."""

    mode: Literal["without", "only"]
    knob: str | None
    name: str
    accuracy_change: ChangeOfKnob | None
    balanced_change: Annotated[ChangeOfKnob | None, Meta(description=BALANCED)]
    gap_change: ChangeOfKnob | None
    clear_among_all: Annotated[
        bool, Meta(description="Whether it is clear also as one of all these comparisons.")
    ]


class SizeReached(TypedDict):
    """What was reached with this many training pictures, and what the line says."""

    size: int
    best_val_accuracy: MeanAndInterval | None
    balanced_accuracy: Annotated[MeanAndInterval | None, Meta(description=BALANCED)]
    gap: MeanAndInterval | None
    fitted: float | None
    residual: float | None
    standard_error: float | None


class LineThroughSizes(TypedDict):
    """Accuracy against the logarithm of the number of pictures, a line through all runs."""

    slope_per_decade: float
    slope_low: float | None
    slope_high: float | None
    intercept: float
    r_squared: float | None
    n: int


class FractionReached(TypedDict):
    """What was reached with this fraction of wrong labels."""

    fraction: float
    best_val_accuracy: MeanAndInterval | None
    balanced_accuracy: Annotated[MeanAndInterval | None, Meta(description=BALANCED)]
    last_val_accuracy: MeanAndInterval | None
    clean_train_accuracy: Annotated[
        MeanAndInterval | None,
        Meta(description="Against the labels that were trained on, the wrong ones included."),
    ]
    memorised_at_least: Annotated[
        float | None, Meta(description="The share of wrong labels that it must know by heart.")
    ]


class StudyResult(TypedDict):
    """By the kind of the study: `configs`, `seeds` and the differences of `seeds`; `effects` of `ablation`; `sizes` and
    `fit` of `volume`; `fractions` and two differences of `noise`.
    """

    configs: NotRequired[list[ConfigOverSeeds]]
    seeds: NotRequired[list[SeedOfConfigs]]
    difference: NotRequired[
        Annotated[
            PairedDifference | None,
            Meta(description="Of the accuracy: the first config minus the second, or the most wrong labels minus the "
                 "fewest."),
        ]
    ]  # fmt: skip
    balanced_difference: NotRequired[Annotated[PairedDifference | None, Meta(description=BALANCED)]]
    gap_difference: NotRequired[PairedDifference | None]
    decision: NotRequired[SeedsDecision]
    effects: NotRequired[list[EffectOfKnob]]
    sizes: NotRequired[list[SizeReached]]
    fit: NotRequired[LineThroughSizes | None]
    fractions: NotRequired[list[FractionReached]]
