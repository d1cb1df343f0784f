"""Netron's server beside an exported file: a package that stands for Netron, as its real one is found and called."""

import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from core.errors import ConvDeckError, UserError
from core.export import netron_server
from core.export.netron_server import NetronServer
from core.system.processes import is_alive, process_started
from tests.core.conftest import run_command

# What Netron 9.3's `serve` is given and gives, with the handler of the same class.
STAND_IN = """
import http.server, threading

def serve(file, data=None, address=None, browse=False):
    assert isinstance(data, bytearray) and browse is False
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(file.encode() + b":" + bytes(data))
    server = http.server.HTTPServer(address, Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address
"""


def install(folder: Path, monkeypatch, source: str) -> None:
    (folder / "netron").mkdir()
    (folder / "netron" / "__init__.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder))  # for the process of its own


@pytest.fixture
def server():
    made = NetronServer()
    yield made
    made.close()


def test_it_shows_the_file_that_was_opened_last_and_ends_when_it_is_told_to(
    server, tmp_path, monkeypatch, wait_for
) -> None:
    install(tmp_path, monkeypatch, STAND_IN)
    (tmp_path / "m.onnx").write_bytes(b"first")
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "saved_model.pb").write_bytes(b"second")
    url = server.open(tmp_path / "m.onnx")
    assert url.startswith("http://127.0.0.1:")
    (tmp_path / "m.onnx").unlink()
    with urllib.request.urlopen(url) as answer:
        assert answer.read() == b"m.onnx:first"
        # So that a browser reports nothing to others, as Netron's page would.
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'self' ")
    first = server._process.pid
    started = process_started(first)
    second = server.open(tmp_path / "saved")
    assert not is_alive(first, started or 0)
    with urllib.request.urlopen(second) as answer:
        assert answer.read() == b"saved_model.pb:second"
    server.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(second)


def test_one_that_does_not_start_is_said_in_words(server, tmp_path, monkeypatch, capfd) -> None:
    install(tmp_path, monkeypatch, "def serve(*_, **__): raise OSError('no port')")
    (tmp_path / "m.onnx").write_bytes(b"x")
    with pytest.raises(ConvDeckError, match=r"Netron did not start\. Try it by itself: netron m\.onnx"):
        server.open(tmp_path / "m.onnx")
    assert "no port" in capfd.readouterr().err


def test_without_it_nothing_is_written_and_a_sentence_says_what_to_install(
    home, server, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(netron_server, "find_spec", lambda module: None)
    with pytest.raises(UserError, match="pip install netron"):
        server.open(tmp_path / "m.onnx")
    asked = ("export", home.run_id, "--out", str(tmp_path / "m"), "--view", "--format")
    assert run_command(*asked, "onnx")[::2] == (
        2, "convdeck: --view needs netron, which is not installed. Install with: .venv/bin/pip install netron\n",
    )  # fmt: skip
    code, _, said = run_command(*asked, "script")
    assert code == 2 and "--view shows a model, and script is none." in said
    assert not list(tmp_path.iterdir())
    assert "netron" not in sys.modules
