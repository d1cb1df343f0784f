"""Which layers of a network Muon trains, and which it leaves to AdamW. Without Keras."""

from core.config.optimizer import OptimizerConfig
from core.design.architecture import Architecture, Layer
from core.errors import ConfigError

CONVOLUTIONS = ("conv", "separable_conv")
# What a convolution reads that stands at the picture itself.
PICTURE = "rescaling"


def first_convolutions(network: Architecture) -> tuple[str, ...]:
    """The names of the convolutions that read the picture itself: of a first block also its shortcut."""
    return tuple(
        layer.name for layer in network.layers if layer.kind in CONVOLUTIONS and PICTURE in layer.inputs
    )


def trained_by_muon(optimizer: OptimizerConfig, network: Architecture) -> tuple[Layer, ...]:
    """The layers whose kernel Muon trains, in order: hidden ones, as its author has it (github.com/KellerJordan/Muon).
    Frozen ones train with nothing.

    Those are dense layers, and with `muon_convolutions` every convolution but the first. Of a separable one it is the
    pointwise kernel. AdamW has the first convolution, the output layer, depthwise kernels, biases and batch
    normalisation.
    """
    if optimizer.name != "muon":
        return ()
    first = first_convolutions(network)
    return tuple(
        layer
        for layer in network.layers
        if not layer.frozen
        and (
            layer.kind == "dense"
            or (optimizer.muon_convolutions and layer.kind in CONVOLUTIONS and layer.name not in first)
        )
    )


def check_optimizer(optimizer: OptimizerConfig, network: Architecture) -> None:
    """Raise ConfigError where Muon would train nothing, so that all would be AdamW under its name."""
    if optimizer.name != "muon" or trained_by_muon(optimizer, network):
        return
    if trained_by_muon(OptimizerConfig(name="muon"), network):
        raise ConfigError(
            "optimizer.muon_convolutions",
            "must be on: without it Muon would train nothing, because this network has no hidden dense layer. "
            "Or choose AdamW.",
        )
    if any(layer.frozen for layer in network.layers):
        raise ConfigError(
            "optimizer.name",
            "cannot be muon: what is not frozen has no hidden layer, and Muon leaves the rest to AdamW. Choose AdamW, "
            "or freeze fewer blocks.",
        )
    raise ConfigError(
        "optimizer.name",
        "cannot be muon: this network has no hidden layer, only a first convolution and the output layer, and Muon "
        "leaves both to AdamW. Choose AdamW, or add a block or a dense layer.",
    )


def parts_in_words(optimizer: OptimizerConfig, network: Architecture) -> str:
    """What Muon trains and what AdamW does, in a sentence; empty with any other optimizer."""
    if optimizer.name != "muon":
        return ""
    own = trained_by_muon(optimizer, network)
    if not own:
        return "AdamW trains all of this network: it has nothing that is left to Muon."
    dense = sum(layer.kind == "dense" for layer in own)
    names = {layer.name for layer in own}
    trained = [layer for layer in network.layers if not layer.frozen]
    left = sum(layer.kind in CONVOLUTIONS and layer.name not in names for layer in trained)
    rest = ["the output layer", "biases"]
    if left:
        is_first = optimizer.muon_convolutions
        rest.insert(0, _counted(left, "first convolution" if is_first else "convolution", "the "))
    if any(layer.kind == "separable_conv" for layer in own):
        rest.append("depthwise kernels")
    if any(layer.kind == "batch_norm" for layer in trained):
        rest.append("batch normalisation")
    muon = [_counted(len(own) - dense, "convolution"), _counted(dense, "hidden dense layer")]
    return (
        f"Muon trains the kernels of {_listed([each for each in muon if each])}; AdamW trains the rest: "
        f"{_listed(rest)}."
    )


def _counted(count: int, noun: str, article: str = "") -> str:
    """`3 convolutions`, or `the 3 first convolutions`, `the first convolution`; nothing for none."""
    if count == 0:
        return ""
    return f"{article}{noun}" if article and count == 1 else f"{article}{count} {noun}{'s' * (count > 1)}"


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
