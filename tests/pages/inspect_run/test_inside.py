"""The inside of a network as a visitor gets it: drawn once it is opened, and for any layer and picture."""

import numpy as np
import pytest

from core.engine.client import Engine
from core.errors import EngineError
from pages.components.kit import network
from pages.components.kit.cache import VersionedCache
from pages.components.kit.number_grid import picked
from tests.pages.visits import button, open_page, press, unfold, words
from tests.uneven import Uneven


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test begins as after a start of the server."""
    for name in ("_layers", "_maps", "_filters", "_calculations", "_dead"):
        monkeypatch.setattr(network, name, VersionedCache(4))


def control(page, key: str):
    return next(each for each in page.get("button_group") if each.key == key)


def test_nothing_is_asked_while_it_is_folded(uneven_home: Uneven, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    ask = Engine.ask
    monkeypatch.setattr(
        Engine,
        "ask",
        lambda self, document, arrays: asked.append(document["method"]) or ask(self, document, arrays),
    )
    page = open_page("inspect_run.py", run=uneven_home.run_id)
    assert "layers" not in asked
    unfold(page, "Inside the network")
    assert asked.count("layers") == 2  # the list, and what the first convolution gives
    before = words(page)
    press(page, "Next")
    assert not page.exception and words(page) != before and asked.count("layers") == 3
    assert not button(page, "Previous").disabled
    for part in ("Filters", "Dead units", "Histograms", "Feature maps"):
        control(page, "inspect-inside-part").set_value(part).run()
        assert not page.exception and not page.error
    assert {"filters", "dead", "histograms"} <= set(asked)


def test_the_layers_of_all_kinds_can_be_looked_at(uneven_home: Uneven) -> None:
    page = unfold(open_page("inspect_run.py", run=uneven_home.run_id), "Inside the network")
    layer = next(each for each in page.selectbox if each.label == "Layer")
    assert layer.value == "conv_1"
    for option in layer.options:
        name = option.partition(":")[0]
        next(each for each in page.selectbox if each.label == "Layer").set_value(name).run()
        assert not page.exception and not page.error
        assert page.get("bidi_component")


def test_an_engine_that_crashes_is_a_sentence(uneven_home: Uneven, monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("inspect_run.py", run=uneven_home.run_id)

    def crash(*_: object) -> None:
        raise EngineError("The engine crashed.")

    monkeypatch.setattr(Engine, "ask", crash)
    unfold(page, "Inside the network")
    assert [each.value.replace("\\", "") for each in page.error] == ["The engine crashed."]


def test_what_a_browser_sends_is_checked() -> None:
    values = np.array([[1.0, np.nan], [2, 3]])
    assert picked({"picked": {"row": 1, "column": 0}}, values) == (1, 0)
    for sent in (
        None,
        {},
        {"row": 0},
        {"row": "0", "column": 0},
        {"row": 2, "column": 0},
        {"row": 0, "column": 1},
    ):
        assert picked({"picked": sent}, values) is None
    assert picked(None, values) is None
