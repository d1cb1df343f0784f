"""A process of its own that looks at saved models from outside: C code reads HDF5, and must not take a server down.

Both ends are here. `check_models_apart` starts `python -m core.bundles.process`, which loads h5py but no Keras.
"""

import json
import os
import queue
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.bundles.contents import MAX_WEIGHTS_BYTES
from core.bundles.network_check import Weight, check_network
from core.config import ExperimentConfig, parse_json
from core.errors import BundleError, ConfigError, DatasetError
from core.formatting import reason
from core.importing.process import limit_memory
from core.importing.zip_guard import UNREADABLE, check_archive, check_directory, is_plain
from core.model_description import Description
from core.system.lines import conversation, receive_request
from core.workspace import PROJECT_ROOT

SECONDS = 120.0
MEMORY_BYTES = 1_500_000_000
_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_MOST_CONFIG, _MOST_METADATA = 8_000_000, 1_000_000
_VARIABLE = re.compile(r"(?:[a-z0-9_]+/)*vars/\d{1,3}")
_MOST_OBJECTS = 10_000
_MOST_DEPTH = 12


def check_models_apart(models: Sequence[tuple[Path, Description]], config: ExperimentConfig) -> None:
    """Raises BundleError where a saved model, a `.keras` file with its description, is not the network of `config`."""
    request = {
        "models": [[str(path), list(each.image_shape), len(each.class_names)] for path, each in models],
        "config": config.to_dict(),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "core.bundles.process"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT_ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, text=True, encoding="utf-8",
    )  # fmt: skip
    with conversation(process, request) as lines:
        try:
            line = lines.get(timeout=SECONDS)
        except queue.Empty:
            raise BundleError("The saved models of the bundle took too long to read.") from None
    if not line.endswith("\n"):
        raise BundleError("The saved models of the bundle are damaged: the process that read them ended.")
    if (error := json.loads(line).get("error")) is not None:
        raise BundleError(error)


def main() -> int:
    """Look at the models that standard input names."""
    request, say = receive_request()
    limit_memory(MEMORY_BYTES)
    say(_check(request))
    return 0


def _check(request: dict[str, Any]) -> dict[str, Any]:
    config = ExperimentConfig.from_dict(request["config"])
    try:
        for path, (height, width, channels), num_classes in request["models"]:
            check_model(Path(path), config, (height, width, channels), num_classes)
    except (BundleError, DatasetError, ConfigError) as error:
        return {"error": str(error)}
    except MemoryError:
        return {"error": "The saved models of the bundle need more memory than a network of ConvDeck."}
    except (*UNREADABLE, ValueError, KeyError, TypeError, AttributeError, NotImplementedError) as error:
        return {"error": f"A saved model of the bundle is damaged ({reason(error)})."}
    return {"done": True}


def check_model(
    path: Path, config: ExperimentConfig, image_shape: tuple[int, int, int], num_classes: int
) -> None:
    """Raises BundleError, DatasetError or ConfigError in a sentence, and what a damaged file makes libraries raise."""
    shown = "A saved model of the bundle"
    check_directory(path, shown, 10)
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        check_archive(infos, shown, 10, MAX_WEIGHTS_BYTES)
        if sorted(info.filename for info in infos) != sorted((_CONFIG, _METADATA, _WEIGHTS)):
            raise BundleError(f"{shown} holds other files than Keras writes.")
        if not all(is_plain(info) and info.compress_type == zipfile.ZIP_STORED for info in infos):
            raise BundleError(f"{shown} is packed in another way than Keras packs it.")
        with archive.open(_METADATA) as stream:
            parse_json(stream.read(_MOST_METADATA).decode(), "metadata of a saved model")
        with archive.open(_CONFIG) as stream:
            values = parse_json(stream.read(_MOST_CONFIG).decode(), "config of a saved model")
        expected = check_network(values, config, image_shape, num_classes)
        with archive.open(_WEIGHTS) as stream:
            _check_weights(stream, expected)


def _check_weights(stream: Any, expected: Mapping[str, Weight]) -> None:
    """Raises BundleError where the file holds other weights than `expected`, by their places in it."""
    import h5py

    seen: set[int] = set()
    found: dict[str, tuple[int, ...]] = {}
    whole_numbers = 0  # of dropout's random numbers

    def walk(group: Any, place: str, depth: int) -> None:
        nonlocal whole_numbers
        for name in group:
            where = f"{place}{name}"
            if not isinstance(group.get(name, getlink=True), h5py.HardLink) or depth > _MOST_DEPTH:
                raise BundleError("The weights in the bundle hold links, which are not followed.")
            item = group[name]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen or len(seen) > _MOST_OBJECTS:
                raise BundleError("The weights in the bundle share parts, or have too many.")
            seen.add(address)
            if isinstance(item, h5py.Group):
                walk(item, f"{where}/", depth + 1)
            elif not isinstance(item, h5py.Dataset) or not _VARIABLE.fullmatch(where):
                raise BundleError("The weights in the bundle hold what is no weight of a layer.")
            elif _kind_of(item) == "f":
                found[where] = item.shape
            else:
                whole_numbers += item.size

    with h5py.File(stream, "r") as file:
        walk(file, "", 0)
    for where, weight in expected.items():
        if where in found and found[where] != weight.shape:
            raise BundleError(
                f"The weights in the bundle are those of another network: {weight.layer} has {_size(found[where])} "
                f"numbers, not {_size(weight.shape)}."
            )
    if found.keys() != expected.keys() or whole_numbers > _MOST_OBJECTS:
        raise BundleError(
            f"The weights in the bundle are those of another network: {len(found):,} arrays, and not those "
            f"{len(expected):,} that its layers have."
        )


def _size(shape: Sequence[int]) -> str:
    return "×".join(f"{each:,}" for each in shape)


def _kind_of(dataset: Any) -> str:
    """Of numbers that lie in the file as they are. Raises BundleError for any others."""
    plain = (
        dataset.dtype.kind in "fiu"
        and not dataset.external
        and not dataset.is_virtual
        and dataset.id.get_create_plist().get_nfilters() == 0
        and dataset.id.get_storage_size() >= dataset.size * dataset.dtype.itemsize
    )
    if not plain:
        raise BundleError("The weights in the bundle are not stored as Keras stores them.")
    return "f" if dataset.dtype.kind == "f" else "iu"


if __name__ == "__main__":
    sys.exit(main())
