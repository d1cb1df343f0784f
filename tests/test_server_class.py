"""The real server for a class: the terminal says how to join, and no visitor gets at the teacher's key."""

import asyncio
import contextlib
import json
import os
import re
import stat
import subprocess
import sys
from collections.abc import Iterator

import httpx2
import psutil
import pytest

from core.store.store import Store
from core.workspace import PROJECT_ROOT, Workspace
from tests.benchmarks.classroom import Student
from tests.benchmarks.visitors import Visitor
from tests.server import Server, running_server
from tests.test_server import handshake

OPTIONS = ["--server.address", "0.0.0.0", "--browser.serverAddress", "localhost"]
START = {"preset": "tiny", "set": {"dataset.id": "shapes", "dataset.num_train": 40}}
BROWSER = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("class") / "workspace"
    with running_server(root, options=OPTIONS, environment={"CONVDECK_CLASS": "1"}) as running:
        yield running


def keys(server: Server) -> tuple[str, str]:
    """The join key and the teacher's, as the terminal shows them."""
    told = server.log.read_text()
    return re.findall(r"Students .* key (\S+)", told)[-1], re.findall(r"You .* key (\S+)", told)[-1]


@contextlib.contextmanager
def visitor(server: Server, name: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, trust_env=False, timeout=60) as client:
        answer = client.post("/", data={"key": keys(server)[0], "name": name})
        assert answer.status_code == 303, answer.text
        yield client


def cookie_of(client: httpx2.Client) -> str:
    return "; ".join(f"{name}={value}" for name, value in client.cookies.items())


def test_the_terminal_says_how_to_join(server: Server) -> None:
    told = server.log.read_text()
    own = {each.address for found in psutil.net_if_addrs().values() for each in found} - {"127.0.0.1"}
    shown = re.findall(rf"Students +http://([\d.]+):{server.port} ", told)
    assert shown and set(shown) <= own
    assert re.search(rf"You +http://localhost:{server.port} ", told)
    join_key, teachers = keys(server)
    kept = Workspace(server.root).class_key
    assert (kept.read_text().strip(), stat.S_IMODE(kept.stat().st_mode)) == (teachers, 0o600)
    assert teachers not in join_key and len(teachers) >= 24


def test_a_visitor_joins_starts_a_run_and_stops_it_alone(server: Server) -> None:
    join_key, teachers = keys(server)
    strangers = httpx2.get(f"{server.url}/", headers=BROWSER, trust_env=False, timeout=60)
    assert (
        strangers.status_code == 401 and "Join the class" in strangers.text and join_key not in strangers.text
    )
    with visitor(server, "Anna") as anna, visitor(server, "Ben") as ben:
        run = anna.post("/api/v1/runs", json=START).json()
        assert [
            each["name"] for each in anna.get("/api/v1/visitors").json() if each["id"] == run["visitor"]
        ] == ["Anna"]
        refused = ben.post(f"/api/v1/runs/{run['id']}/stop")
        assert refused.status_code == 403
        assert refused.json()["error"] == "That is Anna's run. Only Anna or the teacher can stop it."
        assert anna.post(f"/api/v1/runs/{run['id']}/stop").status_code == 200
        bearer = {"Authorization": f"Bearer {teachers}"}
        deleted = httpx2.post(
            f"{server.url}/api/v1/runs/delete",
            json={"runs": [run["id"]]},
            headers=bearer,
            trust_env=False,
            timeout=60,
        )
        assert deleted.status_code in (200, 400)  # 400 while it is still stopping
        assert handshake(server, "localhost", "http://localhost", Cookie=cookie_of(ben)) == 101
        with Store(Workspace(server.root)) as store:
            assert store.list_runs()[0].visitor if deleted.status_code == 400 else store.trash.list_runs()


def test_no_visitor_reads_the_teacher_s_key(server: Server) -> None:
    _, teachers = keys(server)
    listed = subprocess.run(
        [
            sys.executable, "-c",
            "import json; from core.api.routes import build_routes;"
            "print(json.dumps([r.path for r in build_routes() if 'GET' in (r.methods or ())]))",
        ],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    paths = [
        *json.loads(listed.stdout), "/", "/system", "/sign-out", "/_stcore/metrics", "/_stcore/host-config",
        "/class-key", "/media/class-key", "/static/class-key", "/../workspace/class-key", "/component/x/class-key",
    ]  # fmt: skip
    with visitor(server, "Eve") as eve:
        for path in paths:
            answer = eve.get(path.replace("{id}", "class-key"), headers=BROWSER)
            assert teachers not in answer.text and teachers not in str(answer.headers), path
    for process in psutil.Process(server.pid).children(recursive=True):
        assert not {"CONVDECK_TOKEN", "CONVDECK_CLASS"} & set(process.environ())
        assert teachers not in " ".join([*process.cmdline(), *process.environ().values()])
    for path in server.root.rglob("*"):
        if path.is_file() and path.name != "class-key":
            assert teachers.encode() not in path.read_bytes(), path


def test_no_page_tells_a_visitor_the_teacher_s_key(server: Server) -> None:
    """What the pages hold comes by their websocket, with each tick again."""
    _, teachers = keys(server)

    async def look(page: str, cookie: str) -> bytes:
        heard: list[bytes] = []
        on_page = Visitor(server.url, page, cookie=cookie, hear=heard.append)
        await on_page.open()
        for fragment in list(on_page.fragments):
            await on_page.tick(fragment)
        await on_page.close()
        return b"".join(heard)

    with visitor(server, "Kim") as kim:
        cookie = cookie_of(kim)
        kim.post("/api/v1/runs", json=START)
    shown = {"": b"You are **Kim**", "system": b"Versions", "runs": b"Started by"}
    for page, part in shown.items():
        heard = asyncio.run(look(page, cookie))
        assert part in heard, page
        assert teachers.encode() not in heard, page


def test_thirty_who_join_and_start_the_same_at_once_get_one_run(server: Server) -> None:
    students = [Student(server, f"Student {number}") for number in range(30)]

    async def lesson() -> set[str]:
        await asyncio.gather(*(student.join() for student in students))
        runs = set(await asyncio.gather(*(student.start() for student in students)))
        await asyncio.gather(*(student.open_run(min(runs)) for student in students))
        for student in students:
            await student.leave()
        return runs

    before = server.log.read_text().count("Traceback")
    runs = asyncio.run(lesson())
    assert len(runs) == 1
    assert server.log.read_text().count("Traceback") == before
    with Store(Workspace(server.root)) as store:
        assert {f"Student {number}" for number in range(30)} <= set(store.visitors.names().values())
        # A run that thirty look at is stopped by the one who pressed Start first, or by the teacher.
        (run_id,) = runs
        _, teachers = keys(server)
        bearer = {"Authorization": f"Bearer {teachers}"}
        stopped = httpx2.post(
            f"{server.url}/api/v1/runs/{run_id}/stop", headers=bearer, trust_env=False, timeout=60
        )
        assert stopped.status_code == 200


def test_a_restart_signs_no_one_out(server: Server) -> None:
    before = keys(server)
    with visitor(server, "Fay") as fay:
        server.restart()
        assert keys(server) == before
        assert fay.get("/api/v1/runs").status_code == 200
    taken = httpx2.post(f"{server.url}/", data={"key": before[0], "name": "fay"}, trust_env=False, timeout=60)
    assert taken.status_code == 409 and "fay 2" in taken.text


def test_a_port_that_is_in_use_is_said_in_a_sentence(server: Server) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "streamlit", "run", "app.py", *OPTIONS, "--server.port", str(server.port)],
        cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "CONVDECK_HOME": str(server.root), "CONVDECK_CLASS": "1"},
    )  # fmt: skip
    said = second.stdout + second.stderr
    assert (
        second.returncode != 0 and f"Port {server.port} is not available" in said and "Traceback" not in said
    )
