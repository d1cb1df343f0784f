"""What the engine answers when it is asked why: the map of a picture, and the same map with random weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.explanation import METHODS
from core.errors import UserError
from core.system.frames import Arrays, Pixels


def explain_pixels(loaded: Any, pixels: Pixels, document: dict[str, Any]) -> tuple[dict[str, Any], Arrays]:
    """The row and the maps of an `Explanation` of one picture, which has the shape that the network reads.

    `loaded` is a `SavedModel`. Maps are from 0 to 1, each divided by its largest value, and 0 where nothing speaks for
    the class.

    Raises:
        UserError: there is no such method, layer or class.
    """
    from core.training.attribution import Attribution, grad_cam, occlusion
    from core.training.inspection import choose_convolution, spatial_convolutions
    from core.training.randomization import randomized_maps
    from core.training.saved_models import predict

    method, model = document["method_name"], loaded.model
    if method not in METHODS:
        raise UserError(f"There is no method {str(method)[:40]!r}. Choose one of {', '.join(METHODS)}.")
    layer = choose_convolution(model, document["layer"]) if method == "grad-cam" else None
    if method == "occlusion" and document["layer"] is not None:
        raise UserError(
            "Occlusion covers the picture and looks at no layer. Leave the layer out, or use grad-cam."
        )
    (probabilities,) = predict(model, pixels[None])
    place = _class_place(document["class_name"], loaded.class_names, probabilities)

    def attribute(model: Any) -> Attribution:
        pictures, classes = pixels[None], np.array([place])
        return grad_cam(model, pictures, classes, layer) if layer else occlusion(model, pictures, classes)

    found = attribute(model)
    checked = randomized_maps(model, found.maps[0], lambda copy: attribute(copy).maps[0])
    row = {
        "method": method,
        "layer": layer,
        "layers": list(spatial_convolutions(model)),
        "class_name": loaded.class_names[place],
        "probabilities": [float(each) for each in probabilities],
        "class_names": list(loaded.class_names),
        "is_empty": bool(found.is_empty[0]),
        "similarity": checked.similarity,
    }
    return row, {
        "seen": pixels,
        "map": _from_zero_to_one(found.maps[0]),
        "random_map": _from_zero_to_one(checked.typical),
    }


def _class_place(name: str | None, names: tuple[str, ...], probabilities: NDArray[Any]) -> int:
    """Of the class with this name; without one, of the network's answer."""
    if name is None:
        return int(probabilities.argmax())
    if name not in names:
        raise UserError(f"This run has no class “{name[:60]}”. Choose one of {', '.join(names)}.")
    return names.index(name)


def _from_zero_to_one(values: NDArray[np.float32]) -> NDArray[np.float32]:
    largest = values.max()
    return np.asarray(values / largest, np.float32) if largest > 0 else np.zeros_like(values)
