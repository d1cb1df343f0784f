"""A query is a link: read back as it was, and whatever else is in a link does no harm."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.comparison.query import ALIGNMENTS, ALL_BUT_SEED, HIDDEN, MEASURES, Query
from core.errors import UserError
from tests.core.comparison.test_conditions import PATHS, names, wheres

numbers = st.sampled_from(["val_accuracy", "parameters", "gap", "optimizer.learning_rate", "model.blocks"])
queries = st.builds(
    Query,
    where=wheres,
    text=st.text(max_size=20),
    sort=st.tuples(st.sampled_from(["", "-"]), names).map("".join),
    group_by=st.one_of(
        st.just((ALL_BUT_SEED,)), st.lists(st.sampled_from(PATHS), unique=True, max_size=3).map(tuple)
    ),
    hidden=st.sampled_from(HIDDEN),
    baseline=st.one_of(st.none(), st.just("abcdefghjk")),
    measure=st.sampled_from(MEASURES),
    align=st.sampled_from(ALIGNMENTS),
    smoothing=st.floats(0, 0.999),
    epoch=st.one_of(st.none(), st.integers(1, 99_999)),
    colour=st.one_of(st.none(), names),
    x=numbers,
    y=numbers,
    log=st.sampled_from([(), ("x",), ("y",), ("x", "y")]),
    columns=st.lists(names, unique=True, max_size=4).map(tuple),
)


@given(queries)
def test_a_link_leads_to_the_same_view(query: Query) -> None:
    assert Query.from_query_string(query.to_query_string()) == (query, ())
    assert Query.from_parameters(query.to_parameters()) == (query, ())
    assert query.with_values() == query


def test_the_plain_view_needs_no_words() -> None:
    assert Query().to_query_string() == ""
    assert Query.from_query_string("") == Query.from_query_string("?run=abc&page=2") == (Query(), ())
    grouped = Query().with_values(group_by=(ALL_BUT_SEED,), sort="-val_accuracy")
    assert grouped.to_query_string() == "sort=-val_accuracy&group_by=all-but-seed"


keys = st.sampled_from([each.name for each in fields(Query)])


@given(
    st.one_of(
        st.text(max_size=80), st.lists(st.tuples(keys, st.text(max_size=12)).map("=".join)).map("&".join)
    )
)
def test_whatever_is_in_a_link_a_view_is_shown(text: str) -> None:
    query, problems = Query.from_query_string(text)
    assert Query.from_query_string(query.to_query_string()) == (query, ())
    assert all(problem.endswith(".") for problem in problems)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("align=hours", "align must be one of epoch, step, seconds, pictures, not “hours”."),
        ("smoothing=2", "smoothing must lie between 0 and 0.999, not “2”."),
        ("smoothing=nan", "smoothing must lie between 0 and 0.999, not “nan”."),
        ("epoch=0", "epoch must be a whole number from 1 on, not “0”."),
        ("baseline=x'--", "baseline must be the id of a run, not “x'--”."),
        ("x=model.head", "“Head” is not a number, so it cannot be plotted."),
        ("y=state", "“state” is not a number, so it cannot be plotted."),
        (
            "group_by=all-but-seed,seed",
            "all-but-seed groups by every other setting already, so it stands alone.",
        ),
        (f"text={'x' * 201}", "text has at most 200 characters, not 201."),
        ("text=a\udcff", "text holds an unpaired surrogate, which is no character."),
        ("where=gap+%3C", "The filter needs a value, not its end."),
    ],
)
def test_what_cannot_be_read_is_said_and_the_rest_holds(text: str, problem: str) -> None:
    query, problems = Query.from_query_string(f"text=fine&{text}" if "text" not in text else text)
    assert (query, problems) == (Query(text="" if "text" in text else "fine"), (problem,))
    with pytest.raises(UserError):
        Query().with_values(align="hours")
