"""A config from `--preset` or `--config`, `--dataset` and `--set`."""

import argparse
import json
from pathlib import Path
from typing import Any

from core.config import ExperimentConfig
from core.datasets.lookup import values_for
from core.datasets.storage import describe_dataset
from core.design.presets import get_preset
from core.errors import ConfigError, UserError
from core.inspection.answers import BEST
from core.store.store import Store
from core.workspace import Workspace

MAX_CONFIG_BYTES = 1_000_000


def add_config_arguments(parser: argparse.ArgumentParser, *, run: bool = False) -> None:
    """Add what `config_from` reads; with `run`, the config of a run can be taken as well."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--preset", metavar="NAME", help="a named config; `python -m core presets` lists them"
    )
    source.add_argument("--config", metavar="FILE", type=Path, help="a config as JSON")
    if run:
        source.add_argument("--run", metavar="RUN", help="the config of a run")
    parser.add_argument("--dataset", metavar="NAME", help="train on this data set instead")
    parser.add_argument(
        "--set", metavar="PATH=VALUE", action="append", default=[], dest="values",
        help="replace one value, such as model.blocks[0].filters=16; VALUE is JSON; may be repeated",
    )  # fmt: skip


def add_epoch_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--epoch`: which weights of a run are asked. `core.inspection.answers.weights_of` reads it."""
    parser.add_argument(
        "--epoch", metavar="N|best|last", default=BEST,
        help="the weights to use: of the best epoch (default), of the last, or of any that was kept",
    )  # fmt: skip


def config_from(arguments: argparse.Namespace) -> ExperimentConfig:
    """The config that the arguments describe. Raises UserError."""
    if arguments.preset:
        config = get_preset(arguments.preset).config
    elif arguments.config:
        config = _read_config(arguments.config)
    else:
        config = Store(Workspace.from_environment().ensure()).get_run(arguments.run).config
    values = dict(parse_assignment(text) for text in arguments.values)
    if arguments.dataset:
        values = {**_change_dataset(config, arguments.dataset), **values, "dataset.id": arguments.dataset}
    return config.with_values(values)


def _change_dataset(config: ExperimentConfig, dataset_id: str) -> dict[str, Any]:
    """What changes with the data set: a preset's 2,000 training pictures become all where there are fewer."""
    info = describe_dataset(Workspace.from_environment(), dataset_id)
    return values_for(info, config.dataset.num_train) if info else {}


def parse_assignment(text: str) -> tuple[str, Any]:
    """`"a.b=0.5"` → `("a.b", 0.5)`. What is no JSON is taken as text, so that `optimizer.name=sgd` works."""
    path, equals, value = text.partition("=")
    if not equals or not path:
        raise ConfigError(
            "--set", f"takes PATH=VALUE, such as optimizer.learning_rate=0.01, not {text[:60]!r}."
        )
    try:
        return path.strip(), json.loads(value)
    except (ValueError, RecursionError):
        return path.strip(), value


def _read_config(path: Path) -> ExperimentConfig:
    return ExperimentConfig.from_json(read_text(path, "a config"))


def read_text(path: Path, what: str) -> str:
    """The text of a file that a person names. Raises UserError where it cannot be read or is too large."""
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_CONFIG_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    if len(data) > MAX_CONFIG_BYTES:
        raise UserError(f"{path} is larger than {MAX_CONFIG_BYTES:,} bytes; that is not {what}.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text.") from error
