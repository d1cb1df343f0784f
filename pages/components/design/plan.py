"""What the draft's network comes to: its layers, or why it cannot be built and buttons that repair it."""

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.config import ExperimentConfig
from core.datasets.lookup import dataset_shape
from core.design.architecture import Architecture, Layer, NotBuildable, describe_network
from core.design.repairs import Repair, repairs_for
from core.errors import UserError
from pages.components.kit import session
from pages.components.kit.text import literal

# What is drawn while the data set is unknown: CIFAR-10's pictures and classes.
USUAL_SHAPE, USUAL_CLASSES = (32, 32, 3), 10


@dataclass(frozen=True)
class NetworkPlan:
    """A network for pictures of `image_shape` (height, width, channels), or why there is none, with what repairs it."""

    image_shape: tuple[int, int, int]
    network: Architecture | None
    problem: NotBuildable | None = None
    repairs: Sequence[Repair] = ()

    @property
    def image_size(self) -> int:
        """The smaller side of a picture in pixels."""
        return min(self.image_shape[:2])

    @property
    def layers(self) -> Sequence[Layer]:
        """All of them, or those up to the one that cannot be built."""
        if self.network is not None:
            return self.network.layers
        return self.problem.layers if self.problem else ()


def plan_network(config: ExperimentConfig) -> NetworkPlan:
    """The draft's network on its data set."""
    try:
        image_shape, num_classes = dataset_shape(session.services().workspace, config.dataset)
    except UserError:
        image_shape, num_classes = USUAL_SHAPE, USUAL_CLASSES
    try:
        return NetworkPlan(image_shape, describe_network(config.model, image_shape, num_classes))
    except NotBuildable as problem:
        repairs = repairs_for(config, problem, image_shape, num_classes)
        return NetworkPlan(image_shape, None, problem, repairs)


def render_refusal(config: ExperimentConfig, plan: NetworkPlan, key: str, before: str = "") -> None:
    """Why the network cannot be built, after the words `before`, and a button for each change that helps."""
    if plan.problem is None:
        return
    st.error(f"{before}{literal(plan.problem.message)}", icon=":material/block:")
    if not plan.repairs:
        return
    with st.container(horizontal=True, gap="small"):
        for repair in plan.repairs:
            st.button(
                repair.title, key=f"repair-{key}-{repair.title}", icon=":material/build:",
                on_click=session.alter_design, args=(config.with_values(repair.changes),),
            )  # fmt: skip
