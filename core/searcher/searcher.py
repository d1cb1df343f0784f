"""The searcher: looks after every sweep that is under way, and after studies that add seeds until they are decided."""

import contextlib
import logging
import time
from collections.abc import Callable

from core.errors import (
    ConvDeckError,
    IllegalTransition,
    RunError,
    RunNotFound,
    SweepNotFound,
    TrialTaken,
    UserError,
)
from core.searcher.sweep_search import SweepSearch
from core.store.states import SweepState
from core.store.store import Store
from core.store.sweeps import Sweep
from core.studies.until_decided import continue_studies
from core.system.devices import DeviceReport, list_devices

# After an error, a sweep is tried again later. After this many errors in a row it is given up.
PAUSE_SECONDS = 1.0
MAX_ERRORS = 10
STUDIES_SECONDS = 0.2
# Results of sweeps that are not RUNNING change too: trials by hand, runs deleted, restored or resumed.
ENDED_SECONDS = 10.0
# So long per tick, or one sweep: what has just been started does not wait for all of them.
WEIGH_SECONDS = 0.1
LOG_HINT = "The searcher's log, on the System page, has the details."

logger = logging.getLogger(__name__)


class Searcher:
    """Does everything at each `tick`. Only one may exist for a workspace at a time."""

    def __init__(
        self,
        store: Store,
        devices: Callable[[], DeviceReport] = list_devices,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`devices` lists the devices; `clock` gives monotonic seconds."""
        self._store = store
        self._devices = devices
        self._clock = clock
        self._searches: dict[str, SweepSearch] = {}
        self._errors: dict[str, int] = {}
        self._paused_until: dict[str, float] = {}
        self._studies_due = float("-inf")
        self._ended_due = float("-inf")
        # By sweep, what its results were when they were looked at, and those that are still to be looked at.
        self._weighed: dict[str, object] = {}
        self._to_weigh: dict[str, object] = {}

    def tick(self) -> bool:
        """Look after everything once. Returns whether there is anything left to look after."""
        running = self._store.sweeps.running()
        for sweep in running:
            if self._clock() >= self._paused_until.get(sweep.id, float("-inf")):
                self._look_after(sweep)
        for sweep_id in self._searches.keys() - {sweep.id for sweep in running}:
            self._leave(sweep_id)
        for run_id in self._store.sweeps.interrupted_confirmations():
            # A person may have been quicker.
            with contextlib.suppress(IllegalTransition, RunNotFound):
                self._store.resume_run(run_id)
                logger.info("run %s of a confirmation was interrupted and is resumed", run_id)
        is_weighing = not running and self._weigh_ended()
        is_adding = self._store.studies.is_any_adding_seeds()
        if is_adding and self._clock() >= self._studies_due:
            self._studies_due = self._clock() + STUDIES_SECONDS
            continue_studies(self._store.workspace, self._store)
        return bool(running) or is_adding or is_weighing

    def _look_after(self, sweep: Sweep) -> None:
        try:
            if sweep.id not in self._searches:
                self._searches[sweep.id] = SweepSearch(self._store, sweep, self._devices, self._clock)
            self._searches[sweep.id].look(sweep)
            self._errors.pop(sweep.id, None)
        except (SweepNotFound, IllegalTransition, TrialTaken):
            self._searches.pop(sweep.id, None)  # a person deleted, stopped or changed it a moment ago
        except Exception as error:  # one sweep's error must not keep the others from being served
            self._searches.pop(sweep.id, None)
            self._note(sweep, error)

    def _note(self, sweep: Sweep, error: Exception) -> None:
        """Try again in a moment; give the sweep up where a person has to change something, or trying does not help."""
        count = self._errors[sweep.id] = self._errors.get(sweep.id, 0) + 1
        self._paused_until[sweep.id] = self._clock() + PAUSE_SECONDS
        if count == 1:
            logger.exception("sweep %s: an error; trying again.", sweep.id)
        can_wait = isinstance(error, ConvDeckError) and not isinstance(
            error, UserError
        )  # such as a busy database
        if isinstance(error, UserError) and not isinstance(error, RunError):
            self._give_up(sweep, str(error), "Fix the cause, then resume the sweep.")
        elif count >= MAX_ERRORS and not can_wait:
            self._give_up(sweep, f"The search met an error, {type(error).__name__}: {error}", LOG_HINT)

    def _give_up(self, sweep: Sweep, error: str, next_step: str) -> None:
        logger.warning("sweep %s: given up: %s", sweep.id, error)
        self._errors.pop(sweep.id, None)
        try:
            self._store.sweeps.change_state(
                sweep.id, SweepState.FAILED, expected=SweepState.RUNNING, error=error, next_step=next_step
            )
        except UserError:
            return  # deleted or stopped a moment ago

    def _weigh_ended(self) -> bool:
        """Bring what is known of the trials of sweeps that are not RUNNING up to date. Returns whether there are more.

        The trials of each are read once, and then when its results have changed: 0.04 s of 100 trials, 2 s to weigh.
        """
        begun = self._clock()
        if not self._to_weigh and begun >= self._ended_due:
            self._ended_due = begun + ENDED_SECONDS
            versions = self._store.sweeps.result_versions()
            self._to_weigh = {each: now for each, now in versions.items() if self._weighed.get(each) != now}
        while self._to_weigh:
            sweep_id, version = self._to_weigh.popitem()
            self._weighed[sweep_id] = version
            try:
                sweep = self._store.sweeps.get(sweep_id)
                if sweep.state is not SweepState.RUNNING:
                    SweepSearch(self._store, sweep, self._devices, self._clock).record_insights()
            except Exception as error:  # such as settings of another version
                logger.info("sweep %s: its insights could not be renewed: %s", sweep_id, error)
            if self._clock() - begun >= WEIGH_SECONDS:
                break
        return bool(self._to_weigh)

    def _leave(self, sweep_id: str) -> None:
        """It is paused, stopped or has ended: what is known of its trials is worked out once more."""
        try:
            self._searches.pop(sweep_id).record_insights()
        except ConvDeckError as error:
            logger.info("sweep %s: its insights could not be recorded: %s", sweep_id, error)
