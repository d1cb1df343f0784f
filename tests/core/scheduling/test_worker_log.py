from dataclasses import replace

import pytest

from core.design.presets import PRESETS
from core.scheduling.worker_log import last_words, output_tail
from core.store.records import RunRequest
from core.store.store import Store


@pytest.fixture
def run(workspace):
    with Store(workspace) as store:
        run = store.queue_run(RunRequest(PRESETS["tiny"].config))
    workspace.run_folder(run.id).mkdir()
    return run


@pytest.fixture
def log(workspace, run):
    return workspace.run_folder(run.id) / "worker.log"


def test_only_the_current_attempt_is_shown(workspace, run, log):
    assert output_tail(workspace, run) == ""
    log.write_bytes(b"")
    assert output_tail(workspace, run) == ""
    log.write_text("\n=== Attempt 0 ===\nold\n\n=== Attempt 1 ===\none\ntwo\nthree\n")
    assert output_tail(workspace, run) == "one\ntwo\nthree"
    assert output_tail(workspace, run, num_lines=2) == "two\nthree"


@pytest.mark.parametrize("old", ["old", "old\n" * 10_000])
def test_an_attempt_that_has_printed_nothing_does_not_show_another_s_words(workspace, run, log, old):
    log.write_text(f"\n=== Attempt 1 ===\n{old}")
    resumed = replace(run, attempt=2)
    assert output_tail(workspace, resumed) == ""  # it waits
    assert last_words(log, 2) is None
    log.write_text(f"\n=== Attempt 1 ===\n{old}\n=== Attempt 2 ===\n")
    assert output_tail(workspace, resumed) == ""
    assert last_words(log, 2) is None


def test_the_end_of_a_long_output_is_shown(workspace, run, log):
    log.write_text("\n=== Attempt 1 ===\n" + "".join(f"line {number}\n" for number in range(100_000)))
    assert output_tail(workspace, run, num_lines=2) == "line 99998\nline 99999"
    assert last_words(log, 1) == "line 99999"


def test_bytes_that_are_no_text_do_no_harm(workspace, run, log):
    log.write_bytes(b"\n=== Attempt 1 ===\n\xff\xfe" + b"x" * 100_000)
    assert output_tail(workspace, run).endswith("xxx")


def test_last_words_are_cut(log):
    assert last_words(log, 1) is None
    log.write_bytes(b"\n=== Attempt 1 ===\nTraceback\nValueError: \xff" + b"y" * 400 + b"\n   \n")
    assert last_words(log, 1) == "ValueError: �" + "y" * 287
