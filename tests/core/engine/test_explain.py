"""The real engine about what a run looks at: pixels, maps and similarity as they are calculated outside of it."""

import numpy as np
import pytest
from PIL import Image
from scipy import stats

from core.datasets.catalogue import SHAPES_CLASSES
from core.datasets.storage import load_dataset
from core.engine.explanation import METHODS
from core.errors import UserError
from core.training.attribution import grad_cam, occlusion
from core.training.inspection import spatial_convolutions
from core.training.randomization import COPIES, randomized
from core.training.saved_models import load_run_model, predict
from tests.core.conftest import picture_file


@pytest.fixture(scope="module")
def pixels(trained) -> np.ndarray:
    return np.array(load_dataset(trained.workspace, "shapes").x_test[3])


@pytest.fixture(scope="module")
def model(trained):
    return load_run_model(trained.workspace.run_folder(trained.run_id)).model


@pytest.mark.parametrize("method", METHODS)
def test_it_is_what_the_network_itself_gives(engine, trained, model, pixels, method: str) -> None:
    found = engine.explain_pixels(trained.run_id, pixels, method)
    np.testing.assert_array_equal(found.seen, pixels)
    (probabilities,) = predict(model, pixels[None])
    best = int(probabilities.argmax())
    assert {each.name: each.probability for each in found.top} == pytest.approx(
        dict(zip(SHAPES_CLASSES, probabilities.tolist(), strict=True)), abs=1e-6
    )
    assert (found.class_name, found.best.name) == (SHAPES_CLASSES[best], SHAPES_CLASSES[best])
    assert (found.layer, found.layers) == (
        "conv_2" if method == "grad-cam" else None,
        spatial_convolutions(model),
    )
    attribute = {"grad-cam": grad_cam, "occlusion": occlusion}[method]
    own, *others = (
        attribute(each, pixels[None], np.array([best])).maps[0]
        for each in (model, *(randomized(model, seed) for seed in range(COPIES)))
    )
    np.testing.assert_allclose(found.map, own / own.max(), atol=1e-5)
    assert (found.map.shape, found.map.dtype, found.map.max(), found.is_empty) == (
        (32, 32),
        np.float32,
        1,
        False,
    )
    # One without evidence has nothing in common with it.
    correlations = [
        stats.spearmanr(own.ravel(), each.ravel()).statistic if each.max() > 0 else 0.0 for each in others
    ]
    assert found.similarity == pytest.approx(np.mean(correlations), abs=1e-3)
    assert any(np.allclose(found.random_map, each / (each.max() or 1), atol=1e-5) for each in others)
    assert found.passes == (found.similarity < 0.5)


def test_a_file_is_cut_as_predict_does_it(engine, trained, tmp_path) -> None:
    path = tmp_path / "wide.png"
    wide = np.random.default_rng(0).integers(0, 256, (64, 160, 3)).astype(np.uint8)
    Image.fromarray(wide).save(path)
    for crop in (None, "pad", "stretch"):
        (answer,) = engine.predict(trained.run_id, [("wide.png", path.read_bytes())], crop)
        found = engine.explain(trained.run_id, "wide.png", path.read_bytes(), "occlusion", crop=crop)
        np.testing.assert_array_equal(found.seen, answer.seen)
        assert [each.name for each in found.top] == [each.name for each in answer.top]
        assert found.image == "wide.png" and "wide.png" in found.sentence


def test_layer_and_class_can_be_chosen(engine, trained, model, pixels) -> None:
    found = engine.explain_pixels(trained.run_id, pixels, "grad-cam", "conv_1", "heart")
    expected = grad_cam(model, pixels[None], np.array([SHAPES_CLASSES.index("heart")]), "conv_1").maps[0]
    assert (found.layer, found.class_name) == ("conv_1", "heart")
    largest = expected.max()
    np.testing.assert_allclose(found.map, expected / largest if largest else expected, atol=1e-5)


def test_what_cannot_be_chosen_is_a_sentence_with_the_choices(engine, trained, pixels, tmp_path) -> None:
    def refused(*how: str | None, shown: np.ndarray = pixels) -> str:
        with pytest.raises(UserError) as caught:
            engine.explain_pixels(trained.run_id, shown, *how)
        return str(caught.value)

    assert "Choose one of conv_1, conv_2." in refused("grad-cam", "softmax")
    assert f"Choose one of {', '.join(SHAPES_CLASSES)}." in refused("occlusion", None, "squirrel")
    assert "Choose one of grad-cam, occlusion." in refused("saliency")
    assert "looks at no layer" in refused("occlusion", "conv_1")
    assert "needs pictures of 32×32×3, not 16×16×3" in refused("grad-cam", shown=pixels[::2, ::2])
    with pytest.raises(UserError, match=r"broken\.png is not a picture"):
        engine.explain(trained.run_id, "broken.png", b"no", "grad-cam")
    with pytest.raises(UserError, match="no weights yet"):
        engine.explain("nobody", "red.png", picture_file(tmp_path).read_bytes(), "grad-cam")


def test_notes_of_the_picture_come_first(engine, trained, tmp_path) -> None:
    path = tmp_path / "grey.png"
    Image.fromarray(np.arange(0, 64_000, 10, np.uint16).reshape(80, 80)).save(path)
    found = engine.explain(trained.run_id, "grey.png", path.read_bytes(), "grad-cam")
    assert "16 bits per pixel" in found.notes[0]


def test_a_map_without_evidence_is_named_and_is_no_division_by_zero(engine, trained) -> None:
    """Where a window of the mean colour changes nothing, because the picture has no other."""
    flat = np.full((32, 32, 3), 90, np.uint8)
    found = engine.explain_pixels(trained.run_id, flat, "occlusion")
    assert found.is_empty and not found.map.any() and found.similarity is None and found.passes is None
    assert f"Nothing in this picture speaks for “{found.class_name}”" in found.notes[0]
    assert "nothing in the picture that speaks for it" in found.sentence
