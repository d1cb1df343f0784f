"""Which runs can be asked about which pictures."""

from collections.abc import Iterable

from core.store.records import Run

ImageShape = tuple[int, int, int]


def resized_shape(image_size: int | None, stored: ImageShape) -> ImageShape:
    """The (height, width, channels) that is read of `stored` ones: a square of `image_size`, if that is asked for."""
    return stored if image_size is None else (image_size, image_size, stored[2])


def trained_runs(runs: Iterable[Run], dataset_id: str) -> list[Run]:
    """Those with weights and readable settings that were trained on this data set, in the same order."""
    return [
        run
        for run in runs
        if run.best_epoch is not None and run.dataset == dataset_id and run.unreadable is None
    ]


def fitting_runs(runs: Iterable[Run], dataset_id: str, stored: ImageShape, shown: ImageShape) -> list[Run]:
    """Those of `trained_runs` that read pictures of the shape `shown`, where the data set's are of `stored`."""
    return [
        run
        for run in trained_runs(runs, dataset_id)
        if resized_shape(run.config.dataset.image_size, stored) == shown
    ]
