"""A network that starts from what another run has learned: its weights, layer by layer, where they fit."""

from pathlib import Path

import keras

from core.design.starting_weights import plan_start, start_in_words
from core.errors import TrainingError, UserError
from core.training.inspection import network_of
from core.training.layers import summarise_layers
from core.training.saved_models import load_run_model


def take_starting_weights(
    model: keras.Model, folder: Path, run_id: str, class_names: tuple[str, ...], frozen_blocks: int
) -> str:
    """Give `model` the weights that it can take of the best model in `folder`, that of the run `run_id`.

    `class_names` are those of the new data. Returns what was taken and what not, in sentences.

    Raises:
        TrainingError: there is no such model, it is damaged, or none of its layers fits.
    """
    next_step = "Start this design again from another run, or from random weights."
    try:
        saved = load_run_model(folder)
    except UserError as error:
        raise TrainingError(
            f"The weights of the run {run_id}, from which this run starts, are gone or damaged.", next_step
        ) from error
    source = network_of(saved.model)
    plan = plan_start(summarise_layers(model), summarise_layers(source))
    if not any(each.taken for each in plan):
        raise TrainingError(f"No layer of the run {run_id} fits this network.", next_step)
    for each in plan:
        if each.taken:
            model.get_layer(each.name).set_weights(source.get_layer(each.name).get_weights())
    same = " Its classes are the same." if saved.class_names == class_names else ""
    return f"Starts from the weights of {run_id}, epoch {saved.epoch}. {start_in_words(plan, frozen_blocks)}{same}"
