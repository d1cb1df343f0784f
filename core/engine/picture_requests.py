"""Requests on pictures: files are decoded in a process of their own, then a run says what they are, and why."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.engine.decoder import (
    HURRIED_SECONDS,
    LOST_SECONDS,
    PICTURE_SECONDS,
    Decoder,
    PictureTooSlow,
    Viewed,
    Views,
)
from core.engine.explaining import explain_pixels
from core.engine.familiarity import Familiarity
from core.engine.known_requests import KnownRequests
from core.engine.loader import Loader, check_shape
from core.engine.portions import SECONDS
from core.errors import PictureError, UserError
from core.system.frames import Arrays, Pixels


class PictureRequests:
    """What runs say of pictures."""

    def __init__(self, loader: Loader, decoder: Decoder, known: KnownRequests) -> None:
        self._loader = loader
        self._decoder = decoder
        self._known = known

    def predict(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        which = document["which"]
        loaded = self._loader.model(document["run_id"], which)
        asked = {**document, "crop": document["crop"] or loaded.crop}
        rows, seen = decode_all(self._decoder, asked, arrays, loaded.image_shape)
        known = self._known.of(document["run_id"], loaded) if document["with_known"] else None
        fill_in(rows, seen, loaded, known)
        return {"rows": rows}, seen

    def decode(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        rows, seen = decode_all(self._decoder, document, arrays, tuple(document["image_shape"]))
        return {"rows": rows}, seen

    def answer(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        from core.training.saved_models import predict

        loaded, pixels = self._loader.model(document["run_id"]), arrays["pixels"]
        check_shape(pixels.shape[1:], loaded.image_shape)
        return {"class_names": list(loaded.class_names)}, {"probabilities": predict(loaded.model, pixels)}

    def answer_over_epochs(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Probabilities of `pixels` by each of `whiches`: of as many as there is time for, at least of one.

        The digest of one that is damaged, or not there any more, is None, and all its probabilities are 0.
        """
        from core.training.saved_models import predict

        run_id, pixels, ends = document["run_id"], arrays["pixels"], time.monotonic() + SECONDS
        names = self._loader.model(run_id).class_names
        answers: list[NDArray[np.float32]] = []
        digests: list[str | None] = []
        for which in document["whiches"]:
            try:
                loaded = self._loader.model(run_id, which)
            except UserError:
                answers.append(np.zeros((len(pixels), len(names)), np.float32))
                digests.append(None)
                continue
            check_shape(pixels.shape[1:], loaded.image_shape)
            answers.append(predict(loaded.model, pixels))
            digests.append(loaded.sha256)
            if time.monotonic() > ends:
                break
        return {"digests": digests, "class_names": list(names)}, {"probabilities": np.stack(answers)}

    def explain(self, document: dict[str, Any], arrays: Arrays) -> tuple[dict[str, Any], Arrays]:
        """Of `pixels`, or of the file "0", which is decoded first."""
        loaded, notes = self._loader.model(document["run_id"], document["which"]), []
        pixels = arrays.get("pixels")
        if pixels is None:
            asked = {**document, "crop": document["crop"] or loaded.crop}
            (row,), seen = decode_all(self._decoder, asked, arrays, loaded.image_shape)
            if row["error"]:
                raise UserError(row["error"])
            pixels, notes = seen["0"], row["notes"]
        check_shape(pixels.shape, loaded.image_shape)
        answer, maps = explain_pixels(loaded, pixels, document)
        return {**answer, "notes": notes}, maps


def fill_in(
    rows: list[dict[str, Any]],
    seen: Arrays,
    loaded: Any,
    known: Familiarity | None,
    others: Pixels | None = None,
) -> NDArray[np.float32]:
    """Write into the rows what a `SavedModel` says of the pixels `seen`, which are named by the place of their row.

    Returns the probabilities of `others` (count, height, width, channels), which pass through the network with them.
    """
    from core.training.saved_models import predict

    places = [int(key) for key in seen]
    if not places:
        return np.zeros((0, len(loaded.class_names)), np.float32)
    pictures = np.stack([seen[str(place)] for place in places])
    if others is not None:
        pictures = np.concatenate([pictures, others])
    if known is None:
        probabilities = predict(loaded.model, pictures)
    else:
        features, probabilities = loaded.scorer.answer(pictures)
        found = known.describe(features[: len(places)], loaded.class_names)
        for place, each in zip(places, found, strict=True):
            rows[place]["knowledge"] = each
    for place, values in zip(places, probabilities, strict=False):
        rows[place]["top"] = ranked(values, loaded.class_names)
    return probabilities[len(places) :]


def decode_all(
    decoder: Decoder, document: dict[str, Any], arrays: Arrays, image_shape: tuple[int, ...]
) -> tuple[list[dict[str, Any]], Arrays]:
    """A row for each named picture, and the pixels of those that could be read, by place."""
    names: list[str] = document["names"]
    views = Views(((image_shape, document["crop"]),))
    rows, viewed = view_all(decoder, names, arrays, [views] * len(names))
    return rows, {str(place): each.pixels[0] for place, each in viewed.items()}


def view_all(
    decoder: Decoder, names: Sequence[str], arrays: Arrays, views: Sequence[Views]
) -> tuple[list[dict[str, Any]], dict[int, Viewed]]:
    """A row for each named picture, and the views of those that could be read, by place."""
    rows: list[dict[str, Any]] = []
    viewed: dict[int, Viewed] = {}
    lost = 0.0
    for place, (name, wanted) in enumerate(zip(names, views, strict=True)):
        row: dict[str, Any] = {"image": name, "error": None, "top": [], "notes": []}
        seconds = PICTURE_SECONDS if lost < LOST_SECONDS else HURRIED_SECONDS
        try:
            viewed[place] = decoder.view(name, arrays[str(place)].tobytes(), wanted, seconds)
            row["notes"] = list(viewed[place].notes)
        except PictureTooSlow as error:
            row["error"] = str(error)
            lost += seconds
        except PictureError as error:
            row["error"] = str(error)
        rows.append(row)
    return rows, viewed


def ranked(probabilities: NDArray[Any], class_names: tuple[str, ...]) -> list[tuple[str, float]]:
    """Every class with its probability, most probable first."""
    order = np.argsort(-probabilities, kind="stable")
    return [(class_names[place], float(probabilities[place])) for place in order]
