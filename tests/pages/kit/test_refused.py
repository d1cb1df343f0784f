"""Which refused values stand in their fields, and what is said of them."""

from core.errors import ConfigError
from pages.components.kit.refused import RefusedValue, RefusedValues

RATE = ConfigError("optimizer.learning_rate", "must be above 0, not 0.0.")
NESTEROV = ConfigError("optimizer.nesterov", "needs a momentum above 0.")


def refused() -> RefusedValues:
    values = RefusedValues()
    values.refuse("optimizer.learning_rate", "rate", 0.0, RATE)
    values.refuse("optimizer.momentum", "momentum", 0.0, NESTEROV)
    return values


def test_a_value_stands_as_long_as_its_widget_shows_it() -> None:
    values = refused()
    shown = {"rate": 0.0, "momentum": 0.5}
    assert list(values.standing(shown)) == [
        ("optimizer.learning_rate", RefusedValue("rate", 0.0, RATE.message))
    ]
    assert list(values.standing({})) == []


def test_a_reason_is_shown_below_the_widget_that_was_refused_and_no_other() -> None:
    values = refused()
    shown = {"rate": 0.0, "other": 0.0}
    assert values.draw("optimizer.learning_rate", "rate", shown) == RATE.message
    assert values.draw("optimizer.learning_rate", "other", shown) is None
    assert values.draw("optimizer.weight_decay", "rate", shown) is None


def test_a_setting_refused_for_another_one_names_it() -> None:
    values = refused()
    reason = values.draw("optimizer.momentum", "momentum", {"momentum": 0.0})
    assert reason == "Nesterov momentum needs a momentum above 0."


def test_the_page_says_what_its_own_fields_refuse() -> None:
    values = refused()
    shown = {"rate": 0.0, "momentum": 0.0}
    assert values.in_words(shown) == []
    values.draw("optimizer.learning_rate", "rate", shown)
    assert values.in_words(shown) == [f"Learning rate: {RATE.message}"]
    values.begin_page()
    assert values.in_words(shown) == []


def test_a_value_that_was_changed_is_forgotten() -> None:
    values = refused()
    values.forget("optimizer.learning_rate")
    values.forget("optimizer.epochs")
    shown = {"rate": 0.0, "momentum": 0.0}
    assert [path for path, _ in values.standing(shown)] == ["optimizer.momentum"]
    values.forget_all()
    assert not list(values.standing(shown))
