"""Answers that are sent piece by piece: each ends with its client, and what lies on disk for it goes then too."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import anyio.to_thread
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

SEND_SECONDS = 60.0  # a client that takes nothing for so long has gone, though its computer has not said so
PIECE_BYTES = 1 << 20
MOST_DOWNLOADS = 16  # each has a file on disk

_num_downloads = 0


class Stream(StreamingResponse):
    """It ends when its client hangs up, or takes nothing for SEND_SECONDS.

    Starlette waits for the client to hang up only with servers of an older ASGI than 2.4. With others it finds out by
    what cannot be sent, which is nothing while there is nothing to send.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:

            async def end_with_client() -> None:
                await self.listen_for_disconnect(receive)
                tasks.cancel_scope.cancel()

            async def send_in_time(message: Message) -> None:
                with anyio.fail_after(SEND_SECONDS):
                    await send(message)

            tasks.start_soon(end_with_client)
            with contextlib.suppress(OSError):  # the client has gone: among them is TimeoutError
                await self.stream_response(send_in_time)
            tasks.cancel_scope.cancel()


class Download(Stream):
    """A file that was made for this answer alone, read from disk while it is sent, and removed after that."""

    def __init__(self, path: Path, folder: "tempfile.TemporaryDirectory[str]", media_type: str) -> None:
        """The file at `path` is in `folder`, or `folder` around it; its name is that of the answer."""
        self._folder = folder
        headers = {
            "Content-Disposition": f'attachment; filename="{path.name}"',
            "Content-Length": str(path.stat().st_size),
        }
        super().__init__(_pieces(path), media_type=media_type, headers=headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        global _num_downloads
        _num_downloads += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            _num_downloads -= 1
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(self._folder.cleanup)


def num_downloads() -> int:
    """How many files are being sent."""
    return _num_downloads


def download(make: Callable[[Path], Path], media_type: str) -> Download:
    """The file that `make` writes into a new folder. What it raises leaves nothing behind."""
    folder = tempfile.TemporaryDirectory(prefix="convdeck-download-")
    try:
        return Download(make(Path(folder.name)), folder, media_type)
    except BaseException:
        folder.cleanup()
        raise


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while piece := await file.read(PIECE_BYTES):
            yield piece
