"""What a model card says of classes that the run hardly knows."""

from core.bundles.card_facts import ClassFacts
from core.bundles.model_card import _weak_in_words

RIGHT = {"cat": 1, "dog": 3, "fish": 2, "hen": 4, "owl": 9}


def classes(*names: str) -> list[ClassFacts]:
    return [ClassFacts(name, 10, RIGHT[name]) for name in names]


def test_all_are_named_where_there_are_few() -> None:
    assert _weak_in_words(classes("owl", "dog", "cat")) == (
        "It is wrong more often than right on 2 of 3 classes: “cat”, “dog”."
    )
    assert _weak_in_words(classes("owl")) is None


def test_where_there_are_more_it_says_that_these_are_the_hardest() -> None:
    assert _weak_in_words(classes("hen", "owl", "dog", "fish", "cat")) == (
        "It is wrong more often than right on 4 of 5 classes: the hardest 3 are “cat”, “fish”, “dog”."
    )
