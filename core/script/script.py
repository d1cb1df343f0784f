"""The whole script: what it says of the run, constants, functions, and `main`."""

import re
from dataclasses import dataclass

from core.augmentation.generator_code import GENERATOR_IMPORT, generator_code
from core.augmentation.keras_code import AugmentationCode, keras_code
from core.config import ExperimentConfig
from core.design.architecture import Architecture, describe_network
from core.formatting import count_of, shortened
from core.script.learning import STEPS, loss_code, needs_steps, optimizer_lines
from core.script.measuring import has_judge, measuring_lines
from core.script.network import network_lines
from core.script.pictures import KERAS_NAMES, clean_pictures, constant_lines, picture_lines
from core.script.source import ScriptSource
from core.script.text import bullets, docstring_lines, in_docstring, indented, quoted
from core.script.whitening import whitening_lines

MOST_NAMED_CLASSES = 20


@dataclass(frozen=True)
class Script:
    """A Python file: its `text`, what it repeats of the run, and what it leaves out or does otherwise, in sentences."""

    text: str
    repeats: str
    differences: tuple[str, ...]


def training_script(source: ScriptSource) -> Script:
    """The file that trains the run's network again.

    Raises:
        ConfigError: the network cannot be built for pictures of this shape.
    """
    config = source.config
    trained = config.with_values({"model.start_from": None, "model.frozen_blocks": 0})
    network = describe_network(trained.model, source.shape, len(source.class_names))
    codes = _codes(source)
    differences = (*source.remarks, *_left_out(config), *_of_augmentation(codes))
    parts = [
        [*_constants(source)],
        picture_lines(source),
        *(_augmentation(codes) if codes else []),
        network_lines(config, network),
        *([whitening_lines(source)] if config.model.whitening else []),
        optimizer_lines(config.optimizer, network, f"{_planned(source)} * {STEPS}"),
        measuring_lines(config, network, clean_pictures(source)),
        _main(source, network, mixes=bool(codes) and len(codes["layers"].definitions) > 1),
    ]
    body = "\n\n\n".join("\n".join(part) for part in parts)
    ends = '\n\n\nif __name__ == "__main__":\n    main()\n'
    head = "\n".join([*_docstring(source, network, differences), "", *_imports(body)])
    return Script(f"{head}\n\n{body}{ends}", _what_it_repeats(config), differences)


def _codes(source: ScriptSource) -> dict[str, AugmentationCode]:
    """The run's augmentation in both ways, by the value of `--augment`; empty where nothing is varied."""
    augmentation, channels = source.config.augmentation, source.shape[2]
    if not augmentation.is_active:
        return {}
    return {
        "layers": keras_code(augmentation, channels),
        "generator": generator_code(augmentation, channels),
    }


def _left_out(config: ExperimentConfig) -> list[str]:
    """Settings of the run that a script alone, on one machine, cannot follow."""
    found = []
    if config.model.start_from is not None:
        frozen = config.model.frozen_blocks
        froze = f" and froze {count_of(frozen, 'block')}" if frozen else ""
        found.append(
            f"Starting weights: the run took those of {config.model.start_from} where layers fit{froze}. The script "
            "does not have them: all its layers start from random weights and are trained."
        )
    if config.training.num_gpus > 1:
        found.append(
            f"Devices: the run spread each batch over up to {config.training.num_gpus} devices, the script uses one. "
            "Losses are the same but for rounding and dropout, and some last batches of an epoch."
        )
    if config.augmentation.is_active and (
        config.augmentation.mixup_alpha or config.augmentation.cutmix_alpha
    ):
        found.append("Mixing: the script mixes pictures before it varies them, the run afterwards.")
    return found


def _of_augmentation(codes: dict[str, AugmentationCode]) -> list[str]:
    titles = {"layers": "With keras.layers", "generator": "With ImageDataGenerator"}
    return [f"{titles[way]}: {sentence}" for way, code in codes.items() for sentence in code.differences]


def _docstring(source: ScriptSource, network: Architecture, differences: tuple[str, ...]) -> list[str]:
    config, names = source.config, source.class_names
    height, width, _ = source.shape
    preset = f", preset {source.preset}" if source.preset else ""
    facts = {
        "Run": f"{source.run_id}{preset}",
        "Data set": f"{source.dataset_title}, {source.num_train:,} training pictures of {width}×{height} pixels, "
        f"{len(names)} classes",
        "Network": f"{len(network.layers)} layers, {network.parameters:,} parameters",
        "Result": source.result,
    }
    lines = [f'"""Trains the network of the run “{in_docstring(source.name)}” again, with Keras alone.', ""]
    for title, fact in facts.items():
        lines += docstring_lines(fact, f"{title:<10}", " " * 10)
    if len(names) <= MOST_NAMED_CLASSES:
        listed = ", ".join(f"{place} {shortened(name, 40)}" for place, name in enumerate(names))
        lines += docstring_lines(listed, f"{'Classes':<10}", " " * 10)
    lines += ["", *_usage(source), ""]
    lines += docstring_lines(_what_it_repeats(config))
    if differences:
        lines += [
            "",
            "What it leaves out, or does in another way than ConvDeck (“here”):",
            "",
            *bullets(differences),
        ]
    return [*lines, '"""']


def _what_it_repeats(config: ExperimentConfig) -> str:
    if config.model.start_from is not None:
        return "Split and order of the pictures are those of the run, the starting weights are not."
    if config.augmentation.is_active:
        return (
            "Starting weights, split and order of the pictures are those of the run. How each picture is varied is "
            "drawn by Keras, so losses and accuracies are the run's on average."
        )
    return (
        "Starting weights, split and order of the pictures are those of the run, so with TensorFlow, on the same "
        "kind of device, its losses are the run's but for rounding, which grows from step to step."
    )


def _usage(source: ScriptSource) -> list[str]:
    command = f"python {in_docstring(source.file_name)}"
    ways = [(command, "trains it")]
    if source.config.augmentation.is_active:
        ways = [
            (command, "varies pictures by keras.layers"),
            (f"{command} --augment generator", "by the article's ImageDataGenerator (needs SciPy)"),
            (f"{command} --augment none", "not at all"),
        ]
    own = source.config.dataset.id not in KERAS_NAMES
    told = "pictures that lie elsewhere" if own else "a copy instead of keras.datasets"
    ways.append((f"{command} --data PATH", f"reads {told}"))
    longest = max(len(each) for each, _ in ways)
    return [
        "It needs: pip install keras tensorflow" + (" pillow" if source.shape != source.image_shape else ""),
        "",
        *(f"    {each:<{longest}}  {what}" for each, what in ways),
        "",
        "PATH is an .npz file with x_train, y_train, x_test and y_test, or a folder with a .npy file for each, as",
        "ConvDeck stores data sets.",
    ]


def _constants(source: ScriptSource) -> list[str]:
    config = source.config
    lines = [
        f"SEED = {config.seed}",
        f"EPOCHS = {source.epochs}",
        f"BATCH_SIZE = {config.training.batch_size}",
        f"LEARNING_RATE = {config.optimizer.learning_rate!r}",
    ]
    if source.added_epochs:
        lines.append(f"PLANNED_EPOCHS = {config.training.epochs}  # for which the learning rate was laid out")
    lines += constant_lines(source)
    lines.append("MEASURED_AT_ONCE = 500  # pictures")
    if config.dataset.id not in KERAS_NAMES:
        lines.append(f"DATA = {quoted(source.place or f'datasets/{config.dataset.id}')}")
    return [
        *lines,
        'HERE = Path(__file__).parent if "__file__" in globals() else Path()  # a notebook has no file',
        f"SAVED_AS = HERE / {quoted(source.saved_as)}",
    ]


def _planned(source: ScriptSource) -> str:
    return "PLANNED_EPOCHS" if source.added_epochs else "EPOCHS"


def _imports(body: str) -> list[str]:
    """What the code uses, in the order of isort."""
    own = [
        name for name in ("argparse", "contextlib", "itertools", "zlib") if re.search(rf"\b{name}\.", body)
    ]
    parts = [name for name in ("layers", "ops") if re.search(rf"(?<![\w.]){name}\.", body)]
    return [
        *(f"import {name}" for name in own),
        "from pathlib import Path",
        "",
        "import keras",
        "import numpy as np",
        f"from keras import {', '.join(parts)}",
        *(["from PIL import Image"] if "Image.fromarray" in body else []),
    ]


def _augmentation(codes: dict[str, AugmentationCode]) -> list[list[str]]:
    """The functions for `--augment layers` and `--augment generator`."""
    layered, *mixing = codes["layers"].definitions
    (generator,) = codes["generator"].definitions
    parts = [
        [
            "def build_augmentation():",
            '    """The run\'s augmentation as layers, which vary pictures only while the model trains."""',
            *indented([line.replace("keras.layers.", "layers.") for line in layered]),
            "    return augmentation",
        ],
        [
            "def build_generator():",
            '    """The article\'s way: varies a batch on the CPU, one picture after the other."""',
            f"    {GENERATOR_IMPORT}",
            "",
            *indented(generator),
            "",
            "    def vary(pictures, labels):",
            "        return np.stack([generator.random_transform(picture) for picture in pictures]), labels",
            "",
            "    return vary",
        ],
    ]
    for lines in mixing:
        made = [
            "def build_mixing():",
            '    """Mixes the pictures of a batch, and their labels, with one another."""',
            *indented([line.replace("keras.layers.", "layers.") for line in lines]),
            "",
            "    def vary(pictures, labels):",
            '        mixed = mixing({"images": pictures, "labels": labels}, training=True)',
            '        return np.asarray(mixed["images"]), np.asarray(mixed["labels"])',
            "",
            "    return vary",
        ]
        parts.insert(1, made)
    return parts


def _main(source: ScriptSource, network: Architecture, *, mixes: bool) -> list[str]:
    config = source.config
    varies = config.augmentation.is_active
    precision = config.training.precision
    size = "BATCH_SIZE" if config.training.steps_per_epoch_multiple == 1 else None
    default = "" if config.dataset.id in KERAS_NAMES else "default=DATA, "
    clean = clean_pictures(source)
    lines = [
        "def main():",
        "    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])",
        f'    parser.add_argument("--data", metavar="PATH", {default}help="an .npz file or a folder of .npy")',
    ]
    if varies:
        lines.append(
            '    parser.add_argument("--augment", choices=["layers", "generator", "none"], default="layers")'
        )
    lines += ["    arguments = parser.parse_args()", ""]
    lines += [
        "    keras.utils.set_random_seed(SEED)",
        "    x_train, y_train, x_val, y_val = load_split(arguments.data)",
        f"    steps = -(-{'len(x_train)' if size else 'pictures_per_epoch(x_train)'} // BATCH_SIZE)",
    ]
    if varies:
        vary = [
            '    if arguments.augment == "layers":',
            "        augmentation = build_augmentation()",
            *(["        vary = build_mixing()"] if mixes else []),
            '    elif arguments.augment == "generator":',
            "        vary = build_generator()",
        ]
        lines += ["    augmentation = vary = None", *vary]
    if precision != "float32":
        if varies:
            lines.append("    # After the augmentation, which needs all digits.")
        lines.append(f'    keras.mixed_precision.set_global_policy("{precision}")')
    lines += ["", "    network = build_network()", "    set_starting_weights(network)"]
    if config.model.whitening:
        lines.append("    whiten(network, x_train)")
    lines += [
        "    # Of the same layers: what is saved is the network alone, without optimizer and augmentation."
    ]
    lines.append("    model = keras.Model(network.input, network.output)")
    if varies:
        lines += [
            "    if augmentation is not None:",
            "        pictures = keras.Input(IMAGE_SHAPE)",
            "        model = keras.Model(pictures, network(augmentation(pictures)))",
        ]
    lines += [
        f"    optimizer = build_optimizer({'steps' if needs_steps(config.optimizer) else ''})",
        f"    loss = {loss_code(config.optimizer)}",
        '    model.compile(optimizer, loss=loss, metrics=["accuracy"])',
        *_fit(config, network, clean, varies=varies),
    ]
    return lines


def _fit(config: ExperimentConfig, network: Architecture, clean: int, *, varies: bool) -> list[str]:
    judged = has_judge(config, network)
    pictures = f"x_train[:{clean}], y_train[:{clean}]"
    report = f"Report(network, {pictures})"
    if judged:
        averaged = ", optimizer" if config.optimizer.weight_averaging is not None else ""
        report = f"Report(network, ({pictures}), (x_val, y_val){averaged})"
    stopping = []
    if config.optimizer.schedule == "plateau":
        factor, patience = config.optimizer.step_factor, config.optimizer.plateau_patience
        stopping.append(f'ReduceLROnPlateau("val_loss", factor={factor!r}, patience={patience}, min_delta=0)')
    if config.training.early_stopping_patience is not None:
        stopping.append(f'EarlyStopping("val_loss", patience={config.training.early_stopping_patience})')
    first = ["        # First, because it measures what the others read."] if judged and stopping else []
    return [
        "    callbacks = [",
        *first,
        f"        {report},",
        *(f"        keras.callbacks.{each}," for each in stopping),
        "        keras.callbacks.TerminateOnNaN(),",
        "    ]",
        "    model.fit(",
        f"        batches(x_train, y_train{', vary' if varies else ''}),",
        "        epochs=EPOCHS,",
        "        steps_per_epoch=steps,",
        "        shuffle=False,  # the batches are",
        *(
            []
            if judged
            else [
                "        validation_data=(x_val, y_val),",
                "        validation_batch_size=MEASURED_AT_ONCE,",
            ]
        ),
        "        callbacks=callbacks,",
        "        verbose=0,",
        "    )",
        '    print(f"The best network is in {SAVED_AS}.")',
    ]
