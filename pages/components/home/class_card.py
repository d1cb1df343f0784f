"""The class on Home: who has joined, who you are, and the QR code and key with which others join."""

from urllib.parse import urlsplit

import streamlit as st

from core.formatting import count_of
from core.server.classroom import join_link, qr_code, reachable_addresses
from core.server.key import taken_key
from core.server.listening import listening_addresses
from core.server.services import Services
from core.store.rights import MOST_WAITING
from core.system.addresses import is_loopback
from pages.components.kit.person import name_of, who
from pages.components.kit.redraw import draw_ticking
from pages.components.kit.text import literal

ADDRESS_SECONDS = 30.0
COUNT_SECONDS = 3.0
SMALL_PIXELS, LARGE_PIXELS = 200, 520


def render_class(services: Services) -> None:
    """A line on the class, and how others join it; nothing where there is no class."""
    key = taken_key()
    if key is None or key.join_key is None:
        return
    visitors, person = services.store.visitors.list_visitors(), who()
    you = (
        "You are the teacher."
        if not person.is_visitor
        else f"You are **{literal(name_of(services, person))}**."
    )
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(
                f":material/groups: **Class** · {_joined(len(visitors))} {you}",
                width="stretch",
                help="Everyone sees all runs. Only the person who started a run or the teacher can change, stop or "
                "delete it. Waiting runs take turns between people, and a student has at most "
                f"{count_of(MOST_WAITING, 'run')} waiting.",
            )
            if visitors and st.button("Invite others", key="class-invite", icon=":material/qr_code_2:"):
                _render_large(services, key.join_key)
            if (
                visitors
                and not person.is_visitor
                and st.button("Names", key="class-names", icon=":material/badge:")
            ):
                _render_names([visitor.name for visitor in visitors])
        if not visitors:
            _render_invitation(services, key.join_key)


def _joined(count: int) -> str:
    return f"**{count:,}** {'has' if count == 1 else 'have'} joined."


@st.dialog("Who has joined", icon=":material/badge:")
def _render_names(names: list[str]) -> None:
    st.markdown("\n".join(f"1. {literal(name)}" for name in names))


def _render_invitation(services: Services, join_key: str) -> None:
    if addresses := _addresses_here():
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            _render_code(addresses[0], join_key, SMALL_PIXELS)
            with st.container(width="content", gap="small"):
                _render_words(addresses, join_key)
                if st.button("Show large", key="class-large", icon=":material/open_in_full:"):
                    _render_large(services, join_key)


@st.dialog("Join the class", width="large", icon=":material/groups:")
def _render_large(services: Services, join_key: str) -> None:
    if addresses := _addresses_here():
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            _render_code(addresses[0], join_key, LARGE_PIXELS)
            with st.container(width="content", gap="small"):
                _render_words(addresses, join_key, is_large=True)
                draw_ticking(lambda: _render_count(services), every=COUNT_SECONDS)


def _render_count(services: Services) -> None:
    st.markdown(_joined(len(services.store.visitors.list_visitors())))


def _render_code(address: str, join_key: str, pixels: int) -> None:
    st.image(
        qr_code(join_link(address, join_key)),
        width=pixels,
        alt=f"QR code of {address} with the key of the class",
    )


def _render_words(addresses: list[str], join_key: str, *, is_large: bool = False) -> None:
    address = addresses[0].removeprefix("http://")
    if is_large:  # a dialog makes headings small
        st.metric("Scan the code, or open", address, width="content")
        st.metric("and type the key", join_key, width="content")
    else:
        st.markdown("Scan the code, or open")
        st.header(literal(address), anchor=False)
        st.markdown("and type the key")
        st.header(literal(join_key), anchor=False)
    if len(addresses) > 1:
        others = ", ".join(f"`{address.removeprefix('http://')}`" for address in addresses[1:])
        st.caption(f"In another network: {others}")


def _addresses_here() -> list[str]:
    addresses = addresses_to_join(st.context.url or "", _addresses())
    if not addresses:
        st.warning(
            "No other device reaches this computer. Connect it to the network of the class and reload this page.",
            icon=":material/wifi_off:",
        )
    return addresses


def addresses_to_join(page_url: str, found: list[str]) -> list[str]:
    """`found`, behind the one by which this page itself was reached, if others can reach that too."""
    parts = urlsplit(page_url)
    host = parts.hostname or ""
    own = f"{parts.scheme}://{parts.netloc}"
    is_own_reachable = bool(host) and host != "localhost" and not (_is_address(host) and is_loopback(host))
    return list(dict.fromkeys([own, *found] if is_own_reachable else found))


def _is_address(host: str) -> bool:
    return ":" in host or host.replace(".", "").isdecimal()


@st.cache_data(ttl=ADDRESS_SECONDS, max_entries=1, show_spinner=False)
def _addresses() -> list[str]:
    return reachable_addresses(listening_addresses())
