"""The network: names, units and help of its settings."""

from core.config.labels.label import Label

ACTIVATION = Label(
    "Activation",
    "The function applied to each output. Without one, several layers could do no more than a single layer. ReLU "
    "turns values below 0 into 0; linear leaves every value as it is.",
    choices={
        "relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "elu": "ELU", "leaky_relu": "leaky ReLU", "tanh": "tanh",
        "linear": "linear",
    },
)  # fmt: skip
DROPOUT = Label(
    "Dropout",
    "The fraction of values that is set to 0 at random during training, which makes learning by heart harder.",
)

LABELS: dict[str, Label] = {
    "model.blocks": Label(
        "Convolution blocks", "Each block looks for patterns in the output of the block before it."
    ),
    "model.blocks[].filters": Label(
        "Filters", "The number of patterns that the block looks for. Each gives one channel."
    ),
    "model.blocks[].kernel_sizes": Label(
        "Kernel sizes",
        "The size of the window in pixels. Several sizes work side by side and their channels are joined, as in "
        "Inception.",
    ),
    "model.blocks[].padding": Label(
        "Padding",
        "Whether the picture is padded so that the output keeps its size. Several kernel sizes and residual blocks "
        "need 'same'.",
        choices={"valid": "valid: no padding", "same": "same: keeps the size"},
    ),
    "model.blocks[].stride": Label("Stride", "How many pixels the window moves at a time."),
    "model.blocks[].activation": ACTIVATION,
    "model.blocks[].batch_norm": Label(
        "Batch normalisation", "Keeps the values in a steady range, which speeds up learning."
    ),
    "model.blocks[].pool": Label(
        "Pooling",
        "Makes the picture smaller: keeps the largest value of each window, or its average.",
        choices={"max": "max", "average": "average", "none": "none"},
    ),
    "model.blocks[].pool_size": Label("Pooling window", "The length of the window's side in pixels."),
    "model.blocks[].dropout": DROPOUT,
    "model.blocks[].repeats": Label(
        "Repeats", "The number of convolutions in a row before pooling and dropout."
    ),
    "model.blocks[].residual": Label(
        "Residual connection", "Adds the block's input to its output, so that deeper networks still learn."
    ),
    "model.blocks[].separable": Label(
        "Separable convolutions",
        "Filters each channel on its own first, then combines the channels: fewer parameters.",
    ),
    "model.head": Label(
        "Head",
        "How the last feature maps become a list of numbers. Flatten keeps where something was seen, and the layer "
        "after it needs many parameters. The global average does not keep it.",
        choices={
            "flatten": "flatten: every position",
            "global_average": "global average: one number per filter",
        },
    ),
    "model.dense": Label("Dense layers", "Fully connected layers between the head and the classes."),
    "model.dense[].units": Label(
        "Units",
        "How many numbers the layer computes, each from all of its inputs. More units make finer distinctions, and "
        "learn more by heart.",
    ),
    "model.dense[].activation": ACTIVATION,
    "model.dense[].dropout": DROPOUT,
    "model.batch_norm_momentum": Label(
        "Batch normalisation momentum",
        "How slowly the running statistics of batch normalisation change. Keras's default is 0.99; 0.9 suits few "
        "steps per epoch.",
    ),
    "model.whitening": Label(
        "Whitening layer",
        "A first layer that is computed from 2×2 patches of the training pictures and not trained. Neighbouring "
        "pixels are much alike; after this layer, the values are no longer correlated (arXiv 2404.00498).",
    ),
    "model.start_from": Label(
        "Starting weights",
        "Starts from what a finished run has learned instead of from random weights (transfer learning). Layers with "
        "the same name and shape take that run's weights of its best epoch. The output layer is always new.",
        empty="random",
    ),
    "model.frozen_blocks": Label(
        "Frozen blocks",
        "The number of blocks, counted from the picture, that keep the weights they start from. With few pictures, "
        "this leaves less to learn by heart.",
    ),
}  # fmt: skip
