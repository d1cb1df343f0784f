"""What a visitor does with runs on Compare: tags, hiding, saved views, deleting and its undo."""

from streamlit.testing.v1.element_tree import Markdown

from core.config import ExperimentConfig
from core.store.records import RunRequest
from core.visitors.person import TEACHER, Person, acting_as
from pages.components.compare import settings
from tests.pages.compare.seen import set_field, table
from tests.pages.in_class import looking
from tests.pages.visits import go_to, open_page, press, words

PAGE = "compare.py"


def in_order(page, text: str) -> list[str]:
    """From top to bottom: where `text` stands among the chart and the table."""
    kinds = ("plotly_chart", "dataframe")
    seen = [text if isinstance(node, Markdown) and node.value == text else node.type for node in page.main]
    return [each for each in seen if each in (text, *kinds)]


def test_a_view_that_cannot_be_drawn_is_not_come_back_to(store, monkeypatch):
    drawn = settings.compare_once

    def compare_once(store, facts, query):
        if query.text == "breaks":
            raise ZeroDivisionError
        return drawn(store, facts, query)

    monkeypatch.setattr(settings, "compare_once", compare_once)
    page = open_page(PAGE, text="flip")
    page.query_params["text"] = "breaks"
    page.run()
    assert page.exception
    go_to(page, "runs.py")
    assert not go_to(page, PAGE).exception
    assert "40 of 40 runs." in words(page)


def test_a_saved_view_opens_whatever_else_is_in_its_link(store):
    view = store.views.save(
        "odd", "embed=true&embed_options=dark_theme&utm=1&where=training.batch_size+%3D+32"
    )
    page = open_page(PAGE)
    page.button(key=f"compare-view-{view.id}").click().run()
    assert not page.exception
    assert "20 of 40 runs." in words(page) and "utm" not in page.query_params
    # A link from elsewhere works too, and saving it keeps what is of this page.
    page = open_page(PAGE, utm="1", where="training.batch_size = 32")
    (name,) = [each for each in page.text_input if each.label == "Name of this view"]
    name.set_value("even")
    press(page, "Save view")
    assert store.views.get("even").query == "where=training.batch_size+%3D+32"


def test_hidden_runs_are_counted_and_switched_on(store, runs):
    store.marks.set_hidden([run.id for run in runs[:12]], True)
    page = open_page(PAGE)
    assert "12 hidden runs are not shown." in words(page)
    assert len(table(page)) == 28
    page.segmented_control(key="compare-hidden").set_value("shown").run()
    assert "12 hidden runs are shown with the others." in words(page) and len(table(page)) == 40
    page.segmented_control(key="compare-hidden").set_value("folded").run()
    set_field(page, "segmented_control", "grouping", "alike")
    assert "12 hidden runs are not shown, but are in the numbers of groups." in words(page)


def test_tags_are_added_found_and_removed(store, runs, tick):
    page = open_page(PAGE, sort="created")
    tick(page, 0, 1)
    (new,) = [each for each in page.text_input if each.label == "New tag"]
    new.set_value("good")
    press(page, "Save tags")
    assert store.marks.count_by_tag() == {"good": 2}
    page = open_page(PAGE, where="tags = good")
    assert "2 of 40 runs." in words(page)


def test_views_are_saved_opened_and_deleted_with_undo(store):
    page = open_page(PAGE, where="training.batch_size = 32", show="scatter")
    (name,) = [each for each in page.text_input if each.label == "Name of this view"]
    name.set_value("small batches")
    press(page, "Save view")
    (view,) = store.views.list_views()
    assert view.name == "small batches"
    page = open_page(PAGE)
    page.button(key=f"compare-view-{view.id}").click().run()
    assert "20 of 40 runs." in words(page) and page.query_params["show"] in ("scatter", ["scatter"])
    page.button(key=f"compare-delete-view-{view.id}").click().run()
    assert store.views.list_views() == []
    page.button(key="compare-undo-view").click().run()
    assert [each.name for each in store.views.list_views()] == ["small batches"]


def test_delete_and_undo_also_by_another_visitor(store, runs, tick):
    page = open_page(PAGE, sort="created")
    tick(page, 0, 1, 2)
    press(page, "Delete")
    page.button(key="really-delete-compared").click().run()
    assert len(store.list_runs()) == 37
    tick(page)
    # Undo is where Delete was clicked: below the charts, above the table. Another visitor sees it at once.
    said = "3 runs were deleted."
    assert in_order(page, said) == ["plotly_chart", said, "dataframe"]
    other = open_page(PAGE)
    assert in_order(other, said) == [said, "plotly_chart", "dataframe"]
    other.button(key="compare-undo").click().run()
    assert {run.id for run in store.list_runs()} == {run.id for run in runs}
    assert "deleted." not in words(other)


def test_undo_is_offered_also_when_nothing_is_left_to_be_shown(store, runs, tick):
    page = open_page(PAGE, text="flip #0", sort="created")
    tick(page, 0, 1, 2, 3)
    press(page, "Delete")
    page.button(key="really-delete-compared").click().run()
    assert "No runs match this filter." in words(page) and "4 runs were deleted." in words(page)
    press(page, "Undo")
    assert len(store.list_runs()) == len(runs)


def test_runs_that_another_tab_deleted_are_no_error(store, runs, tick):
    page = open_page(PAGE, sort="created")
    tick(page, 0, 1)
    for run in runs[:2]:
        store.trash.put(run.id)
    page.button(key="compare-hide").click().run()
    assert not page.exception
    assert "38 of 38 runs." in words(page)


def test_each_button_says_of_itself_why_a_visitor_cannot_press_it(store, runs, tick):
    ben = Person("visitor", store.visitors.join("Ben").id)
    with looking(ben):
        page = open_page(PAGE)
        tick(page, 0)
        for key, what in (("compare-hide", "mark"), ("compare-delete", "delete")):
            button = page.button(key=key)
            assert button.disabled
            assert button.help == f"That is the teacher's run. Only the teacher can {what} it."
    with looking(TEACHER):
        page.run()
        assert not page.button(key="compare-hide").disabled


def test_undo_of_what_is_only_in_part_one_s_own_says_what_to_do(store, runs):
    ben = Person("visitor", store.visitors.join("Ben").id)
    with acting_as(ben):
        his = store.queue_run(RunRequest(ExperimentConfig(), "his"))
    store.request_stop(his.id)
    store.trash.put_all([his.id, runs[0].id])
    for person, why in (
        (ben, "Some of these runs are not yours. Restore your own on Runs, under Recently deleted."),
        (TEACHER, None),
    ):
        with looking(person):
            undo = open_page(PAGE).button(key="compare-undo")
        assert undo.disabled is (why is not None) and (undo.help or None) == why
