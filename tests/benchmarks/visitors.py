"""Visitors without a browser: they speak Streamlit's protocol over a websocket, timers of fragments included.

A tick is measured as a visitor has it: from asking for the fragment to the word that its run has finished.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

ANSWER_SECONDS = 60.0
GOES_ON = (ForwardMsg.FINISHED_EARLY_FOR_RERUN,)


@dataclass(frozen=True)
class Tick:
    """One run of a fragment: which one, by the seconds between its ticks, how long it took, what it sent."""

    interval: float
    seconds: float
    sent_bytes: int


class Visitor:
    """One session on one page. `fragments` are the seconds between the ticks of each that has a timer.

    `cookie` is the value of the header; `hear` is called with each message of the server.
    """

    def __init__(
        self,
        url: str,
        page: str,
        query: str = "",
        *,
        cookie: str = "",
        hear: Callable[[bytes], object] = lambda message: None,
    ) -> None:
        self._url = url.replace("http", "ws", 1) + "/_stcore/stream"
        self._page, self._query = page, query
        self._cookie, self._hear = cookie, hear
        self._socket: ClientConnection | None = None
        self._script_hash = ""
        self.fragments: dict[str, float] = {}
        self.ticks: list[Tick] = []

    async def open(self) -> float:
        """Connect and have the page drawn. Returns the seconds from asking to the end of its script."""
        headers = {"Cookie": self._cookie} if self._cookie else None
        self._socket = await connect(
            self._url, subprotocols=[Subprotocol("streamlit")], max_size=None, additional_headers=headers
        )
        return (await self._ask())[0]

    async def close(self) -> None:
        """The tab is closed."""
        if self._socket is not None:
            await self._socket.close()

    async def look(self, query: str) -> float:
        """The same page under another address. Returns the seconds from asking to the end of its script."""
        self._query = query
        return (await self._ask())[0]

    async def tick(self, fragment: str) -> Tick:
        """Have a fragment drawn again, as its timer would."""
        interval = self.fragments[fragment]
        seconds, sent = await self._ask(fragment)
        self.ticks.append(Tick(interval, seconds, sent))
        return self.ticks[-1]

    async def watch(self, seconds: float, after: float = 0.0) -> None:
        """Look on for so long, once `after` seconds are over; each fragment ticks when its timer says so."""
        end = time.monotonic() + seconds
        await asyncio.sleep(after)
        due: dict[str, float] = {}
        while (now := time.monotonic()) < end:
            due = {name: due.get(name, now + interval) for name, interval in self.fragments.items()}
            if not due:
                await asyncio.sleep(end - now)
                return
            name = min(due, key=lambda each: due[each])
            await asyncio.sleep(max(0.0, min(due[name], end) - now))
            if due[name] >= end:
                return
            await self.tick(name)
            if name in due and name in self.fragments:
                due[name] = max(due[name] + self.fragments[name], time.monotonic())

    async def _ask(self, fragment: str = "") -> tuple[float, int]:
        assert self._socket is not None, "The visitor has not come yet."
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash = self._query, self._script_hash
        if not self._script_hash:
            state.page_name = self._page
        state.fragment_id, state.is_auto_rerun = fragment, bool(fragment)
        began, sent = time.perf_counter(), 0
        await self._socket.send(message.SerializeToString())
        while True:
            answer = await asyncio.wait_for(self._socket.recv(), ANSWER_SECONDS)
            assert isinstance(answer, bytes)
            sent += len(answer)
            self._hear(answer)
            forward = ForwardMsg.FromString(answer)
            match forward.WhichOneof("type"):
                case "new_session" if not forward.metadata.run.fragment_ids:
                    self.fragments = {}  # the whole page is drawn: its timers begin anew
                case "navigation":
                    self._script_hash = forward.navigation.page_script_hash
                case "auto_rerun":
                    self.fragments[forward.auto_rerun.fragment_id] = forward.auto_rerun.interval
                case "script_finished" if forward.script_finished not in GOES_ON:
                    return time.perf_counter() - began, sent


async def open_all(visitors: Iterable[Visitor]) -> None:
    """One after the other: a crowd that comes within the same second is not what is measured."""
    for visitor in visitors:
        await visitor.open()
