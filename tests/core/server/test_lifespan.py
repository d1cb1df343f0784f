"""What the server does beside answering."""

import ast
import asyncio
import importlib.util
import socket
from types import SimpleNamespace

import pytest

from core.errors import EngineError
from core.server import lifespan
from core.workspace import PROJECT_ROOT


class Engine:
    """Loads for three looks at its state, or cannot start."""

    def __init__(self, fault: bool = False) -> None:
        self.fault = fault
        self.states: list[str] = []
        self._left: list[str] | None = None

    def start(self) -> None:
        if self.fault:
            raise EngineError("It cannot start.")
        self._left = ["starting", "starting", "ready"]

    @property
    def state(self) -> SimpleNamespace:
        name = "stopped" if self._left is None else self._left[0]
        if self._left and len(self._left) > 1:
            self._left.pop(0)
        self.states.append(name)
        return SimpleNamespace(name=name)


@pytest.mark.parametrize("fault", [False, True])
def test_a_worker_is_wanted_only_when_the_engine_has_loaded(fault: bool, monkeypatch, workspace) -> None:
    engine = Engine(fault)
    wanted = []
    monkeypatch.setattr(lifespan, "ENGINE_CHECK_SECONDS", 0.0)
    monkeypatch.setattr(lifespan, "request_standby", lambda asked: wanted.append((asked, engine.state.name)))
    asyncio.run(lifespan.warm_up(SimpleNamespace(engine=engine, workspace=workspace), engine_seconds=0.0))
    assert wanted == [(workspace, "stopped" if fault else "ready")]
    assert engine.states[:-1] == (["stopped"] if fault else ["starting", "starting", "ready"])


def test_the_socket_that_listens_already_sends_at_once(monkeypatch, workspace) -> None:
    async def nothing(*_: object) -> None:
        """Neither a scheduler nor an engine."""

    ended = SimpleNamespace(close=lambda: None)
    store = SimpleNamespace(devices=SimpleNamespace(forget_aside=lambda: None))
    services = SimpleNamespace(workspace=workspace, store=store, engine=ended, netron=ended)
    monkeypatch.setattr(lifespan, "get_services", lambda: services)
    monkeypatch.setattr(lifespan, "import_example", lambda *_: False)
    monkeypatch.setattr(lifespan, "keep_scheduler", nothing)
    monkeypatch.setattr(lifespan, "warm_up", nothing)

    async def asked_within() -> int:
        async with lifespan.lifespan(None):
            with socket.create_connection(listening.getsockname()):
                connection, _ = listening.accept()
                with connection:
                    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert asyncio.run(asked_within()) != 0


def test_the_modules_that_the_first_page_needs_are_there() -> None:
    # Read, not imported: that turns a process into the server.
    code = ast.parse((PROJECT_ROOT / "app.py").read_text())
    (names,) = (ast.literal_eval(each.value) for each in code.body if isinstance(each, ast.Assign)
                and ast.unparse(each.targets[0]) == "FIRST_PAGES")  # fmt: skip
    assert len(names) == 3
    for name in names:
        assert importlib.util.find_spec(name) is not None
