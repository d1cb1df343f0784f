"""The part of a script that reads pictures, splits them as the run did and puts them into batches in its order."""

from fractions import Fraction

from core.config import ExperimentConfig
from core.datasets.splits import CLEAN_PICTURES
from core.script.source import COMPARED_PICTURES, ScriptSource
from core.script.text import indented

# Which name a data set has in `keras.datasets`. All give the arrays in the order of the official files, as
# `core.datasets.readers` does.
KERAS_NAMES = {
    "cifar10": "cifar10", "cifar100": "cifar100", "mnist": "mnist", "fashion_mnist": "fashion_mnist",
}  # fmt: skip


def constant_lines(source: ScriptSource) -> list[str]:
    """Constants on the pictures."""
    config, shape = source.config.dataset, source.shape
    lines = [f"IMAGE_SHAPE = {shape}  # height, width, channels", f"NUM_CLASSES = {len(source.class_names)}"]
    if config.num_train is not None:
        lines.append(f"NUM_TRAIN = {config.num_train}  # of {source.num_stored}")
    lines.append("SPLIT_SEED = 20190801  # which pictures are used does not depend on SEED")
    if source.fingerprint is not None:
        lines.append(f"FINGERPRINT = {source.fingerprint}  # of the pictures and labels that the run had")
    return lines


def picture_lines(source: ScriptSource) -> list[str]:
    """The functions that read and split, and `batches`."""
    parts = [
        _load(source),
        _order(),
        *([_corrupt(source)] if source.config.dataset.label_noise else []),
        *([_resized()] if source.shape != source.image_shape else []),
        _split(source),
        _batches(source.config),
    ]
    return "\n\n\n".join("\n".join(part) for part in parts).splitlines()


def _load(source: ScriptSource) -> list[str]:
    dataset_id = source.config.dataset.id
    arrays = [
        "path = Path(path)",
        "if path.is_dir():",
        '    return [np.load(path / f"{name}.npy") for name in ("x_train", "y_train", "x_test", "y_test")]',
        "with np.load(path) as file:",
        '    return [file[name] for name in ("x_train", "y_train", "x_test", "y_test")]',
    ]
    head = [
        "def load_pictures(path):",
        '    """x_train, y_train, x_test, y_test: pictures with values from 0 to 255, labels counted from 0."""',
    ]
    if dataset_id not in KERAS_NAMES:
        return [*head, *indented(arrays)]
    axis = "[..., None]" if source.image_shape[2] == 1 else ""
    return [
        *head,
        "    if path is None:",
        f"        (x_train, y_train), (x_test, y_test) = keras.datasets.{KERAS_NAMES[dataset_id]}.load_data()",
        f"        return x_train{axis}, y_train.flatten(), x_test{axis}, y_test.flatten()",
        *indented(arrays),
    ]


def _order() -> list[str]:
    """As `core.datasets.splits.nested_order`."""
    return [
        "def stratified_order(labels):",
        '    """All rows in the run\'s order, of which every beginning has equally many of each class, or nearly."""',
        "    generator = np.random.default_rng(SPLIT_SEED)",
        "    places = np.empty(len(labels))",
        "    for label in np.unique(labels):",
        "        rows = generator.permutation(np.flatnonzero(labels == label))",
        "        places[rows] = (np.arange(len(rows)) + 0.5) / len(rows)",
        "    tie_breaker = generator.permutation(len(labels))",
        "    return np.lexsort((tie_breaker, places))",
    ]


def _corrupt(source: ScriptSource) -> list[str]:
    """As `core.datasets.splits.corrupt_labels`."""
    noise = source.config.dataset.label_noise
    share = Fraction(str(noise)).limit_denominator(1_000_000)
    rare = min(share, 1 - share)
    p, q = rare.numerator, rare.denominator
    head = [
        "def corrupted(labels):",
        f'    """The labels with {100 * noise:g} % wrong ones: those of the run."""',
        "    generator = np.random.default_rng([SEED, SPLIT_SEED])",
        "    wrong = np.zeros(len(labels), bool)",
    ]
    drawn = [
        f"    # {'One' if rare == share else 'One right label'} in each stretch of {q} / {p} labels.",
        f"    stretches = -(-len(labels) * {p} // {q})",
        f"    borders = -(-np.arange(stretches + 1) * {q} // {p})",
        "    places = borders[:-1] + generator.integers(0, np.diff(borders))",
        "    wrong[places[places < len(labels)]] = True",
    ]
    return [
        *head,
        *(drawn if rare else []),
        *([] if rare == share else ["    wrong = ~wrong"]),
        "    shift = generator.integers(1, NUM_CLASSES, len(labels))",
        "    return np.where(wrong, (labels + shift) % NUM_CLASSES, labels)",
    ]


def _resized() -> list[str]:
    return [
        "def resized(pictures):",
        '    """The pictures at the size that the network reads."""',
        "    size = IMAGE_SHAPE[:2]",
        "    images = [Image.fromarray(each.squeeze()).resize(size, Image.Resampling.BILINEAR) for each in pictures]",
        "    return np.stack([np.asarray(each) for each in images]).reshape(-1, *IMAGE_SHAPE)",
    ]


def _split(source: ScriptSource) -> list[str]:
    """As `core.datasets.splits.load_split`."""
    config, count = source.config.dataset, source.num_validation
    chosen = "" if config.num_train is None else "[:NUM_TRAIN]"
    if count is None:
        validation = ["    validation = np.sort(stratified_order(y_test)[: len(y_test) // 2])"]
        told = "the other half of the test pictures stays unseen"
    else:
        validation = [f"    validation = np.arange({count})"]
        told = "the test pictures behind them stay unseen"
    compared = [
        "    labels = np.concatenate([y_train[train], y_test[validation]])",
        '    found = zlib.crc32(labels.astype("<i4").tobytes())',
        f"    found = zlib.crc32(x_train[train[:{COMPARED_PICTURES}]].tobytes(), found)",
        f"    found = zlib.crc32(x_test[validation[:{COMPARED_PICTURES}]].tobytes(), found)",
        "    if found != FINGERPRINT:",
        '        print("These are not the pictures that the run had, so its numbers will not come out.")',
    ]
    noisy = bool(config.label_noise)
    labels = "corrupted(y_train[order])" + chosen if noisy else "y_train[train]"
    resized = source.shape != source.image_shape
    x_train, x_val = (
        f"resized({each})" if resized else each for each in ("x_train[train]", "x_test[validation]")
    )
    return [
        "def load_split(path):",
        f'    """Training pictures and labels, then those of validation; {told}."""',
        "    x_train, y_train, x_test, y_test = load_pictures(path)",
        "    order = stratified_order(y_train)"
        if noisy
        else f"    train = stratified_order(y_train){chosen}",
        *([f"    train = order{chosen}"] if noisy else []),
        *validation,
        *(compared if source.fingerprint is not None else []),
        f"    y_train, y_val = {labels}, y_test[validation]",
        f"    x_train, x_val = {x_train}, {x_val}",
        "    return x_train, one_hot(y_train), x_val, one_hot(y_val)",
        "",
        "",
        "def one_hot(labels):",
        '    return keras.utils.to_categorical(labels, NUM_CLASSES).astype("float32")',
    ]


def _batches(config: ExperimentConfig) -> list[str]:
    """As `core.training.pipeline.epoch_order`."""
    multiple = config.training.steps_per_epoch_multiple
    if multiple == 1:
        order = ["        order = generator.permutation(len(x))"]
        told = "each epoch shuffles them as the run did"
    else:
        order = ["        order = generator.integers(0, len(x), pictures_per_epoch(x))"]
        told = "each epoch draws as many pictures as the run did, the same ones"
    counted = (
        [
            "def pictures_per_epoch(x):",
            f'    """{multiple:g} times as many as there are; some come more than once."""',
            f"    return max(1, round(len(x) * {multiple!r}))",
            "",
            "",
        ]
        if multiple != 1
        else []
    )
    varied = config.augmentation.is_active
    given = "vary(pictures, labels) if vary else (pictures, labels)" if varied else "pictures, labels"
    return [
        *counted,
        f"def batches(x, y{', vary=None' if varied else ''}):",
        f'    """Batches without an end: {told}."""',
        "    for epoch in itertools.count():",
        "        generator = np.random.default_rng([SEED, epoch, 1])",
        *order,
        "        for start in range(0, len(order), BATCH_SIZE):",
        "            rows = order[start : start + BATCH_SIZE]",
        '            pictures, labels = x[rows].astype("float32"), y[rows]',
        f"            yield {given}",
    ]


def clean_pictures(source: ScriptSource) -> int:
    """How many training pictures are also measured without augmentation and dropout."""
    return min(CLEAN_PICTURES, source.num_train)
