"""A map that is made in portions while others ask for other epochs of the same run."""

import numpy as np
import pytest
from msgspec.structs import asdict

from core.engine.loader import Loader
from core.engine.map_requests import MapRequests
from core.store.store import Store


@pytest.fixture
def document(trained):
    with Store(trained.workspace) as store:
        dataset = store.get_run(trained.run_id).config.dataset
    return {
        "method": "make_map", "run_id": trained.run_id, "which": "1", "dataset": asdict(dataset), "split": "test",
    }  # fmt: skip


def made(loader: Loader, document: dict, between=lambda: None) -> dict[str, np.ndarray]:
    requests = MapRequests(loader, None)
    while True:
        answer, arrays = requests.make(document, {})
        if answer["done"] >= answer["of"]:
            return arrays
        between()


def test_each_portion_is_measured_with_the_weights_of_its_own_epoch(trained, document) -> None:
    loader = Loader(trained.workspace)

    def ask_for_another_epoch() -> None:
        """And for so many runs that the first network is let go."""
        loader.model(trained.run_id, "3")
        loader._bodies.clear()

    expected = made(Loader(trained.workspace), document)
    found = made(loader, document, ask_for_another_epoch)
    # How portions are cut depends on the time they take, and so do the last digits.
    np.testing.assert_allclose(found["mean"], expected["mean"], atol=1e-4)
    np.testing.assert_allclose(found["explained"][:5], expected["explained"][:5], atol=1e-3)
