"""What to try after a verdict: changes of a config, each with a reason, the most helpful first."""

from dataclasses import replace

from core.analysis.diagnosis import Diagnosis, Verdict
from core.analysis.suggestion_catalogue import MENDS, Mend
from core.config import ExperimentConfig
from core.config.paths import parse_path, read_path
from core.design import architecture
from core.errors import ConfigError

WIDE_GAP = 0.10  # beyond what the size of any usual validation set explains

__all__ = ["Mend", "augmentation_mend", "mends_for"]


def mends_for(
    diagnosis: Diagnosis,
    config: ExperimentConfig,
    best_epoch: int | None,
    *,
    input_shape: tuple[int, int, int] | None = None,
    num_classes: int = 10,
) -> tuple[Mend, ...]:
    """Mends for a run of `config` with this diagnosis, each of them a valid config that differs from it.

    `input_shape` (height, width, channels) and `num_classes` are those of the data set; without, a square of
    `dataset.image_size`, else of 32 pixels, in colour. Networks that such pictures are too small for are left out.
    """
    side = config.dataset.image_size or 32
    shape = input_shape or (side, side, 3)
    verdict = diagnosis.verdict
    if verdict is Verdict.HEALTHY and diagnosis.gap is not None and diagnosis.gap > WIDE_GAP:
        verdict = Verdict.OVERFITTING  # it still learns, but more of the same would only widen the gap
    offered = (build(config, best_epoch) for build in MENDS[verdict])
    mends = (_without_old_values(mend, config) for mend in offered if mend)
    return tuple(mend for mend in mends if mend.changes and _can_be_built(mend, config, shape, num_classes))


def augmentation_mend(config: ExperimentConfig) -> Mend | None:
    """More variety in what a run of `config` is shown, whatever its verdict; None when all of it is there already."""
    for build in MENDS[Verdict.OVERFITTING]:
        mend = build(config, None)
        if mend is not None and any(path.startswith("augmentation.") for path in mend.changes):
            mend = _without_old_values(mend, config)
            if mend.changes:
                return mend
    return None


def _without_old_values(mend: Mend, config: ExperimentConfig) -> Mend:
    plain = config.to_dict()
    is_new = {path: read_path(plain, parse_path(path), path) != value for path, value in mend.changes.items()}
    return replace(mend, changes={path: value for path, value in mend.changes.items() if is_new[path]})


def _can_be_built(
    mend: Mend, config: ExperimentConfig, shape: tuple[int, int, int], num_classes: int
) -> bool:
    try:
        architecture.describe(config.with_values(mend.changes).model, shape, num_classes)
    except ConfigError:
        return False
    return True
