"""What helps where a network learns its training pictures by heart: variety, fewer weights, less time.

A builder looks at a config and what is known of its run, and returns None where its suggestion does not apply. It need
not check whether each value is new, nor whether the network can be built: `core.analysis.suggestions` does.
"""

from msgspec.structs import asdict

from core.analysis.suggestion import Builder, Changes, Known, Suggestion, two_digits
from core.config import AugmentationConfig, ExperimentConfig
from core.design.presets import PRESETS

# Decay is taken times the learning rate: the larger sgd's is, the smaller the decay.
USUAL_DECAYS = {"sgd": 0.0005, "lion": 0.1}
USUAL_DECAY = 0.01
PATIENCE = 5
WORTH_STOPPING = 0.8  # of the epochs; a best epoch later than that leaves little to save
# Data sets where a mirrored picture is another class or none.
NEVER_MIRRORED = ("mnist",)


def _augment(config: ExperimentConfig, _: Known) -> Suggestion | None:
    if config.augmentation.is_active:
        return None
    mild = asdict(PRESETS["article-augmented"].config.augmentation)
    changes = {name: value for name, value in mild.items() if value != getattr(AugmentationConfig(), name)}
    mirrored = ", shifted and mirrored"
    if config.dataset.id in NEVER_MIRRORED:
        del changes["horizontal_flip"]
        mirrored = " and shifted"
    changes["unchanged_fraction"] = 0.0
    return Suggestion(
        "augment",
        "Turn augmentation on",
        f"Slightly rotated{mirrored}, each picture looks new every time, so there is less to learn by heart.",
        {f"augmentation.{name}": value for name, value in changes.items()},
    )


def _augment_more(config: ExperimentConfig, _: Known) -> Suggestion | None:
    now = config.augmentation
    if not now.is_active:
        return None
    wanted = {
        "width_shift_fraction": 0.1,
        "height_shift_fraction": 0.1,
        "zoom_fraction": 0.1,
        "erasing_probability": 0.25,
    }
    changes: Changes = {
        f"augmentation.{name}": value for name, value in wanted.items() if getattr(now, name) < value
    }
    changes["augmentation.unchanged_fraction"] = 0.0
    return Suggestion(
        "augment-more",
        "Augment more",
        "It overfits despite augmentation: larger shifts, zoom and erased patches leave even less to learn "
        "by heart.",
        changes,
    )


def _mix_pictures(config: ExperimentConfig, _: Known) -> Suggestion | None:
    now = config.augmentation
    if not now.is_active or now.mixup_alpha or now.cutmix_alpha:
        return None
    return Suggestion(
        "mix-pictures",
        "Mix pictures",
        "CutMix pastes part of one picture onto another and both classes count, so no single picture can be learned by "
        "heart.",
        {"augmentation.cutmix_alpha": 1.0},
    )


def all_pictures(config: ExperimentConfig, known: Known) -> Suggestion | None:
    """More pictures are the best variety there is, where there are more."""
    used, available = config.dataset.num_train, known.num_available
    if used is None or (available is not None and used >= available):
        return None
    return Suggestion(
        "all-pictures",
        "Train on all pictures",
        f"Only {used:,} training pictures are used; more of them are harder to learn by heart, and accuracy grows "
        "roughly with the logarithm of their number.",
        {"dataset.num_train": None},
    )


def _more_dropout(config: ExperimentConfig, _: Known) -> Suggestion | None:
    dense = {f"model.dense[{i}].dropout": layer.dropout for i, layer in enumerate(config.model.dense)}
    blocks = {f"model.blocks[{i}].dropout": block.dropout for i, block in enumerate(config.model.blocks)}
    # Neighbouring pixels know much of what a dropped one knew, and batch normalisation minds: less in blocks.
    place, now, target = ("dense layers", dense, 0.5) if dense else ("blocks", blocks, 0.25)
    return Suggestion(
        "more-dropout",
        f"More dropout in the {place}",
        "Dropout switches off random units in every step, so no unit can rely on another to recognise a picture.",
        {path: target for path, value in now.items() if value < target},
    )


def _stop_in_time(config: ExperimentConfig, known: Known) -> Suggestion | None:
    best_epoch = known.best_epoch
    if best_epoch is not None and best_epoch <= WORTH_STOPPING * known.epochs(config):
        return Suggestion(
            "stop-at-best",
            f"Stop after epoch {best_epoch}",
            f"Validation was best after epoch {best_epoch}; what came later was learned by heart.",
            {"training.epochs": best_epoch},
        )
    patience = config.training.early_stopping_patience
    if (patience is not None and patience <= PATIENCE) or config.training.epochs <= PATIENCE:
        return None
    return Suggestion(
        "early-stopping",
        "Use early stopping",
        f"Once validation loss has not fallen for {PATIENCE} epochs, anything more is learned by heart.",
        {"training.early_stopping_patience": PATIENCE},
    )


def _weight_decay(config: ExperimentConfig, _: Known) -> Suggestion | None:
    optimizer = config.optimizer
    usual = USUAL_DECAYS.get(optimizer.name, USUAL_DECAY)
    decay = usual if optimizer.weight_decay < usual else min(1.0, two_digits(3 * optimizer.weight_decay))
    changes: Changes = {"optimizer.weight_decay": decay}
    if optimizer.name == "adam":
        changes["optimizer.name"] = "adamw"
    return Suggestion(
        "weight-decay",
        "More weight decay" if optimizer.weight_decay else "Weight decay",
        "Each step pulls the weights towards zero, so only weights that many pictures need become large.",
        changes,
    )


def _smaller_head(config: ExperimentConfig, _: Known) -> Suggestion | None:
    if config.model.head == "flatten" and config.model.blocks:
        return Suggestion(
            "global-average",
            "Average instead of flatten",
            "Averaging turns each filter into one number: far fewer weights, and none that learn positions by heart.",
            {"model.head": "global_average"},
        )
    return Suggestion(
        "smaller-head",
        "Halve the dense layers",
        "Fewer units mean fewer weights that can learn pictures by heart.",
        {f"model.dense[{i}].units": max(1, layer.units // 2) for i, layer in enumerate(config.model.dense)},
    )


def _smooth_labels(config: ExperimentConfig, _: Known) -> Suggestion | None:
    if config.optimizer.label_smoothing >= 0.1:
        return None
    return Suggestion(
        "smooth-labels",
        "Smooth the labels",
        "A tenth of each label is spread over all classes, so growing more certain of known pictures no longer pays.",
        {"optimizer.label_smoothing": 0.1},
    )


WHEN_OVERFITTING: tuple[Builder, ...] = (
    _augment, _augment_more, _mix_pictures, all_pictures, _more_dropout, _stop_in_time, _smaller_head, _weight_decay,
    _smooth_labels,
)  # fmt: skip
