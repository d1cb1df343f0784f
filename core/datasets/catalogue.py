"""The data sets that are known by name: what they are, where they come from, how large they are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """A file of an official data set: its address, and the size and digest that it must have."""

    url: str
    size_bytes: int
    algorithm: str
    digest: str

    @property
    def file_name(self) -> str:
        return self.url.rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Source:
    """A known data set. `kind` says how its archives are read: `cifar`, `idx`, or `drawn` for the built-in one."""

    id: str
    title: str
    description: str
    kind: str
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    num_train: int
    num_test: int
    archives: tuple[Archive, ...] = ()

    @property
    def download_bytes(self) -> int:
        return sum(archive.size_bytes for archive in self.archives)


SHAPES_CLASSES = (
    "circle", "square", "triangle", "star", "cross", "ring", "heart", "crescent", "hexagon", "arrow",
)  # fmt: skip

CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip

CIFAR100_CLASSES = (
    "apple", "aquarium fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
    "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
    "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
    "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn mower", "leopard", "lion",
    "lizard", "lobster", "man", "maple tree", "motorcycle", "mountain", "mouse", "mushroom", "oak tree", "orange",
    "orchid", "otter", "palm tree", "pear", "pickup truck", "pine tree", "plain", "plate", "poppy", "porcupine",
    "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
    "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet pepper", "table", "tank",
    "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
    "willow tree", "wolf", "woman", "worm",
)  # fmt: skip

FASHION_CLASSES = (
    "T-shirt or top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot",
)  # fmt: skip

SHAPES_TRAIN, SHAPES_TEST = 6_000, 3_000


def _mnist_archives(base: str, algorithm: str, parts: tuple[tuple[int, str], ...]) -> tuple[Archive, ...]:
    """The four files of an MNIST-like set: training pictures and labels, test pictures and labels."""
    names = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
    return tuple(
        Archive(f"{base}/{name}-ubyte.gz", size, algorithm, digest)
        for name, (size, digest) in zip(names, parts, strict=True)
    )


_ALL = (
    Source(
        "shapes", "Shapes", "Ten classes of simple shapes among clutter, drawn on this machine: nothing to download.",
        "drawn", SHAPES_CLASSES, (32, 32, 3), SHAPES_TRAIN, SHAPES_TEST,
    ),
    Source(
        "cifar10", "CIFAR-10", "Ten classes of animals and vehicles, 32×32 pixels (Krizhevsky, 2009).",
        "cifar", CIFAR10_CLASSES, (32, 32, 3), 50_000, 10_000,
        (
            Archive(
                "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz", 170_498_071, "sha256",
                "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            ),
        ),
    ),
    Source(
        "cifar100", "CIFAR-100", "A hundred classes with 500 training pictures each, 32×32 pixels (Krizhevsky, 2009).",
        "cifar", CIFAR100_CLASSES, (32, 32, 3), 50_000, 10_000,
        (
            Archive(
                "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz", 169_001_437, "sha256",
                "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
            ),
        ),
    ),
    Source(
        "mnist", "MNIST", "Handwritten digits, 28×28 pixels in grey (LeCun, Cortes, Burges).",
        "idx", tuple("0123456789"), (28, 28, 1), 60_000, 10_000,
        _mnist_archives(
            "https://storage.googleapis.com/cvdf-datasets/mnist", "sha256",
            (
                (9_912_422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
                (28_881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
                (1_648_877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
                (4_542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            ),
        ),
    ),
    Source(
        "fashion_mnist", "Fashion-MNIST", "Pictures of clothing, 28×28 pixels in grey (Xiao, Rasul, Vollgraf, 2017).",
        "idx", FASHION_CLASSES, (28, 28, 1), 60_000, 10_000,
        # Its authors publish MD5 sums only.
        _mnist_archives(
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion", "md5",
            (
                (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
                (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
                (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
                (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
            ),
        ),
    ),
)  # fmt: skip

SOURCES: dict[str, Source] = {source.id: source for source in _ALL}
