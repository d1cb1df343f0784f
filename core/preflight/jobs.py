"""Dry runs that a page asks for: measured by a thread of the server, so that the page can be used meanwhile."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from core.config import ExperimentConfig
from core.errors import ConvDeckError, PreflightBusy
from core.visitors.person import Person, acting_as, acting_person
from core.workspace import Workspace

if TYPE_CHECKING:
    from core.design.rate_range import RateRange
    from core.preflight.measurement import Preflight

Answer = TypeVar("Answer")
logger = logging.getLogger(__name__)

KEPT = 64


@dataclass(frozen=True)
class PreflightState(Generic[Answer]):
    """What is known of a config: `stage` while it is measured, then a `result`, or a `problem` in a sentence.

    `others_run` says that another config is being measured, so that this one cannot be.
    """

    stage: str | None = None
    result: Answer | None = None
    problem: str | None = None
    others_run: bool = False


class PreflightJobs(Generic[Answer]):
    """One dry run of a kind at a time, and the last answers by config. Forgotten when the server ends."""

    def __init__(self, workspace: Workspace, measure: Callable[..., Answer]) -> None:
        self._workspace = workspace
        self._measure = measure
        self._lock = threading.Lock()
        self._running: str | None = None
        self._stage = ""
        self._answers: OrderedDict[str, Answer | str] = OrderedDict()

    def start(self, config: ExperimentConfig) -> None:
        """Begin to measure; nothing happens while this very config is being measured. Raises PreflightBusy."""
        with self._lock:
            if self._running == config.config_id:
                return
            if self._running is not None:
                raise PreflightBusy("Another dry run is in progress. Try again in a minute.")
            self._running, self._stage = config.config_id, "Starting"
            self._answers.pop(config.config_id, None)
        threading.Thread(
            target=self._work, args=(config, acting_person()), name="dry-run", daemon=True
        ).start()

    def state(self, config_id: str) -> PreflightState[Answer]:
        """Where the dry run of this config stands."""
        with self._lock:
            running = self._running
            if running == config_id:
                return PreflightState(stage=self._stage)
            answer = self._answers.get(config_id)
        if isinstance(answer, str):
            return PreflightState(problem=answer, others_run=running is not None)
        return PreflightState(result=answer, others_run=running is not None)

    def _work(self, config: ExperimentConfig, person: Person) -> None:
        answer: Answer | str
        try:
            with acting_as(person):
                answer = self._measure(self._workspace, config, self._tell)
        except ConvDeckError as error:
            answer = str(error)
        except Exception:
            logger.exception("A dry run failed.")
            answer = "The dry run failed; the server's log says why."
        with self._lock:
            self._running = None
            self._answers[config.config_id] = answer
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)

    def _tell(self, stage: str) -> None:
        with self._lock:
            self._stage = stage


def measure_design(
    workspace: Workspace, config: ExperimentConfig, tell: Callable[[str], None]
) -> "Preflight":
    """`run_preflight`, loaded late: a server can serve without it, and answers sooner."""
    from core.preflight.measurement import run_preflight

    return run_preflight(workspace, config, tell)


def try_rates(workspace: Workspace, config: ExperimentConfig, tell: Callable[[str], None]) -> "RateRange":
    """`run_rate_range`, likewise."""
    from core.preflight.rate_range import run_rate_range

    return run_rate_range(workspace, config, tell)
