"""Which runs can be asked about which pictures."""

import dataclasses

from core.augmentation.robustness import fitting_runs, trained_runs
from core.datasets.prepare import ensure_dataset
from core.design.presets import PRESETS
from core.epoch import EpochRow
from core.store.records import RunRequest
from core.store.store import Store
from tests.core.conftest import known_data


def test_only_runs_with_weights_on_this_data_set_with_pictures_of_this_shape(workspace) -> None:
    made, shapes = {}, ensure_dataset(workspace, "shapes")
    with Store(workspace) as store:
        for name, size, dataset, trained in (
            ("as stored", None, "shapes", True), ("said so", 32, "shapes", True), ("small", 16, "shapes", True),
            ("elsewhere", None, "mnist", True), ("new", None, "shapes", False), ("other", None, "shapes", True),
        ):  # fmt: skip
            values = {"dataset.id": dataset, "dataset.image_size": size}
            # Of a run that an older version started it is not known which data set of that name it saw.
            digest = {"said so": shapes.digest, "other": "of another"}.get(name)
            config = PRESETS["tiny"].config.with_values(values)
            run = store.queue_run(RunRequest(config, name, data=digest and known_data(digest)))
            if trained:
                store.claim(run.id, [run.id])
                store.record_started(run.id, 1, 10, 100, 0)
                store.record_epoch(run.id, 1, EpochRow(1, val_accuracy=0.4))
            made[name] = store.get_run(run.id)
    runs = list(made.values())
    names = [run.name for run in trained_runs(runs, "shapes", shapes.digest)]
    assert names == ["as stored", "said so", "small"]
    assert [run.name for run in fitting_runs(runs, shapes, (32, 32, 3))] == ["as stored", "said so"]
    assert [run.name for run in fitting_runs(runs, shapes, (16, 16, 3))] == ["small"]
    unreadable = dataclasses.replace(made["as stored"], config_json='{"another": "version"}')
    assert trained_runs([unreadable], "shapes", shapes.digest) == []
