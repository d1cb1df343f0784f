"""Which runs can be asked about which pictures."""

import dataclasses

from core.augmentation.robustness import fitting_runs, trained_runs
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.store import Store

STORED = (32, 32, 3)


def test_only_runs_with_weights_on_this_data_set_with_pictures_of_this_shape(workspace) -> None:
    made = {}
    with Store(workspace) as store:
        for name, size, dataset, trained in (
            ("as stored", None, "shapes", True), ("said so", 32, "shapes", True), ("small", 16, "shapes", True),
            ("elsewhere", None, "mnist", True), ("new", None, "shapes", False),
        ):  # fmt: skip
            values = {"dataset.id": dataset, "dataset.image_size": size}
            run = store.queue_run(RunRequest(PRESETS["tiny"].config.with_values(values), name))
            if trained:
                store.claim(run.id, [run.id])
                store.record_started(run.id, 1, 10, 100, 0)
                store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.4))
            made[name] = store.get_run(run.id)
    runs = list(made.values())
    assert [run.name for run in trained_runs(runs, "shapes")] == ["as stored", "said so", "small"]
    assert [run.name for run in fitting_runs(runs, "shapes", STORED, STORED)] == ["as stored", "said so"]
    assert [run.name for run in fitting_runs(runs, "shapes", STORED, (16, 16, 3))] == ["small"]
    unreadable = dataclasses.replace(made["as stored"], config_json='{"another": "version"}')
    assert trained_runs([unreadable], "shapes") == []
