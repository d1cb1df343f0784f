"""System: what runs can train on, which processes serve them, and what is missing when a run does not start."""

import streamlit as st

from core.doctor import examine
from core.server.key import has_key
from pages.components.kit import session
from pages.components.kit.person import who
from pages.components.system.alerts import render_alerts
from pages.components.system.logs import render_logs
from pages.components.system.machine import (
    render_advice,
    render_machine,
    render_storage,
    render_versions,
)
from pages.components.system.sinks import render_sinks


def main() -> None:
    """The page."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.title("System", anchor=False, width="content")
        if has_key():
            # Markdown's links open another tab, and this one would stay signed in.
            st.html('<a href="/sign-out" style="color: inherit">Sign out</a>', width="content")
    services = session.services()
    report = examine(services.workspace)
    render_advice(report, services.workspace)
    render_machine(services)
    render_storage(services)
    # Logs name the machine's folders, which are not a visitor's business.
    if who().is_visitor:
        render_versions(report)
        return
    render_sinks(report)
    render_alerts(services)
    left, right = st.columns([3, 2], gap="large")
    with left:
        render_logs(services.workspace, report)
    with right:
        render_versions(report)


main()
