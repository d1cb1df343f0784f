"""The runs whose weights configs start from, by their names: a config holds an id, which people do not remember."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from core.config import ExperimentConfig
from core.store.store import Store


@dataclass(frozen=True)
class SourceNames:
    """`names` are quoted, by id, and each is there once. A run that is not here any more stays its id."""

    names: Mapping[str, str] = field(default_factory=dict)

    def words(self, text: str) -> str:
        """The text with names in the place of ids."""
        if not self.names:
            return text
        # All at once: a name may have an id in it.
        return re.sub("|".join(self.names), lambda found: self.names[found[0]], text)

    @property
    def ids_in_words(self) -> str | None:
        """Which run is meant, for a tooltip: `“first” is the run abcdefghij.` None where there is none."""
        if not self.names:
            return None
        listed = "; ".join(f"{name} is the run {run_id}" for run_id, name in self.names.items())
        return f"{listed}."


def source_ids(configs: Iterable[ExperimentConfig | None]) -> tuple[str, ...]:
    """The ids that they hold, each once; None among `configs` is one that cannot be read."""
    found = (None if config is None else config.model.start_from for config in configs)
    return tuple(dict.fromkeys(run_id for run_id in found if run_id is not None))


def source_names(store: Store, ids: Iterable[str]) -> SourceNames:
    """The names of the runs with these ids; with the id behind it where two of them have the same."""
    wanted = tuple(ids)
    if not wanted:
        return SourceNames()
    runs = store.get_runs(wanted)
    often = Counter(run.name for run in runs)
    return SourceNames(
        {run.id: f"“{run.name}”" + (f" ({run.id})" if often[run.name] > 1 else "") for run in runs}
    )
