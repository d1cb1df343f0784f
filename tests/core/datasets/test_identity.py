"""Whether what a run was started on is still there and the same."""

from types import SimpleNamespace

import pytest

from core.datasets.identity import check_same_data, data_problem
from core.datasets.storage import delete_dataset
from core.errors import DatasetError
from tests.core.conftest import own_data


def run_on(dataset: str, digest: str | None) -> SimpleNamespace:
    return SimpleNamespace(name="pets 1", dataset=dataset, dataset_digest=digest)


def test_the_same_data_is_no_problem_also_when_it_was_away(workspace) -> None:
    digest = own_data(workspace).digest
    assert data_problem(workspace, run_on("pets", digest)) is None
    delete_dataset(workspace, "pets")
    assert data_problem(workspace, run_on("pets", digest)) == (
        "The data set pets that “pets 1” was started on is not here any more: add it again under this name, or start a "
        "new run on another one."
    )
    own_data(workspace)
    check_same_data(workspace, run_on("pets", digest))


@pytest.mark.parametrize("changed", [{"class_names": ("dog", "cat")}, {"seed": 1}])
def test_other_classes_or_pictures_under_the_same_name(workspace, changed) -> None:
    digest = own_data(workspace).digest
    delete_dataset(workspace, "pets")
    own_data(workspace, **changed)
    sentence = (
        "“pets 1” was started on another data set that was called pets: remove the one that has this name now and add "
        "the former one again, or start a new run."
    )
    assert data_problem(workspace, run_on("pets", digest)) == sentence
    with pytest.raises(DatasetError, match="another data set that was called pets"):
        check_same_data(workspace, run_on("pets", digest))


def test_where_it_is_not_known_nothing_is_compared(workspace) -> None:
    own_data(workspace)
    assert data_problem(workspace, run_on("pets", None)) is None
    assert data_problem(workspace, run_on("gone", None)) is not None


def test_what_is_drawn_or_downloaded_again_is_compared_when_it_is_here(workspace) -> None:
    for known in ("shapes", "cifar10"):
        assert data_problem(workspace, run_on(known, "d1")) is None


def test_a_damaged_one_is_said_to_be(workspace) -> None:
    digest = own_data(workspace).digest
    (workspace.datasets / "pets" / "x_test.npy").unlink()
    assert "The data set pets is damaged (x_test.npy" in str(data_problem(workspace, run_on("pets", digest)))
