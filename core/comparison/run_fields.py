"""What a run is called and how it went, beside its settings and results: for filters, tables and files alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from core.comparison.facts import OUTCOMES, RunFacts
from core.store.states import RunState

# Of one column in a file; `texts` and `wholes` are lists.
Kind = Literal["text", "texts", "number", "whole", "switch", "wholes"]


@dataclass(frozen=True)
class RunField:
    """`label` says what it is called where people read, `name` where runs are filtered and sorted by it: both are None
    where they are not. `column` is its name in files; None: it is in none. What `choices` lists are all of its values.
    """

    column: str | None
    name: str | None
    label: str | None
    kind: Kind
    read: Callable[[RunFacts], Any]
    choices: tuple[str, ...] = ()


# In the order of a file's columns.
RUN_FIELDS = (
    RunField("id", "id", "Id", "text", lambda facts: facts.id),
    RunField("name", "name", "Name", "text", lambda facts: facts.name),
    RunField("state", "state", "State", "text", lambda facts: facts.run.state.value, tuple(RunState)),
    RunField("outcome", "outcome", "Outcome", "text", lambda facts: facts.outcome, OUTCOMES),
    RunField("error", None, None, "text", lambda facts: facts.run.error),
    RunField("tags", "tags", "Tags", "texts", lambda facts: facts.tags),
    RunField("hidden", "hidden", "Hidden", "switch", lambda facts: facts.hidden),
    # Files have it among the settings.
    RunField(None, "dataset", "Data set", "text", lambda facts: facts.run.dataset),
    RunField("dataset_digest", None, None, "text", lambda facts: facts.run.dataset_digest),
    RunField("preset", "preset", "Preset", "text", lambda facts: facts.run.preset),
    RunField("parent", "parent", "Forked from", "text", lambda facts: facts.run.parent_id),
    RunField("device", "device", "Device", "text", lambda facts: facts.run.device),
    RunField("attempt", "attempt", "Attempt", "whole", lambda facts: facts.run.attempt),
    RunField("created_at", "created", "Created", "number", lambda facts: facts.run.created_at),
    RunField("started_at", None, None, "number", lambda facts: facts.run.started_at),
    RunField("ended_at", None, None, "number", lambda facts: facts.run.ended_at),
    RunField("config_id", None, None, "text", lambda facts: facts.run.config_id),
    RunField("learning_rate_changed", None, None, "switch", lambda facts: facts.learning_rate_changed),
)
