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


# As TensorFlow 2.21 printed it on a computer without a GPU.
LOADING = """WARNING: All log messages before absl::InitializeLog() is called are written to STDERR
I0000 00:00:1796153513.022981   10406 port.cc:153] oneDNN custom operations are on. You may see slightly different \
numerical results due to floating-point round-off errors from different computation orders. To turn them off, set the \
environment variable `TF_ENABLE_ONEDNN_OPTS=0`.
I0000 00:00:1796153513.026448   10406 cudart_stub.cc:31] Could not find cuda drivers on your machine, \
GPU will not be used.
"""
NO_GPU = (
    "E0000 00:00:1796153516.149269   10406 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: "
    "Failed call to cuInit: UNKNOWN ERROR (303)"
)
FAILED = (
    "E0000 00:00:1796153517.000000   10406 cuda_executor.cc:1] failed to allocate 2.00GiB from device: "
    "RESOURCE_EXHAUSTED"
)


def test_what_tensorflow_prints_in_any_case_is_left_out(workspace, run, log):
    log.write_text(f"\n=== Attempt 1 ===\n{LOADING}{NO_GPU}\nTraceback (most recent call last):\n")
    assert output_tail(workspace, replace(run, device="cpu:0")) == "Traceback (most recent call last):"
    log.write_text(f"\n=== Attempt 1 ===\n{LOADING}")
    assert output_tail(workspace, run) == "" and last_words(log, 1) is None


def test_errors_of_tensorflow_are_not(workspace, run, log):
    log.write_text(f"\n=== Attempt 1 ===\n{LOADING}{NO_GPU}\n{FAILED}\n")
    assert output_tail(workspace, replace(run, device="gpu:0")) == f"{NO_GPU}\n{FAILED}"
    assert output_tail(workspace, replace(run, device="cpu:0")) == FAILED
    assert last_words(log, 1) == FAILED
