"""The real engine: previews are what trains, damaged models are refused."""

import io

import numpy as np
import pytest
from PIL import Image

from core.config import AugmentationConfig
from core.engine.exporting import export_model
from core.errors import UserError
from core.inspection.temperature import calibrated
from core.training.augmentation import apply
from core.training.draws import draw
from core.training.saved_models import load_run_model, save_run_model
from tests.core.conftest import picture_file


def test_a_preview_is_what_training_would_show(engine) -> None:
    config = AugmentationConfig(rotation_degrees=20.0, horizontal_flip=True, brightness=0.2, mixup_alpha=0.4)
    pixels = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3)).astype(np.uint8)
    varied, captions = engine.preview(config, pixels, seed=4)
    draws = draw(config, 12, (32, 32, 3), (4,))
    expected, _ = apply(pixels, np.zeros((12, 1), np.float32), draws)
    np.testing.assert_array_equal(varied, np.asarray(expected))
    assert captions == [draws.describe(index) for index in range(12)]


def test_pictures_are_shown_as_the_network_sees_them(engine, trained, tmp_path) -> None:
    data = picture_file(tmp_path).read_bytes()
    red, broken = engine.predict(trained.run_id, [("red.png", data), ("broken.png", data[:50])])
    assert red.ok and red.seen.shape == (32, 32, 3)
    assert (red.seen == (255, 0, 0)).all()
    assert not broken.ok and broken.seen is None and "broken.png" in broken.error
    (decoded,) = engine.decode([("red.png", data)], (28, 28, 1))
    assert decoded.seen.shape == (28, 28, 1)


def test_without_a_crop_pictures_are_cut_as_in_training(engine, trained) -> None:
    """A run whose data was padded: red between what is filled up, not the red middle alone."""
    folder = trained.workspace.run_folder("padded")
    folder.mkdir()
    best = load_run_model(trained.workspace.run_folder(trained.run_id))
    save_run_model(folder, "best", best.model, best.class_names, best.image_shape, 1, "pad")
    wide = np.zeros((20, 40, 3), np.uint8)
    wide[:, 7:33, 0] = 255  # more than the middle, which is 20 wide
    picture = [("wide.png", encoded(wide))]
    (own,), (padded,), (middle,) = (
        engine.predict("padded", picture, crop) for crop in (None, "pad", "center")
    )
    np.testing.assert_array_equal(own.seen, padded.seen)
    assert (middle.seen == (255, 0, 0)).all() and not (own.seen == (255, 0, 0)).all()
    assert own.top == padded.top


def encoded(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def files_of(folder) -> list:
    """A picture of each kind that people have, as a file."""
    generator = np.random.default_rng(0)

    def photo(width: int, height: int) -> Image.Image:
        small = generator.integers(0, 256, (height // 20 + 1, width // 20 + 1, 3)).astype(np.uint8)
        return Image.fromarray(small).resize((width, height))

    made = {
        "wide.png": photo(1200, 600), "small.png": photo(20, 25), "grey.png": photo(70, 63).convert("L"),
        "large.jpg": photo(2600, 1800), "turned.jpg": photo(200, 100), "print.jpg": photo(90, 90).convert("CMYK"),
        "palette.gif": photo(64, 64).quantize(16), "some.webp": photo(300, 200), "scan.tif": photo(50, 70),
        "deep.png": Image.fromarray(generator.integers(0, 65_536, (60, 60)).astype(np.uint16)),
    }  # fmt: skip
    see_through = photo(80, 80)
    see_through.putalpha(photo(80, 80).convert("L"))
    made["see through.png"] = see_through
    turned = Image.Exif()
    turned[0x0112] = 6  # orientation: lies on its right side
    for name, image in made.items():
        image.save(folder / name, **({"exif": turned} if name == "turned.jpg" else {}))
    made["hole.png"] = photo(64, 64).quantize(16)
    made["hole.png"].save(folder / "hole.png", transparency=3)
    made["deep hole.png"] = Image.fromarray(
        np.repeat(np.array([[20_000, 60_000]], np.uint16), 30, 0).repeat(15, 1)
    )
    made["deep hole.png"].save(folder / "deep hole.png", transparency=20_000)
    return [folder / name for name in made]


@pytest.mark.parametrize("temperature", [None, 1.7])
def test_the_program_of_an_export_answers_as_the_app_does(
    engine, trained, tmp_path, monkeypatch, temperature: float | None
) -> None:
    """With Keras, NumPy and Pillow alone, on the file alone."""
    made = export_model(engine, trained.run_id, "keras", tmp_path / "mine.keras", None, temperature)
    (tmp_path / "mine.keras.json").unlink()
    paths = files_of(tmp_path)
    answers = engine.predict(trained.run_id, [(path.name, path.read_bytes()) for path in paths])
    if temperature is not None:
        answers = [calibrated(answer, temperature) for answer in answers]
    monkeypatch.chdir(tmp_path)
    assert "core" not in made.python
    opening, per_picture = made.python.split('image = Image.open("picture.jpg")')
    found: dict = {}
    exec(opening, found)
    for path, answer in zip(paths, answers, strict=True):
        with Image.open(path) as found["image"]:
            exec(per_picture, found)
        expected = {each.name: each.probability for each in answer.top}
        told = dict(zip(found["class_names"], found["probabilities"].tolist(), strict=True))
        assert told == pytest.approx(expected, abs=1e-6), path.name


def test_a_run_without_weights_is_a_sentence(engine) -> None:
    with pytest.raises(UserError, match="no weights yet"):
        engine.predict("nobody", [("x.png", b"x")])


def test_damaged_weights_are_refused(engine, trained, tmp_path) -> None:
    folder = trained.workspace.run_folder(trained.run_id)
    copy = trained.workspace.run_folder("damaged")
    copy.mkdir()
    for path in folder.glob("best*"):
        (copy / path.name).write_bytes(path.read_bytes())
    for model in copy.glob("best-*.keras"):
        data = bytearray(model.read_bytes())
        data[len(data) // 2] ^= 1
        model.write_bytes(data)
    with pytest.raises(UserError, match="damaged"):
        engine.predict("damaged", [("x.png", picture_file(tmp_path).read_bytes())])
