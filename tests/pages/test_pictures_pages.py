"""Augment, Classify and Datasets, with an engine that answers without Keras."""

import json
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.datasets.prepare import ensure_dataset
from core.datasets.saving import save_dataset
from core.datasets.storage import delete_dataset
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import Run, RunRequest
from core.store.store import Store
from pages.components.classify.cards import UNKNOWN
from tests.core.conftest import known_data
from tests.core.studies.ended import create, end_all, spec
from tests.pages.background import answers_at_once
from tests.pages.stand_in import StandIn, finished_run, use_stand_in
from tests.pages.visits import change, draft, field, go_to, open_page, press, unfold, words


@pytest.fixture
def engine(workspace, monkeypatch) -> StandIn:
    return use_stand_in(workspace, monkeypatch)


@pytest.fixture
def at_once(monkeypatch) -> None:
    answers_at_once(monkeypatch)


@pytest.fixture
def run(workspace) -> Run:
    return finished_run(workspace)


def choose_policy(page: AppTest, name: str) -> AppTest:
    next(group for group in page.get("button_group") if (group.key or "").startswith("policy-")).set_value(
        name
    ).run()
    assert not page.exception
    return page


def test_nothing_is_drawn_while_nothing_is_turned_on(engine, at_once) -> None:
    page = open_page("augment.py", preset="article")
    assert "No augmentation is on yet" in words(page)
    assert engine.previews == []


def test_a_policy_changes_the_draft_and_draws_twelve(engine, at_once) -> None:
    page = choose_policy(open_page("augment.py"), "Mild, as in the article")
    mild = PRESETS["article-augmented"].config.augmentation
    assert draft(page).augmentation == mild
    assert engine.previews[-1] == (mild, (12, 32, 32, 3), 0)
    press(page, "Draw again")
    assert engine.previews[-1][2] == 1
    choose_policy(page, "Too much")
    assert "often out of the picture" in words(page)


def pictures(page: AppTest) -> list[Any]:
    """What each picture on the page says to those who cannot see it, in `alt`."""
    return [image.proto.imgs[0] for image in page.get("image")]


def policy(page: AppTest) -> object:
    return next(group for group in page.get("button_group") if (group.key or "").startswith("policy-")).value


def test_the_policy_follows_the_knobs(engine, at_once) -> None:
    page = choose_policy(open_page("augment.py"), "Mild, as in the article")
    assert policy(page) == "Mild, as in the article"
    change(page, "augmentation.rotation_degrees", 90.0)
    assert policy(page) is None
    choose_policy(page, "Mild, as in the article")
    assert field(page, "augmentation.rotation_degrees").value == 20
    # A second click on it would only take the mark away.
    choose_policy(page, None)
    assert policy(page) == "Mild, as in the article"
    assert draft(page).augmentation.rotation_degrees == 20


def draw_field(page: AppTest):
    return next(each for each in page.number_input if each.label == "Draw")


def test_a_draw_can_be_gone_back_to(engine, at_once) -> None:
    page = choose_policy(open_page("augment.py", preset="article"), "Strong")
    for _ in range(3):
        press(page, "Draw again")
    assert draw_field(page).value == 4
    assert [seed for _, _, seed in engine.previews] == [0, 1, 2, 3]
    draw_field(page).set_value(9).run()
    assert engine.previews[-1][2] == 8
    go_to(page, "classify.py")
    assert draw_field(go_to(page, "augment.py")).value == 9


def test_the_values_can_be_hidden_and_stay_for_those_who_cannot_see(engine, at_once) -> None:
    page = choose_policy(open_page("augment.py"), "Strong")
    assert words(page).count("mirrored") == 6
    page.toggle(key="augment-values").set_value(False).run()
    assert "mirrored" not in words(page)
    assert sum("mirrored" in picture.alt for picture in pictures(page)) == 6


def test_mixing_gets_other_pictures_to_mix_with(engine, at_once) -> None:
    page = unfold(choose_policy(open_page("augment.py"), "Mild, as in the article"), "Mixing")
    slider = next(s for s in page.slider if s.key.endswith("augmentation.mixup_alpha"))
    slider.set_value(0.5).run()
    assert engine.previews[-1][1] == (24, 32, 32, 3)
    assert "mixed with the next one of its batch" in words(page)


def test_classify_without_a_run_shows_the_way(engine) -> None:
    page = open_page("classify.py")
    assert "No run has weights yet" in words(page)


def test_samples_come_with_their_truth(engine, run) -> None:
    page = press(open_page("classify.py"), "Try sample pictures")
    text = words(page)
    assert "Sample pictures" in text
    assert text.count("]: it is **") == 8
    right = text.count("it is **circle**.")
    assert f"{right} of 8 right" in text
    assert "A *finished* run" in text


def test_no_samples_of_another_data_set_with_that_name(engine, run, workspace) -> None:
    other = Store(workspace).queue_run(RunRequest(run.config, "other", data=known_data("of another")))
    with Store(workspace) as store:
        store.claim(other.id, ["cpu:0"])
        store.record_started(other.id, 1, 10, 100, 0)
        store.record_epoch(other.id, 1, EpochRow(1, val_accuracy=0.3))
    page = press(open_page("classify.py", run=other.id), "Try sample pictures")
    assert "“other” was started on another data set that was called shapes" in words(page)
    assert engine.asked == []


def upload(page: AppTest, count: int) -> AppTest:
    files = [(f"{index}.png", b"good %d" % index, "image/png") for index in range(count)]
    page.file_uploader[0].set_value(files).run()
    assert not page.exception
    return page


def test_without_its_data_set_a_run_still_classifies(engine, run, workspace) -> None:
    delete_dataset(workspace, "shapes")
    engine.gone = "The data set shapes is not here."
    page = upload(open_page("classify.py", run=run.id), 1)
    assert "0.png: the 32×32 pixels" in words(page)
    assert words(page).count("The answers do not say whether the run knows such pictures") == 1
    press(page, "Try sample pictures")
    assert "Sample pictures are not available. The data set shapes is not here." in words(page)
    assert "0.png: the 32×32 pixels" in words(page)
    engine.gone = ""
    ensure_dataset(workspace, "shapes")
    assert "The answers do not say" not in words(page.run())


def show(page: AppTest, *contents: bytes) -> AppTest:
    """Upload pictures with these bytes, in place of those before."""
    if any(each.label == "Remove all" for each in page.button):
        press(page, "Remove all")
    files = [(f"{index}.png", content, "image/png") for index, content in enumerate(contents)]
    page.file_uploader[0].set_value(files).run()
    assert not page.exception
    return page


def test_only_what_it_does_not_know_has_a_notice(engine, run) -> None:
    page = show(open_page("classify.py", run=run.id), b"good", b"strange")
    (notice,) = [each for each in page.markdown if UNKNOWN in each.value]
    assert "99.2 % of the validation pictures are nearer" in notice.help.replace("\\", "")
    assert "6.2 % are called so by mistake" in notice.help.replace("\\", "")
    assert UNKNOWN not in words(show(page, b"good"))


def test_what_a_run_was_trained_on_is_measured_once(engine, run) -> None:
    page = upload(open_page("classify.py", run=run.id), 1)
    assert engine.learned == 3
    press(page, "Try sample pictures")
    upload(open_page("classify.py", run=run.id), 2)
    assert engine.learned == 3


def test_an_engine_that_has_forgotten_reads_it_again(engine, run) -> None:
    engine.forgets = True
    page = show(open_page("classify.py", run=run.id), b"strange")
    assert UNKNOWN in words(page)
    assert (engine.learned, len(engine.asked)) == (4, 2)


def test_why_shows_neighbours_and_says_that_the_engine_is_gone(engine, run, workspace) -> None:
    page = press(upload(open_page("classify.py", run=run.id), 1), "Why this answer?")
    near = [each.alt for each in pictures(page) if each.alt.startswith("Training picture")]
    assert near == [
        f"Training picture {row + 1}: circle, distance {distance}"
        for row, distance in enumerate(("0.12", "0.25", "0.38", "0.50", "0.62"))
    ]
    assert "Try again: it restarts by itself" in words(page)
    delete_dataset(workspace, "shapes")
    press(page, "Why this answer?")
    assert "The data set shapes is not here" in words(page)


def test_the_classes_that_it_knows_are_listed(engine, run) -> None:
    page = open_page("classify.py", run=run.id)
    assert "gray-badge[crescent]" in words(page)


def test_answers_to_several_pictures_are_a_table_too(engine, run) -> None:
    page = show(open_page("classify.py", run=run.id), b"good")
    assert not [each for each in page.expander if each.label == "All answers as a table"]
    page = unfold(show(page, b"good", b"strange", b"bad"), "All answers as a table")
    (table,) = [each.value.astype(object).fillna("") for each in page.dataframe]
    assert table.loc[0].tolist() == ["0.png", "circle", 90.0, "square", 10.0, "yes", 40.0, ""]
    assert table["known"].tolist() == ["yes", "no", ""]
    assert table["error"].tolist() == ["", "", "2.png is not a picture."]


def test_a_test_part_of_fewer_than_eight_is_shown_whole(engine, run, workspace) -> None:
    delete_dataset(workspace, "shapes")
    x, y = np.zeros((10, 32, 32, 3), np.uint8), np.arange(10) % 2
    arrays = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
    save_dataset(workspace, "shapes", "Shapes", "", ["circle", "square"], arrays)
    text = words(press(open_page("classify.py"), "Try sample pictures"))
    assert text.count("]: it is **") == 5
    assert f"{text.count('it is **circle**.')} of 5 right" in text


def test_many_pictures_are_asked_about_in_parts_and_once(engine, run) -> None:
    page = upload(open_page("classify.py", run=run.id), 60)
    assert engine.asked == [(run.id, 24, None), (run.id, 24, None), (run.id, 12, None)]
    assert words(page).count("the 32×32 pixels") == 24
    assert "The first 24 of 60 pictures as cards" in words(page)
    assert len(page.dataframe[0].value) == 60
    press(page, "Try sample pictures")
    assert engine.asked[3:] == [(run.id, 8, "stretch")]
    crop = next(g for g in page.get("button_group") if g.key == "classify-crop")
    crop.set_value("pad").run()
    assert [crop for _, _, crop in engine.asked[4:]] == ["pad"] * 3
    crop.set_value("trained").run()
    assert len(engine.asked) == 7


def test_better_weights_are_asked_anew(engine, workspace) -> None:
    store = Store(workspace)
    training = store.queue_run(
        RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "shapes"}), "now", "tiny")
    )
    store.claim(training.id, ["cpu:0"])
    store.record_started(training.id, 1, 10, 100, 0)
    store.record_epoch(training.id, 1, EpochRow(1, val_accuracy=0.4))
    page = upload(open_page("classify.py", run=training.id), 1)
    store.record_epoch(training.id, 1, EpochRow(2, val_accuracy=0.3))
    page.run()
    assert len(engine.asked) == 1
    store.record_epoch(training.id, 1, EpochRow(3, val_accuracy=0.5))
    page.run()
    assert len(engine.asked) == 2


def test_a_bad_file_is_a_sentence_and_the_others_go_on(engine, run) -> None:
    page = open_page("classify.py", run=run.id)
    page.file_uploader[0].set_value([("a.png", b"good", "image/png"), ("b.png", b"bad", "image/png")]).run()
    assert not page.exception
    assert "b.png is not a picture." in words(page)
    assert "a.png: the 32×32 pixels" in words(page)


def test_a_broken_engine_is_a_sentence(engine, run) -> None:
    engine.broken = True
    page = press(open_page("classify.py"), "Try sample pictures")
    assert "Try again: it restarts by itself" in words(page)


def test_a_link_to_an_unknown_run_is_a_sentence(engine, run) -> None:
    assert "There is no run" in words(open_page("classify.py", run="../../x"))


def test_datasets_shows_what_is_here_and_what_can_be_had(engine) -> None:
    page = open_page("datasets.py")
    text = words(page)
    for title in ("Shapes", "CIFAR-10", "CIFAR-100", "MNIST", "Fashion-MNIST"):
        assert f"**{title}**" in text
    assert "6,000 training, 1,500 validation and 1,500 test pictures" in text
    assert any(button.label == "Download 170 MB" for button in page.button)


def test_what_is_not_here_yet_says_what_its_button_does(engine, workspace) -> None:
    delete_dataset(workspace, "shapes")
    page = open_page("datasets.py")
    assert "Not here yet" in words(page)
    assert next(each for each in page.button if each.label == "Generate").help


def test_a_damaged_data_set_is_shown_with_what_is_wrong_and_can_be_removed(engine, workspace) -> None:
    (workspace.datasets / "shapes" / "x_train.npy").unlink()
    (workspace.datasets / "mine").mkdir()
    page = open_page("datasets.py")
    assert "The data set mine is damaged (dataset.json cannot be read)" in words(page)
    assert "The data set shapes is damaged (x_train.npy: No such file or directory)" in words(page)
    for name in ("mine", "shapes"):
        page.button(key=f"remove-{name}").click().run()
        assert "** from the workspace. Runs that were trained on it keep their curves" in words(page)


def test_a_strangers_class_names_stay_text(engine, workspace) -> None:
    x, y = np.zeros((10, 8, 8, 3), np.uint8), np.arange(10) % 2
    arrays = {"x_train": x, "y_train": y, "x_test": x, "y_test": y}
    name = "![p](http://example.org/x.png)"
    save_dataset(workspace, "mine", "Mine", "", [name, "b"], arrays)
    page = open_page("datasets.py")
    page.selectbox(key="look-inside").set_value("mine").run()
    assert not page.exception
    assert "example.org" not in "".join(each.value for each in (*page.markdown, *page.caption))
    grid = next(
        each.proto
        for each in page.get("bidi_component")
        if each.proto.component_name == "convdeck_pictures.pictures"
    )
    assert (
        json.loads(grid.mixed.json if grid.HasField("mixed") else grid.json)["groups"][0]["name"]
        == f"{name}: 5"
    )
    assert page.dataframe[0].value["Class"][0] == name


def test_a_run_of_a_study_is_not_the_first_to_be_asked(engine, run, workspace) -> None:
    store = Store(workspace)
    study = create(store, spec("seeds"))
    end_all(store, study, lambda role: 0.4, lambda role: 0.1)
    page = open_page("classify.py")
    assert page.query_params["run"] in (run.id, [run.id])
    assert len(page.selectbox[0].options) == 1 + len(store.studies.members(study.id))
