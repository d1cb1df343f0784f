"""Changes that make a network buildable that is not, found by trying them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.config import ExperimentConfig
from core.config.model import BlockConfig
from core.design.architecture import NotBuildable, Shape, describe_network
from core.errors import ConfigError

MOST_REPAIRS = 5
_PLACE = re.compile(r"model\.(blocks|dense)\[(\d+)\]\.(\w+)")


@dataclass(frozen=True)
class Repair:
    """A change of the config, with a button's text. `changes` are values by path, as `with_values` takes them."""

    title: str
    changes: Mapping[str, Any]


def repairs_for(
    config: ExperimentConfig, problem: NotBuildable, image_shape: Shape, num_classes: int
) -> list[Repair]:
    """What makes this network buildable, each by itself, the smallest change of its kind. Removing comes last.

    Empty where no such change does: for pictures of `image_shape` (height, width, channels).
    """
    found: list[Repair] = []
    for kind in _kinds(config, problem):
        if kind.is_last_resort and any(not each.title.startswith("Remove") for each in found):
            continue
        works = (each for each in kind.tries if _is_buildable(config, each, image_shape, num_classes))
        repair = next(works, None)
        if repair is not None:
            found.append(repair)
    return found[:MOST_REPAIRS]


@dataclass(frozen=True)
class _Kind:
    """Changes of one kind, the smallest first. A last resort is for where nothing before it helps."""

    tries: Sequence[Repair]
    is_last_resort: bool = False


def _is_buildable(config: ExperimentConfig, repair: Repair, image_shape: Shape, num_classes: int) -> bool:
    try:
        describe_network(config.with_values(repair.changes).model, image_shape, num_classes)
    except ConfigError:
        return False
    return True


def _kinds(config: ExperimentConfig, problem: NotBuildable) -> Iterator[_Kind]:
    place = _PLACE.match(problem.field)
    if problem.field == "model.whitening":
        yield _Kind([Repair("No whitening layer", {"model.whitening": False})])
    elif place is None:  # the output layer itself is too large
        yield _Kind(_smaller_input(config))
    elif place[1] == "dense":
        index = int(place[2])
        units = config.model.dense[index].units
        yield _Kind(_fewer(f"model.dense[{index}].units", units, "units in dense layer", index))
        yield _Kind(_smaller_input(config))
    else:
        yield from _of_block(config, int(place[2]), place[3])


def _of_block(config: ExperimentConfig, index: int, setting: str) -> Iterator[_Kind]:
    blocks = config.model.blocks
    here, on = range(index, index + 1), range(index, len(blocks))
    if setting == "filters":
        yield _Kind(
            _fewer(f"model.blocks[{index}].filters", blocks[index].filters, "filters in block", index)
        )
    elif setting == "repeats":
        yield _Kind(
            _fewer(f"model.blocks[{index}].repeats", blocks[index].repeats, "repeats in block", index)
        )
    else:
        yield _Kind([_same_padding(blocks, scope) for scope in (here, on, range(len(blocks)))])
        if setting == "pool_size":
            yield _Kind(
                _smaller(f"model.blocks[{index}].pool_size", blocks[index].pool_size, "pooling", index)
            )
            yield _Kind([_no_pooling(blocks, scope) for scope in (here, on)])
        else:
            yield _Kind(_smaller_kernels(blocks[index], index))
        earlier = [at for at in reversed(range(index)) if blocks[at].pool != "none"]
        single = [_no_pooling(blocks, range(at, at + 1)) for at in earlier]
        yield _Kind([*single, *(_no_pooling(blocks, range(at, len(blocks))) for at in earlier)])
        strides = [at for at in reversed(range(index + 1)) if blocks[at].stride > 1]
        yield _Kind(
            [Repair(f"Stride 1 in block {at + 1}", {f"model.blocks[{at}].stride": 1}) for at in strides]
        )
        both = {**_same_padding(blocks, on).changes, **_no_pooling(blocks, on).changes}
        where = _where(on, len(blocks))
        yield _Kind([Repair(f"Padding “same” and no pooling {where}", both)], is_last_resort=True)
    yield _Kind(_removals(config, index))


def _same_padding(blocks: Sequence[BlockConfig], scope: range) -> Repair:
    changes = {f"model.blocks[{at}].padding": "same" for at in scope if blocks[at].padding != "same"}
    return Repair(f"Padding “same” {_where(scope, len(blocks))}", changes)


def _no_pooling(blocks: Sequence[BlockConfig], scope: range) -> Repair:
    changes = {f"model.blocks[{at}].pool": "none" for at in scope if blocks[at].pool != "none"}
    return Repair(f"No pooling {_where(scope, len(blocks))}", changes)


def _where(scope: range, count: int) -> str:
    if len(scope) == 1:
        return f"in block {scope.start + 1}"
    return "in every block" if len(scope) == count else f"from block {scope.start + 1} on"


def _smaller(path: str, size: int, what: str, index: int) -> list[Repair]:
    return [
        Repair(f"{each}×{each} {what} in block {index + 1}", {path: each})
        for each in reversed(range(2, size))
    ]


def _smaller_kernels(block: BlockConfig, index: int) -> list[Repair]:
    """Of odd sides, which are usual. There are several sizes only with padding, which never fails."""
    return [
        Repair(f"{side}×{side} kernel in block {index + 1}", {f"model.blocks[{index}].kernel_sizes": [side]})
        for side in reversed(range(1, max(block.kernel_sizes), 2))
    ]


def _fewer(path: str, number: int, what: str, index: int) -> list[Repair]:
    """Half of it, a quarter, and so on."""
    tries = []
    while number > 1:
        number //= 2
        tries.append(Repair(f"{number:,} {what} {index + 1}", {path: number}))
    return tries


def _smaller_input(config: ExperimentConfig) -> list[Repair]:
    """For the first layer behind the head, whose parameters are those of its input times its own."""
    if config.model.head != "flatten":
        return []
    return [Repair("Global average as the head", {"model.head": "global_average"})]


def _removals(config: ExperimentConfig, index: int) -> list[Repair]:
    """This block, or it and all after it; not the only ones."""
    entries = config.to_dict()["model"]["blocks"]
    tries = []
    if len(entries) > 1:
        tries.append(
            Repair(f"Remove block {index + 1}", {"model.blocks": [*entries[:index], *entries[index + 1 :]]})
        )
    if 0 < index < len(entries) - 1:
        tries.append(
            Repair(f"Remove blocks {index + 1} to {len(entries)}", {"model.blocks": entries[:index]})
        )
    return tries
