"""A real child process, which answers, dies, or is no longer wanted."""

import subprocess
import sys

import pytest

from core.system.lines import conversation


def child(program: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", program]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )


def test_it_gets_its_request_and_its_lines_come_as_they_are() -> None:
    process = child("import json; asked = json.loads(input()); print(asked['name']); print('second')")
    with conversation(process, {"name": "Zoë"}) as lines:
        assert [lines.get(timeout=60) for _ in range(3)] == ["Zoë\n", "second\n", ""]
    assert process.returncode is not None


def test_what_the_child_prints_beside_its_answers_is_no_answer() -> None:
    process = child(
        "from core.system.lines import receive_request; asked, say = receive_request(); print('noise', flush=True); "
        "say({'name': asked['name']})"
    )
    with conversation(process, {"name": "Zoë"}) as lines:
        assert [lines.get(timeout=60) for _ in range(2)] == ['{"name": "Zo\\u00eb"}\n', ""]


def test_a_line_that_was_cut_off_has_no_end() -> None:
    with conversation(child("print('half', end='')"), {}) as lines:
        assert lines.get(timeout=60) == "half"


@pytest.mark.parametrize("program", ["", "import time; print('on', flush=True); time.sleep(1000)"])
def test_nothing_of_it_is_left_when_nobody_listens_any_more(program: str) -> None:
    process = child(program)
    with pytest.raises(ZeroDivisionError), conversation(process, {"large": "x" * 300_000}) as lines:
        lines.get(timeout=60)
        raise ZeroDivisionError
    assert process.poll() is not None and process.stdin.closed and process.stdout.closed
