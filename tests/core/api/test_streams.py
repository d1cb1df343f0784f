"""Files that are sent from disk, piece by piece, and removed afterwards."""

import asyncio
from pathlib import Path

import pytest

from core.api.streams import PIECE_BYTES, download, num_downloads

SIZE = 3 * PIECE_BYTES + 17


@pytest.fixture
def made() -> list[Path]:
    """Where files were written."""
    return []


@pytest.fixture
def answered(made: list[Path]):
    def make(folder: Path) -> Path:
        made.append(folder / "run.zip")
        made[-1].write_bytes(b"x" * SIZE)
        return made[-1]

    return download(make, "application/zip")


async def hold() -> dict:
    return await asyncio.Future()


def sent_by(answered, receive=hold, send=None) -> list[dict]:
    messages: list[dict] = []

    async def keep(message: dict) -> None:
        messages.append(message)
        if send is not None:
            await send(message)

    scope = {"type": "http", "asgi": {"spec_version": "2.3"}}
    asyncio.run(asyncio.wait_for(answered(scope, receive, keep), 60))
    return messages


def test_a_file_is_sent_in_pieces_and_then_removed(answered, made) -> None:
    assert made[0].exists()
    start, *bodies = sent_by(answered)
    headers = dict(start["headers"])
    assert headers[b"content-length"] == str(SIZE).encode()
    assert headers[b"content-disposition"] == b'attachment; filename="run.zip"'
    assert [len(each["body"]) for each in bodies] == [PIECE_BYTES] * 3 + [17, 0]
    assert not made[0].parent.exists() and num_downloads() == 0


def test_it_is_removed_when_the_client_hangs_up(answered, made) -> None:
    begun = asyncio.Event()

    async def receive() -> dict:
        await begun.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict) -> None:
        if message["type"] == "http.response.body":
            begun.set()
            await asyncio.Future()

    assert len(sent_by(answered, receive, send)) == 2
    assert not made[0].parent.exists() and num_downloads() == 0


def test_what_cannot_be_made_leaves_nothing(made) -> None:
    def make(folder: Path) -> Path:
        made.append(folder)
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        download(make, "application/zip")
    assert not made[0].exists()
