"""The block editor: convolution blocks and dense layers, added, copied, moved and removed."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.config import ExperimentConfig
from core.config.model import BlockConfig
from core.errors import ConfigError
from pages.components.design.fields import (
    choice_field,
    folded_fields,
    integer_field,
    numbers_field,
    render_cells,
    setting_field,
    toggle_field,
)
from pages.components.design.plan import NetworkPlan, render_refusal
from pages.components.kit import session
from pages.components.kit.text import literal

KERNEL_SIZES = (1, 3, 5, 7, 9)
# The settings of a dense layer, and the rare ones of a block, with the step of a number's field.
LAYER = {"units": 16, "dropout": 0.05, "activation": 1}
MORE = {"stride": 1, "activation": 1, "repeats": 1, "pool_size": 1, "dropout": 0.05, "batch_norm": 1}


def render_blocks(config: ExperimentConfig, plan: NetworkPlan) -> None:
    """A card for each convolution block, and the whitening layer, which few people want."""
    for index in range(len(config.model.blocks)):
        with st.container(border=True):
            _render_block(config, index, plan)
            _refusal_at(f"model.blocks[{index}]", config, plan)
    _button("Add block", "add-block", ":material/add:", _added(config, "blocks", {}))
    toggle_field(config, "model.whitening")
    _refusal_at("model.whitening", config, plan)


def _refusal_at(path: str, config: ExperimentConfig, plan: NetworkPlan) -> None:
    if plan.problem is not None and plan.problem.field.startswith(path):
        render_refusal(config, plan, path)


def render_head(config: ExperimentConfig, plan: NetworkPlan) -> None:
    """What comes after the blocks: the head and its dense layers."""
    choice_field(config, "model.head")
    for index in range(len(config.model.dense)):
        with st.container(border=True):
            _row_of_buttons(config, "dense", index, f"**Dense layer {index + 1}**")
            path = f"model.dense[{index}]"
            for column, (name, step) in zip(st.columns(3), LAYER.items(), strict=True):
                with column:
                    setting_field(config, f"{path}.{name}", step)
            _refusal_at(path, config, plan)
    _button("Add dense layer", "add-dense", ":material/add:", _added(config, "dense", {"units": 128}))


def _render_block(config: ExperimentConfig, index: int, plan: NetworkPlan) -> None:
    path = f"model.blocks[{index}]"
    block = config.model.blocks[index]
    shapes = [layer.output_shape for layer in plan.layers if layer.block == index]
    if plan.problem is not None and plan.problem.field.startswith(path):
        shapes = []  # what there is of it is not what comes of it
    outcome = f" → {'×'.join(map(str, shapes[-1]))}" if shapes else ""
    branches = f", {len(block.kernel_sizes)} branches" if len(block.kernel_sizes) > 1 else ""
    _row_of_buttons(config, "blocks", index, f"**Block {index + 1}**{branches}{outcome}")
    columns = st.columns([1, 2, 1])
    with columns[0]:
        integer_field(config, f"{path}.filters", step=8)
    with columns[1]:
        numbers_field(
            config, f"{path}.kernel_sizes", KERNEL_SIZES,
            also=lambda sizes: _padding_for(sizes, block, f"{path}.padding"),
        )  # fmt: skip
    with columns[2]:
        choice_field(config, f"{path}.pool")
    folded_fields("More settings of this block", f"more-of-block-{index}", lambda: _render_more(config, path))


def _padding_for(sizes: Sequence[int], block: BlockConfig, path: str) -> dict[str, Any]:
    """Several sizes side by side need 'same'; with one again, the padding is what it was before."""
    if len(sizes) > 1:
        if block.padding == "same":
            return {}
        session.remember(path, block.padding)
        return {path: "same"}
    former = session.pop_remembered(path)
    return {path: former} if former and not block.residual else {}


def _render_more(config: ExperimentConfig, path: str) -> None:
    block_values = config.value(path)
    must_be_same = block_values["residual"] or len(block_values["kernel_sizes"]) > 1
    with st.grid(3, min_column_width=150):
        with st.container():
            choice_field(config, f"{path}.padding", disabled=must_be_same)
        render_cells(config, {f"{path}.{name}": step for name, step in MORE.items()})
        with st.container():
            toggle_field(
                config, f"{path}.residual", also=lambda on: {f"{path}.padding": "same"} if on else {}
            )
        with st.container():
            toggle_field(config, f"{path}.separable")


def _row_of_buttons(config: ExperimentConfig, kind: str, index: int, title: str) -> None:
    entries = config.to_dict()["model"][kind]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(title, width="stretch")
        moves = (
            ("up", ":material/arrow_upward:", index - 1),
            ("down", ":material/arrow_downward:", index + 1),
        )
        for name, icon, target in moves:
            if len(entries) > 1:
                possible = 0 <= target < len(entries)
                changed = _swapped(entries, index, target) if possible else entries
                _icon(kind, index, f"Move {name}", icon, changed, disabled=not possible)
        _icon(kind, index, "Copy", ":material/content_copy:", [*entries[: index + 1], *entries[index:]])
        _icon(kind, index, "Remove", ":material/delete:", [*entries[:index], *entries[index + 1 :]])


def _icon(
    kind: str, index: int, label: str, icon: str, entries: list[Any], *, disabled: bool = False
) -> None:
    st.button(
        "", icon=icon, key=f"{kind}-{index}-{label}", help=label, type="tertiary", disabled=disabled,
        on_click=_set_entries, args=(kind, entries),
    )  # fmt: skip


def _button(label: str, key: str, icon: str, change: tuple[str, list[Any]]) -> None:
    st.button(label, icon=icon, key=key, on_click=_set_entries, args=change)


def _added(config: ExperimentConfig, kind: str, fresh: dict[str, Any]) -> tuple[str, list[Any]]:
    """The entries with a copy of the last one added, which is nearer to what is wanted than any default."""
    entries = config.to_dict()["model"][kind]
    return kind, [*entries, entries[-1] if entries else fresh]


def _swapped(entries: list[Any], first: int, second: int) -> list[Any]:
    changed = list(entries)
    changed[first], changed[second] = changed[second], changed[first]
    return changed


def _set_entries(kind: str, entries: list[Any]) -> None:
    config = session.design_config()
    if config is None:
        return
    try:
        values: dict[str, Any] = {f"model.{kind}": entries}
        if kind == "blocks":  # no more can be frozen than there are
            values["model.frozen_blocks"] = min(config.model.frozen_blocks, len(entries))
        session.alter_design(config.with_values(values))
    except ConfigError as error:
        session.flash(literal(error.message))
