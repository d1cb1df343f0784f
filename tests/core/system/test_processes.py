"""Which process is which, whatever number it has."""

import os
import subprocess
import sys

from core.system.processes import is_alive, process_started


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
