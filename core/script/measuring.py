"""The part of a script that measures after each epoch, prints and saves, as `core.training.run_callback` does."""

from core.config import ExperimentConfig
from core.design.architecture import Architecture

AVERAGED_PICTURES, PRECISE_PICTURES = 500, 1000  # as `core.training.averaging` and `.batch_statistics`


def has_judge(config: ExperimentConfig, network: Architecture) -> bool:
    """Whether something else is measured and saved than what trains, or by another loss."""
    return bool(
        config.optimizer.label_smoothing
        or config.optimizer.weight_averaging is not None
        or config.training.test_time_flip
        or measures_statistics(config, network)
    )


def measures_statistics(config: ExperimentConfig, network: Architecture) -> bool:
    """Whether batch normalisation's statistics are measured over training pictures."""
    normalises = any(layer.kind == "batch_norm" for layer in network.layers)
    return normalises and (
        config.training.precise_batch_norm or config.optimizer.weight_averaging is not None
    )


def measuring_lines(config: ExperimentConfig, network: Architecture, clean: int) -> list[str]:
    """The class `Report`, and what it needs; `clean` is the number of training pictures that it measures."""
    if not has_judge(config, network):
        return _plain(clean)
    parts = [_judge(config), _judged(config, network, clean)]
    if measures_statistics(config, network):
        parts.insert(0, _statistics(config, network))
    if swaps(config, network):
        parts.insert(-1, _swapped(config, network))
    return "\n\n\n".join("\n".join(part) for part in parts).splitlines()


def swaps(config: ExperimentConfig, network: Architecture) -> bool:
    """Whether other weights, or statistics, are measured than those that train."""
    return config.optimizer.weight_averaging is not None or measures_statistics(config, network)


_PRINTED = [
    "        print(",
    '            f"epoch {epoch + 1}/{EPOCHS}: "',
    "            f\"loss {logs['loss']:.4f}, accuracy {100 * logs['accuracy']:.1f} % | \"",
    '            f"clean training: loss {clean[0]:.4f}, accuracy {100 * clean[1]:.1f} % | "',
    "            f\"validation: loss {logs['val_loss']:.4f}, accuracy {100 * logs['val_accuracy']:.1f} %\"",
    "        )",
]


def _told(clean: int) -> list[str]:
    return [
        '    """Prints how an epoch went, and saves the network when it has the best validation accuracy so far.',
        "",
        f"    Clean training: the first {clean} training pictures without augmentation and dropout. How far they are",
        "    ahead of validation is how much the network overfits.",
        '    """',
        "",
    ]


def _plain(clean: int) -> list[str]:
    return [
        "class Report(keras.callbacks.Callback):",
        *_told(clean),
        "    def __init__(self, network, x_clean, y_clean):",
        "        super().__init__()",
        "        self.network, self.x_clean, self.y_clean = network, x_clean, y_clean",
        "        self.best = 0.0",
        "",
        "    def on_epoch_end(self, epoch, logs):",
        "        clean = self.model.evaluate(self.x_clean, self.y_clean, MEASURED_AT_ONCE, verbose=0)",
        *_PRINTED,
        '        if logs["val_accuracy"] > self.best:',
        '            self.best = logs["val_accuracy"]',
        "            self.network.save(SAVED_AS)",
    ]


def _judge(config: ExperimentConfig) -> list[str]:
    single = "" if config.training.precision == "float32" else 'dtype="float32"'
    if config.training.test_time_flip:
        made = [
            '    """The mean of the answers to a picture and to its mirror image: it is measured and saved."""',
            "    pictures = keras.Input(IMAGE_SHAPE)",
            "    both = [network(pictures), network(ops.flip(pictures, axis=2))]",
            f"    judge = keras.Model(pictures, layers.Average({single})(both))",
        ]
    else:
        made = [
            '    """The same layers, measured by the plain cross-entropy."""',
            "    judge = keras.Model(network.input, network.output)",
        ]
    return [
        "def build_judge(network):",
        *made,
        '    judge.compile(loss="categorical_crossentropy", metrics=["accuracy"])',
        "    return judge",
    ]


def _judged(config: ExperimentConfig, network: Architecture, clean: int) -> list[str]:
    measured = [
        "clean = self.judge.evaluate(*self.clean, MEASURED_AT_ONCE, verbose=0)",
        "loss, accuracy = self.judge.evaluate(*self.validation, MEASURED_AT_ONCE, verbose=0)",
        'logs |= {"val_loss": loss, "val_accuracy": accuracy}',
        'if logs["val_accuracy"] > self.best:',
        '    self.best = logs["val_accuracy"]',
        "    self.judge.save(SAVED_AS)",
    ]
    inside = swaps(config, network)
    averaged = config.optimizer.weight_averaging is not None
    given = "self.network, self.optimizer, self.clean[0]" if averaged else "self.network, self.clean[0]"
    entered = [f"        with measured_weights({given}):"]
    return [
        "class Report(keras.callbacks.Callback):",
        *_told(clean),
        f"    def __init__(self, network, clean, validation{', optimizer' if averaged else ''}):",
        "        super().__init__()",
        "        self.network, self.clean, self.validation = network, clean, validation",
        *(["        self.optimizer = optimizer"] if averaged else []),
        "        self.judge, self.best = build_judge(network), 0.0",
        "",
        "    def on_epoch_end(self, epoch, logs):",
        *(entered if inside else []),
        *(f"{' ' * (12 if inside else 8)}{line}" for line in measured),
        *_PRINTED,
    ]


def _swapped(config: ExperimentConfig, network: Architecture) -> list[str]:
    averaged = config.optimizer.weight_averaging is not None
    statistics = measures_statistics(config, network)
    what = "the moving average of its weights" if averaged else ""
    if statistics:
        count = PRECISE_PICTURES if config.training.precise_batch_norm else AVERAGED_PICTURES
        what += f"{' and ' if what else ''}batch normalisation's statistics of {count} pictures"
    return [
        "@contextlib.contextmanager",
        f"def measured_weights(network, {'optimizer, ' if averaged else ''}pictures):",
        f'    """Inside, the network has {what}."""',
        "    own = network.get_weights()",
        *(["    optimizer.finalize_variable_values(network.trainable_variables)"] if averaged else []),
        *([f"    take_statistics(network, pictures[:{count}])"] if statistics else []),
        "    yield",
        "    network.set_weights(own)",
    ]


def _statistics(config: ExperimentConfig, network: Architecture) -> list[str]:
    """As `core.training.batch_statistics`, in one portion."""
    drops = any(layer.kind == "dropout" for layer in network.layers)
    dropouts = [
        "    dropouts = [each for each in network.layers if isinstance(each, layers.Dropout)]",
        "    rates = [dropout.rate for dropout in dropouts]",
    ]
    return [
        "def take_statistics(network, pictures):",
        '    """Give batch normalisation the statistics of these pictures, without dropout (arXiv 2105.07576)."""',
        "    norms = [each for each in network.layers if isinstance(each, layers.BatchNormalization)]",
        *(dropouts if drops else []),
        "    for norm in norms:",
        "        norm.momentum = 0.0",
        *(["    for dropout in dropouts:", "        dropout.rate = 0.0"] if drops else []),
        '    network(pictures.astype("float32"), training=True)',
        "    for norm in norms:",
        f"        norm.momentum = {config.model.batch_norm_momentum!r}",
        *(
            [
                "    for dropout, rate in zip(dropouts, rates, strict=True):",
                "        dropout.rate = rate",
            ]
            if drops
            else []
        ),
    ]
