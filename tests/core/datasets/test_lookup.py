"""What changes in a design with its data set."""

import pytest

from core.datasets.lookup import find_dataset, values_for
from tests.core.conftest import own_data, run_json


def test_more_pictures_than_there_are_become_all(workspace) -> None:
    own_data(workspace, count=24)
    info = find_dataset(workspace, "pets")
    assert values_for(info, 2000) == {"dataset.id": "pets", "dataset.num_train": None}
    assert values_for(info, 25) == {"dataset.id": "pets", "dataset.num_train": None}
    for as_before in (24, 1, None):
        assert values_for(info, as_before) == {"dataset.id": "pets"}


@pytest.mark.parametrize(("values", "num_train"), [((), None), (("--set", "dataset.num_train=500"), 500)])
def test_the_command_line_does_the_same(workspace, values: tuple[str, ...], num_train: int | None) -> None:
    """What was typed is kept: it is refused at the start, with the number that there is."""
    own_data(workspace, count=24)
    code, shown = run_json("describe", "--preset", "overfit", "--dataset", "pets", *values)
    assert code == 0
    assert (shown["config"]["dataset"]["id"], shown["config"]["dataset"]["num_train"]) == ("pets", num_train)
