"""Tools about configs: presets, settings, data sets, and whether a design can be trained here."""

from dataclasses import asdict
from typing import Any

from core.config import ExperimentConfig
from core.datasets.class_counts import unevenness_in_words
from core.datasets.lookup import dataset_shape, find_dataset, values_for
from core.datasets.splits import counts_for
from core.datasets.storage import describe_dataset, list_datasets
from core.design.architecture import NotBuildable
from core.design.hints import advise
from core.design.presets import PRESETS, get_preset
from core.design.repairs import repairs_for
from core.errors import ConfigError, UserError
from core.mcp.schemas import RUN, dataset_schema, describe_settings, preset_schema, settings_schema
from core.mcp.tool import Bench, Tool
from core.runs.start import check_experiment

PARTS = ("dataset", "model", "augmentation", "optimizer", "training", "seed")


def tools() -> list[Tool]:
    """list_presets, describe_settings, list_datasets, check_design."""
    return [
        Tool(
            "list_presets", "List presets",
            "The named configs to start from, each with a sentence on what it shows, and whether it goes wrong on "
            "purpose.",
            {}, _list_presets, reads_only=True,
        ),
        Tool(
            "describe_settings", "Describe settings",
            "What each setting of a config does: name, unit, help, limits, allowed values and default.",
            {"part": {"type": "string", "enum": list(PARTS), "description": "Of this part alone."}},
            lambda bench, asked: describe_settings(asked.get("part")), reads_only=True,
        ),
        Tool(
            "list_datasets", "List data sets",
            "The data sets that are here and those that can be downloaded: state, classes, pictures, picture size.",
            {}, _list_datasets, reads_only=True,
        ),
        Tool(
            "check_design", "Check a design",
            "Whether a config can be trained here, without training it: each layer with its output shape, parameters "
            "and receptive field, hints on the design, or what is wrong with changes that repair it. Starts from a "
            "preset, or from the config of a run.",
            {
                "preset": preset_schema(), "run": RUN, "dataset": dataset_schema(), "settings": settings_schema(),
            },
            _check_design, reads_only=True,
        ),
    ]  # fmt: skip


def config_of(bench: Bench, asked: dict[str, Any]) -> ExperimentConfig:
    """The config of `preset` or `run`, on `dataset`, with `settings`. Raises UserError."""
    if "preset" in asked and "run" in asked:
        raise ConfigError("", "Give either preset or run.")
    if "run" in asked:
        config = bench.store.get_run(asked["run"]).config
    else:
        config = get_preset(asked["preset"]).config if "preset" in asked else ExperimentConfig()
    values: dict[str, Any] = {}
    if dataset := asked.get("dataset"):
        info = describe_dataset(bench.workspace, dataset)
        values = {**(values_for(info, config.dataset.num_train) if info else {}), "dataset.id": dataset}
    return config.with_values({**values, **asked.get("settings", {})})


def _list_presets(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    return {"presets": [{**asdict(preset), "config": preset.config.to_dict()} for preset in PRESETS.values()]}


def _list_datasets(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    return {"datasets": [info.to_dict() for info in list_datasets(bench.workspace)]}


def _check_design(bench: Bench, asked: dict[str, Any]) -> dict[str, Any]:
    """As `describe --json`, with `valid`; what is wrong is an answer here, not an error."""
    workspace = bench.workspace
    try:
        config = config_of(bench, asked)
        network = check_experiment(workspace, config)
    except NotBuildable as problem:
        image_shape, num_classes = dataset_shape(workspace, config.dataset)
        repairs = repairs_for(config, problem, image_shape, num_classes)
        return _refused(problem) | {
            "repairs": [{"title": each.title, "settings": dict(each.changes)} for each in repairs]
        }
    except UserError as problem:
        return _refused(problem)
    image_shape, _ = dataset_shape(workspace, config.dataset)
    num_train = config.dataset.num_train or find_dataset(workspace, config.dataset.id).num_train
    hints = [hint.text for hint in advise(config, network, min(image_shape[:2]), num_train or 1)]
    if uneven := unevenness_in_words(counts_for(workspace, config.dataset) or ()):
        hints.append(uneven)
    return {
        "valid": True, "parameters": network.parameters, "flops": network.flops, "config": config.to_dict(),
        "hints": hints, "layers": [asdict(layer) for layer in network.layers],
    }  # fmt: skip


def _refused(problem: UserError) -> dict[str, Any]:
    field = problem.field if isinstance(problem, ConfigError) else None
    return {"valid": False, "error": str(problem), "field": field or None}
