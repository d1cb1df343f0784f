"""What networks answer on Classify, Home and Augment, held against Keras's own answers with the saved weights."""

import io
import re
from concurrent.futures import Future

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.engine.client import Engine
from pages.components.kit import cache
from tests.pages.numbers.conftest import CLASSES, NUM_TRAIN, Trained
from tests.pages.numbers.distorted import about_the_middle, rotated, shifted
from tests.pages.numbers.readings import epochs_of
from tests.pages.visits import change, open_page, press, unfold, words

pytestmark = pytest.mark.usefixtures("engine")

BAR = re.compile(r"(\w+) ([\d.]+) %")


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def bars(page: AppTest) -> list[tuple[str, str]]:
    """(class, percent) of each bar; what is written on it is how long it is."""
    found = []
    for bar in page.get("progress"):
        name, percent = BAR.fullmatch(bar.proto.text.replace("\\", "").replace("\xa0", " ")).groups()
        assert abs(bar.proto.value - float(percent)) <= 1
        found.append((name, percent))
    return found


def likeliest(probabilities: np.ndarray, most: int) -> list[tuple[str, str]]:
    order = np.argsort(-probabilities)[:most]
    return [(CLASSES[place], f"{100 * probabilities[place]:.1f}") for place in order]


def same(shown: list[tuple[str, str]], expected: list[tuple[str, str]]) -> bool:
    """Up to a tenth of a point: the engine answers pictures in other portions, which rounds differently."""
    return all(
        abs(float(a) - float(b)) < 0.11 and (one == other or a == b)
        for (one, a), (other, b) in zip(shown, expected, strict=True)
    )


def best_accuracy(home: Trained, run_id: str) -> str:
    return f"{100 * max(row['val_accuracy'] for row in epochs_of(home.workspace, run_id)):.1f} %"


def test_every_number_beside_own_pictures(home: Trained) -> None:
    pictures, _ = home.test
    page = open_page("classify.py", run=home.noisy)
    page.file_uploader[0].set_value([(f"{i}.png", png(pictures[i]), "image/png") for i in range(5)]).run()
    assert not page.exception and not page.error
    assert f"right on {best_accuracy(home, home.noisy)} of its validation pictures" in words(page)
    assert words(page).count("the 32×32 pixels that the network sees") == 5
    probabilities = home.model(home.noisy).predict(pictures[:5], verbose=0)
    expected = [bar for each in probabilities for bar in likeliest(each, 4)]
    assert same(bars(page), expected), (bars(page), expected)
    for option in page.selectbox[0].options:
        name = option.partition(" ")[0]
        run_id = {"plain": home.plain, "noisy": home.noisy}[name]
        assert option == f"{name} (stripes, {best_accuracy(home, run_id)})"


def test_of_too_many_pictures_the_first_are_counted(home: Trained) -> None:
    picture = png(home.test[0][0])
    page = open_page("classify.py", run=home.plain)
    page.file_uploader[0].set_value([(f"{i}.png", picture, "image/png") for i in range(101)]).run()
    assert not page.exception and not page.error
    assert "The first 24 of 101 pictures as cards" in words(page)
    assert words(page).count("the 32×32 pixels that the network sees") == 24
    assert len(page.dataframe[0].value) == 101


def test_every_number_beside_the_samples(home: Trained) -> None:
    pictures, labels = home.test
    probabilities = home.model(home.plain).predict(pictures, verbose=0)
    known = [likeliest(each, 4) for each in probabilities]
    page = press(open_page("classify.py", run=home.plain), "Try sample pictures")
    shown = bars(page)
    truths = re.findall(r"(Right|Wrong)\]: it is \*\*(\w+)\*\*\.", words(page))
    assert len(truths) == 8 and len(shown) == 32
    right = 0
    for number, (verdict, truth) in enumerate(truths):
        # Which of the test pictures it is, is told by its four probabilities and its class.
        own = shown[4 * number : 4 * number + 4]
        found = [i for i, each in enumerate(known) if same(own, each) and CLASSES[labels[i]] == truth]
        assert found, (own, truth)
        correct = probabilities[found[0]].argmax() == labels[found[0]]
        assert (verdict == "Right") == correct
        right += correct
    assert f"never trained on: {right} of 8 right." in words(page)


class AtOnce:
    """Answers before anybody can look elsewhere."""

    def submit(self, ask):
        done = Future()
        done.set_result(ask())
        return done


def test_every_number_of_the_photo_on_home(home: Trained, monkeypatch) -> None:
    monkeypatch.setattr(cache, "_threads", AtOnce)
    pictures, _ = home.test
    page = open_page("home.py", story=f"{home.plain},{home.noisy}")
    page.file_uploader(key="story-photo").set_value([("mine.png", png(pictures[7]), "image/png")]).run()
    assert not page.exception
    expected = [
        bar
        for run_id in (home.plain, home.noisy)
        for bar in likeliest(home.model(run_id).predict(pictures[7:8], verbose=0)[0], 3)
    ]
    assert same(bars(page), expected), (bars(page), expected)
    assert "These 32×32 pixels are all that the networks see." in words(page)
    for run_id in (home.plain, home.noisy):
        assert f"Right on {best_accuracy(home, run_id)} of its validation pictures" in words(page)


def test_every_number_of_the_sample_on_home(home: Trained, monkeypatch) -> None:
    monkeypatch.setattr(cache, "_threads", AtOnce)
    pictures, labels = home.test
    page = open_page("home.py")
    shown = bars(page)
    newest = home.noisy
    probabilities = home.model(newest).predict(pictures, verbose=0)
    (truth,) = re.findall(r"it is \*\*(\w+)\*\*\.", words(page))
    found = [
        i for i, each in enumerate(probabilities)
        if CLASSES[labels[i]] == truth and same(shown, likeliest(each, 3))
    ]  # fmt: skip
    assert found
    assert ("Right]" in words(page)) == (probabilities[found[0]].argmax() == labels[found[0]])


@pytest.mark.parametrize("run", ["plain", "noisy"])
def test_every_number_beside_the_variants(home: Trained, monkeypatch, run: str) -> None:
    """The engine is only listened to: the variants that it drew, and that Keras is then asked about."""
    drawn = listened(monkeypatch)
    page = change(
        unfold(open_page("augment.py", run=getattr(home, run))), "augmentation.rotation_degrees", 120.0
    )
    change(page, "augmentation.brightness", 0.1 if run == "plain" else 0.2)  # drawn anew
    original = home.array("x_train")[0]
    model = home.model(getattr(home, run))
    probabilities = model.predict(np.stack([original, *drawn[-1]]), verbose=0)
    answers = probabilities.argmax(axis=1)
    flips = int((answers[1:] != answers[0]).sum())
    text = words(page)
    verb = "changes" if flips == 1 else "change"
    said = f"**{flips} of 12 variants {verb} its answer.**" if flips else "**No variant changes its answer.**"
    sure = 100 * probabilities[0].max()
    assert f"says the original is *{CLASSES[answers[0]]}* ({sure:.0f} %). {said}" in text
    shown = re.findall(rf"({'|'.join(CLASSES)}) · (\d+) %", text)
    expected = [CLASSES[answer] for answer in answers[1:]]
    assert [name for name, _ in shown] == expected
    (options,) = (box.options for box in page.selectbox if box.label == "Run to ask")
    assert set(options) == {
        f"{name} (stripes, {best_accuracy(home, run_id)})"
        for name, run_id in (("plain", home.plain), ("noisy", home.noisy))
    }
    percents = 100 * probabilities[1:].max(axis=1)
    assert all(abs(int(said) - percent) < 0.51 for (_, said), percent in zip(shown, percents, strict=True))


def test_every_number_of_a_batch(home: Trained) -> None:
    page = open_page("augment.py", view="batch", run=home.noisy)
    steps = -(-NUM_TRAIN // 16)
    assert f"Epoch 1 of 6, step 1 of {steps}: 16 pictures" in words(page)
    assert "With seed 0, this epoch and step give exactly" in words(page)
    page.number_input(key=f"batch-step-{steps}").set_value(steps).run()
    # What is left over for the last one.
    assert f"step {steps} of {steps}: {NUM_TRAIN - 16 * (steps - 1)} pictures" in words(page)


def listened(monkeypatch) -> list[np.ndarray]:
    """The variants that the engine draws from now on, a batch each time."""
    drawn: list[np.ndarray] = []
    preview = Engine.preview

    def listen(self, *asked):
        pixels, captions = preview(self, *asked)
        drawn.append(np.stack(pixels))
        return pixels, captions

    monkeypatch.setattr(Engine, "preview", listen)
    return drawn


def zoomed(picture: np.ndarray, factor: float) -> np.ndarray:
    return about_the_middle(np.eye(2) / factor, picture)


@pytest.mark.parametrize(
    ("knob", "reach", "words_of", "step", "done"),
    [
        ("rotation_degrees", 90.0, r"rotated ([+\N{MINUS SIGN}]\d+)°", 1.0, rotated),
        ("zoom_fraction", 0.4, r"zoom ×([\d.]+)", 0.01, zoomed),
        (
            "width_shift_fraction", 0.14, r"([\d.]+) px (left|right)", 0.1,
            lambda picture, right: shifted(picture, 0, right),
        ),
        (
            "brightness", 0.2, r"brightness ([+\N{MINUS SIGN}]\d+) %", 1.0,
            lambda picture, percent: picture + 2.55 * percent,
        ),
    ],
)  # fmt: skip
def test_what_is_written_below_a_variant_was_done_to_it(
    home: Trained, monkeypatch, knob: str, reach: float, words_of: str, step: float, done
) -> None:
    """SciPy does the same by the number that is written there, and by ones beside it: none of these comes nearer."""
    drawn = listened(monkeypatch)
    page = unfold(open_page("augment.py", run=home.plain, **{"from": home.plain}))
    change(page, f"augmentation.{knob}", reach)
    original = home.array("x_train")[0]
    captions = [text.value for text in page.markdown if ":small[:gray[" in text.value]
    assert len(captions) == 12
    tried = 0
    for caption, variant in zip(captions, drawn[-1], strict=True):
        found = re.search(words_of, caption.replace("\\", ""))
        if found is None:
            assert "unchanged" in caption
            continue
        value = float(found[1].replace("\N{MINUS SIGN}", "-"))
        if found.re.groups > 1 and found[2] == "left":
            value = -value
        beside = {number: done(original, value + number * step).clip(0, 255) for number in range(-6, 7)}
        distances = {number: np.abs(made - variant).mean() for number, made in beside.items()}
        assert abs(min(distances, key=distances.__getitem__)) <= 1, (caption, distances)
        tried += 1
    assert tried >= 9


def test_the_warning_of_large_shifts_says_how_far(home: Trained) -> None:
    page = change(open_page("augment.py", run=home.plain), "augmentation.width_shift_fraction", 0.28)
    assert "Shifts of 28 % move the object by up to 9 of 32 pixels" in words(page)  # 0.28 · 32 = 8.96


def test_a_mixed_label_has_the_shares_of_its_pictures(home: Trained) -> None:
    page = unfold(open_page("augment.py", view="batch", **{"from": home.plain}))
    change(page, "augmentation.mixup_alpha", 1.0)
    mixed = 0
    for text in page.markdown:
        weight = re.search(r"(\d+) % of another picture", text.value)
        label = re.search(rf"\*\*(\d+) % (?:{'|'.join(CLASSES)}), (\d+) % ", text.value)
        if weight and label:
            # Which of both is named first goes by the larger share.
            shares = {int(label[1]), int(label[2])}
            assert any(abs(int(weight[1]) - share) <= 1 for share in shares)
            assert abs(sum(map(int, label.groups())) - 100) <= 1
            mixed += 1
    assert mixed >= 4
