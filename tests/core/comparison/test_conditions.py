"""Filters as text: read back as they were written, and refused in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.comparison.conditions import (
    CONTAINS,
    EMPTY,
    EQUAL,
    NOT_EMPTY,
    ONE_OF,
    OPERATORS,
    ORDERED,
    UNEQUAL,
    Condition,
    Either,
    Where,
    conditions_in,
    conditions_text,
    either,
    fit_all,
    parse_conditions,
)
from core.comparison.quantities import NAMES, RESULTS, is_text
from core.errors import UserError
from core.store.states import RunState
from tests.core.comparison.made import facts

PATHS = (
    "optimizer.learning_rate",
    "model.blocks[0].kernel_sizes",
    "model.blocks[*].filters",
    "model.blocks",
    "seed",
)
names = st.sampled_from([*RESULTS, *NAMES, *PATHS])
numbers = st.one_of(st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False))
words = st.text(st.characters(codec="utf-8"), max_size=12)
values = st.one_of(
    numbers, words, st.booleans(), st.none(), st.sampled_from(["and", "1e5", "NaN", "80%", "on", "is empty"]),
    st.lists(st.integers(1, 9), max_size=3).map(tuple),
)  # fmt: skip
operators = st.sampled_from([EQUAL, UNEQUAL, *ORDERED, CONTAINS])
# Names whose values are words are compared with words alone.
texts = st.sampled_from(["name", "tags", "device", "dataset.id"])
text_values = st.one_of(words, st.none(), st.sampled_from(["null", "true", "1e-3", "0.10", "80%"]))
conditions = st.one_of(
    st.builds(Condition, names.filter(lambda name: not is_text(name)), operators, values),
    st.builds(Condition, texts, operators, text_values),
    st.builds(Condition, names, st.sampled_from([EMPTY, NOT_EMPTY])),
    st.builds(
        Condition, names.filter(lambda name: not is_text(name)), st.just(ONE_OF),
        st.lists(values, min_size=1, max_size=4).map(tuple),
    ),
    st.builds(Condition, texts, st.just(ONE_OF), st.lists(text_values, min_size=1, max_size=4).map(tuple)),
)  # fmt: skip


# Each alternative is of clauses; what is in brackets is a smaller filter.
filters = st.recursive(
    st.lists(conditions, min_size=1, max_size=3).map(tuple),
    lambda smaller: st.lists(smaller, min_size=2, max_size=3).map(lambda several: either(*several)),
    max_leaves=5,
)
wheres = st.one_of(
    st.just(()), filters, st.tuples(filters, filters).map(lambda both: (*both[0], *both[1]))
)  # fmt: skip


@given(wheres)
def test_what_is_written_is_read_back(where: Where) -> None:
    assert parse_conditions(conditions_text(where)) == where
    assert all(each.in_words for each in where)
    assert fit_all(where, facts(1, val_accuracy=0.5, tags=("a",))) in (True, False)


pieces = st.sampled_from(
    [*OPERATORS, *PATHS, "and", "or", "in", "(", ")", ",", '"', "[", "80%", "is", " ", "relu", "-"]
)


@given(st.one_of(st.text(max_size=60), st.lists(pieces, max_size=8).map(" ".join)))
def test_whatever_is_written_is_read_or_refused_in_words(text: str) -> None:
    try:
        where = parse_conditions(text)
    except UserError as error:
        assert str(error).endswith(".")
    else:
        assert parse_conditions(conditions_text(where)) == where


FIRST = facts(
    1, {"optimizer.learning_rate": 0.01, "model.blocks[0].kernel_sizes": [5]}, val_accuracy=0.8, gap=0.1,
    tags=("good", "kernels", "0.10", "true"), name="A fine run, rate 1e-3",
)  # fmt: skip
SECOND = facts(
    2, {"optimizer.learning_rate": 0.001, "training.early_stopping_patience": 3, "optimizer.nesterov": True},
    state=RunState.FAILED, hidden=True, name="second",
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "fitting"),
    [
        ("", [1, 2]),
        ("optimizer.learning_rate <= 0.001", [2]),
        ("optimizer.learning_rate ≥ 0.01", [1]),
        ("optimizer.learning_rate > 0.001 and state = finished", [1]),
        ("optimizer.learning_rate > 0.001 AND state = failed", []),
        ("val_accuracy >= 80%", [1]),
        ("val_accuracy >= 80 % and gap = 10 %", [1]),
        ("val_accuracy in 79 %, .8", [1]),
        ("val_accuracy > +.79", [1]),
        ("val_accuracy < 2", [1]),  # of the second it is not known
        ("val_accuracy is empty", [2]),
        ("val_accuracy IS  NOT  EMPTY", [1]),
        ("state one of (FINISHED, RUNNING)", [1]),
        ("outcome = failed", [2]),
        ("tags = good", [1]),
        ("tags != good", [2]),
        ("tags contains kern", [1]),
        ("tags is empty", [2]),
        ("tags = 0.10", [1]),
        ("tags one of (true, none)", [1]),
        ("name contains 1e-3", [1]),
        ("preset = null", [1, 2]),
        ("hidden = true", [2]),
        ("hidden = no", [1]),
        ("optimizer.nesterov = on", [2]),
        ('name contains "fine run"', [1]),
        ("training.early_stopping_patience is empty", [1]),
        ("training.early_stopping_patience != 3", [1]),
        ("model.blocks[0].kernel_sizes = 5", [1]),
        ("model.blocks[*].kernel_sizes one of ([3], 5)", [1, 2]),
        ("model.blocks >= 1", [1, 2]),
        ("model.blocks[7].filters is empty", [1, 2]),
        ("seed = 2", [2]),
        ("state one of FINISHED", [1]),
        ("state in failed, running", [2]),
        ("state in (failed, FINISHED) and seed = 1", [1]),
        ("tags in good, bad or name = second", [1, 2]),
        ("hidden = yes or val_accuracy > 70%", [1, 2]),
        ("hidden = yes OR val_accuracy > 90%", [2]),
        # `and` binds tighter: only the second is hidden, only the first is good.
        ("tags = good and hidden = yes or seed = 2", [2]),
        ("seed = 2 or tags = good and hidden = yes", [2]),
        ("(seed = 2 or tags = good) and hidden = yes", [2]),
        ("(seed = 2 or tags = good) and hidden = no", [1]),
        ("hidden = no and (seed = 2 or (tags = bad or tags = good))", [1]),
        ("((seed = 2))", [2]),
        ("name = or or name = and or tags = kernels", [1]),
    ],
)
def test_which_runs_fit(text: str, fitting: list[int]) -> None:
    wanted = parse_conditions(text)
    assert [each.number for each in (FIRST, SECOND) if fit_all(wanted, each)] == fitting


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("learning rate < 1", "“learning” is neither a result nor a setting. Results are val_accuracy, "),
        (
            "gap",
            "The filter needs one of =, !=, <=, <, >=, >, contains, in, one of, is empty, is not "
            "empty, not its end.",
        ),
        ("gap <", "The filter needs a value, not its end."),
        ("gap < 1 gap > 2", "The filter needs “and” or “or” between two conditions, not “gap > 2”."),
        ("gap < 1)", "The filter needs “and” or “or” between two conditions, not “)”."),
        ("gap < 1 or", "The filter needs a result or a setting, such as val_accuracy or "),
        ("or gap < 1", "“or” is neither a result nor a setting."),
        ("(gap < 1", "The filter needs “and”, “or” or “)” after a condition in brackets, not its end."),
        ("state in", "The filter needs a value, not its end."),
        ("state in failed,", "The filter needs a value, not its end."),
        ("(" * 11 + "gap < 1", "A filter has at most 10 brackets within one another."),
        (" or ".join(["gap < 1"] * 51), "A filter has at most 50 conditions."),
        ("state one of (FINISHED", "The filter needs “)” after the list, not its end."),
        ('name = "open', 'The filter needs a value whose quotes or brackets are closed, not “"open”.'),
        (
            "model.blocks[0].kernel_sizes = [[1]]",
            "The filter needs a list of numbers or words, such as [3, 5], without lists in it, not “[[1]]”.",
        ),
        ('gap one of ([{"a": 1}])', "The filter needs a list of numbers or words, such as [3, 5]"),
        ("gap < 1e999", "The filter needs a finite number, not “1e999”."),
        ("gap < -1e999", "The filter needs a finite number, not “-1e999”."),
        ("gap = [1e999]", "The filter needs finite numbers, not “[1e999]”."),
        (f"seed = 1{400 * '0'}", "The filter needs a finite number, not “1000"),
        (f"val_accuracy >= -1{400 * '0'}", "The filter needs a finite number, not “-1000"),
        (f"seed in (1, 1{400 * '0'})", "The filter needs a finite number, not “1000"),
        (f"seed = [1{400 * '0'}]", "The filter needs finite numbers, not “[1000"),
        (r'name = "a\ud800"', r'The filter needs text without unpaired surrogates, not “"a\ud800"”.'),
        ("name = \udcff", "The filter needs text without unpaired surrogates, not “\udcff”."),
        (r'tags = ["\udfff"]', r'The filter needs text without unpaired surrogates, not “["\udfff"]”.'),
        (" and ".join(["gap < 1"] * 51), "A filter has at most 50 conditions."),
    ],
)
def test_a_refusal_says_what_is_needed(text: str, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        parse_conditions(text)
    assert str(refused.value).startswith(sentence)


def test_in_words() -> None:
    several = parse_conditions(
        'optimizer.learning_rate <= 0.01 and model.head one of (flatten, "global_average")'
    )
    assert [each.in_words for each in several] == [
        "Learning rate ≤ 0.01",
        "Head one of flatten or global average",
    ]
    assert parse_conditions("gap is empty")[0].in_words == "Gap is empty"
    (choice,) = parse_conditions("seed = 1 and gap < 10% or (seed = 2 or preset in tiny, article)")
    assert choice.in_words == "Seed = 1 and Gap < 10.0 points or Seed = 2 or Preset one of tiny or article"
    assert str(choice) == "seed = 1 and gap < 0.1 or seed = 2 or preset one of (tiny, article)"


def test_filters_joined_by_or_are_as_they_would_be_read() -> None:
    """`(a or b) and c` stays; what is `or` within `or` needs no brackets of its own."""
    a, b, c = parse_conditions("seed = 1 and seed = 2 and seed = 3")
    assert either((a,)) == (a,)
    assert either((Either(((a,), (b,))),), (c,)) == parse_conditions("seed = 1 or seed = 2 or seed = 3")
    assert either((a, b), (c,)) == (Either(((a, b), (c,))),)
    both = (*either((a,), (b,)), c)
    assert conditions_text(both) == "(seed = 1 or seed = 2) and seed = 3"
    assert list(conditions_in(both)) == [a, b, c]
