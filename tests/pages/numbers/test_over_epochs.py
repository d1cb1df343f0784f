"""A picture over the epochs: each number from Keras with the weights that were kept; and own pictures, followed."""

import io
import re

import keras
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.errors import UserError
from core.store.store import Store
from pages.components.inspect_run import picture_over_epochs
from pages.components.inspect_run.own_pictures import MOST_PICTURES
from pages.components.inspect_run.picture_over_epochs import OverEpochs
from tests.pages.numbers.conftest import CLASSES, EPOCHS, NUM_VALIDATION, Trained
from tests.pages.numbers.readings import chart_data, typed
from tests.pages.visits import go_to, open_page, press, unfold, words

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_over_epochs, "remembered", OverEpochs())


def spoken(page: AppTest) -> str:
    return typed(words(page)).replace("\\", "")


def over_epochs(home: Trained, run_id: str, picture: np.ndarray) -> np.ndarray:
    """(epochs, classes) by Keras, with the arrays that NumPy finds in the run's folder."""
    model, found = keras.models.clone_model(home.model(run_id)), []
    for epoch in range(1, EPOCHS + 1):
        with np.load(home.workspace.runs / run_id / "epochs" / f"{epoch:06d}.npz") as stored:
            for variable in model.weights:
                variable.assign(stored["/".join(variable.path.split("/")[-2:])].astype(np.float32))
        found.append(model.predict(picture[None], verbose=0)[0])
    return np.stack(found)


def picture_file(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_every_number_of_one_picture_over_the_epochs(home: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    """AppTest has no click for a component: the first picture of the grid counts as picked."""
    monkeypatch.setattr("pages.components.inspect_run.pictures.picture_grid", lambda *_, **__: 0)
    page = open_page("inspect_run.py", run=home.plain)
    row = int(re.search(r"Row ([\d,]+) of the data set", spoken(page))[1])
    label = int(home.array("y_test")[row])
    assert row >= NUM_VALIDATION
    next(each for each in page.toggle if each.label == "Show it over the epochs").set_value(True).run()
    assert not page.exception and not page.error
    expected = over_epochs(home, home.plain, home.array("x_test")[row])
    slider = next(each for each in page.select_slider if each.label == "After epoch")
    assert slider.options == [str(epoch) for epoch in range(1, EPOCHS + 1)] and slider.value == EPOCHS
    for chosen in (2, EPOCHS):
        next(each for each in page.select_slider if each.label == "After epoch").set_value(chosen).run()
        said = re.search(
            rf"After epoch {chosen} it is taken for \*\*(\w+)\*\* \(([\d.]+) %\)"
            r"(?:; \*\*(\w+)\*\*, which it is, has ([\d.]+) %)?\.",
            spoken(page),
        ).groups()
        answer = expected[chosen - 1]
        assert said[0] == CLASSES[answer.argmax()]
        assert abs(float(said[1]) - 100 * answer.max()) < 0.2
        assert (said[2] is None) == (label == answer.argmax())
        if said[2] is not None:
            assert said[2] == CLASSES[label] and abs(float(said[3]) - 100 * answer[label]) < 0.2
        drawn = chart_data(page.get("vega_lite_chart")[-1])
        assert drawn["epoch"].tolist() == list(range(1, EPOCHS + 1))
        assert drawn["epoch"][drawn["chosen"] == 1].tolist() == [chosen]
        np.testing.assert_allclose(drawn["p0"], expected[:, label], atol=2e-3)
        order = [label, *(each for each in np.argsort(-expected.max(axis=0)) if each != label)]
        for place, each in enumerate(order):
            np.testing.assert_allclose(drawn[f"p{place}"], expected[:, each], atol=2e-3)
    next(each for each in page.toggle if each.label == "Show what it looked at").set_value(True).run()
    assert not page.exception and not page.error
    assert "The same with random weights" in spoken(page)
    # A resumed run forgets the epochs that it trains again.
    monkeypatch.setattr(picture_over_epochs, "weights_of", _refuse)
    next(each for each in page.select_slider if each.label == "After epoch").set_value(1).run()
    assert not page.exception and "no weights of epoch 1" in spoken(page)


def _refuse(workspace: object, run: object, epoch: int) -> None:
    raise UserError(f"There are no weights of epoch {epoch}.")


def test_weights_of_any_epoch_are_as_right_as_they_were_measured(home: Trained) -> None:
    page = open_page("inspect_run.py", run=home.plain, split="validation")
    with Store(home.workspace) as store:
        curves, best = store.curves(home.plain), store.get_run(home.plain).best_epoch
    other = next(epoch for epoch in range(1, EPOCHS) if epoch != best)
    field = page.selectbox(key="inspect-epoch")
    saved = [f"Best epoch ({best})", *([f"Last epoch ({EPOCHS})"] if best != EPOCHS else [])]
    others = [f"Epoch {epoch}" for epoch in range(1, EPOCHS + 1) if epoch not in (best, EPOCHS)]
    assert field.options == [*saved, *others]
    field.set_value(str(other)).run()
    assert not page.exception
    assert page.query_params["epoch"] == [str(other)] or page.query_params["epoch"] == str(other)
    shown = next(each.value for each in page.metric if each.label == "Validation accuracy")
    measured = curves["val_accuracy"][other - 1]
    assert abs(float(shown.split()[0]) - 100 * measured) <= 100 * 1.5 / NUM_VALIDATION
    assert f"These are the weights of epoch {other}. No accuracy chose them" in spoken(page)


def test_own_pictures_are_followed_and_stay(home: Trained) -> None:
    picture = home.array("x_test")[3]
    page = unfold(open_page("inspect_run.py", run=home.noisy), "Follow your own pictures")
    files = [("stripes.png", picture_file(picture), "image/png"), ("no.png", b"no", "image/png")]
    page.file_uploader[0].set_value(files).run()
    assert not page.exception and not page.error
    expected = over_epochs(home, home.noisy, picture)
    for _ in range(2):
        name, percent = re.search(
            rf"After epoch {EPOCHS}: \*\*(\w+)\*\* \(([\d.]+) %\)", spoken(page)
        ).groups()
        assert name == CLASSES[expected[-1].argmax()]
        assert abs(float(percent) - 100 * expected[-1].max()) < 0.2
        drawn = chart_data(page.get("vega_lite_chart")[-1])
        order = np.argsort(-expected.max(axis=0), kind="stable")
        np.testing.assert_allclose(drawn["p0"], expected[:, order[0]], atol=2e-3)
        assert "no.png is not a picture" in spoken(page)
        go_to(page, "runs.py")
        go_to(page, "inspect_run.py")
    assert page.file_uploader[0].label == f"Add up to {MOST_PICTURES - 2} pictures"
    press(page, "Remove all")
    assert "stripes.png" not in spoken(page)


def test_no_more_pictures_are_followed_than_can_be_seen(home: Trained) -> None:
    page = unfold(open_page("inspect_run.py", run=home.plain), "Follow your own pictures")
    pictures = home.array("x_test")[: MOST_PICTURES + 2]
    files = [(f"{place}.png", picture_file(each), "image/png") for place, each in enumerate(pictures)]
    page.file_uploader[0].set_value(files).run()
    assert not page.exception and not page.file_uploader
    assert (
        sum(each.key.startswith("inspect-own-remove-") for each in page.button if each.key) == MOST_PICTURES
    )


def test_a_run_that_kept_none_says_so(home: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.components.inspect_run.pictures.picture_grid", lambda *_, **__: 0)
    epochs = home.workspace.runs / home.plain / "epochs"
    aside = epochs.rename(epochs.with_name("epochs-aside"))
    try:
        page = open_page("inspect_run.py", run=home.plain)
        next(each for each in page.toggle if each.label == "Show it over the epochs").set_value(True).run()
        assert not page.exception
        assert "Only the weights of the best and the last epoch of this run were kept." in spoken(page)
    finally:
        aside.rename(epochs)
