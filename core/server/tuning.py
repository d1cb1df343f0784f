"""How this process listens and answers: its sockets, and from which heaps its threads and Arrow take memory."""

import contextlib
import ctypes
import os
import platform
import socket

import psutil

ARENAS = 2
M_ARENA_MAX = -8  # malloc.h of glibc


def disable_nagle() -> int:
    """Have answers leave as they are written (TCP_NODELAY), on every connection from now on. Returns at how many.

    Streamlit hands uvicorn a socket that was made without naming its protocol, and asyncio then leaves Nagle's
    algorithm on (RFC 896): a small message after another waits until the browser has acknowledged that one, which
    it puts off by 40 ms on Linux. Every live tick that begins soon after another took that much longer.

    Connections inherit it from the socket that listens. Where that cannot be found, as on Windows, it stays as it is.
    """
    found = 0
    with contextlib.suppress(psutil.Error, OSError):
        for each in psutil.Process().net_connections("tcp"):
            if each.status != psutil.CONN_LISTEN or each.fd < 0:
                continue
            # Another number for the same socket, to be closed again.
            with socket.socket(fileno=os.dup(each.fd)) as listening:
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            found += 1
    return found


def limit_malloc_arenas() -> bool:
    """Have all threads share two heaps. Returns whether they will; only glibc has such heaps, and `mallopt`.

    Streamlit runs every tick in a thread of its own. glibc gives threads up to eight heaps per core, and each of these
    keeps the holes that its threads left: on two cores 34 MB after a thousand ticks of thirty visitors, against 21 MB.

    Call it early: once glibc has made eight heaps the limit has no effect. MALLOC_ARENA_MAX in the environment takes
    precedence.
    """
    if "MALLOC_ARENA_MAX" in os.environ or platform.libc_ver()[0] != "glibc":
        return False
    with contextlib.suppress(OSError, AttributeError):
        return bool(ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS) == 1)
    return False


def share_heap_with_arrow() -> None:
    """Have Arrow take memory from the C library, like all else here. Call it before anything loads pyarrow.

    By default it has mimalloc, a heap of its own that takes 7.7 MB for the first small table, against 3.4 MB.
    ARROW_DEFAULT_MEMORY_POOL in the environment takes precedence.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
