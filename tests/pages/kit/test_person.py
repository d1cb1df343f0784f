"""Who acts in the server of a class, in scripts and in the threads beside them."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from core.config import ExperimentConfig
from core.errors import NotAllowed
from core.preflight.jobs import PreflightJobs
from core.server import key as key_module
from core.server import lifespan
from core.store.records import RunRequest
from core.visitors.person import MACHINE, PERSON_HEADER, STRANGER, TEACHER, Person, acting_as, acting_person
from pages.components.kit import cache, person
from tests.pages.in_class import KEY

ANNA = Person("visitor", "a1")


@pytest.fixture
def class_server(monkeypatch):
    monkeypatch.setattr("core.visitors.person._tell", person.tell_person)
    monkeypatch.setattr(key_module, "_taken", {"CONVDECK_TOKEN": KEY})


@pytest.fixture
def script(monkeypatch):
    """The context of a script, and the headers of its connection, both to be changed."""
    found = SimpleNamespace(context=SimpleNamespace(cursors={}), headers={PERSON_HEADER: "teacher"})
    monkeypatch.setattr(person, "get_script_run_ctx", lambda suppress_warning: found.context)
    monkeypatch.setattr(person, "st", SimpleNamespace(context=found))
    return found


def in_a_thread(call):
    told = []
    thread = threading.Thread(target=lambda: told.append(call()))
    thread.start()
    thread.join()
    return told[0]


def test_a_thread_of_which_nothing_is_known_has_no_rights_in_a_class(class_server, store, monkeypatch):
    assert in_a_thread(acting_person) == STRANGER
    with pytest.raises(NotAllowed):
        store.views.save("all", "")
    for reuse in (True, False):
        with pytest.raises(NotAllowed, match="Only those who have joined"):
            store.queue_or_reuse(RunRequest(ExperimentConfig()), reuse=reuse)
    assert store.list_runs() == []
    monkeypatch.setattr(key_module, "_taken", {})
    assert in_a_thread(acting_person) == MACHINE


def test_who_acts_stays_the_same_until_the_script_has_run(class_server, script, monkeypatch):
    monkeypatch.setattr(script, "headers", {PERSON_HEADER: "teacher"})
    assert acting_person() == TEACHER
    script.headers = {}  # the tab is closed
    assert acting_person() == TEACHER
    script.context.cursors = {}  # as Streamlit begins each run, also of a fragment
    assert acting_person() == STRANGER
    script.headers = {PERSON_HEADER: "visitor a1"}
    assert acting_person() == ANNA
    script.context = SimpleNamespace(cursors={})
    script.headers = {PERSON_HEADER: "visitor b2"}
    assert acting_person() == Person("visitor", "b2")


def test_streamlit_begins_each_run_with_other_cursors():
    from streamlit.testing.v1 import AppTest

    def page() -> None:
        import streamlit as st
        from streamlit.runtime.scriptrunner import get_script_run_ctx

        kept = st.session_state.setdefault("kept", [])
        kept.append(get_script_run_ctx().cursors)

    kept = AppTest.from_function(page).run().run().session_state["kept"]
    assert len(kept) == 2 and kept[0] is not kept[1]


def test_what_is_asked_in_the_background_is_asked_by_the_same_person(
    class_server, workspace, wait_for, monkeypatch
):
    threads = ThreadPoolExecutor(1)
    monkeypatch.setattr(cache, "_threads", lambda: threads)
    with acting_as(ANNA):
        assert wait_for(lambda: cache.answer_of(("who", str(workspace)), acting_person)) == ANNA
        told = []
        jobs = PreflightJobs(workspace, lambda *_: told.append(acting_person()))
        jobs.start(ExperimentConfig())
        assert wait_for(lambda: told) == [ANNA]


def test_the_server_itself_acts_for_the_machine(class_server, workspace, store, monkeypatch):
    told = {}

    def note(name: str):
        return lambda *_: told.setdefault(name, acting_person())

    async def keep(_services: object, *_: object) -> None:
        await asyncio.to_thread(note("task"))

    services = SimpleNamespace(
        workspace=workspace,
        store=store,
        engine=SimpleNamespace(close=note("close")),
        netron=SimpleNamespace(close=note("netron")),
    )
    monkeypatch.setattr(lifespan, "get_services", lambda: services)
    monkeypatch.setattr(lifespan, "import_example", lambda *_: note("example")() is None)
    monkeypatch.setattr(lifespan, "purge_expired", note("purge"))
    for name in ("keep_scheduler", "warm_up"):
        monkeypatch.setattr(lifespan, name, keep)

    async def serve() -> None:
        async with lifespan.lifespan(None):
            note("served")()
            await asyncio.sleep(0.2)

    with acting_as(MACHINE):
        former = store.visitors.join("Anna")
        store.visitors.begin_class("former")
    asyncio.run(serve())
    assert store.visitors.list_visitors() == [] and store.visitors.names() == {former.id: "Anna"}
    assert told == {
        "example": MACHINE,
        "task": MACHINE,
        "purge": MACHINE,
        "close": MACHINE,
        "netron": MACHINE,
        "served": STRANGER,
    }
