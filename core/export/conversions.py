"""ONNX, LiteRT and SavedModel: written by Keras, and what it leaves undone.

That is a named batch axis, what the file says of itself, 8 bits measured on real pictures, and networks that train in
half precision or use GELU. Used in the engine's process alone, or in one of its own beside it.
"""

import json
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.export.programs import EXTRA_FOLDER, RECIPE_FILE, RECIPE_KEY
from core.export.recipe import Source

Pictures = NDArray[np.uint8]
BATCH, INPUT, OUTPUT = "batch", "input", "probabilities"
MEASURED_PICTURES = 200  # for 8 bits: more change the ranges of activations little
LABELS = "labels.txt"  # as TensorFlow's own tools call it


def write_onnx(source: Source, target: Path, recipe: dict[str, Any]) -> None:
    """Write an ONNX file with the input `input` (batch, height, width, channels) and the output `probabilities`."""
    import keras
    import onnx

    _translate_erfc()
    takes = keras.InputSpec(shape=(None, *source.image_shape), dtype="uint8", name=INPUT)
    with warnings.catch_warnings():
        # Keras asks whether NumPy still has `np.object` before it gives tf2onnx that name back.
        warnings.simplefilter("ignore", FutureWarning)
        in_float32(source.model).export(target, format="onnx", verbose=False, input_signature=[takes])
    model = onnx.load(target)
    (given,) = model.graph.output
    former, given.name = given.name, OUTPUT
    for node in model.graph.node:
        node.output[:] = [OUTPUT if name == former else name for name in node.output]
        node.input[:] = [OUTPUT if name == former else name for name in node.input]
    for value in (model.graph.input[0], given):
        value.type.tensor_type.shape.dim[0].dim_param = BATCH
    facts = {
        RECIPE_KEY: recipe,
        "class_names": recipe["class_names"],
        "preprocessing": " ".join(recipe["sentences"][1:]),
        "temperature": recipe["temperature"],
        "dataset": recipe["dataset"],
        "run": recipe["run"],
    }
    texts = {key: each if isinstance(each, str) else json.dumps(each) for key, each in facts.items()}
    onnx.helper.set_model_props(model, texts)
    onnx.checker.check_model(model)
    onnx.save(model, target)


def write_litert(
    source: Source, target: Path, recipe: dict[str, Any], measured: Pictures | None = None
) -> None:
    """Write a `.tflite` file, which has to be called so; with `measured`, (count, height, width, channels), in 8 bits.

    The zip at its end holds `labels.txt` and the recipe, as TensorFlow packs what belongs to a model.
    """
    import tensorflow as tf

    # Not TensorFlow's own operations, which the runtime alone does not have.
    options: dict[str, Any] = {"target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]}}
    if measured is not None:
        options = {
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]},
            "optimizations": [tf.lite.Optimize.DEFAULT],
            "representative_dataset": lambda: ([picture[None]] for picture in measured),
        }
    in_float32(source.model).export(target, format="litert", verbose=False, **options)
    with zipfile.ZipFile(target, "a") as file:
        file.writestr(LABELS, "".join(f"{name}\n" for name in recipe["class_names"]))
        file.writestr(RECIPE_FILE, json.dumps(recipe))


def write_saved_model(source: Source, target: Path, recipe: dict[str, Any]) -> None:
    """Write a SavedModel's folder, with the recipe where TensorFlow leaves room for more files."""
    source.model.export(target, format="tf_saved_model", verbose=False)
    extra = target / EXTRA_FOLDER
    extra.mkdir()
    (extra / RECIPE_FILE).write_text(json.dumps(recipe))


def runs_on_tensorflow() -> bool:
    """Whether Keras does in this process: these converters are TensorFlow's."""
    import keras

    return str(keras.backend.backend()) == "tensorflow"


def in_float32(model: Any) -> Any:
    """The model, or, where it calculates in half precision, one with the same weights that does not."""
    import keras

    if is_single_precision(model):
        return model
    made = keras.models.clone_model(model, clone_function=_single_precision, recursive=True)
    made.set_weights(model.get_weights())
    return made


def is_single_precision(model: Any) -> bool:
    """Whether all of it calculates in float32."""
    return all(layer.dtype_policy.name == "float32" for layer in _layers_of(model))


def _single_precision(layer: Any) -> Any:
    import keras

    if not isinstance(layer, keras.layers.Layer):
        return layer  # an operation such as a flip, which has no precision of its own
    return type(layer).from_config({**layer.get_config(), "dtype": "float32"})


def _layers_of(model: Any) -> list[Any]:
    """Those that calculate, also of networks within it."""
    import keras

    found: list[Any] = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += _layers_of(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            found.append(layer)
    return found


def _translate_erfc() -> None:
    """Teach tf2onnx (1.17) the complement of the error function, which TensorFlow uses for GELU: 1 - erf(x)."""
    from tf2onnx.handler import tf_op

    class Erfc:
        @classmethod
        def version_9(cls, ctx: Any, node: Any, **_: Any) -> None:
            given, (result,) = node.input[0], node.output
            shape, dtype = ctx.get_shape(result), ctx.get_dtype(result)
            ctx.remove_node(node.name)
            one = ctx.make_const(f"{node.name}_one", np.array(1, np.float32))
            erf = ctx.make_node("Erf", [given], shapes=[shape], dtypes=[dtype])
            ctx.make_node(
                "Sub", [one.output[0], erf.output[0]], name=node.name, outputs=[result], shapes=[shape], dtypes=[dtype]
            )  # fmt: skip

    tf_op("Erfc")(Erfc)
