"""Named configs to start from, each with a sentence of commentary."""

from dataclasses import dataclass

from msgspec.structs import replace

from core.config import (
    AugmentationConfig,
    BlockConfig,
    DatasetConfig,
    DenseConfig,
    ExperimentConfig,
    ModelConfig,
    OptimizerConfig,
    TrainingConfig,
)
from core.errors import UserError


@dataclass(frozen=True)
class Preset:
    """A config with a name, a title, a sentence on why it is worth a look, and whether it is meant to go wrong."""

    name: str
    title: str
    commentary: str
    config: ExperimentConfig
    known_bad: bool = False

    @property
    def label(self) -> str:
        """What people choose by: `Small and quick (tiny)`, because files, commands and runs have the short name."""
        return f"{self.title} ({self.name})"


_ARTICLE_MODEL = ModelConfig(
    blocks=(BlockConfig(filters=64), BlockConfig(filters=32)),
    head="flatten",
    dense=(DenseConfig(units=512, dropout=0.2), DenseConfig(units=256, dropout=0.2)),
)
_ARTICLE = ExperimentConfig(
    dataset=DatasetConfig(id="cifar10"),
    model=_ARTICLE_MODEL,
    training=TrainingConfig(batch_size=32, epochs=200),
)
_MILD = AugmentationConfig(
    rotation_degrees=20.0, width_shift_fraction=0.02, height_shift_fraction=0.02, horizontal_flip=True
)
_FLIP_AND_SHIFT = AugmentationConfig(
    width_shift_fraction=0.1, height_shift_fraction=0.1, horizontal_flip=True, fill_mode="reflect"
)


def _vgg_block(filters: int, dropout: float) -> BlockConfig:
    return BlockConfig(filters=filters, padding="same", repeats=2, dropout=dropout)


def _fast_block(filters: int, *, pool_size: int | None = None) -> BlockConfig:
    pool = {"pool": "none"} if pool_size is None else {"pool": "max", "pool_size": pool_size}
    return BlockConfig(filters=filters, padding="same", activation="gelu", **pool)


def _residual_block(filters: int, *, stride: int = 1) -> BlockConfig:
    return BlockConfig(filters=filters, padding="same", stride=stride, repeats=2, residual=True, pool="none")


_ALL = (
    Preset(
        "article",
        "The article's network",
        "Two convolution blocks and two dense layers, no augmentation: it learns its training pictures by heart "
        "and overfits within a few epochs.",
        _ARTICLE,
    ),
    Preset(
        "article-augmented",
        "The article's cure",
        "The same network with mild rotation, shifts and flips: it sees each picture a little differently every "
        "time, so it overfits later and ends up more accurate.",
        replace(_ARTICLE, augmentation=_MILD),
    ),
    Preset(
        "tiny",
        "Small and quick",
        "Two small blocks and a global average instead of dense layers, under 5,000 parameters: an epoch takes "
        "seconds, and it is too small to learn much by heart.",
        ExperimentConfig(
            model=ModelConfig(
                blocks=(BlockConfig(filters=16, padding="same"), BlockConfig(filters=24, padding="same")),
                head="global_average",
            ),
            training=TrainingConfig(batch_size=64, epochs=10),
        ),
    ),
    Preset(
        "overfit",
        "Overfits while you watch",
        "A small relative of the article's network on 2,000 pictures: it trains within a minute or so, and is still "
        "large enough to learn its pictures by heart in that time.",
        ExperimentConfig(
            dataset=DatasetConfig(num_train=2_000),
            model=ModelConfig(
                blocks=(BlockConfig(filters=16), BlockConfig(filters=16)),
                head="flatten",
                dense=(DenseConfig(units=64),),
                batch_norm_momentum=0.9,
            ),
            training=TrainingConfig(batch_size=32, epochs=25),
        ),
    ),
    Preset(
        "vgg",
        "Deeper, in the manner of VGG",
        "Pairs of 3×3 convolutions with more filters the smaller the picture gets (Simonyan and Zisserman, arXiv "
        "1409.1556), with dropout and augmentation: slower, and clearly more accurate.",
        ExperimentConfig(
            model=ModelConfig(
                blocks=(_vgg_block(32, 0.2), _vgg_block(64, 0.3), _vgg_block(128, 0.4)),
                head="flatten",
                dense=(DenseConfig(units=128, dropout=0.5),),
            ),
            augmentation=_FLIP_AND_SHIFT,
            training=TrainingConfig(batch_size=64, epochs=30),
        ),
    ),
    Preset(
        "inception",
        "Several kernel sizes side by side",
        "Each block looks at its input through 1×1, 3×3 and 5×5 kernels at once and concatenates the "
        "results, as in Inception (Szegedy et al., arXiv 1409.4842).",
        ExperimentConfig(
            model=ModelConfig(
                blocks=(
                    BlockConfig(filters=16, kernel_sizes=(1, 3, 5), padding="same"),
                    BlockConfig(filters=24, kernel_sizes=(1, 3, 5), padding="same"),
                    BlockConfig(filters=32, kernel_sizes=(1, 3), padding="same"),
                ),
                head="global_average",
                dense=(DenseConfig(units=128, dropout=0.3),),
            ),
            augmentation=_MILD,
            training=TrainingConfig(batch_size=64, epochs=20),
        ),
    ),
    Preset(
        "resnet",
        "Residual blocks",
        "Each block adds what it learned to its input, which lets deeper networks train (He et al., arXiv "
        "1512.03385); strides make the picture smaller instead of pooling.",
        ExperimentConfig(
            model=ModelConfig(
                blocks=(
                    _residual_block(32),
                    _residual_block(64, stride=2),
                    _residual_block(128, stride=2),
                ),
                head="global_average",
            ),
            augmentation=_FLIP_AND_SHIFT,
            optimizer=OptimizerConfig(schedule="cosine", warmup_epochs=1, learning_rate=0.002),
            training=TrainingConfig(batch_size=64, epochs=20),
        ),
    ),
    Preset(
        "speedrun",
        "Fast, after Jordan",
        "The recipe that reaches 94 % on CIFAR-10 in seconds on a large GPU, as far as it can be set here (Jordan, "
        "arXiv 2404.00498): a first layer that whitens patches of pixels, alternating flips, label smoothing, few "
        "epochs with a triangular learning rate, and answers averaged over a picture and its mirror image.",
        ExperimentConfig(
            model=ModelConfig(
                blocks=(
                    _fast_block(64, pool_size=2),
                    _fast_block(64),
                    _fast_block(256, pool_size=2),
                    _fast_block(256),
                    _fast_block(256, pool_size=2),
                    _fast_block(256, pool_size=3),
                ),
                head="flatten",
                batch_norm_momentum=0.9,
                whitening=True,
            ),
            augmentation=AugmentationConfig(
                width_shift_fraction=2 / 32,
                height_shift_fraction=2 / 32,
                horizontal_flip=True,
                alternating_flip=True,
                fill_mode="reflect",
            ),
            optimizer=OptimizerConfig(
                name="sgd",
                learning_rate=0.1,
                momentum=0.85,
                nesterov=True,
                schedule="triangular",
                weight_decay=0.0005,
                label_smoothing=0.2,
            ),
            training=TrainingConfig(batch_size=512, epochs=10, test_time_flip=True),
        ),
    ),
    Preset(
        "too-big-shifts",
        "Too much of a good thing",
        "The article's network with shifts of up to half the picture: on 32 pixels the object often leaves the "
        "frame, so the network learns slowly and stays below the mild version.",
        replace(_ARTICLE, augmentation=replace(_MILD, width_shift_fraction=0.5, height_shift_fraction=0.5)),
        known_bad=True,
    ),
    Preset(
        "learning-rate-too-high",
        "Steps that are too long",
        "The article's network with a learning rate of 0.1, a hundred times the usual one for Adam: the loss jumps "
        "and accuracy stays near guessing.",
        replace(_ARTICLE, optimizer=OptimizerConfig(learning_rate=0.1)),
        known_bad=True,
    ),
)

# Of a quick start.
LARGEST_BATCH = 64

PRESETS: dict[str, Preset] = {preset.name: preset for preset in _ALL}


def get_preset(name: str) -> Preset:
    """The preset of that name. Raises UserError that lists the names there are."""
    if name not in PRESETS:
        raise UserError(f"There is no preset {name[:60]!r}; choose one of {', '.join(PRESETS)}.")
    return PRESETS[name]


def quick_start(name: str, *, has_cifar10: bool, has_gpu: bool) -> ExperimentConfig:
    """A preset cut to a size that shows something within a minute or two on this machine.

    With a GPU and CIFAR-10 it is the preset with at most 20 epochs. Otherwise few pictures, so that even two cores
    make an epoch in seconds, with batch normalisation that keeps up with the few steps. A preset that sets its own
    number of pictures is that quick already.
    """
    config = get_preset(name).config
    if config.dataset.num_train is not None:
        return config.with_values({"dataset.id": "cifar10" if has_cifar10 else "shapes"})
    if has_cifar10 and has_gpu:
        return config.with_values({"training.epochs": min(config.training.epochs, 20)})
    pictures, epochs = (2_000, 15) if has_cifar10 else (1_000, 25)
    # Few pictures in large batches would make too few steps. The learning rate goes with the batch's size (Goyal
    # et al., arXiv 1706.02677).
    batch_size = min(config.training.batch_size, LARGEST_BATCH)
    return config.with_values(
        {
            "dataset.id": "cifar10" if has_cifar10 else "shapes",
            "dataset.num_train": pictures,
            "training.epochs": epochs,
            "training.batch_size": batch_size,
            "optimizer.learning_rate": config.optimizer.learning_rate
            * batch_size
            / config.training.batch_size,
            "model.batch_norm_momentum": min(config.model.batch_norm_momentum, 0.9),
        }
    )
