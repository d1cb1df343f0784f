"""What to try after a verdict: changes of a config, each with a reason, the most helpful first."""

from dataclasses import replace

from core.analysis.diagnosis import AVERAGES_LAG, Diagnosis
from core.analysis.findings import Verdict
from core.analysis.suggestion import Known, Suggestion
from core.analysis.suggestion_catalogue import SUGGESTIONS, builders_for
from core.config import ExperimentConfig
from core.config.paths import parse_path, read_path
from core.design import architecture
from core.errors import ConfigError

WIDE_GAP = 0.10  # beyond what the size of any usual validation set explains

__all__ = ["Suggestion", "augmentation_suggestion", "suggestions_for"]


def suggestions_for(
    diagnosis: Diagnosis,
    config: ExperimentConfig,
    best_epoch: int | None,
    *,
    input_shape: tuple[int, int, int] | None = None,
    num_classes: int = 10,
    num_available: int | None = None,
    total_epochs: int | None = None,
    ended_early: bool = False,
) -> tuple[Suggestion, ...]:
    """Suggestions for a run of `config` with this diagnosis: each gives a valid config that differs from it.

    `best_epoch`, `num_available`, `total_epochs` and `ended_early` are as in `Known`.
    `input_shape` (height, width, channels) and `num_classes` are those of the data set; without, a square of
    `dataset.image_size`, else of 32 pixels, in colour. Networks that such pictures are too small for are left out.
    """
    side = config.dataset.image_size or 32
    shape = input_shape or (side, side, 3)
    verdict = diagnosis.verdict
    if verdict is Verdict.HEALTHY and diagnosis.gap is not None and diagnosis.gap > WIDE_GAP:
        verdict = Verdict.OVERFITTING  # it still learns, but more of the same would only widen the gap
    lag = diagnosis.headline == AVERAGES_LAG
    known = Known(best_epoch, num_available, total_epochs, ended_early, diagnosis.hardly_learned, lag)
    offered = (build(config, known) for build in builders_for(verdict, config, known))
    suggestions = (_without_old_values(suggestion, config) for suggestion in offered if suggestion)
    return tuple(
        suggestion
        for suggestion in suggestions
        if suggestion.changes and _can_be_built(suggestion, config, shape, num_classes)
    )


def augmentation_suggestion(config: ExperimentConfig) -> Suggestion | None:
    """The first suggestion that changes augmentation, whatever the verdict; None when all of it is there already."""
    for build in SUGGESTIONS[Verdict.OVERFITTING]:
        suggestion = build(config, Known())
        if suggestion is not None and any(path.startswith("augmentation.") for path in suggestion.changes):
            suggestion = _without_old_values(suggestion, config)
            if suggestion.changes:
                return suggestion
    return None


def _without_old_values(suggestion: Suggestion, config: ExperimentConfig) -> Suggestion:
    plain = config.to_dict()
    is_new = {
        path: read_path(plain, parse_path(path), path) != value for path, value in suggestion.changes.items()
    }
    return replace(
        suggestion, changes={path: value for path, value in suggestion.changes.items() if is_new[path]}
    )


def _can_be_built(
    suggestion: Suggestion, config: ExperimentConfig, shape: tuple[int, int, int], num_classes: int
) -> bool:
    try:
        architecture.describe_network(config.with_values(suggestion.changes).model, shape, num_classes)
    except ConfigError:
        return False
    return True
