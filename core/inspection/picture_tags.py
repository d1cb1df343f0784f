"""Tags on test pictures, with what each picture is, as the command line and REST give them."""

from collections.abc import Iterable
from typing import Any

from core.datasets.identity import check_same_data
from core.datasets.storage import Dataset, load_dataset
from core.errors import UserError
from core.store.picture_tags import data_of
from core.store.records import Run
from core.store.store import Store
from core.visitors.person import check_not_visitor
from core.workspace import Workspace


def picture_tags_document(workspace: Workspace, store: Store, run: Run) -> list[dict[str, Any]]:
    """`index` (row of the stored test arrays), `label` and `tags` of each tagged picture of a run's data set.

    Raises DatasetError where the data set is not here any more.
    """
    dataset = _dataset_of(workspace, run)
    tags = store.picture_tags.of(data_of(run))
    return [_row(dataset, index, each) for index, each in tags.items() if index < len(dataset.y_test)]


def change_picture_tags(
    workspace: Workspace, store: Store, run: Run, index: int, *, add: Iterable[str] = (), remove: Iterable[str] = ()
) -> dict[str, Any]:  # fmt: skip
    """Change the tags of one picture. Returns its row of `picture_tags_document`.

    Raises UserError where there is no such picture or a tag is not allowed, DatasetError as above.
    """
    check_not_visitor("tag pictures")
    dataset = _dataset_of(workspace, run)
    if not 0 <= index < len(dataset.y_test):
        raise UserError(
            f"There is no picture {index:,}. The test arrays of {run.dataset} have rows 0 to "
            f"{len(dataset.y_test) - 1:,}."
        )
    store.picture_tags.change(data_of(run), index, add=add, remove=remove)
    return _row(dataset, index, store.picture_tags.of(data_of(run)).get(index, ()))


def _dataset_of(workspace: Workspace, run: Run) -> Dataset:
    check_same_data(workspace, run)
    return load_dataset(workspace, run.dataset)


def _row(dataset: Dataset, index: int, tags: Iterable[str]) -> dict[str, Any]:
    return {"index": index, "label": dataset.class_names[int(dataset.y_test[index])], "tags": list(tags)}
