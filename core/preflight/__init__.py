"""A dry run: some real steps on the device that would train, and what they say of time and memory."""

from core.preflight.jobs import DryRuns, DryRunState
from core.preflight.measurement import Preflight, measure

__all__ = ["DryRunState", "DryRuns", "Preflight", "measure"]
