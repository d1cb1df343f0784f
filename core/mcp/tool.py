"""What a tool is, and what the tools work on."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.engine.client import Engine
from core.store.store import Store
from core.workspace import Workspace

Schema = dict[str, Any]
# Called with a run's epochs done, all of its epochs, and a sentence.
Progress = Callable[[float, float, str], Awaitable[None]]


class Bench:
    """What the tools work on: a workspace, its store, and an engine that starts with the first picture."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace.ensure()
        self.store = Store(workspace)
        self.engine = Engine(workspace)

    def close(self) -> None:
        """End the engine and let go of the store; runs continue."""
        self.engine.close()
        self.store.close()


Work = Callable[[Bench, dict[str, Any]], dict[str, Any]]
Wait = Callable[[Bench, dict[str, Any], Progress], Awaitable[dict[str, Any]]]


@dataclass(frozen=True)
class Tool:
    """A tool: what clients read of it, and what does the work.

    `properties` are the JSON Schemas of its arguments, of which `required` have to be given. `work` returns a document
    and raises ConvDeckError; it may take seconds. `wait` is what takes longer, in the event loop, and can be cancelled.
    One of the two is given. `reads_only`: nothing is changed. `is_destructive`: something ends or is lost.
    `is_idempotent`: asked twice, nothing more happens.
    """

    name: str
    title: str
    description: str
    properties: Mapping[str, Schema]
    work: Work | None = None
    wait: Wait | None = None
    required: tuple[str, ...] = ()
    reads_only: bool = False
    is_destructive: bool = False
    is_idempotent: bool = False

    @property
    def input_schema(self) -> Schema:
        """The JSON Schema of its arguments."""
        schema: Schema = {
            "type": "object",
            "properties": dict(self.properties),
            "additionalProperties": False,
        }
        return schema | ({"required": list(self.required)} if self.required else {})
