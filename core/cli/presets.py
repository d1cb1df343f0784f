"""Commands that need no run: presets, and the layers of a network."""

import argparse
from dataclasses import asdict

from core.cli.arguments import add_config_arguments, config_from
from core.cli.output import print_json, print_table
from core.config.schema import json_schema
from core.datasets.class_counts import unevenness_in_words
from core.datasets.lookup import dataset_shape, find_dataset
from core.datasets.splits import counts_for
from core.design.architecture import describe_network
from core.design.hints import advise
from core.design.presets import PRESETS
from core.design.starting_weights import start_in_words
from core.runs.starting_weights import check_start
from core.workspace import Workspace


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add this module's commands to the parser."""
    presets = commands.add_parser("presets", help="list the named configs")
    form = presets.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON document")
    form.add_argument("--schema", action="store_true", help="print the JSON Schema of a config instead")
    presets.set_defaults(handle=_presets)

    network = commands.add_parser("describe", help="list every layer of a network: shape, parameters, FLOPs")
    add_config_arguments(network)
    network.add_argument("--json", action="store_true", help="print one JSON document")
    network.set_defaults(handle=_describe)


def _presets(arguments: argparse.Namespace) -> int:
    presets = PRESETS.values()
    if arguments.schema:
        print_json(json_schema())
    elif arguments.json:
        print_json([{**asdict(preset), "config": preset.config.to_dict()} for preset in presets])
    else:
        for preset in presets:
            print(f"{preset.name}: {preset.title}{' (goes wrong on purpose)' if preset.known_bad else ''}")
            print(f"    {preset.commentary}")
    return 0


def _describe(arguments: argparse.Namespace) -> int:
    config = config_from(arguments)
    workspace = Workspace.from_environment()
    image_shape, num_classes = dataset_shape(workspace, config.dataset)
    network = describe_network(config.model, image_shape, num_classes)
    start = check_start(workspace, config, network)
    num_train = config.dataset.num_train or find_dataset(workspace, config.dataset.id).num_train
    hints = [hint.text for hint in advise(config, network, min(image_shape[:2]), num_train or 1)]
    if uneven := unevenness_in_words(counts_for(workspace, config.dataset) or ()):
        hints.append(uneven)
    if arguments.json:
        totals = {
            "parameters": network.parameters, "flops": network.flops, "config": config.to_dict(), "hints": hints,
            "trainable_parameters": network.trainable_parameters,
            "start": None if start is None else [asdict(each) for each in start[1]],
        }  # fmt: skip
        print_json({**totals, "layers": [asdict(layer) for layer in network.layers]})
        return 0
    header = ("LAYER", "KIND", "OUTPUT", "PARAMETERS", "FLOPS", "RECEPTIVE FIELD")
    rows = [
        (
            layer.name,
            layer.kind.replace("_", " "),
            "×".join(map(str, layer.output_shape)),
            f"{layer.parameters:,}",
            f"{layer.flops:,}",
            layer.receptive_field,
        )
        for layer in network.layers
    ]
    print_table(header, rows)
    print(f"\n{network.parameters:,} parameters, {network.flops:,} FLOPs for one picture.")
    if start is not None:
        frozen = config.model.frozen_blocks
        print(f"Starts from the weights of “{start[0].run.name}”. {start_in_words(start[1], frozen)}")
        print(f"{network.trainable_parameters:,} parameters are trained.")
    for hint in hints:
        print(f"→ {hint}")
    return 0
