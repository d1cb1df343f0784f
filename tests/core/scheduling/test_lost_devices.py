from dataclasses import replace

import pytest

from core.errors import UserError
from core.scheduling.launcher import Exit
from core.scheduling.scheduler import Scheduler
from core.store.records import RunRequest
from core.store.states import ACTIVE, RunState
from core.system.devices import DeviceReport
from tests.core.scheduling.fakes import CONFIG, begin, cpu, gpu, states

A, B = replace(gpu(0), uuid="GPU-a"), replace(gpu(1), uuid="GPU-b")


def there(*devices, lost=()):
    return DeviceReport(devices or (cpu(),), None, frozenset(each.key for each in devices), dict(lost))


@pytest.fixture
def found():
    return [there(A, B)]


@pytest.fixture
def build(store, launcher, clock, found):
    return lambda: Scheduler(store, launcher, lambda: found[-1], clock)


def queue(store):
    return store.queue_run(RunRequest(CONFIG)).id


def look_again(scheduler, clock):
    clock.now += 2.0
    scheduler.tick()


def test_leases_are_by_uuid_and_numbers_may_shift(store, launcher, build, clock, found):
    first, second = queue(store), queue(store)
    scheduler = build()
    scheduler.tick()
    assert store.leases() == {"GPU-a": first, "GPU-b": second}
    found.append(there(replace(B, id="gpu:0")))
    third = queue(store)
    look_again(scheduler, clock)
    # The GPU that is 0 now is the one that `second` is on: nobody else gets it.
    assert states(store, first, second, third) == ["WAITING", "STARTING", "WAITING"]
    assert store.leases() == {"GPU-b": second}


def test_a_lease_from_before_uuids_is_understood(store, build):
    old, new = queue(store), queue(store)
    store.claim(old, ["gpu:0"])
    store.set_process(old, 1, 77, 0.77)
    scheduler = build()
    scheduler._launcher.workers[old, 1] = worker = scheduler._launcher.launch(store.get_run(old), [])
    worker.pid = 77
    scheduler.tick()
    assert store.leases() == {"gpu:0": old, "GPU-b": new}


@pytest.mark.parametrize(
    ("lost", "code", "detail"),
    [
        ({}, "gone", None),
        ({"gpu:0": "GPU is lost"}, "gpu_is_lost", "GPU is lost"),
        ({"GPU-a": "GPU is lost"}, "gpu_is_lost", "GPU is lost"),
    ],
)
def test_a_run_goes_on_elsewhere_once(store, launcher, build, clock, found, lost, code, detail):
    run_id = queue(store)
    scheduler = build()
    scheduler.tick()
    begin(store, run_id)
    found.append(there(B, lost=lost))
    look_again(scheduler, clock)
    (aside,) = store.devices.aside()
    assert (aside.key, aside.device, aside.name, aside.code, aside.detail) == (
        "GPU-a",
        "gpu:0",
        "H200",
        code,
        detail,
    )
    assert states(store, run_id) == ["WAITING"]
    (line,) = store.log(run_id)
    assert line.level == "warning" and line.text.startswith(
        "GPU 0 (H200) was lost while the run trained on it: "
    )
    launcher.workers[run_id, 1].exit = Exit(-9)
    scheduler.tick()
    assert (store.get_run(run_id).state, store.get_run(run_id).device) == ("STARTING", "gpu:1")
    found.append(there(A, lost={"GPU-b": "GPU is lost"}))
    store.devices.bring_back("GPU-a", {"GPU-a"})
    later = build()  # another scheduler knows that it was queued again before
    later.tick()
    run = store.get_run(run_id)
    assert run.state is RunState.INTERRUPTED
    assert run.error.startswith("GPU 1 (GPU) was lost while the run trained on it")
    assert "It lost a GPU before: look at the GPUs on System first." in run.next_step


def test_a_worker_that_failed_because_its_gpu_was_lost(store, launcher, build, found):
    run_id = queue(store)
    scheduler = build()
    scheduler.tick()
    begin(store, run_id)
    store.transition(run_id, RunState.FAILED, expected=ACTIVE, error="CUDA error: device lost")
    launcher.workers[run_id, 1].exit = Exit(1)
    found.append(there(B))
    scheduler.tick()
    assert (store.get_run(run_id).state, store.get_run(run_id).device) == ("STARTING", "gpu:1")


def test_a_process_that_never_ends_keeps_nobody_waiting(store, build, clock, found):
    run_id = queue(store)
    scheduler = build()
    scheduler.tick()
    found.append(there(B))
    other = queue(store)
    store.devices.lose(run_id, 1, "Lost.")
    look_again(scheduler, clock)
    assert states(store, run_id, other) == ["WAITING", "STARTING"]


def test_without_any_gpu_left_runs_wait_and_do_not_start_on_the_cpu(store, launcher, build, clock, found):
    scheduler = build()
    run_id = queue(store)
    scheduler.tick()
    found.append(there())
    look_again(scheduler, clock)
    launcher.workers[run_id, 1].exit = Exit(-9)
    other = queue(store)
    look_again(scheduler, clock)
    build().tick()
    assert states(store, run_id, other) == ["WAITING", "WAITING"]
    told = store.devices.waits_for_gpu(found[-1])
    assert told.startswith("No GPU is left: GPU 0 (H200) is out of use") and "CUDA_VISIBLE_DEVICES=-1" in told
    store.devices.forget_aside()
    look_again(scheduler, clock)  # the same scheduler may live on while the dashboard starts anew
    assert "STARTING" in states(store, run_id, other)
    assert store.devices.waits_for_gpu(found[-1]) is None


def test_where_nvml_stops_answering_runs_go_on_and_none_starts(store, build, clock, found):
    first = queue(store)
    scheduler = build()
    scheduler.tick()
    found.append(DeviceReport((cpu(),), "No NVIDIA driver answers."))
    second = queue(store)
    look_again(scheduler, clock)
    assert states(store, first, second) == ["STARTING", "WAITING"]
    assert {each.code for each in store.devices.aside()} == {"no_answer"}


def test_a_gpu_comes_back_when_it_answers_and_a_person_says_so(store, build, clock, found):
    scheduler = build()
    queue(store)
    scheduler.tick()
    found.append(there(A))
    look_again(scheduler, clock)
    with pytest.raises(UserError, match="does not answer yet"):
        store.devices.bring_back("gpu:1", found[-1].present)
    found.append(there(A, B))
    waiting = queue(store)
    look_again(scheduler, clock)
    assert states(store, waiting) == ["WAITING"]
    with pytest.raises(UserError, match="'gpu:7' is out of use"):
        store.devices.bring_back("gpu:7", found[-1].present)
    assert store.devices.bring_back("gpu:1", found[-1].present).key == "GPU-b"
    look_again(scheduler, clock)
    assert store.get_run(waiting).device == "gpu:1"


def test_what_runs_can_be_given_is_nothing_once_every_gpu_is_lost(store):
    two, one, none = there(A, B), there(B), there()
    assert store.devices.usable(two) == two and store.devices.usable(none) == none
    store.devices.set_aside(A, "gone")
    assert store.devices.usable(two).devices == store.devices.usable(one).devices == (B,)
    told = store.devices.usable(none)
    assert (
        told.devices == ()
        and "GPU 0 (" in (told.note or "")
        and "do not move to the CPU" in (told.note or "")
    )
