"""Several runs look at the same pictures, at a part of them and at variants, in one request of the real engine."""

import io

import keras
import numpy as np
import pytest
from PIL import Image

from core.config import AugmentationConfig
from core.engine.looking import Asked, File, Look, look, read_original
from core.errors import PictureError
from core.images import Box
from core.training.saved_models import find_run_model, load_run_model, save_run_model

PIXELS = np.random.default_rng(3).integers(0, 256, (32, 32, 3)).astype(np.uint8)
FLIPS = AugmentationConfig(horizontal_flip=True)


def png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="module")
def smaller(trained):
    """A run beside the first one, that reads 16×16 and whose pictures were padded."""
    best = load_run_model(trained.workspace.run_folder(trained.run_id))
    folder = trained.workspace.run_folder("smaller")
    folder.mkdir(exist_ok=True)
    pictures = keras.Input((16, 16, 3))
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1 / 255)(pictures))
    model = keras.Model(pictures, keras.layers.Dense(len(best.class_names), "softmax")(flat))
    save_run_model(folder, "best", model, best.class_names, (16, 16, 3), 1, "pad")
    return "smaller"


def model_of(trained) -> keras.Model:
    path, _ = find_run_model(trained.workspace.run_folder(trained.run_id))
    return keras.models.load_model(path, compile=False)


def test_each_run_says_what_it_says_alone(engine, trained, smaller) -> None:
    wide = np.concatenate([PIXELS, PIXELS[::-1]], axis=1)
    pictures = [("wide.png", png(wide)), ("bad.png", b"hello"), ("own.png", png(PIXELS))]
    asked = [Asked(trained.run_id), Asked(smaller)]
    looks = look(engine, asked, [File(*each) for each in pictures], original_side=48)
    for place, run in enumerate(asked):
        for each, alone in zip(looks, engine.predict(run.run_id, pictures), strict=True):
            own = each.answers[place]
            assert (own.image, own.error, own.notes) == (alone.image, alone.error, alone.notes)
            assert [ranked.name for ranked in own.top] == [ranked.name for ranked in alone.top]
            if alone.ok:
                np.testing.assert_array_equal(own.seen, alone.seen)
    assert looks[0].answers[0].seen.shape != looks[0].answers[1].seen.shape
    assert [Image.open(io.BytesIO(each.original)).size for each in (looks[0], looks[2])] == [
        (48, 24),
        (32, 32),
    ]
    assert looks[1].original == b"" and "not a picture" in looks[1].answers[1].error


def test_a_part_is_what_the_network_sees(engine, trained) -> None:
    picture = np.zeros((64, 128, 3), np.uint8)
    picture[:32, 96:] = PIXELS
    files = [File("x.png", png(picture), Box(0.75, 0, 0.25, 0.5)), File("x.png", png(picture))]
    for crop in (None, "pad", "stretch"):
        part, whole = look(engine, [Asked(trained.run_id)], files, crop)
        np.testing.assert_array_equal(part.answers[0].seen, PIXELS)
        assert (whole.answers[0].seen != PIXELS).any()


def varied(engine, trained, policy: AugmentationConfig, temperature: float | None = None) -> Look:
    (found,) = look(engine, [Asked(trained.run_id, False, temperature, policy)], [File("x.png", png(PIXELS))])
    return found


@pytest.mark.parametrize("temperature", [None, 2.5])
def test_variants_that_are_mirrored_or_not_have_the_mean_and_spread_of_both(
    engine, trained, temperature
) -> None:
    """Of 16 variants, some number is mirrored: mean, deviation, least and most of two values follow from it."""
    found = varied(engine, trained, FLIPS, temperature).variants[0]
    network = keras.Model((model := model_of(trained)).input, model.output)
    plain, mirrored = network.predict(np.stack([PIXELS, PIXELS[:, ::-1]]), verbose=0).astype(np.float64)
    if temperature is not None:
        plain, mirrored = (
            each ** (1 / temperature) / (each ** (1 / temperature)).sum() for each in (plain, mirrored)
        )
    names = load_run_model(trained.workspace.run_folder(trained.run_id)).class_names
    own, other = (dict(zip(names, each, strict=True)) for each in (plain, mirrored))
    top = found.classes[0].name
    share = round(16 * (found.classes[0].mean - own[top]) / (other[top] - own[top]))
    assert 0 < share < 16
    for each in found.classes:
        low, high = sorted((own[each.name], other[each.name]))
        mean = (share * other[each.name] + (16 - share) * own[each.name]) / 16
        deviation = (high - low) * (share * (16 - share)) ** 0.5 / 16
        assert (each.mean, each.deviation) == (
            pytest.approx(mean, abs=1e-5),
            pytest.approx(deviation, abs=1e-5),
        )
        assert (each.least, each.most) == (pytest.approx(low, abs=1e-5), pytest.approx(high, abs=1e-5))
    agree = plain.argmax() == mirrored.argmax()
    assert (found.count, found.kept) == (16, 16 if agree else 16 - share)
    assert [each.mean for each in found.classes] == sorted(
        (each.mean for each in found.classes), reverse=True
    )


def test_the_same_picture_is_varied_in_the_same_way(engine, trained) -> None:
    first, again = (varied(engine, trained, AugmentationConfig()).variants[0] for _ in range(2))
    assert first == again
    assert all(each.deviation > 0 and each.least < each.mean < each.most for each in first.classes)


def test_the_whole_picture_alone(engine) -> None:
    wide = np.zeros((50, 200, 3), np.uint8)
    assert Image.open(io.BytesIO(read_original(engine, "x.png", png(wide), 100))).size == (100, 25)
    with pytest.raises(PictureError, match=r"x\.png is empty"):
        read_original(engine, "x.png", b"", 100)
