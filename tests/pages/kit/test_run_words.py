from dataclasses import replace

from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.system.devices import Device, DeviceReport
from pages.components.kit.run_words import LOOKS, device_name, distinct_names, waiting_reason


def test_devices():
    assert [device_name(each) for each in (None, "cpu:0", "gpu:0,gpu:1")] == [None, "CPU 0", "GPU 0, GPU 1"]


def test_runs_of_one_name_are_told_apart_by_their_ids(workspace):
    with Store(workspace) as store:
        runs = [
            store.queue_run(RunRequest(PRESETS["tiny"].config, name)) for name in ("same", "other", "same")
        ]
    first, _, last = runs
    assert distinct_names(runs) == [f"same ({first.id})", "other", f"same ({last.id})"]


def test_every_state_has_a_look():
    assert set(LOOKS) == set(RunState)


def test_why_a_run_waits(workspace):
    device = Device("cpu:0", "CPU", "cpu", None, None, None, None, 2)
    report = DeviceReport((device,))
    with Store(workspace) as store:
        busy, first, second, third = (
            store.queue_run(RunRequest(PRESETS["tiny"].config, name)) for name in "abcd"
        )
    busy = replace(busy, state=RunState.RUNNING, device="cpu:0")
    waiting = [first, second, third]

    assert waiting_reason(first, waiting, [busy], report) == ("Next in the queue: it starts when “a” ends.")
    two = DeviceReport((device, replace(device, id="cpu:1")))
    also_busy = replace(busy, name="e", device="cpu:1")
    assert waiting_reason(first, waiting, [busy, also_busy], two) == (
        "Next in the queue: it starts when one of “a”, “e” ends."
    )
    assert waiting_reason(first, waiting, [], report) == "Next in the queue: it starts within a few seconds."
    assert waiting_reason(second, waiting, [busy], report) == "Number 2 in the queue, behind the run “b”."
    lost = DeviceReport((), "No GPU is left.")
    assert (
        waiting_reason(first, waiting, [], lost)
        == waiting_reason(third, waiting, [], lost)
        == "No GPU is left."
    )
    assert waiting_reason(third, waiting, [busy], report) == "Number 3 in the queue, behind 2 runs."
