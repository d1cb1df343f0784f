"""The Augment page: its views and address, its code, and that it never waits."""

import numpy as np

from core.datasets.saving import save_dataset
from core.design.drafts import Draft, save_draft
from core.design.presets import PRESETS
from core.errors import EngineError
from tests.pages.augment.stand_in import choose, look_at, policy, strength, strengthen, switch, trained_run
from tests.pages.background import answers_late
from tests.pages.visits import change, draft, go_to, open_page, press, unfold, words


def test_only_the_part_that_is_looked_at_asks_the_engine(engine, workspace) -> None:
    trained_run(workspace, "one")
    page = choose(open_page("augment.py"), "Strong")
    assert set(engine.asked) == {"preview", "answer"}
    for view, asked in (("batch", {"batch"}), ("sweep", {"count_right"}), ("code", set())):
        engine.asked.clear()
        look_at(page, view)
        assert set(engine.asked) == asked
        assert page.query_params["view"] == view


def test_the_code_follows_the_knobs(engine) -> None:
    page = choose(open_page("augment.py", view="code"), "Mild, as in the article")
    assert "RandomRotation(20 / 360" in page.code[0].value
    strengthen(page, 2.0)
    assert "RandomRotation(40 / 360" in page.code[0].value
    assert "resamples the picture once more" in words(page)


def test_the_article_s_generator_is_a_click_away_and_in_the_address(engine) -> None:
    page = open_page("augment.py", view="code")
    switch(page, "augment-code", "generator")
    assert "rotation_range=20," in page.code[0].value and "RandomRotation" not in page.code[0].value
    assert (page.query_params["view"], page.query_params["code"]) == ("code", "generator")
    again = open_page("augment.py", view="code", code="generator")
    assert "rotation_range=20," in again.code[0].value
    change(unfold(again, "Mixing"), "augmentation.mixup_alpha", 0.2)
    assert "ImageDataGenerator has no Mixup." in words(again)


def test_a_newcomer_sees_the_mild_policy_and_a_design_stays_as_it_is(engine) -> None:
    page = open_page("augment.py")
    mild = PRESETS["article-augmented"].config.augmentation
    assert draft(page).augmentation == mild and policy(page) == "Mild, as in the article"
    # A refresh, and Design, have the same.
    assert page.query_params["preset"] == "article-augmented"
    assert draft(go_to(page, "design.py")).augmentation == mild
    page = go_to(open_page("design.py"), "augment.py")
    assert not draft(page).augmentation.is_active and policy(page) == "None"
    assert not draft(open_page("augment.py", preset="article")).augmentation.is_active


def test_the_page_never_waits_for_the_engine(engine, workspace, monkeypatch) -> None:
    trained_run(workspace, "one")
    later = answers_late(monkeypatch)
    page = open_page("augment.py")
    assert "Drawing variants…" in words(page) and len(page.get("skeleton")) == 1
    assert len(page.get("image")) == 1  # the original is there
    later.answer_all()
    page.run()
    assert "variants change its answer" in words(page) and len(page.get("image")) == 13
    # Meanwhile, those before stay.
    press(page, "Draw again")
    assert "Drawing variants…" in words(page) and len(page.get("image")) == 13
    look_at(page, "batch")
    assert "Making the batch…" in words(page) and not page.get("image")
    later.answer_all()
    page.run()
    assert len(page.get("image")) == 3
    look_at(page, "sweep")
    assert "Measured 0 of" in page.get("progress")[0].proto.text and engine.counted == 0
    later.answer_all()
    page.run()
    assert engine.counted > 0


def test_a_crash_while_drawing_is_a_sentence_and_can_be_tried_again(engine, monkeypatch) -> None:
    def broken(*arguments):
        raise EngineError("The picture engine crashed.")

    with monkeypatch.context() as patch:
        patch.setattr(engine, "preview", broken)
        page = open_page("augment.py")
        assert "The picture engine crashed." in words(page)
        page.run()
    assert "The picture engine crashed." in words(page)
    press(page, "Try again")
    assert len(page.get("image")) == 13


def test_what_the_browser_still_shows_of_before_changes_nothing(engine) -> None:
    """Each value that something else has set is a widget of its own, so that no late message is taken for a wish."""
    page = strengthen(choose(open_page("augment.py"), "Strong"), 0.5)
    key = strength(page).key
    change(page, "augmentation.rotation_degrees", 33.0)
    assert strength(page).key != key and strength(page).value == 1.0
    marked = next(group.key for group in page.get("button_group") if group.key.startswith("policy-"))
    choose(page, "Mild, as in the article")
    same = next(group.key for group in page.get("button_group") if group.key.startswith("policy-"))
    assert same == marked  # its own click
    change(page, "augmentation.rotation_degrees", 34.0)
    assert policy(page) is None
    assert next(group.key for group in page.get("button_group") if group.key.startswith("policy-")) != marked


def test_a_link_s_view_wins_and_coming_back_finds_the_last_one(engine) -> None:
    page = open_page("augment.py", view="nonsense")
    assert not page.exception and "How training varies a picture." in words(page)
    look_at(page, "code")
    go_to(page, "classify.py")
    assert page.query_params.get("view") is None
    assert "The same ranges in Keras" in words(go_to(page, "augment.py"))
    go_to(page, "classify.py")
    assert "One training batch" in words(go_to(page, "augment.py", view="batch"))


def test_the_data_set_is_the_design_s(engine, workspace) -> None:
    pixels = np.zeros((20, 8, 8, 3), np.uint8)
    labels = np.arange(20) % 2
    arrays = {"x_train": pixels, "y_train": labels, "x_test": pixels, "y_test": labels}
    save_dataset(workspace, "mine", "Mine", "", ["a", "b"], arrays)
    page = change(open_page("augment.py"), "dataset.id", "mine")
    assert draft(page).dataset.id == "mine"
    assert draft(page).augmentation == PRESETS["article-augmented"].config.augmentation
    # As “Use in a new run” leads there, and a reload brings it back.
    assert draft(go_to(page, "design.py")).dataset.id == "mine"
    again = open_page("augment.py", draft=page.query_params["draft"])
    assert draft(again).dataset.id == "mine"


def test_where_the_design_s_data_set_is_not_here_another_one_is_shown_and_named(engine, workspace) -> None:
    page = open_page("augment.py")
    config = draft(page).with_values({"dataset.id": "cifar10"})
    save_draft(workspace, "0123456789abcdef", Draft(config, config))
    page = open_page("augment.py", draft="0123456789abcdef")
    assert "The design's data set is not here, so these are pictures of Shapes." in words(page)
    assert len(page.get("image")) == 13 and draft(page).dataset.id == "cifar10"
