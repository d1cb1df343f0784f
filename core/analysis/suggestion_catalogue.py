"""Which suggestions answer which verdict, the most helpful first."""

from collections.abc import Mapping

from core.analysis import learning_suggestions as learning
from core.analysis.findings import Verdict
from core.analysis.generalising_suggestions import WHEN_OVERFITTING
from core.analysis.suggestion import Builder, Known
from core.config import ExperimentConfig

SUGGESTIONS: Mapping[Verdict, tuple[Builder, ...]] = {
    Verdict.TOO_EARLY: (),
    Verdict.OVERFITTING: WHEN_OVERFITTING,
    Verdict.UNDERFITTING: learning.WHEN_UNDERFITTING,
    Verdict.PLATEAU: learning.ON_A_PLATEAU,
    Verdict.DIVERGED: learning.WHEN_DIVERGED,
    Verdict.NOISY: learning.WHEN_NOISY,
    Verdict.HEALTHY: learning.WHEN_HEALTHY,
    Verdict.GUESSING: learning.WHEN_GUESSING,
}
# They say what else is the matter, or that nothing can be said.
NAMED_CAUSE = (Verdict.TOO_EARLY, Verdict.DIVERGED, Verdict.OVERFITTING)


def builders_for(verdict: Verdict, config: ExperimentConfig, known: Known) -> tuple[Builder, ...]:
    """What may answer a verdict on a run, in order.

    Whatever is said of a network at the level of guessing after few steps an epoch: it is steps that lack.
    """
    if verdict not in NAMED_CAUSE and known.lacks_steps(config):
        is_noisy = verdict is Verdict.NOISY
        return learning.WHEN_STEPS_LACK_AND_AVERAGES_LAG if is_noisy else learning.WHEN_STEPS_LACK
    return SUGGESTIONS[verdict]
