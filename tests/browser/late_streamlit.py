"""Streamlit on a machine that is so busy that what a page draws leaves the server late.

Started like `streamlit`. The server looks for messages to send every 1.1 seconds instead of every 0.01.
"""

import asyncio
from typing import Any

from streamlit.runtime import runtime
from streamlit.web.cli import main

LATE_SECONDS = 1.1


class Late:
    """asyncio as the server's loop sees it, without short naps."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(LATE_SECONDS if 0 < seconds <= runtime.MESSAGE_FLUSH_INTERVAL_SECS else seconds)


if __name__ == "__main__":
    runtime.asyncio = Late()
    main()
