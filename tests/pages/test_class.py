"""A class on the pages: how others join, whose run it is, and buttons for those who may press them."""

import cv2
import numpy as np
import pytest

from core.config import ExperimentConfig
from core.epoch import EpochRow
from core.server.classroom import join_link, qr_code
from core.store.records import RunRequest
from core.store.states import RunState
from core.visitors.person import MACHINE, TEACHER, Person, acting_as
from pages.components.home import class_card
from pages.components.home.class_card import addresses_to_join
from pages.components.runs import table as run_table
from tests.pages.in_class import KEY, looking
from tests.pages.visits import open_page, words

ADDRESS = "http://192.168.1.5:8501"


@pytest.fixture(autouse=True)
def reachable(monkeypatch):
    monkeypatch.setattr(class_card, "_addresses", lambda: [ADDRESS, "http://10.0.0.7:8501"])


def training(store, person: Person, name: str) -> str:
    with acting_as(person):
        run = store.queue_run(RunRequest(ExperimentConfig(), name))
    store.claim(run.id, [f"cpu:{len(store.leases())}"])
    store.record_started(run.id, 1, 9, 5, 0)
    store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.5))
    return run.id


def buttons(page) -> dict[str, object]:
    return {button.key: button for button in page.button}


def test_a_phone_reads_the_code_of_the_class():
    image = cv2.imdecode(np.frombuffer(qr_code(join_link(ADDRESS, "kxm4-7qpt")), np.uint8), cv2.IMREAD_COLOR)
    read, corners, _ = cv2.QRCodeDetector().detectAndDecode(image)
    assert read == "http://192.168.1.5:8501/?join=kxm4-7qpt"
    assert corners.min() >= 4 * 16 - 1  # four modules of margin


def test_home_says_nothing_of_a_class_where_there_is_none(workspace, store):
    assert "Class" not in words(open_page("home.py"))


def test_the_teacher_is_shown_how_others_join(workspace, store):
    with looking(TEACHER):
        page = open_page("home.py")
    text = words(page)
    assert "0 have joined" in text.replace("*", "") and "You are the teacher." in text
    headers = [header.value.replace("\\", "") for header in page.header]
    assert {"192.168.1.5:8501", KEY.join_key} <= set(headers)
    assert "10.0.0.7:8501" in text
    images = [element for kind in ("imgs", "image", "image_list") for element in page.get(kind)]
    assert any("QR code of http://192.168.1.5:8501" in str(image.proto) for image in images)


def test_a_visitor_sees_who_they_are_and_can_invite_a_neighbour(workspace, store, anna, ben):
    with looking(anna):
        page = open_page("home.py")
    assert "2 have joined. You are Anna." in words(page).replace("*", "")
    assert "class-invite" in buttons(page) and "class-names" not in buttons(page)
    with looking(TEACHER):
        assert "class-names" in buttons(open_page("home.py"))


def test_an_address_that_others_cannot_reach_is_not_offered():
    found = [ADDRESS]
    assert addresses_to_join("http://localhost:8501/", found) == found
    assert addresses_to_join("http://127.0.0.1:8501/", found) == found
    assert addresses_to_join("http://[::1]:8501/", found) == found
    assert addresses_to_join("", found) == found
    assert addresses_to_join("http://box.example:8501/runs", found) == ["http://box.example:8501", ADDRESS]
    assert addresses_to_join("https://10.0.0.7/", found) == ["https://10.0.0.7", ADDRESS]
    assert addresses_to_join(f"{ADDRESS}/x", found) == found


def test_a_run_says_whose_it_is_and_its_buttons_are_for_its_owner_and_the_teacher(
    workspace, store, anna, ben
):
    run_id = training(store, anna, "hers")
    keys = ("stop-runs", "pause-runs")
    for person, by, is_open in ((anna, "you", True), (TEACHER, "Anna", True), (ben, "Anna", False)):
        with looking(person):
            page = open_page("runs.py", run=run_id)
        found = buttons(page)
        assert [found[key].disabled for key in keys] == [not is_open] * 2
        assert f"by {by}" in words(page)
        (table,) = page.dataframe[:1]
        assert list(table.value["by"]) == [by]
        if not is_open:
            assert found["stop-runs"].help == "That is Anna's run. Only Anna or the teacher can stop it."
            assert found["delete-runs"].disabled


def test_without_a_class_no_one_is_named(workspace, store):
    run_id = training(store, MACHINE, "one")
    page = open_page("runs.py", run=run_id)
    assert "by " not in words(page).partition("id ")[0].rpartition("·")[0]
    assert "by" not in page.dataframe[0].value.columns
    assert not buttons(page)["stop-runs"].disabled


def test_a_button_for_several_runs_acts_on_one_s_own(workspace, store, anna, ben, no_scheduler):
    hers, his = training(store, anna, "hers"), training(store, ben, "his")
    with looking(anna):
        page = open_page("runs.py", run=f"{hers},{his}")
        assert buttons(page)["stop-runs"].label == "Stop 1"
        buttons(page)["stop-runs"].click().run()
    assert store.get_run(hers).stop_requested and not store.get_run(his).stop_requested


def test_only_mine_are_shown_to_those_who_ask(workspace, store, anna, ben):
    for number in range(3):
        with acting_as(anna):
            store.queue_run(RunRequest(ExperimentConfig(), f"hers {number}"))
    with acting_as(ben):
        store.queue_run(RunRequest(ExperimentConfig(), "his"))
    with looking(ben):
        page = open_page("runs.py")
        assert len(page.dataframe[0].value) == 4
        page.toggle(key="mine").set_value(True).run()
        assert list(page.dataframe[0].value["name"]) == ["his"]
    with looking(TEACHER):
        assert "mine" not in [toggle.key for toggle in open_page("runs.py").toggle]


def test_the_table_is_built_once_for_each_who_looks_and_not_at_each_tick(
    workspace, store, anna, ben, monkeypatch
):
    built = []
    arrow = run_table._arrow
    monkeypatch.setattr(run_table, "_arrow", lambda *given: built.append(given) or arrow(*given))
    training(store, anna, "hers")
    training(store, ben, "his")
    for _ in range(3):
        for person, by in ((anna, ["Ben", "you"]), (ben, ["you", "Anna"])):
            with looking(person):
                assert list(open_page("runs.py").dataframe[0].value["by"]) == by
    assert len(built) == 2
    # Who has none of these runs shares the table with all who have none.
    for person in (TEACHER, Person("visitor", store.visitors.join("Cem").id)):
        with looking(person):
            open_page("runs.py")
    assert len(built) == 3


def test_sweeps_and_studies_are_started_by_the_teacher(workspace, store, anna):
    base = store.queue_run(RunRequest(ExperimentConfig().with_values({"dataset.id": "shapes"}), "base"))
    store.request_stop(base.id)
    for person, is_closed in ((anna, True), (TEACHER, False)):
        with looking(person):
            page = open_page("studies.py", kind="seeds", runs=base.id)
        assert buttons(page)["start-study"].disabled is is_closed
        if is_closed:
            assert buttons(page)["start-study"].help == "Only the teacher can start a study."


def test_folders_and_logs_of_the_machine_are_not_shown_to_a_visitor(workspace, store, anna):
    workspace.scheduler_log.write_text("scheduler of this machine")
    for person, is_shown in ((anna, False), (TEACHER, True)):
        with looking(person):
            page = open_page("system.py")
        told = words(page) + " ".join(code.value for code in page.code)
        assert (str(workspace.root) in told, "Logs" in told) == (is_shown, is_shown), person
        assert "Versions" in told


def test_a_note_of_another_cannot_be_saved(workspace, store, anna, ben):
    with acting_as(anna):
        run = store.queue_run(RunRequest(ExperimentConfig(), "hers", expectation="It overfits."))
    for person, is_closed in ((anna, False), (ben, True), (TEACHER, False)):
        with looking(person):
            page = open_page("runs.py", run=run.id)
        save = next(button for button in page.button if button.label == "Save")
        assert save.disabled is is_closed


def test_a_shared_start_says_whose_run_it_is(workspace, store, anna, ben, no_scheduler):
    from pages.components.kit import session
    from pages.components.kit.starting import _in_words

    with acting_as(anna):
        run = store.queue_run(RunRequest(ExperimentConfig(), "hers"))
    with acting_as(ben):
        told = _in_words(session.services(), run).replace("\\", "")
    assert told.endswith("waits for its turn. That is Anna's run. Only Anna or the teacher can stop it.")
    assert store.get_run(run.id).state is RunState.WAITING
