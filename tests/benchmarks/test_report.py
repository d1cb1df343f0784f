"""What the page of figures says of the machine."""

from tests.benchmarks.report import machine
from tests.core.runs.fakes import cpu, gpu


def test_the_gpus_that_could_be_used_are_named() -> None:
    assert ", no GPU, Python" in machine(1.0, [cpu()])
    assert f", {gpu(0).name}, {gpu(1).name}, Python" in machine(1.0, [gpu(0), gpu(1)])
