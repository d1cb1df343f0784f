"""What the page of figures says of the machine."""

from tests.benchmarks.report import addition_seconds, machine
from tests.core.scheduling.fakes import cpu, gpu


def test_the_gpus_that_could_be_used_are_named() -> None:
    assert ", no GPU, Python" in machine(1.0, [cpu()])
    assert f", {gpu(0).name}, {gpu(1).name}, Python" in machine(1.0, [gpu(0), gpu(1)])


def test_the_pace_of_the_machine_is_measured() -> None:
    """Ten times the work: whatever else runs, it takes longer."""
    assert (
        0 < min(addition_seconds(10_000) for _ in range(9)) < min(addition_seconds(100_000) for _ in range(9))
    )
