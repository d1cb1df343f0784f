"""60 where 60 % is meant: said of every quantity whose values are shares, for every operator, and of no other."""

import pytest

from core.comparison.conditions import parse_conditions
from core.comparison.quantities import RESULTS
from core.comparison.slips import share_limits, slips_in, without_slips
from core.config.schema import json_schema


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (
            "val_accuracy >= 60",
            "Validation accuracy lies between 0 and 1, so “val_accuracy >= 60” fits no run. Did you mean 60%?",
        ),
        ("val_accuracy >= high", "“val_accuracy >= high” fits no run: validation accuracy needs a number."),
        (
            "optimizer.learning_rate < abc",
            "“optimizer.learning_rate < abc” fits no run: learning rate needs a number.",
        ),
        ("gap = small", "“gap = small” fits no run: gap needs a number."),
        (
            "gap < 5",
            "Gap lies between -1 and 1, so “gap < 5” fits every run that has a value. Did you mean 5%?",
        ),
        (
            "balanced_accuracy one of (60, 0.5, 70.5)",
            "Balanced accuracy lies between 0 and 1, so 60 and 70.5 in “balanced_accuracy one of (60, 0.5, 70.5)” fit "
            "no run. Did you mean 60% or 70.5%?",
        ),
        (
            "model.dense[0].dropout = 25",
            "Dropout of dense layer 1 lies between 0 and 0.95, so “model.dense[0].dropout = 25” fits no run. "
            "Did you mean 25%?",
        ),
        (
            "val_accuracy in (60, 70)",
            "Validation accuracy lies between 0 and 1, so none of the values of “val_accuracy one of (60, 70)” fits a "
            "run. Did you mean 60% or 70%?",
        ),
        (
            "val_accuracy in (0.5, -5)",
            "Validation accuracy lies between 0 and 1, so -5 in “val_accuracy one of (0.5, -5)” fits no run.",
        ),
        (
            "val_accuracy != 60",  # also one that has none
            "Validation accuracy lies between 0 and 1, so “val_accuracy != 60” fits every run. Did you mean 60%?",
        ),
        (
            "val_accuracy > -5",
            "Validation accuracy lies between 0 and 1, so “val_accuracy > -5” fits every run that has a value.",
        ),
        (
            "augmentation.hue >= 0.6",
            "Hue lies between 0 and 0.5, so “augmentation.hue >= 0.6” fits no run.",
        ),
        (
            "augmentation.hue >= 30",
            "Hue lies between 0 and 0.5, so “augmentation.hue >= 30” fits no run. Did you mean 30%?",
        ),
        (
            "augmentation.hue < 60",
            "Hue lies between 0 and 0.5, so “augmentation.hue < 60” fits every run that has a value.",
        ),
    ],
)  # fmt: skip
def test_the_sentence(asked: str, sentence: str) -> None:
    where = parse_conditions(asked)
    (slip,) = slips_in(where)
    assert slip.sentence == sentence
    assert (slip.meant is not None) == ("Did you mean" in sentence) == (without_slips(where) != where)


def test_the_limits_of_every_share_among_the_settings_are_its_own() -> None:
    # The schema that editors get is made from the same classes by msgspec itself.
    augmentation = json_schema()["$defs"]["AugmentationConfig"]["properties"]
    shares = {
        name: (each["minimum"], each["maximum"])
        for name, each in augmentation.items()
        if each.get("maximum", 2) <= 1
    }
    assert len(shares) > 5
    assert {name: share_limits(f"augmentation.{name}") for name in shares} == shares


# Whether a share between -1 and 1 can fulfil it.
OUTCOMES = {
    "= 60": "fits no run", "!= 60": "fits every run", "< 60": "fits every run", "<= 60": "fits every run",
    "> 60": "fits no run", ">= 60": "fits no run", "contains 60": "fits no run", "< -60": "fits no run",
    "<= -60": "fits no run", "> -60": "fits every run", ">= -60": "fits every run", "= -60": "fits no run",
}  # fmt: skip


@pytest.mark.parametrize("name", ["val_accuracy", "balanced_accuracy", "train_accuracy", "gap"])
@pytest.mark.parametrize("rest", OUTCOMES)
def test_every_share_and_operator(name: str, rest: str) -> None:
    where = parse_conditions(f"{name} {rest}")
    (slip,) = slips_in(where)
    can_be_percent = name == "gap" or "-" not in rest
    assert OUTCOMES[rest] in slip.sentence and slip.percents == (
        f"{rest.split()[1]}%" if can_be_percent else ""
    )
    for value in (-1.0, -0.2, 0.0, 0.7, 1.0):
        if value >= 0 or name == "gap":
            assert where[0].fits_value(value) == ("every run" in slip.sentence)
    assert where[0].fits_value(None) == (rest[0] == "!")
    assert ("has a value" in slip.sentence) == ("every run" in slip.sentence and rest[0] != "!")
    assert without_slips(where) == (parse_conditions(f"{name} {rest}%") if can_be_percent else where)


@pytest.mark.parametrize(
    "asked",
    [
        "val_accuracy >= 60%", "val_accuracy >= 0.6", "val_accuracy = 1", "val_accuracy < 1", "gap < 0.5", "gap > -0.5",
        "val_loss > 2", "epochs >= 60", "parameters < 1e6", "training.batch_size = 32", "model.blocks > 2", "seed = 60",
        "attempt > 1", "created > 60", "name = 60", "val_accuracy is empty", "augmentation.rotation_degrees > 10",
    ],
)  # fmt: skip
def test_nothing_is_said_where_nothing_is_wrong(asked: str) -> None:
    assert slips_in(parse_conditions(asked)) == () and without_slips(parse_conditions(asked))


def test_within_brackets_and_alternatives() -> None:
    where = parse_conditions("(val_accuracy > 60 or gap = 1) and (seed = 60 or val_accuracy > 60)")
    assert [slip.percents for slip in slips_in(where)] == ["60%", "1%"]
    assert without_slips(where) == parse_conditions(
        "(val_accuracy > 60% or gap = 1%) and (seed = 60 or val_accuracy > 60%)"
    )


def test_results_shown_as_percent_are_those_that_are_shares() -> None:
    assert {name for name in RESULTS if share_limits(name)} == {
        name for name, result in RESULTS.items() if result.unit == "%"
    }
