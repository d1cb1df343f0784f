"""Which process is which, whatever number it has."""

import os
import subprocess
import sys

from core.system.processes import choose_backend, choose_fast_kernels, is_alive, process_started


def test_identity_of_a_process():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    started = process_started(process.pid)
    assert is_alive(process.pid, started)
    assert not is_alive(process.pid, started + 1)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended and is not reaped
    assert process_started(process.pid) == started
    assert not is_alive(process.pid, started)
    process.communicate()
    assert process_started(process.pid) is None


def test_what_the_environment_says_of_the_backend_is_kept_and_the_rest_is_set(monkeypatch):
    for name in ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES", "TF_ENABLE_ONEDNN_OPTS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    choose_backend()
    choose_fast_kernels()
    assert [os.environ[name] for name in ("KERAS_BACKEND", "CUDA_VISIBLE_DEVICES")] == ["tensorflow", "-1"]
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "0"
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS")
    choose_backend()
    assert "TF_ENABLE_ONEDNN_OPTS" not in os.environ
    choose_fast_kernels()
    assert os.environ["TF_ENABLE_ONEDNN_OPTS"] == "1"
