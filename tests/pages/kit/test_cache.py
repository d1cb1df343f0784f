import threading
from dataclasses import replace

import pytest

from core.design.presets import PRESETS
from core.store.records import Run, RunRequest
from core.store.store import Store
from pages.components.kit.cache import VersionedCache, per_epoch


def test_a_value_is_made_once_and_the_longest_unused_is_dropped():
    kept: VersionedCache[int] = VersionedCache(2)
    made = []

    def ask(name: str, version: int = 1) -> int:
        return kept.get(name, version, lambda: made.append(name) or len(made))

    assert [ask("a"), ask("b"), ask("a")] == [1, 2, 1]
    assert ask("c") == 3  # in the place of b
    assert [ask("a"), ask("b")] == [1, 4]
    assert made == ["a", "b", "c", "b"]
    assert [ask("b", 2), ask("b", 2), ask("a")] == [5, 5, 1]


def test_what_could_not_be_made_is_tried_again():
    kept: VersionedCache[int] = VersionedCache(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", 1, lambda: 1 // 0)
    assert kept.get("a", 1, lambda: 7) == 7


def test_of_many_at_once_one_makes_it():
    kept: VersionedCache[int] = VersionedCache(2)
    asked = threading.Semaphore(0)
    made = []

    def make() -> int:
        for _ in range(8):  # the others have come meanwhile, or are about to
            asked.acquire(timeout=60)
        made.append(1)
        return 1

    def ask() -> None:
        asked.release()
        kept.get("a", 1, make)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_nobody_waits_for_what_another_name_takes():
    kept: VersionedCache[int] = VersionedCache(2)
    kept.get("quick", 1, lambda: 1)
    begun, go_on = threading.Event(), threading.Event()

    def make() -> int:
        begun.set()
        assert go_on.wait(60)
        return 2

    slow = threading.Thread(target=lambda: kept.get("slow", 1, make))
    slow.start()
    assert begun.wait(60)
    quick = threading.Thread(target=lambda: kept.get("quick", 1, lambda: 3))
    quick.start()
    quick.join(20)
    waited = quick.is_alive()
    go_on.set()
    slow.join()
    assert not waited


def test_per_epoch_a_value_is_made_once_for_each_owner_run_and_keyword(workspace):
    store = Store(workspace)
    run = store.queue_run(RunRequest(PRESETS["tiny"].config, "a run"))
    other = store.queue_run(RunRequest(PRESETS["tiny"].config, "another run"))
    made = []

    @per_epoch(8)
    def words(owner: str, run: Run, told: list[int], *, part: str) -> str:
        """What is kept."""
        made.append((owner, run.name, run.epoch, part))
        return f"{run.name} {part}, {told}"

    assert words.__doc__ == "What is kept."
    assert [words("mine", run, [1], part=part) for part in ("top", "end", "top")] == [
        "a run top, [1]", "a run end, [1]", "a run top, [1]",
    ]  # fmt: skip
    assert words("mine", run, [2], part="top") == "a run top, [1]"  # the list is no part of the name
    assert words("mine", replace(run, epoch=1), [2], part="top") == "a run top, [2]"
    words("mine", other, [1], part="top")
    words("yours", other, [1], part="top")
    assert made == [
        ("mine", "a run", 0, "top"), ("mine", "a run", 0, "end"), ("mine", "a run", 1, "top"),
        ("mine", "another run", 0, "top"), ("yours", "another run", 0, "top"),
    ]  # fmt: skip


def test_per_epoch_another_version_can_be_given(workspace):
    run = Store(workspace).queue_run(RunRequest(PRESETS["tiny"].config, "a run"))
    versions = [1, 1, 2]
    made = []

    @per_epoch(8, lambda owner, run: versions.pop(0))
    def count(owner: str, run: Run) -> int:
        made.append(run.id)
        return len(made)

    assert [count("mine", run) for _ in range(3)] == [1, 1, 2]
