import os
import sys

import pytest
from streamlit.testing.v1 import AppTest

from core import doctor
from core.cli.main import main
from core.design.presets import PRESETS
from core.errors import DatasetError
from core.server import key
from core.store.records import RunRequest
from core.store.sinks import SinkMark
from core.store.states import RunState
from core.store.store import Store
from core.system.devices import Device
from core.workspace import PROJECT_ROOT
from pages.components.kit import fetching
from pages.components.kit.text import literal
from pages.components.system.logs import tail
from pages.components.system.machine import device_rows
from tests.pages.visits import unfold, words


def open_system() -> AppTest:
    page = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=180).run()
    page.switch_page("system.py").run()
    assert not page.exception
    return page


def test_signing_out_is_offered_where_people_sign_in(workspace, monkeypatch) -> None:
    def offers() -> bool:
        return any('href="/sign-out"' in each.body for each in open_system().get("html"))

    assert not offers()
    monkeypatch.setattr(key, "_taken", {"CONVDECK_TOKEN": key.Key("correct horse battery staple")})
    assert offers()


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_an_idle_machine(workspace, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("CONVDECK_CPU_SLOTS", "2")
    page = open_system()
    shown = metrics(page)
    assert (shown["Free devices"], shown["Waiting runs"], shown["Scheduler"]) == ("2 of 2", "0", "Idle")
    assert "No run is active or waiting." in [caption.value for caption in page.caption]
    assert str(workspace.root) in [code.value for code in page.code]
    assert page.dataframe[0].value["device"].tolist() == ["CPU 0", "CPU 1"]


def test_a_queue_that_nobody_serves_is_an_error(workspace, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("CONVDECK_CPU_SLOTS", "1")
    with Store(workspace) as store:
        busy = store.queue_run(RunRequest(PRESETS["tiny"].config, "busy one"))
        store.claim(busy.id, ["cpu:0"])
        store.queue_run(RunRequest(PRESETS["tiny"].config, "patient"))
    page = open_system()
    assert (metrics(page)["Free devices"], metrics(page)["Scheduler"]) == ("0 of 1", "Not running")
    assert metrics(page)["Searcher"] == "Idle"
    assert "The scheduler is not running" in page.error[0].value
    assert page.dataframe[0].value["used_by"].tolist() == ["busy one"]
    assert any("busy one" in caption.value for caption in page.caption)


def test_a_process_that_outlives_its_run_does_not_have_the_page_drawn_for_ever(workspace):
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config))
        store.claim(run.id, ["cpu:0"])
        store.record_started(run.id, 1, 10, 100, 0)
        store.set_process(run.id, 1, os.getpid(), 1.0)
        store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)
        assert store.has_work()
    assert metrics(open_system())["Waiting runs"] == "0"


def test_cifar10_is_downloaded_by_a_button(workspace, monkeypatch):
    asked = []
    monkeypatch.setattr(fetching, "ensure_dataset", lambda _, name, progress: asked.append(name))
    page = open_system()
    page.button(key="get-cifar10").click().run()
    assert not page.exception
    assert asked == ["cifar10"]
    assert page.button(key="get-cifar10").label.replace("\\", "") == "Download CIFAR-10, 170 MB"
    assert "python -m core" not in words(page)


def test_a_download_that_fails_is_said_there(workspace, monkeypatch):
    def fail(*_, **__):
        raise DatasetError("The server does not answer.")

    monkeypatch.setattr(fetching, "ensure_dataset", fail)
    page = open_system()
    page.button(key="get-cifar10").click().run()
    assert page.error[0].value == literal("The server does not answer.")


def test_a_log_is_shown_without_what_tensorflow_always_prints_and_can_be_downloaded(workspace):
    noise = (
        "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
        "I0000 00:00:1796168284.285101   15499 cudart_stub.cc:31] Could not find cuda drivers on your machine, "
        "GPU will not be used.\n"
    )
    (workspace.root / "engine.log").write_text(f"{noise}The engine has something to say.\n{noise}")
    workspace.standby_log.write_text(noise)
    page = unfold(open_system(), "Picture engine")
    assert page.code[-1].value == "The engine has something to say."
    (download,) = page.get("download_button")
    assert download.proto.label == "Download all of it"
    page = unfold(open_system(), "Standby worker")
    assert "The log is empty." in words(page) and not page.get("download_button")


def test_the_end_of_a_long_log_begins_with_a_whole_line(tmp_path):
    (tmp_path / "long.log").write_bytes(b"".join(b"line %d\n" % number for number in range(100_000)))
    lines = tail(tmp_path / "long.log", 8_000).splitlines()
    assert lines[-1] == "line 99999" and lines[0].startswith("line ") and len(lines) > 500
    assert [int(line.removeprefix("line ")) for line in lines] == list(range(100_000 - len(lines), 100_000))
    assert len(tail(tmp_path / "long.log").splitlines()) == 100_000
    assert tail(tmp_path / "none.log") == ""


def test_the_report_on_the_computer_can_be_copied(workspace, capsys):
    page = unfold(open_system(), "This computer, as text to send to others")
    assert main(["doctor"]) == 0
    said = [line for line in capsys.readouterr().out.splitlines() if "GB free" not in line]
    shown = [line for line in page.code[-1].value.splitlines() if "GB free" not in line]
    assert shown == said and f"Python {sys.version.split()[0]}" in shown[0]


def test_sinks_are_there_where_one_is_on_with_cause_and_next_step(workspace, monkeypatch, tmp_path, capsys):
    assert "Sinks" not in words(open_system())
    monkeypatch.setenv("CONVDECK_TENSORBOARD", str(tmp_path))
    monkeypatch.setenv("CONVDECK_MLFLOW", "http://me:geheim@host:5000")
    monkeypatch.setattr(doctor.time, "time", lambda: 1_000_000.0)
    with Store(workspace, clock=lambda: 1_000_000.0 - 200) as store:
        store.sinks.record_sent("tensorboard", str(tmp_path), SinkMark("abcdefghjk", "folder", 1, 3, ""))
        for cause in ("It is away.", "It is still away."):
            store.sinks.record_failing("mlflow", "http://me:…@host:5000", cause, "Start it.")
    said = words(open_system()).replace("\\", "")
    assert f"**TensorBoard** {tmp_path}" in said and "**MLflow** http://me:…@host:5000" in said
    assert "Has 1 run, the last news 3 min 20 s ago." in said
    assert "Failing for 3 min 20 s. It is still away. Start it. Nothing was sent yet." in said
    assert main(["doctor"]) == 0
    printed = capsys.readouterr().out
    assert f"Sink TensorBoard, {tmp_path}: has 1 run, the last news 3 min 20 s ago." in printed
    assert "geheim" not in printed + said


def test_a_sink_that_cannot_be_is_said_in_a_sentence(workspace, monkeypatch):
    monkeypatch.setenv("CONVDECK_TENSORBOARD", "logs")
    assert "CONVDECK_TENSORBOARD must be a folder's whole path" in words(open_system())


def test_versions_come_from_metadata_alone(workspace):
    versions = open_system().dataframe[-1].value.set_index("package")["version"]
    assert versions["python"] == sys.version.split()[0]
    assert versions["streamlit"].startswith("1.67.")
    assert "tensorflow" in versions


@pytest.mark.parametrize(("used", "percent", "text"), [(2048, 25.0, "2.0 of 8.0 GiB"), (None, None, None)])
def test_what_cannot_be_read_of_a_device_is_left_out(used, percent, text):
    device = Device("gpu:0", "A GPU", "gpu", 8192, used, None, None, 4)
    row = device_rows([device], {"gpu:0": "abc"}, {}).iloc[0]
    assert row["used_by"] == "abc"
    if percent is None:
        assert row["memory"] is None or row["memory"] != row["memory"]
    else:
        assert row["memory"] == percent
    assert row["memory_text"] == text


def test_what_the_trash_holds_is_said_and_can_be_emptied(workspace):
    with Store(workspace) as store:
        for name in ("one", "two"):
            run = store.queue_run(RunRequest(PRESETS["tiny"].config, name))
            workspace.run_folder(run.id).mkdir()
            (workspace.run_folder(run.id) / "best.weights.h5").write_bytes(bytes(1_500_000))
            store.trash.put(run.id)
        page = open_system()
        (sentence,) = (each.value for each in page.markdown if "The trash has" in each.value)
        assert (
            sentence
            == "The trash has 2 deleted runs: 3.0 MB. Each is kept for 7 days and can be restored on Runs."
        )
        page.button(key="empty-trash").click().run()
        assert len(store.trash.list_runs()) == 2
        page.button(key="really-delete-trash").click().run()
        assert not page.exception
        assert store.trash.list_runs() == []
        assert list(workspace.runs.iterdir()) == []
        assert "The trash has" not in " ".join(each.value for each in page.markdown)
