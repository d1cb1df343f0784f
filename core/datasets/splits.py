"""Which pictures a run trains on, is validated on and is tested on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.config import DatasetConfig
from core.datasets.class_counts import ClassCount, class_counts
from core.datasets.storage import Dataset, describe_dataset, load_dataset
from core.errors import ConfigError, DatasetError
from core.workspace import Workspace

CLEAN_PICTURES = 2000
# Splits are part of a data set, not of an experiment: they must not move with its seed.
_SPLIT_SEED = 20_190_801

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class TrainingArrays:
    """The parts of a data set as one run sees them.

    Pictures are uint8 (count, height, width, channels), labels int64 (count,). `x_train` is the whole stored
    training set; `train_indices` are the rows the run uses and `y_train` the labels of those rows, in that order,
    as trained on (so with noise, if there is any); `y_train_true` are the same without noise. `x_clean` are the
    first 2,000 of them, for measuring training accuracy with augmentation and dropout off. `train_rows` are
    the rows of the stored training arrays that `y_train` goes by, `validation_rows` and `test_rows` those of the stored
    test arrays that the two parts are. `crop` says how other pictures are brought to `image_shape` as these were, see
    `core.images.fit_picture`.
    """

    x_train: NDArray[np.uint8]
    train_indices: Indices
    y_train: Indices
    y_train_true: Indices
    x_validation: NDArray[np.uint8]
    y_validation: Indices
    read_test: Callable[[Indices | slice], NDArray[np.uint8]]
    y_test: Indices
    x_clean: NDArray[np.uint8]
    y_clean: Indices
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    train_rows: Indices
    validation_rows: Indices
    test_rows: Indices
    crop: str = "center"

    @property
    def corrupted(self) -> NDArray[np.bool_]:
        """(count,) along `y_train`: whose label is wrong on purpose. Getting these right is memorising."""
        differs: NDArray[np.bool_] = self.y_train != self.y_train_true
        return differs

    @property
    def counts(self) -> tuple[ClassCount, ...]:
        """How many pictures of each class the parts have, by what the pictures are, whatever label they train with."""
        parts = {"train": self.y_train_true, "validation": self.y_validation, "test": self.y_test}
        return _counted(self.class_names, parts)

    @property
    def x_test(self) -> NDArray[np.uint8]:
        """The test pictures, read (and resized) each time they are asked for: training never does."""
        return self.read_test(slice(None))


def nested_order(labels: Indices) -> Indices:
    """All positions in an order of which every beginning is stratified: no class is ahead by more than it must.

    Each class's pictures are shuffled once, then laid out evenly over the whole length, so a smaller subset lies
    inside every larger one.
    """
    generator = np.random.default_rng(_SPLIT_SEED)
    places = np.empty(len(labels))
    for label in np.unique(labels):
        rows = generator.permutation(np.flatnonzero(labels == label))
        # The class's k-th picture belongs at this share of the way; the middle of its step is the fairest place.
        places[rows] = (np.arange(len(rows)) + 0.5) / len(rows)
    tie_breaker = generator.permutation(len(labels))
    return np.lexsort((tie_breaker, places)).astype(np.int64)


def validation_and_test(labels: Indices, num_validation: int | None = None) -> tuple[Indices, Indices]:
    """(validation, test): the rows of a data set's test arrays that are each, in ascending order.

    With a data set's own `num_validation` the first pictures, that many, are validation; else two stratified halves.
    """
    if num_validation is not None:
        rows = np.arange(len(labels))
        return rows[:num_validation], rows[num_validation:]
    order = nested_order(labels)
    half = len(labels) // 2
    return np.sort(order[:half]), np.sort(order[half:])


def counts_of(dataset: Dataset, num_train: int | None = None) -> tuple[ClassCount, ...]:
    """How many pictures of each class the parts of a stored data set have; of its training pictures those alone that a
    run on `num_train` of them sees.
    """
    y_train, y_test = np.asarray(dataset.y_train), np.asarray(dataset.y_test)
    if num_train is not None:
        y_train = y_train[nested_order(y_train)[:num_train]]
    validation, test = validation_and_test(y_test, dataset.num_validation)
    return _counted(
        dataset.class_names, {"train": y_train, "validation": y_test[validation], "test": y_test[test]}
    )


def counts_for(workspace: Workspace, config: DatasetConfig) -> tuple[ClassCount, ...] | None:
    """`counts_of` what a run of this config would see; None where the data set is not stored or is damaged."""
    info = describe_dataset(workspace, config.id)
    if info is None or info.state != "ready" or info.digest is None:
        return None
    try:
        return _counts_for(workspace, config.id, config.num_train, info.digest)
    except DatasetError:
        return None


@lru_cache(maxsize=256)
def _counts_for(
    workspace: Workspace, dataset_id: str, num_train: int | None, digest: str
) -> tuple[ClassCount, ...]:
    """Kept for each `digest`, since pages ask at every tick. Raises DatasetError."""
    return counts_of(load_dataset(workspace, dataset_id), num_train)


def _counted(class_names: Sequence[str], labels: Mapping[str, Indices]) -> tuple[ClassCount, ...]:
    counts = {part: np.bincount(each, minlength=len(class_names)) for part, each in labels.items()}
    return class_counts(class_names, counts)


def corrupt_labels(labels: Indices, fraction: float, num_classes: int, seed: int) -> Indices:
    """A copy in which `fraction` of the labels are another class, drawn evenly from the wrong ones.

    Every beginning of n labels has floor or ceil(n · fraction) wrong ones: exactly n · fraction where that is a
    whole number. Corrupting the whole training set in its nested order and cutting it afterwards therefore gives
    every subset the same share, and a larger subset the same wrong labels as a smaller one, and more.
    """
    noisy = labels.copy()
    generator = np.random.default_rng([seed, _SPLIT_SEED])
    share = Fraction(str(fraction)).limit_denominator(1_000_000)  # 0.29 · 100 is 29, not 28.999999999999996
    if share <= Fraction(1, 2):
        wrong = _spread(share, len(labels), generator)
    else:
        wrong = ~_spread(1 - share, len(labels), generator)
    shift = generator.integers(1, num_classes, len(labels))
    noisy[wrong] = (labels[wrong] + shift[wrong]) % num_classes
    return noisy


def _spread(share: Fraction, count: int, generator: np.random.Generator) -> NDArray[np.bool_]:
    """(count,): so large a share of all places, at most a half, one at random in each stretch of 1/share places."""
    chosen = np.zeros(count, np.bool_)
    if share > 0:
        # Stretch k holds the places p with floor(p · share) = k.
        num_stretches = -(-count * share.numerator // share.denominator)
        borders = -(-np.arange(num_stretches + 1) * share.denominator // share.numerator)
        places = borders[:-1] + generator.integers(0, np.diff(borders))
        chosen[places[places < count]] = True
    return chosen


def load_split(workspace: Workspace, config: DatasetConfig, seed: int) -> TrainingArrays:
    """What a run of this config trains and is measured on. The data set must be stored; its files are verified.

    Raises:
        DatasetError: the data set is not here or a file of it is damaged.
        ConfigError: more training pictures are asked for than there are.
    """
    dataset = load_dataset(workspace, config.id, verify=True)
    labels = np.asarray(dataset.y_train)
    count = len(labels) if config.num_train is None else config.num_train
    if count > len(labels):
        raise ConfigError(
            "dataset.num_train",
            f"must be at most {len(labels):,}, the training pictures that there are, not {count:,}.",
        )
    order = nested_order(labels)
    rows = order[:count]
    y_train_true = y_train = labels[rows]
    if config.label_noise:
        y_train = corrupt_labels(labels[order], config.label_noise, len(dataset.class_names), seed)[:count]
    x_train, train_indices = dataset.x_train, rows
    image_shape = config.picture_shape(dataset.image_shape)
    if image_shape != dataset.image_shape:
        x_train, train_indices = resize(dataset.x_train[rows], image_shape[0]), np.arange(count)
    y_test = np.asarray(dataset.y_test)
    validation, test = validation_and_test(y_test, dataset.num_validation)
    clean = min(CLEAN_PICTURES, count)
    return TrainingArrays(
        x_train=x_train,
        train_indices=train_indices,
        y_train=y_train,
        y_train_true=y_train_true,
        x_validation=_read(dataset.x_test, validation, image_shape),
        y_validation=y_test[validation],
        read_test=lambda own: _read(dataset.x_test, test[own], image_shape),
        y_test=y_test[test],
        x_clean=np.asarray(x_train[train_indices[:clean]]),
        y_clean=y_train[:clean],
        class_names=dataset.class_names,
        image_shape=image_shape,
        train_rows=rows,
        validation_rows=validation,
        test_rows=test,
        crop=dataset.crop or "center",
    )


def _read(pictures: NDArray[np.uint8], rows: Indices, image_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """The rows as an array in memory, resized where they are not of `image_shape`."""
    chosen = np.asarray(pictures[rows])
    return chosen if chosen.shape[1:] == image_shape else resize(chosen, image_shape[0])


def as_read(picture: NDArray[np.uint8], image_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """A stored picture (height, width, channels) at the size of `image_shape`, which a network reads."""
    return picture if picture.shape == image_shape else resize(picture[None], image_shape[0])[0]


def resize(pictures: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(count, size, size, channels): each picture scaled, its sides' ratio not kept."""
    from PIL import Image  # late: what only asks for splits or counts starts sooner without it

    channels = pictures.shape[-1]
    scaled = np.empty((len(pictures), size, size, channels), np.uint8)
    for index, picture in enumerate(pictures):
        image = Image.fromarray(picture[..., 0] if channels == 1 else picture)
        pixels = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
        scaled[index] = pixels.reshape(size, size, channels)
    return scaled
