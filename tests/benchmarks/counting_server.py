"""`streamlit`, but SIGUSR1 makes it collect garbage and write how many blocks its Python objects then take.

    COUNT_FILE=… python -m tests.benchmarks.counting_server run app.py

takes the arguments of `streamlit`. Each count is a line of COUNT_FILE. What it tells does not depend on how the
allocators use the pages that they have: an object kept a tick is at least one block a tick.
"""

import gc
import os
import signal
import sys
from pathlib import Path
from typing import Any

from streamlit.web.cli import main


def _count(number: int, frame: Any) -> None:
    gc.collect()
    with Path(os.environ["COUNT_FILE"]).open("a", encoding="utf-8") as file:
        file.write(f"{sys.getallocatedblocks()}\n")


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _count)
    main()
