"""Alerts on System: adding, testing and removing one, the log, and who may do what."""

import sys

import pytest
from streamlit.runtime.context import ContextProxy, StreamlitHeaders
from streamlit.testing.v1 import AppTest

from core.server import key as key_module
from core.store.alerts import Try
from core.visitors.person import TEACHER
from pages.components.kit.text import literal, local_time
from tests.core.alerts.receiver import receiving
from tests.pages.in_class import looking
from tests.pages.visits import open_page, unfold, words


def open_form() -> AppTest:
    return unfold(open_page("system.py"), "Add an alert")


def fill(page: AppTest, number: int = 0, **values: str) -> AppTest:
    for name, value in values.items():
        page.text_input(key=f"alert-{name}-{number}").set_value(value).run()
    return page


def choose_kinds(page: AppTest, *kinds: str, number: int = 0) -> AppTest:
    (pills,) = (each for each in page.get("button_group") if each.key == f"alert-kinds-{number}")
    return pills.set_value(list(kinds)).run()


def test_an_alert_is_added_tested_and_removed(workspace, store) -> None:
    page = open_form()
    assert "ConvDeck can tell you when a run overfits" in words(page)
    with receiving(200, 500) as receiver:
        fill(page, name="my *phone*", webhook=receiver.url)
        choose_kinds(page, "finished", "overfitting")
        page.button(key="add-alert-0").click().run()
        assert not page.exception and not page.error
        (rule,) = store.alerts.list_rules()
        assert (rule.name, rule.kinds, rule.webhook, rule.public_only) == (
            "my *phone*", ("overfitting", "finished"), receiver.url, False,
        )  # fmt: skip
        assert f"**{literal('my *phone*')}** · {literal('Overfitting, Run finished')}" in [
            each.value for each in page.markdown
        ]
        page.button(key=f"test-alert-{rule.id}").click().run()
        assert page.success[0].value == literal("Delivered: the address answered 200 (heard).")
        page.button(key=f"test-alert-{rule.id}").click().run()
        assert page.error[0].value == literal("Not delivered: the address answered 500 (heard).")
        assert [each["kind"] for each in receiver.received] == ["test", "test"]
    page.button(key=f"remove-alert-{rule.id}").click().run()
    assert not page.exception and store.alerts.list_rules() == []


def test_what_is_not_allowed_is_said_in_the_form(workspace, store) -> None:
    page = fill(open_form(), name="phone", webhook="ftp://example.com")
    choose_kinds(page, "finished")
    page.button(key="add-alert-0").click().run()
    assert page.error[0].value == literal("Address: must begin with https:// or http:// and name a host.")
    assert store.alerts.list_rules() == []


def test_a_command_is_offered_on_a_server_of_this_computer_and_to_the_teacher(
    workspace, store, anna, monkeypatch
) -> None:
    def offered() -> bool:
        return any(each.key == "alert-channel-0" for each in open_form().get("button_group"))

    page = fill(open_form(), name="bell")
    choose_kinds(page, "failed")
    (channel,) = (each for each in page.get("button_group") if each.key == "alert-channel-0")
    channel.set_value("Command").run()
    fill(page, command=f"{sys.executable} 'a b' $HOME")
    page.button(key="add-alert-0").click().run()
    assert not page.exception and not page.error
    assert store.alerts.get_rule("bell").command == (sys.executable, "a b", "$HOME")
    store.alerts.remove_rule("bell")
    with looking(TEACHER):
        assert offered()
    with looking(anna):
        page = open_page("system.py")
        assert "Alerts" not in [each.value for each in page.subheader]
        assert not page.get("expander") or "Add an alert" not in [each.label for each in page.expander]
    # With a key, others reach the server too, whoever they are.
    monkeypatch.setattr(
        key_module, "_taken", {"CONVDECK_TOKEN": key_module.Key("correct horse battery staple")}
    )
    assert not offered()
    page = fill(open_form(), name="phone", webhook="http://127.0.0.1:9/")
    choose_kinds(page, "finished")
    page.button(key="add-alert-0").click().run()
    assert "which is this computer or in its network" in words(page)


def test_the_messages_so_far(workspace, store) -> None:
    page = unfold(open_page("system.py"), "Messages so far")
    assert "No message has been sent yet." in words(page)
    rule = store.alerts.add_rule("phone", ["finished"], "http://127.0.0.1:9/", None, public_only=False)
    made = store.alerts.log_test(rule, {"title": "A test."}, Try(5.0, False, 503, "busy"))
    page = unfold(open_page("system.py"), "Messages so far")
    (row,) = next(
        frame.value.to_dict("records") for frame in page.dataframe if "outcome" in frame.value.columns
    )
    assert row == {
        "when": local_time(made.created_at), "alert": "phone", "message": "A test.",
        "outcome": "Not delivered: the address answered 503 (busy).",
    }  # fmt: skip


@pytest.fixture(autouse=True)
def without_processes(no_scheduler) -> None:
    """Nothing is started for what is added here."""


def test_a_page_that_a_proxy_has_passed_on_sets_no_command(workspace, monkeypatch) -> None:
    assert "alert-channel-0" in [each.key for each in open_form().get("button_group")]
    headers = StreamlitHeaders([("X-Forwarded-For", "203.0.113.7")])
    monkeypatch.setattr(ContextProxy, "headers", headers)
    page = open_form()
    assert "alert-channel-0" not in [each.key for each in page.get("button_group")]
    page = fill(choose_kinds(page, "finished"), name="phone", webhook="http://127.0.0.1:9/")
    page.button(key="add-alert-0").click().run()
    assert "only public addresses" in page.error[0].value
