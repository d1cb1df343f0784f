"""What there is room for on Compare: many curves a part at a time, fields folded on a phone, names that are wrapped."""

import pytest

from core.comparison.comparison import compare
from core.comparison.query import Query
from pages.components.compare.paging import part_of
from pages.components.compare.table import name_pixels, row_pixels
from tests.pages.compare.seen import figure, legend, set_field, table
from tests.pages.compare.stocked import stock
from tests.pages.visits import button, open_page, press, unfold, words

PAGE = "compare.py"
ALIKE = {"group_by": "all-but-seed"}


def open_on_a_phone(**query: str):
    page = open_page(PAGE, **query)
    page.session_state["is-narrow"] = True
    page.run()
    assert not page.exception
    return page


def test_forty_curves_are_drawn_in_two_parts_and_all_is_said(store):
    page = open_page(PAGE)
    assert "Curves of runs 1 to 24 of 40, in the order of the table." in words(page)
    assert "The table and every number are of all 40 runs." in words(page)
    assert figure(page)["layout"]["title"]["text"] == "Validation accuracy: runs 1 to 24 of 40"
    first = legend(page)
    assert button(page, "Previous 24").disabled
    press(page, "Next 16")
    assert "Curves of runs 25 to 40 of 40, in the order of the table." in words(page)
    assert button(page, "Next 24").disabled
    second = legend(page)
    assert (len(first), len(second), len(table(page))) == (24, 16, 40)
    names = [run.name for run in compare(store, Query()).runs]
    assert [line.partition(":")[0] for line in (*first, *second)] == names
    # Another order begins with the first part; another epoch or smoothing does not.
    page.slider(key="compare-epoch").set_value(3).run()
    assert len(legend(page)) == 16
    page.selectbox(key="compare-sort").set_value("val_accuracy").run()
    assert len(legend(page)) == 24
    press(page, "Next 16")
    press(page, "Previous 24")
    assert len(legend(page)) == 24
    set_field(page, "segmented_control", "grouping", "alike")
    assert "Curves of" not in words(page)
    assert figure(page)["layout"]["title"]["text"] == "Validation accuracy"


def test_forty_differences_are_in_two_parts(store, runs):
    page = open_page(PAGE, show="differences", baseline=runs[0].id)
    assert "Differences of runs 1 to 20 of 40, in the order of the table." in words(page)
    assert words(page).count("What differs: ") == 20
    press(page, "Next 20")
    assert words(page).count("What differs: ") == 19  # and the baseline, which is the oldest


def test_a_page_that_is_gone_is_left_with_the_first_click(store, runs):
    stock(store, (5, 6, 7))
    page = open_page(PAGE)
    press(page, "Next 24")
    press(page, "Next 16")
    assert "Curves of runs 49 to 64 of 64, in the order of the table." in words(page)
    for run in runs[:19]:
        store.trash.put(run.id)
    page.run()
    assert "Curves of runs 25 to 45 of 45, in the order of the table." in words(page)
    press(page, "Previous 24")
    assert "Curves of runs 1 to 24 of 45, in the order of the table." in words(page)
    press(page, "Next 21")
    assert "Curves of runs 25 to 45 of 45, in the order of the table." in words(page)


def test_a_part_of_one_is_one(store, runs):
    for run in runs[:15]:
        store.trash.put(run.id)
    page = open_page(PAGE)
    press(page, "Next 1")
    assert "Curves of run 25 of 25, in the order of the table." in words(page)
    assert figure(page)["layout"]["title"]["text"] == "Validation accuracy: run 25 of 25"


@pytest.mark.parametrize(
    ("total", "page", "expected"),
    [
        (0, 1, (1, 0)),
        (1, 1, (1, 1)),
        (24, 1, (1, 24)),
        (25, 2, (25, 25)),
        (40, 2, (25, 40)),
        (40, 9, (25, 40)),
    ],
)
def test_a_part_is_never_beyond_the_end(total, page, expected):
    part = part_of(range(total), 24, page)
    assert (part.first, part.last) == expected and list(part.items) == list(range(part.first - 1, part.last))
    assert part.is_all == (total <= 24)


@pytest.mark.parametrize("query", [{}, ALIKE, {"show": "scatter"}, {"show": "parallel"}])
def test_on_a_phone_the_chart_comes_before_its_fields(store, query):
    page = open_on_a_phone(**query)
    kinds = [node.type for node in page.main]
    fields = ("selectbox", "multiselect", "slider", "text_input", "button_group", "number_input")
    before = kinds[: kinds.index("plotly_chart")]
    assert [kind for kind in before if kind in fields] == ["selectbox"]  # which chart it is
    assert len(table(page))


def test_on_a_phone_the_fields_do_what_they_do_elsewhere(store):
    page = unfold(open_on_a_phone(), "Filter, sort and group")
    set_field(page, "segmented_control", "grouping", "alike")
    assert "40 of 40 runs in 8 groups." in words(page)
    page = unfold(page, "Curve, alignment and axes")
    page.selectbox(key="compare-measure").set_value("val_loss").run()
    assert figure(page)["layout"]["title"]["text"] == "Validation loss"
    page.selectbox(key="compare-kind-list").set_value("parallel").run()
    assert "40 runs, coloured by validation accuracy." in words(page)
    page.session_state["is-narrow"] = False
    page.run()
    assert page.segmented_control(key="compare-kind").value == "parallel" and not page.exception


def test_on_a_phone_parallel_coordinates_have_as_many_axes_as_titles_fit(store):
    settings = ("optimizer.learning_rate", "training.batch_size", "augmentation.horizontal_flip", "seed")
    query = {"show": "parallel", "columns": ",".join(settings)}

    def titles(page) -> set[str]:
        texts = {title.replace("<br>", " ") for title in figure(page)["layout"]["xaxis"]["ticktext"]}
        return texts & {"Learning rate", "Batch size", "Horizontal flip", "Seed"}

    assert titles(open_page(PAGE, **query)) == {"Learning rate", "Batch size", "Horizontal flip", "Seed"}
    page = open_on_a_phone(**query)
    assert titles(page) == {"Learning rate", "Batch size", "Horizontal flip"}
    assert "1 more setting differs: choose it under Columns." in words(page)


def test_lines_of_the_legend_are_as_long_as_there_is_room(store):
    def longest(page) -> int:
        names = [trace["name"] for trace in figure(page)["data"] if trace.get("name")]
        return max(len(line) for name in names for line in name.split("<br>"))

    assert 46 < longest(open_page(PAGE, **ALIKE)) <= 110
    assert longest(open_on_a_phone(**ALIKE)) <= 46


def test_rows_are_as_high_as_their_longest_name_needs():
    long = "Horizontal flip on, learning rate 0.003, batch size 32"
    assert row_pixels(["short"], 190, 5) == row_pixels([], 190, 5) == 35
    assert row_pixels(["short", long], 190, 5) == 65  # no lower row is wrapped
    assert row_pixels([long], 360, 5) == 35
    assert row_pixels([long * 9], 190, 3) == 35 + 2 * 20
    assert row_pixels([long * 9], 330, 1) == 35


def test_the_end_of_a_trials_name_has_room() -> None:
    assert name_pixels([]) == name_pixels(["tiny 1", "article 12"]) == 200
    assert name_pixels(["tiny 1", "tiny: Kernel sizes of block 1, Learning rate: trial 7"]) == 360
