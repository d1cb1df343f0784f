"""Maps of a picture: what is asked, what is said of them, and what is kept."""

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import EngineError
from tests.core.engine.explained import explained
from tests.pages.visits import words


def page_of(asked: list[tuple[str, str | None, str | None]], key: str, answer: object) -> None:
    from pages.components.kit.explanations import render_explanations

    def ask(method, layer, class_name):
        asked.append((method, layer, class_name))
        return answer(method, layer, class_name)

    render_explanations(ask, key)


def answered(method, layer, class_name):
    """Grad-CAM looks at the last layer, and the answer is “cat”."""
    layer = (layer or "conv_2") if method == "grad-cam" else None
    return explained(method=method, layer=layer, class_name=class_name or "cat")


def opened(asked: list, key: str, answer: object = answered) -> AppTest:
    arguments = {"asked": asked, "key": key, "answer": answer}
    return AppTest.from_function(page_of, kwargs=arguments, default_timeout=60).run()


def choose_method(page: AppTest, method: str) -> AppTest:
    next(each for each in page.get("button_group") if each.key.startswith("explain-method")).set_value(
        method
    ).run()
    assert not page.exception
    return page


def test_the_map_is_asked_for_once_and_other_layers_and_classes_when_chosen() -> None:
    asked: list = []
    page = opened(asked, "chosen")
    assert asked == [("grad-cam", None, None)]
    assert (
        "cat.png is taken for “cat” with 75.0 %; Grad-CAM at conv_2 for “cat” passes the sanity check"
        in words(page)
    )
    assert [each.proto.imgs[0].alt for each in page.get("image")] == [
        "cat.png: What the network sees", "cat.png: Grad-CAM for “cat”", "cat.png: The same with random weights",
    ]  # fmt: skip
    page.selectbox(key="explain-layer-chosen").set_value("conv_1").run()
    page.selectbox(key="explain-class-chosen").set_value("dog").run()
    assert asked[1:] == [("grad-cam", "conv_1", None), ("grad-cam", "conv_1", "dog")]
    assert "Grad-CAM at conv_1 for “dog”" in words(page)
    choose_method(page, "occlusion")
    assert [each.label for each in page.selectbox] == ["Class"]
    assert asked[3:] == [("occlusion", None, None), ("occlusion", None, "dog")]
    # What was answered before is kept.
    choose_method(page, "grad-cam")
    opened(asked, "chosen")
    assert len(asked) == 5


@pytest.mark.parametrize(
    ("changed", "sentence", "note"),
    [
        (
            {"similarity": 0.9},
            "does not pass the sanity check",
            "With random weights the map looks much the same",
        ),
        (
            {"similarity": None, "is_empty": True},
            "finds nothing in the picture that speaks for it",
            "Nothing in this picture speaks for “dog”: the map is 0 everywhere. The network's answer is “cat”.",
        ),
    ],
)
def test_a_map_that_says_nothing_says_so(changed: dict, sentence: str, note: str) -> None:
    page = opened([], sentence, lambda *asked: explained(**changed))
    assert sentence in words(page) and note in words(page)
    assert ":material/check:" not in words(page)


def test_an_engine_that_fails_is_a_sentence_in_place_and_is_asked_again() -> None:
    def fail(*asked):
        raise EngineError("The picture engine ended unexpectedly. Try again: it restarts by itself.")

    page = opened([], "failed", fail)
    assert [each.value for each in page.error] == [
        "The picture engine ended unexpectedly\\. Try again\\: it restarts by itself\\."
    ]
    assert not opened([], "failed").error
