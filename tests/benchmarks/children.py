"""Contestants in processes of their own that stay: each has TensorFlow set up as it would have, and runs when asked.

`python -m tests.benchmarks.children MODULE NAME` is such a process: it calls `CONTESTANTS[NAME]` of the module.
"""

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

Figures = dict[str, float]


class NoMoreRounds(Exception):
    """Whoever asked has gone: the contestant ends."""


class Rounds:
    """What a contestant sees of whoever measures it."""

    def __init__(self, asked: IO[str], told: IO[str]) -> None:
        self._asked = asked
        self._told = told

    def wait(self) -> None:
        """Until the next round is asked for. Raises NoMoreRounds."""
        if not self._asked.readline():
            raise NoMoreRounds

    def tell(self, **figures: float) -> None:
        """What the round has measured."""
        self._told.write(json.dumps(figures) + "\n")
        self._told.flush()

    def run(self, measure: Callable[[], Figures]) -> None:
        """Measure in every round."""
        while True:
            self.wait()
            self.tell(**measure())


class Child:
    """A contestant's process, seen from outside."""

    def __init__(self, module: str, name: str) -> None:
        environment = {
            **os.environ,
            "KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONWARNINGS": "ignore",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.children", module, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        )  # fmt: skip
        self.name = name

    def measure(self) -> Figures:
        """One round."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"The contestant {self.name} ended: its own words are above.")
        figures: Figures = json.loads(line)
        return figures

    def end(self) -> None:
        assert self._process.stdout
        end_process(self._process)
        self._process.stdout.close()


def end_process(process: "subprocess.Popen[str]") -> None:
    """Close its input, by which it knows that nobody listens any more; kill one that has not ended in 30 seconds."""
    assert process.stdin
    try:
        with suppress(OSError):  # it is gone, and did not read what it was told last
            process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
    finally:
        process.kill()
        process.wait()


@contextmanager
def children(module: str, names: Sequence[str]) -> Iterator[dict[str, Child]]:
    """All contestants of a module at once; none runs while another is asked."""
    started: dict[str, Child] = {}
    with ExitStack() as ending:
        for name in names:
            started[name] = Child(module, name)
            ending.callback(started[name].end)
        yield started


def rounds_of(module: str, names: Sequence[str], rounds: int) -> dict[str, list[Figures]]:
    """Each contestant once a round, every other round backwards; the first round is thrown away."""
    figures: dict[str, list[Figures]] = {name: [] for name in names}
    with children(module, names) as started:
        for name in names:
            started[name].measure()
        for number in range(rounds):
            for name in names if number % 2 == 0 else reversed(names):
                figures[name].append(started[name].measure())
    return figures


def column(figures: Sequence[Figures], name: str) -> list[float]:
    """One of the figures, round by round."""
    return [each[name] for each in figures]


def main(module: str, name: str) -> None:
    # Whatever else is printed goes to standard error, out of the way of what is measured.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with suppress(NoMoreRounds):
        importlib.import_module(module).CONTESTANTS[name](Rounds(sys.stdin, told))


if __name__ == "__main__":
    main(*sys.argv[1:])
