"""The JSON of what trained networks answer, and of what is inside them. What is not known is null."""

from typing import Any, NotRequired, TypedDict

from core.api.openapi.operation import Base64Png

RankedClass = TypedDict("RankedClass", {"class": str, "probability": float})
Neighbour = TypedDict("Neighbour", {"index": int, "class": str, "distance": float})
ClassMeasures = TypedDict(
    "ClassMeasures",
    {"class": str, "precision": float | None, "recall": float | None, "f1": float | None, "support": int},
)


class PictureAnswer(TypedDict):
    """What a run says of a picture; of several runs, their answers are in `answers`."""

    image: str
    ok: bool
    error: str | None
    top: NotRequired[list[RankedClass]]
    known: NotRequired[bool | None]
    distance_percentile: NotRequired[float | None]
    neighbours: NotRequired[list[Neighbour]]
    temperature: NotRequired[float | None]
    variants: NotRequired[dict[str, Any] | None]
    agree: NotRequired[bool | None]
    answers: NotRequired[list[dict[str, Any]]]


Explained = TypedDict(
    "Explained",
    {
        "image": str,
        "top": list[RankedClass],
        "method": str,
        "class": str,
        "layer": str | None,
        "layers": list[str],
        "map": list[list[float]],
        "is_empty": bool,
        "random_map": list[list[float]],
        "similarity": float | None,
        "passes": bool | None,
        "sentence": str,
        "notes": list[str],
        "png": Base64Png,
    },
)


class Evaluation(TypedDict):
    """How good a run's answers to a part are."""

    run: str
    split: str
    epoch: int
    n: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    loss: float
    top3_accuracy: float
    top5_accuracy: float | None
    ece: float
    temperature: float
    ece_calibrated: float
    class_names: list[str]
    confusion: list[list[int]]
    classes: list[ClassMeasures]
    dataset: NotRequired[str]


class Mistake(TypedDict):
    """A wrong answer; `index` is the picture's row in the test arrays."""

    index: int
    label: str
    predicted: str
    probability: float
    loss: float
    file: str | None


class TaggedPicture(TypedDict):
    """A picture of the test arrays with its tags."""

    index: int
    label: str
    tags: list[str]


class Confusions(TypedDict):
    """A confusion matrix for each of `epoch`, with a row for each true class."""

    run: str
    split: str
    note: str | None
    class_names: list[str]
    epoch: list[int]
    confusion: list[list[list[int]]]


class PlacedPicture(TypedDict):
    """A new picture on the map."""

    image: str
    ok: bool
    error: str | None
    top: list[RankedClass]
    tsne: list[float] | None
    pca: list[float] | None


class PictureMap(TypedDict):
    """Where the pictures of a part lie to the network."""

    run: str
    split: str
    epoch: int
    n: int
    class_names: list[str]
    index: list[int]
    label: list[int]
    predicted: list[int]
    tsne: list[list[float]]
    pca: list[list[float]]
    explained: list[float]
    placed: list[PlacedPicture]


class LayersAnswer(TypedDict):
    """The layers of a network, or what they, or one of them, give for a picture."""

    run: str
    epoch: int
    layers: NotRequired[list[dict[str, Any]]]
    dead_units: NotRequired[dict[str, Any]]
    layer: NotRequired[str]
    kind: NotRequired[str]
    output_shape: NotRequired[list[int]]
    silent: NotRequired[int]
    channels: NotRequired[list[dict[str, Any]]]
    calculation: NotRequired[dict[str, Any]]
    png: NotRequired[Base64Png]


class Histogram(TypedDict):
    """The numbers of one layer."""

    layer: str
    count: int
    zeros: int
    not_finite: int
    mean: float | None
    rms: float | None
    edges: list[float]
    counts: list[int]


class EpochHistograms(TypedDict):
    """Of one epoch."""

    epoch: int
    weights: list[Histogram]
    activations: list[Histogram]
    gradients: list[Histogram]


class Histograms(TypedDict):
    """Weights, activations and gradients over the epochs, and what is unusual about them."""

    run: str
    pictures: int
    epochs: list[EpochHistograms]
    findings: list[str]
