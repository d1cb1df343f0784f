"""What is inside a run's network, as the command line and REST give it: layers, and what they give for a picture."""

from typing import Any

import numpy as np

from core.datasets.identity import check_same_data
from core.datasets.splits import as_read
from core.datasets.storage import load_dataset
from core.design.layer_summary import LayerSummary
from core.engine.calculation import calculation_of
from core.engine.client import Engine
from core.engine.layers import DeadUnits, Layers, Numbers, feature_maps, find_dead_units, finite, list_layers
from core.engine.map_sheet import render_sheet
from core.errors import UserError
from core.inspection.answers import Advance, weights_of
from core.store.records import Run
from core.system.frames import Pixels
from core.workspace import Workspace

MOST_DIGITS = 9


def layer_named(layers: Layers, name: str) -> LayerSummary:
    """The layer of that name. Raises UserError with those that there are."""
    try:
        return layers.named(name)
    except KeyError:
        names = ", ".join(each.name for each in layers.layers)
        raise UserError(f"This network has no layer “{name[:60]}”. Choose one of {names}.") from None


def stored_picture(workspace: Workspace, run: Run, row: int) -> Pixels:
    """The picture in a `row` of the stored test arrays, of the shape that the run's network reads.

    Raises:
        UserError: there is no such row.
        DatasetError: the data set that the run was trained on is not here any more.
    """
    check_same_data(workspace, run)
    pictures = load_dataset(workspace, run.dataset).x_test
    if not 0 <= row < len(pictures):
        raise UserError(
            f"There is no picture {row:,}: the data set's test arrays have rows 0 to {len(pictures) - 1:,}."
        )
    pixels = np.asarray(pictures[row])
    return as_read(pixels, run.config.dataset.picture_shape(pixels.shape))


def network_document(
    workspace: Workspace, engine: Engine, run: Run, epoch: str, advance: Advance | None = None
) -> tuple[dict[str, Any], DeadUnits]:
    """All layers of a run's weights, and which units are dead.

    Raises:
        UserError: there are no such weights.
        DatasetError: the data set that the run was trained on is not here any more.
        EngineError: the engine crashed or overran its deadline.
    """
    which = weights_of(workspace, run, epoch).which
    check_same_data(workspace, run)
    layers = list_layers(engine, run.id, which)
    dead = find_dead_units(engine, run.id, which, run.config.dataset, advance)
    listed = [each.to_json() for each in layers.layers]
    return {"run": run.id, "epoch": layers.epoch, "layers": listed, "dead_units": dead.to_json()}, dead


def picture_document(
    workspace: Workspace, engine: Engine, run: Run, epoch: str, pixels: Pixels, layer: str | None, at: str | None
) -> tuple[dict[str, Any], bytes | None]:  # fmt: skip
    """What all layers, or one `layer`, give for a picture, in figures, and of one layer all its maps as a PNG file.

    `at` says of which number of the layer to tell how it comes about: `row,column,channel`, or `unit`. Raises as
    `network_document` does, also UserError where there is no such layer or place.
    """
    which = weights_of(workspace, run, epoch).which
    layers = list_layers(engine, run.id, which)
    document: dict[str, Any] = {"run": run.id, "epoch": layers.epoch}
    if layer is None:
        if at is not None:
            raise UserError("Name the layer of the number, too.")
        documents = (
            channels_document(each, feature_maps(engine, run.id, which, pixels, each.name))
            for each in layers.layers
        )
        return {**document, "layers": list(documents)}, None
    found = layer_named(layers, layer)
    maps = feature_maps(engine, run.id, which, pixels, layer)
    document |= channels_document(found, maps)
    if at is not None:
        made = calculation_of(engine, run.id, which, pixels, found, place_of(at))
        document["calculation"] = made.to_json()
    return document, render_sheet(maps, f"Epoch {layers.epoch}, {found.in_words}")


def place_of(text: str) -> tuple[int, ...]:
    """`3,5,17` → (3, 5, 17). Raises UserError where it is no place."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) <= MOST_DIGITS for part in parts):
        raise UserError(
            f"A place is row,column,channel, such as 3,5,17, or a unit, such as 17, counted from 0; not {text[:40]!r}."
        )
    return tuple(int(part) for part in parts)


def channels_document(layer: LayerSummary, maps: Numbers) -> dict[str, Any]:
    """What a layer gives for a picture, (rows, columns, channels) or (units,), in figures.

    `silent` is how many channels are 0 everywhere. What is not a number is None.
    """
    flat = maps.reshape(-1, maps.shape[-1])
    channels = [
        {"channel": place, "mean": finite(own.mean(dtype=np.float64)), "max": finite(own.max())}
        for place, own in enumerate(flat.T)
    ]
    return {
        "layer": layer.name, "kind": layer.kind, "output_shape": list(layer.output_shape),
        "silent": int((flat == 0).all(axis=0).sum()), "channels": channels,
    }  # fmt: skip
