"""Augment, first view: policy, pictures, and what a run answers to the variants."""

import numpy as np

from core.config import AugmentationConfig
from core.datasets.saving import save_dataset
from core.datasets.storage import delete_dataset
from pages.components.augment import original
from tests.pages.augment.stand_in import NUM_TRAIN, choose, strength, strengthen, trained_run
from tests.pages.background import answers_late
from tests.pages.visits import change, draft, field, go_to, open_page, press, unfold, words


def test_a_strength_scales_the_design_and_takes_it_back(engine) -> None:
    page = choose(open_page("augment.py"), "Strong")
    strong = draft(page).augmentation
    strengthen(page, 0.5)
    assert draft(page).augmentation.rotation_degrees == strong.rotation_degrees / 2
    assert draft(page).augmentation.horizontal_flip
    assert field(page, "augmentation.rotation_degrees").value == strong.rotation_degrees / 2
    assert "At ×1 they return" in words(page)
    strengthen(page, 0.0)
    assert draft(page).augmentation == AugmentationConfig(horizontal_flip=True, fill_mode="reflect")
    strengthen(page, 1.0)
    assert draft(page).augmentation == strong
    assert "At ×1 they return" not in words(page)


def test_what_stops_at_its_limit_is_named_and_comes_back(engine) -> None:
    page = change(unfold(open_page("augment.py")), "augmentation.zoom_fraction", 0.6)
    strengthen(page, 2.0)
    assert draft(page).augmentation.zoom_fraction == 0.9
    assert "At their limit: zoom" in words(page)
    strengthen(page, 1.0)
    assert draft(page).augmentation.zoom_fraction == 0.6


def test_a_knob_that_is_moved_begins_a_policy_of_its_own(engine) -> None:
    page = strengthen(choose(open_page("augment.py"), "Strong"), 2.0)
    change(page, "augmentation.rotation_degrees", 33.0)
    assert strength(page).value == 1.0
    strengthen(page, 2.0)
    assert draft(page).augmentation.rotation_degrees == 66.0


def test_flips_are_counted_and_marked_and_said(engine, workspace) -> None:
    run = trained_run(workspace, "A *net*")
    page = choose(open_page("augment.py"), "Strong")
    assert set(engine.answered) == {(run.id, (13, 32, 32, 3))}
    # Of the twelve after the original, numbers 2, 5, 8 and 11 are squares.
    assert "“A *net*” says the original is *circle* (90 %). **4 of 12 variants change its answer.**" in words(
        page
    )
    marked = [text.value for text in page.markdown if ":material/swap_horiz:" in text.value]
    assert len(marked) == 4 and all(":red[" in text and "square · 80 %" in text for text in marked)
    alternatives = [image.proto.imgs[0].alt for image in page.get("image")]
    assert sum("The run changes its answer: square, 80 %" in text for text in alternatives) == 4
    assert sum("The run says circle, 90 %" in text for text in alternatives) == 8


def test_a_single_flip_is_said_as_one(engine, workspace, monkeypatch) -> None:
    trained_run(workspace, "one")

    def answer(run_id, pixels):
        return np.eye(2)[(np.arange(len(pixels)) == 4).astype(int)], ("circle", "square")

    monkeypatch.setattr(engine, "answer", answer)
    assert "**1 of 12 variants changes its answer.**" in words(choose(open_page("augment.py"), "Strong"))


def test_the_newest_run_that_fits_is_asked_first_and_another_by_link(engine, workspace) -> None:
    older = trained_run(workspace, "older")
    newer = trained_run(workspace, "newer")
    small = trained_run(workspace, "small", dataset__image_size=16)
    page = choose(open_page("augment.py"), "Strong")
    chooser = page.selectbox(key="augment-run")
    assert chooser.value == newer.id
    assert [option.partition(" (")[0] for option in chooser.options] == ["newer", "older"]
    chooser.set_value(older.id).run()
    assert page.query_params["run"] == older.id
    assert engine.answered[-1][0] == older.id
    assert (
        choose(open_page("augment.py", run=older.id), "Strong").selectbox(key="augment-run").value == older.id
    )
    other = choose(open_page("augment.py", run=small.id), "Strong")
    assert "“small” was trained on different pictures, so “newer” is asked instead." in words(other)


def test_a_design_of_smaller_pictures_is_shown_as_small(engine, workspace) -> None:
    small = trained_run(workspace, "small", dataset__image_size=16)
    trained_run(workspace, "large")
    choose(open_page("augment.py", **{"from": small.id}), "Strong")
    assert engine.answered == [(small.id, (13, 16, 16, 3))]


def test_without_a_run_that_fits_it_says_so(engine, workspace) -> None:
    trained_run(workspace, "small", dataset__image_size=16)
    page = choose(open_page("augment.py"), "Strong")
    assert "No run has been trained on Shapes at 32×32 pixels yet" in words(page)
    assert engine.answered == []
    assert "There is no run “../../x” here." in words(open_page("augment.py", run="../../x"))


def test_a_picture_is_chosen_by_its_thumbnail(engine, workspace, monkeypatch) -> None:
    x = np.zeros((NUM_TRAIN, 32, 32, 3), np.uint8)
    x[:] = np.arange(NUM_TRAIN)[:, None, None, None] % 251
    labels = np.repeat(np.arange(3), [4, 1000, NUM_TRAIN - 1004])
    arrays = {"x_train": x, "y_train": labels, "x_test": x[:100], "y_test": labels[:100]}
    delete_dataset(workspace, "shapes")
    save_dataset(workspace, "shapes", "Shapes", "", ["cat", "dog", "emu"], arrays)
    shown, clicks = [], []

    def picture_grid(sheet, size, columns, groups, key, **how):
        shown.append((groups[0][1], how["chosen"]))
        return clicks.pop() if clicks else None

    monkeypatch.setattr(original, "picture_grid", picture_grid)
    page = open_page("augment.py")
    assert shown[-1] == (["cat", "dog", "emu"] * 4, 0)
    clicks.append(4)  # the second dog
    page.run()
    assert shown[-1][1] == 4
    assert page.get("image")[0].proto.imgs[0].alt == "dog, the original"
    assert engine.previewed[-1] == (12, 5 % 251)
    press(page, "Other pictures")
    # The four cats have been shown.
    assert shown[-1] == (["dog", "emu"] * 6, -1)
    go_to(page, "design.py")
    assert "dog, the original" in go_to(page, "augment.py").get("image")[0].proto.imgs[0].alt


def test_an_own_picture_is_decoded_in_the_background_and_stays(engine, monkeypatch) -> None:
    later = answers_late(monkeypatch)
    page = open_page("augment.py")
    later.answer_all()
    next(iter(page.file_uploader)).set_value(("mine", b"good", "")).run()
    assert "Reading the picture…" in words(page)
    later.answer_all()
    page.run()
    later.answer_all()
    page.run()
    assert "your picture, the original" in page.get("image")[0].proto.imgs[0].alt
    go_to(page, "design.py")
    page = go_to(page, "augment.py")
    assert "your picture, the original" in page.get("image")[0].proto.imgs[0].alt
    press(page, "Remove it")
    assert "your picture" not in page.get("image")[0].proto.imgs[0].alt
    next(iter(page.file_uploader)).set_value(("mine.heic", b"bad", "")).run()
    later.answer_all()
    page.run()
    assert "mine.heic is not a picture" in words(page)
