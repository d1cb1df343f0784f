"""The part of a script that sets the optimizer and its learning rate, as `core.training.optimizers` does."""

from core.config import OptimizerConfig
from core.design.architecture import Architecture
from core.design.muon import first_convolutions
from core.design.schedule import (
    ONE_CYCLE_END,
    ONE_CYCLE_START,
    ONE_CYCLE_WARMUP,
    TRIANGLE_END,
    TRIANGLE_PEAK,
    TRIANGLE_START,
)
from core.script.text import call

_CLASSES = {
    "adam": "Adam", "adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop", "lion": "Lion", "muon": "Muon",
}  # fmt: skip
STEPS = "steps_per_epoch"
_SCHEDULES = "keras.optimizers.schedules"


def optimizer_lines(config: OptimizerConfig, network: Architecture, total: str) -> list[str]:
    """The function `build_optimizer` and what it needs; `total` is the number of steps of the schedule, as code."""
    decays = config.weight_decay > 0
    makes = "optimizer = " if decays else "return "
    rate = _rate_lines(config, total)
    arguments = ["LEARNING_RATE" if not rate else "rate", *_arguments(config, network)]
    own_muon = config.name == "muon" and config.muon_convolutions
    made = "ConvolutionalMuon" if own_muon else f"keras.optimizers.{_CLASSES[config.name]}"
    return [
        *(_muon() if own_muon else []),
        *_schedule_class(config),
        f"def build_optimizer({STEPS if needs_steps(config) else ''}):",
        *(f"    {line}" for line in rate),
        *call(made, arguments, f"    {makes}"),
        *(
            [
                '    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])',
                "    return optimizer",
            ]
            if decays
            else []
        ),
    ]


def needs_steps(config: OptimizerConfig) -> bool:
    """Whether the learning rate depends on how many steps there are in an epoch."""
    return bool(_rate_lines(config, ""))


def loss_code(config: OptimizerConfig) -> str:
    """The loss that is trained on."""
    smoothing = f"label_smoothing={config.label_smoothing!r}" if config.label_smoothing else ""
    return f"keras.losses.CategoricalCrossentropy({smoothing})"


def _arguments(config: OptimizerConfig, network: Architecture) -> list[str]:
    found = []
    if config.name == "sgd":
        found += [f"momentum={config.momentum!r}"] if config.momentum else []
        found += ["nesterov=True"] if config.nesterov else []
    if config.name == "muon":
        names = ", ".join(f'"{name}"' for name in ("softmax", *first_convolutions(network)))
        found += [f"exclude_layers=[{names}]", f"adam_weight_decay={config.weight_decay!r}"]
    if config.weight_decay or config.name in ("adamw", "muon"):  # these two have a default of their own
        found.append(f"weight_decay={config.weight_decay!r}")
    if config.gradient_clip_norm is not None:
        found.append(f"global_clipnorm={config.gradient_clip_norm!r}")
    if config.weight_averaging is not None:
        found += ["use_ema=True", f"ema_momentum={config.weight_averaging!r}"]
    return found


def _rate_lines(config: OptimizerConfig, total: str) -> list[str]:
    """What defines `rate`; empty where it is a number."""
    match config.schedule:
        case "cosine" if config.warmup_epochs:
            return [
                f"total = {total}",
                f"warmup = min({config.warmup_epochs} * steps_per_epoch, total - 1)",
                f"rate = {_SCHEDULES}.CosineDecay(",
                "    0.0, total - warmup, warmup_target=LEARNING_RATE, warmup_steps=warmup",
                ")",
            ]
        case "cosine":
            return [f"rate = {_SCHEDULES}.CosineDecay(LEARNING_RATE, {total})"]
        case "one_cycle":
            return [f"rate = OneCycle({total})"]
        case "triangular":
            return [f"rate = Triangular({total})"]
        case "step":
            each = f"{config.step_epochs} * steps_per_epoch"
            return [
                f"rate = {_SCHEDULES}.ExponentialDecay(",
                f"    LEARNING_RATE, {each}, {config.step_factor!r}, staircase=True",
                ")",
            ]
        case _:
            return []


def _schedule_class(config: OptimizerConfig) -> list[str]:
    match config.schedule:
        case "one_cycle":
            name, top, begin, end = "OneCycle", ONE_CYCLE_WARMUP, ONE_CYCLE_START, ONE_CYCLE_END
            told = f"Up in the first {100 * top:g} % of the steps, then down by a cosine (arXiv 1708.07120)."
            falling = [f"falling = {end:g} + {1 - end:g} * 0.5 * (1 + ops.cos(np.pi * done))"]
        case "triangular":
            name, top, begin, end = "Triangular", TRIANGLE_PEAK, TRIANGLE_START, TRIANGLE_END
            told = f"Straight up in the first {100 * top:g} % of the steps, then straight down (arXiv 2404.00498)."
            falling = [f"falling = 1 - {1 - end:g} * done"]
        case _:
            return []
    return [
        f"class {name}(keras.optimizers.schedules.LearningRateSchedule):",
        f'    """{told}"""',
        "",
        "    def __init__(self, total_steps):",
        "        self.total_steps = total_steps",
        f"        self.top = max(1.0, {top!r} * total_steps)",
        "",
        "    def __call__(self, step):",
        '        step = ops.cast(step, "float32")',
        f"        rising = {begin:g} + {1 - begin:g} * step / self.top",
        "        done = ops.clip((step - self.top) / max(1.0, self.total_steps - self.top), 0.0, 1.0)",
        *(f"        {line}" for line in falling),
        "        return LEARNING_RATE * ops.where(step < self.top, rising, falling)",
        "",
        "",
    ]


def _muon() -> list[str]:
    """As `core.training.muon`."""
    return [
        "class ConvolutionalMuon(keras.optimizers.Muon):",
        '    """Muon that trains kernels of convolutions too, each as a matrix with a column for each output.',
        "",
        "    As its author does (github.com/KellerJordan/Muon). Keras's own leaves all convolutions to AdamW.",
        '    """',
        "",
        "    def _should_use_adamw(self, variable):",
        "        if len(variable.shape) != 4:",
        "            return super()._should_use_adamw(variable)",
        '        *layers_above, name = variable.path.split("/")',
        '        return name == "depthwise_kernel" or not set(self.exclude_layers).isdisjoint(layers_above)',
        "",
        "    def zeropower_via_newtonschulz5(self, x, steps):",
        "        matrix = ops.reshape(x, (-1, x.shape[-1]))",
        "        return ops.reshape(super().zeropower_via_newtonschulz5(matrix, steps), x.shape)",
        "",
        "    def lr_adjust(self, x):",
        "        matrix = ops.reshape(x, (-1, x.shape[-1]))",
        "        return ops.reshape(super().lr_adjust(matrix), x.shape)",
        "",
        "",
    ]
