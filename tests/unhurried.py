"""Streamlit with a dashboard whose engine starts with the first question, not some seconds after the server.

Started like `streamlit`, from the project's folder. Most tests of a server ask the engine nothing, or late: then Keras
is not loaded for each of them. A standby worker, which follows the engine, is not requested either.
"""

import asyncio
from collections.abc import Sequence

from streamlit.web.cli import main

from core.server import lifespan
from core.server.services import Services


async def load_pages_only(services: Services, first_pages: Sequence[str] = ()) -> None:
    """In the place of `lifespan.warm_up`."""
    await asyncio.to_thread(lifespan.load_first_pages, first_pages)


if __name__ == "__main__":
    lifespan.warm_up = load_pages_only
    main()
