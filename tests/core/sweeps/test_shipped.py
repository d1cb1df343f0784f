"""The sweep files that come with the project can be started, and ask what they say."""

import json
from pathlib import Path

import pytest

from core.design.architecture import describe_network
from core.store.store import Store
from core.sweeps.configs import configs_for
from core.sweeps.spec import SweepSpec
from core.sweeps.start import parse_sweep
from core.workspace import PROJECT_ROOT, Workspace

FILES = sorted((PROJECT_ROOT / "docs" / "sweeps").glob("*.json"))


def read(path: Path, workspace: Workspace) -> SweepSpec:
    with Store(workspace) as store:
        return parse_sweep(workspace, store, json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_choice_is_a_network_that_can_be_built(path: Path, workspace: Workspace) -> None:
    spec = read(path, workspace)
    configs = [configs_for(spec, choices)[0] for choices in spec.space.combinations()]
    assert len({config.config_id for config in configs}) == len(configs) == spec.trials
    for config in configs:
        describe_network(config.model, (32, 32, 3), 10)


def test_kernel_sizes_asks_for_both_blocks_with_outputs_of_one_size(workspace: Workspace) -> None:
    """The article's question: 1, 3, 5, 7 and the mix of Inception. Padding keeps pictures as large for each of them."""
    spec = read(PROJECT_ROOT / "docs" / "sweeps" / "kernel-sizes.json", workspace)
    kernels = [
        tuple(block.kernel_sizes for block in configs_for(spec, choices)[0].model.blocks)
        for choices in spec.space.combinations()
    ]
    sizes = [(1,), (3,), (5,), (7,), (1, 3, 5)]
    assert kernels == [(first, second) for first in sizes for second in sizes]
    assert {block.padding for block in spec.base.model.blocks} == {"same"}
    assert spec.base.dataset.id == "cifar10"
