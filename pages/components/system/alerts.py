"""Alerts on System: the rules with a test of each, a form for another one, and the messages so far."""

import shlex
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.alerts.rules import KIND_NAMES, add_rule, channel_in_words, outcome_in_words, send_test
from core.errors import ConfigError, ConvDeckError
from core.server.key import has_key
from core.server.services import Services
from core.store.alerts import KINDS, AlertRule, Delivery
from core.system.addresses import FORWARDED
from core.visitors.person import TEACHER
from pages.components.kit.destructive import destructive_button
from pages.components.kit.person import who
from pages.components.kit.redraw import act_and_redraw, draw_alone, render_folded
from pages.components.kit.text import error_text, literal, local_time

WEBHOOK, COMMAND = "Webhook", "Command"
LOG_ROWS = 50


def render_alerts(services: Services) -> None:
    """Not for visitors of a class: an address often holds a secret."""
    st.subheader("Alerts", anchor=False)
    rules = services.store.alerts.list_rules()
    if not rules:
        st.caption(
            "ConvDeck can tell you when a run overfits, diverges or has finished, or a sweep is decided, also while no "
            "page is open. Each message says how that is known and what to try."
        )
    for rule in rules:
        draw_alone(_draw_rule, services, rule)
    render_folded(
        "Add an alert",
        "add-alert",
        lambda: draw_alone(_draw_form, services, len(rules)),
        icon=":material/add_alert:",
    )
    render_folded("Messages so far", "alert-log", lambda: _render_log(services), icon=":material/mail:")


def _draw_rule(services: Services, rule: AlertRule) -> None:
    with st.container(border=True):
        with st.container(
            horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small"
        ):
            st.markdown(
                f"**{literal(rule.name)}** · {literal(', '.join(KIND_NAMES[kind] for kind in rule.kinds))}",
                width="content",
            )
            with st.container(horizontal=True, gap="small", width="content"):
                is_tested = st.button("Send a test", key=f"test-alert-{rule.id}", icon=":material/send:")
                is_removed = destructive_button("Remove", f"remove-alert-{rule.id}", type="tertiary")
        st.code(channel_in_words(rule), language=None, wrap_lines=True)
        if is_removed:
            act_and_redraw(lambda: services.store.alerts.remove_rule(rule.name))
        if is_tested:
            _send_test(services, rule)


def _send_test(services: Services, rule: AlertRule) -> None:
    try:
        with st.spinner("Sending…"):
            delivery = send_test(services.store, rule.name)
    except ConvDeckError as error:
        st.error(literal(error_text(error)))
        return
    if delivery.state == "sent":
        st.success(literal(outcome_in_words(delivery)), icon=":material/check_circle:")
    else:
        st.error(literal(outcome_in_words(delivery)), icon=":material/error:")


def _draw_form(services: Services, number: int) -> None:
    """With each alert that is added the form is another one, and empty."""
    is_local = may_do_as_they_like()
    name = st.text_input("Name", key=f"alert-name-{number}", max_chars=60, placeholder="phone")
    kinds = st.pills(
        "Tell of",
        KINDS,
        selection_mode="multi",
        format_func=KIND_NAMES.__getitem__,
        key=f"alert-kinds-{number}",
    )
    channel = WEBHOOK
    if is_local:
        channel = st.segmented_control(
            "To", (WEBHOOK, COMMAND), default=WEBHOOK, key=f"alert-channel-{number}"
        ) or WEBHOOK  # fmt: skip
    if channel == WEBHOOK:
        where = st.text_input(
            "Address", key=f"alert-webhook-{number}", placeholder="https://example.com/hook",
            help="Each message is sent there by POST, as JSON."
            + ("" if is_local else " It must be a public address."),
        )  # fmt: skip
    else:
        where = st.text_input(
            "Program and arguments", key=f"alert-command-{number}", placeholder="/usr/local/bin/tell-me --loud",
            help="Run on the server's computer for each message, without a shell, with the message as its input.",
        )  # fmt: skip
    if not st.button("Add", key=f"add-alert-{number}", type="primary"):
        return
    try:
        webhook, command = (where, None) if channel == WEBHOOK else (None, _words_of(where))
        add_rule(services.store, name, kinds, webhook=webhook, command=command, is_local=is_local)
    except ConvDeckError as error:
        st.error(literal(_in_words(error)), icon=":material/block:")
        return
    st.rerun()


def may_do_as_they_like() -> bool:
    """Whether the person at this page may run any program on the server's computer: the server has no key and no proxy
    has passed the page on, so they sit there; or they are the teacher.
    """
    is_passed_on = any(name in st.context.headers for name in FORWARDED)
    return not (has_key() or is_passed_on) or who() == TEACHER


def _words_of(text: str) -> Sequence[str]:
    """As a shell would part them, quotes included, and nothing else that a shell does."""
    try:
        return shlex.split(text)
    except ValueError:
        raise ConfigError("command", "has a quote that does not end.") from None


def _in_words(error: ConvDeckError) -> str:
    """With the fields as this form calls them."""
    names = {"name": "Name", "on": "Tell of", "webhook": "Address", "command": "Program and arguments"}
    if isinstance(error, ConfigError) and error.field in names:
        return f"{names[error.field]}: {error.message}"
    return error_text(error)


def _render_log(services: Services) -> None:
    log = services.store.alerts.log(LOG_ROWS)
    if not log:
        st.caption("No message has been sent yet.")
        return
    st.dataframe(
        log_rows(log), hide_index=True, alt="Messages, newest first, and how they went",
        column_config={
            "when": st.column_config.TextColumn("When", width="small"),
            "alert": st.column_config.TextColumn("Alert", width="small"),
            "message": st.column_config.TextColumn("Message", width="large"),
            "outcome": st.column_config.TextColumn("How it went", width="medium"),
        },
    )  # fmt: skip


def log_rows(log: Sequence[Delivery]) -> pd.DataFrame:
    """A row per message; of what was given up, what it was."""
    return pd.DataFrame(
        {
            "when": [local_time(each.created_at) for each in log],
            "alert": [each.rule or "" for each in log],
            "message": [each.message.get("title") or f"{each.subject} {each.subject_id}" for each in log],
            "outcome": [outcome_in_words(each) for each in log],
        }
    )
