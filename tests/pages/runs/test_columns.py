"""Columns for settings and the order of the table of runs, as a visitor chooses them."""

from core.comparison.query import Query, best_first
from core.design.presets import PRESETS
from core.store.states import RunState
from pages.components.runs.columns import setting_columns
from tests.pages.test_runs import begin, end
from tests.pages.visits import open_page

TINY = PRESETS["tiny"].config


def three(store):
    """The first ends at 33 % after 3 epochs, the second at 36 % after 6, the third before its first epoch."""
    return {
        name: end(store, begin(store, name, epochs, config=TINY.with_values(values)), RunState.FINISHED)
        for name, epochs, values in (
            ("good", 3, {"optimizer.learning_rate": 0.01}),
            ("better", 6, {"optimizer.learning_rate": 0.1, "optimizer.schedule": "cosine"}),
            ("nothing", 0, {}),
        )
    }


def table_of(page):
    return page.dataframe[0].value


def test_the_best_comes_first_and_runs_without_a_value_last(store):
    three(store)
    page = open_page("runs.py")
    assert table_of(page)["name"].tolist() == ["nothing", "better", "good"]
    page.selectbox(key="runs-sort").set_value("val_accuracy").run()
    assert table_of(page)["name"].tolist() == ["better", "good", "nothing"]
    page.selectbox(key="runs-sort").set_value("val_loss").run()
    assert table_of(page)["name"].tolist()[-1] == "nothing"
    page.selectbox(key="runs-sort").set_value("created").run()
    assert table_of(page)["name"].tolist() == ["nothing", "better", "good"]
    assert "sort" not in page.query_params


def test_a_link_has_columns_and_order(store):
    three(store)
    page = open_page(
        "runs.py", columns="optimizer.learning_rate,optimizer.schedule", sort="-optimizer.learning_rate"
    )
    table = table_of(page)
    assert table["name"].tolist() == ["better", "good", "nothing"]
    assert table["optimizer.learning_rate"].tolist() == [0.1, 0.01, 0.001]
    assert table["optimizer.schedule"].tolist() == ["cosine", "constant", "constant"]
    # Kept for coming back.
    page.query_params.clear()
    page.switch_page("compare.py").run()
    page.query_params.clear()
    page.switch_page("runs.py").run()
    assert "optimizer.schedule" in table_of(page)


def test_what_a_link_asks_for_and_is_no_setting_is_left_out(store):
    three(store)
    assert list(table_of(open_page("runs.py", columns="optimizer.nonsense", sort="nonsense"))) == list(
        table_of(open_page("runs.py"))
    )


def test_a_column_that_the_table_has_is_not_there_twice(store):
    runs = three(store)
    view = Query(columns=("dataset", "name", "optimizer.learning_rate"))
    found = setting_columns(store, view, [runs["good"].id, runs["nothing"].id])
    assert found == {"optimizer.learning_rate": [0.01, 0.001]}


def test_sorting_holds_on_all_pages(store):
    end(store, begin(store, "best", 9), RunState.FINISHED)
    for number in range(50):
        end(store, begin(store, f"later {number}"), RunState.FINISHED)
    table = table_of(open_page("runs.py", sort="-val_accuracy"))
    assert table["name"].tolist()[0] == "best" and len(table) == 50


def test_which_end_is_the_best():
    assert {name: best_first(name) for name in ("created", "val_accuracy", "gap", "val_loss", "name")} == {
        "created": "-created",
        "val_accuracy": "-val_accuracy",
        "gap": "gap",
        "val_loss": "val_loss",
        "name": "name",
    }
