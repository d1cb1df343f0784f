import re
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis.diagnosis import AVERAGES_LAG, Diagnosis, Verdict, diagnose
from core.analysis.suggestions import augmentation_suggestion, suggestions_for
from core.config import (
    AugmentationConfig,
    BlockConfig,
    DatasetConfig,
    DenseConfig,
    ExperimentConfig,
    ModelConfig,
    OptimizerConfig,
    TrainingConfig,
)
from core.config.changes import describe_changes
from core.config.optimizer import OPTIMIZERS
from core.design.architecture import describe_network
from core.design.presets import PRESETS
from core.errors import ConfigError
from tests.core.analysis.drawn_curves import Shape, draw
from tests.core.strategies import experiments

ARTICLE = PRESETS["article"].config
VGG = PRESETS["vgg"].config


def diagnosed(verdict):
    return Diagnosis(verdict, None, 0.1, 4, "Because.", "So.")


def offered(verdict, config, best_epoch=4):
    return {
        suggestion.id: suggestion.changes
        for suggestion in suggestions_for(diagnosed(verdict), config, best_epoch)
    }


@settings(max_examples=150)
@given(experiments, st.sampled_from(Verdict), st.none() | st.integers(1, 300))
def test_every_mend_is_a_valid_change(config, verdict, best_epoch):
    side = config.dataset.image_size or 32
    suggestions = suggestions_for(diagnosed(verdict), config, best_epoch)
    assert (
        len({suggestion.id for suggestion in suggestions})
        == len({suggestion.title for suggestion in suggestions})
        == len(suggestions)
    )
    for suggestion in suggestions:
        mended = config.with_values(suggestion.changes)
        assert mended != config and mended.config_id != config.config_id
        describe_network(mended.model, (side, side, 3))
        assert all(config.value(path) != mended.value(path) for path in suggestion.changes)
        assert 0 < len(suggestion.title) <= 40
        assert re.search(r"\.(?!\d)", suggestion.why).end() == len(suggestion.why)
        assert describe_changes(config, mended)


drawn_histories = st.builds(
    draw,
    st.builds(
        Shape,
        epochs=st.integers(1, 30),
        start=st.floats(0.05, 0.5),
        top=st.floats(0.1, 0.95),
        pace=st.floats(1, 40),
        gap=st.floats(0, 0.2),
        onset=st.none() | st.integers(2, 15),
        noise=st.floats(0.002, 0.12),
        jump_rate=st.floats(0, 0.4),
        num_validation=st.integers(20, 5_000),
    ),
    st.integers(0, 10_000),
    st.booleans(),
)
# What each changes beyond a value in the config: what the next run would do other than this one.
EFFECTS = {
    "all-pictures": lambda before, after, had: after["pictures"] > before["pictures"],
    "more-epochs": lambda before, after, had: after["epochs"] > had["epochs"],
    "smaller-batch": lambda before, after, had: after["steps"] > before["steps"],
    "stop-at-best": lambda before, after, had: after["epochs"] < had["epochs"],
    "early-stopping": lambda before, after, had: after["patience"] < after["epochs"],
    # Nothing that is measured uses running averages where there are none, or statistics are measured anyway.
    "precise-batch-norm": lambda before, after, had: before["uses_averages"] and not after["uses_averages"],
    "faster-averages": lambda before, after, had: before["uses_averages"],
}


def facts(config, num_available):
    pictures = min(num_available, config.dataset.num_train or num_available)
    return {
        "pictures": pictures, "epochs": config.training.epochs, "patience": config.training.early_stopping_patience,
        "uses_averages": any(block.batch_norm for block in config.model.blocks)
        and not config.training.precise_batch_norm and config.optimizer.weight_averaging is None,
        "steps": -(-max(1, round(pictures * config.training.steps_per_epoch_multiple)) // config.training.batch_size),
    }  # fmt: skip


def can_be_built(config: ExperimentConfig, num_classes: int) -> bool:
    """Drawn networks can be too deep for their pictures: no run has them."""
    side = config.dataset.image_size or 32
    try:
        describe_network(config.model, (side, side, 3), num_classes)
    except ConfigError:
        return False
    return True


@settings(max_examples=300)
@given(
    drawn_histories,
    experiments,
    st.integers(1, 60_000),
    st.integers(0, 50),
    st.booleans(),
    st.integers(2, 20),
)
def test_whatever_is_offered_changes_what_the_next_run_does(
    history, config, num_available, added_epochs, ended_early, num_classes
):
    """Counted once, with seed 1: for 300 drawn histories 789 suggestions were offered, and each changes something."""
    if config.dataset.num_train is not None:  # more than there are cannot be asked for
        config = config.with_values({"dataset.num_train": min(config.dataset.num_train, num_available)})
    had = {"epochs": config.training.epochs + added_epochs}
    diagnosis = diagnose(history, num_classes=num_classes, num_validation=500, num_clean=500)
    suggestions = suggestions_for(
        diagnosis, config, diagnosis.best_epoch, num_classes=num_classes, num_available=num_available,
        total_epochs=had["epochs"], ended_early=ended_early,
    )  # fmt: skip
    before = facts(config, num_available)
    for suggestion in suggestions:
        mended = config.with_values(suggestion.changes)
        assert mended.config_id != config.config_id
        assert EFFECTS.get(suggestion.id, lambda *_: True)(before, facts(mended, num_available), had), (
            suggestion
        )
    assert not ended_early or "more-epochs" not in {suggestion.id for suggestion in suggestions}
    assert len({suggestion.id for suggestion in suggestions}) == len(suggestions)
    by_itself = (
        diagnosis.verdict in ("healthy", "plateau", "underfitting", "noisy") and (diagnosis.gap or 0) <= 0.1
    )
    lacks_steps = diagnosis.hardly_learned and before["steps"] < 50 and not ended_early
    if by_itself and lacks_steps and can_be_built(config, num_classes):
        assert "more-epochs" in {suggestion.id for suggestion in suggestions[:2]}


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if not preset.known_bad])
@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_but_too_early_has_something_to_try(name, verdict):
    suggestions = suggestions_for(diagnosed(verdict), PRESETS[name].config, 4)
    assert bool(suggestions) == (verdict != Verdict.TOO_EARLY)


class TestOverfitting:
    def test_the_article_s_cure_comes_first(self):
        first, *others = suggestions_for(diagnosed(Verdict.OVERFITTING), ARTICLE, 4)
        assert (first.id, first.title) == ("augment", "Turn augmentation on")
        assert ARTICLE.with_values(first.changes) == PRESETS["article-augmented"].config
        assert [suggestion.id for suggestion in others] == [
            "more-dropout", "stop-at-best", "global-average", "weight-decay", "smooth-labels",
        ]  # fmt: skip
        changes = {suggestion.id: suggestion.changes for suggestion in others}
        assert changes["more-dropout"] == {"model.dense[0].dropout": 0.5, "model.dense[1].dropout": 0.5}
        assert changes["stop-at-best"] == {"training.epochs": 4}
        assert changes["weight-decay"] == {"optimizer.name": "adamw", "optimizer.weight_decay": 0.01}

    def test_digits_are_not_mirrored(self):
        config = ARTICLE.with_values({"dataset.id": "mnist"})
        assert "augmentation.horizontal_flip" not in offered(Verdict.OVERFITTING, config)["augment"]

    def test_augmentation_that_no_picture_gets_is_turned_on(self):
        config = ExperimentConfig(
            augmentation=AugmentationConfig(rotation_degrees=20.0, unchanged_fraction=1.0)
        )
        assert config.with_values(offered(Verdict.OVERFITTING, config)["augment"]).augmentation.is_active

    def test_where_it_is_on_already_more_of_it(self):
        found = offered(Verdict.OVERFITTING, PRESETS["article-augmented"].config)
        assert list(found)[:2] == ["augment-more", "mix-pictures"]
        assert found["augment-more"] == {
            "augmentation.width_shift_fraction": 0.1,
            "augmentation.height_shift_fraction": 0.1,
            "augmentation.zoom_fraction": 0.1,
            "augmentation.erasing_probability": 0.25,
        }

    @pytest.mark.parametrize("best_epoch", [None, 200])
    def test_a_run_whose_best_is_its_last_stops_early_the_next_time(self, best_epoch):
        found = offered(Verdict.OVERFITTING, ARTICLE, best_epoch)
        assert found["early-stopping"] == {"training.early_stopping_patience": 5}
        assert "stop-at-best" not in found

    def test_a_subset_can_grow(self):
        config = ExperimentConfig(dataset=DatasetConfig(num_train=1_000))
        assert offered(Verdict.OVERFITTING, config)["all-pictures"] == {"dataset.num_train": None}

    @pytest.mark.parametrize(("available", "offered"), [(144, False), (6_000, True), (None, True)])
    def test_all_pictures_are_offered_only_where_there_are_more(self, available, offered):
        config = ExperimentConfig(dataset=DatasetConfig(num_train=144))
        for verdict in (Verdict.OVERFITTING, Verdict.PLATEAU, Verdict.HEALTHY):
            found = suggestions_for(diagnosed(verdict), config, 4, num_available=available)
            assert ("all-pictures" in {each.id for each in found}) is offered

    def test_early_stopping_after_the_end_is_not_offered(self):
        short = ARTICLE.with_values({"training.epochs": 5})
        assert "early-stopping" not in offered(Verdict.OVERFITTING, short, None)

    def test_without_dense_layers_dropout_goes_into_blocks(self):
        assert offered(Verdict.OVERFITTING, PRESETS["tiny"].config)["more-dropout"] == {
            "model.blocks[0].dropout": 0.25,
            "model.blocks[1].dropout": 0.25,
        }

    def test_what_is_there_already_is_not_offered(self):
        config = ExperimentConfig(
            model=ModelConfig(head="global_average", dense=(DenseConfig(units=1, dropout=0.5),)),
            optimizer=OptimizerConfig(weight_decay=1.0, label_smoothing=0.1, name="adamw"),
            training=TrainingConfig(epochs=4, early_stopping_patience=3),
        )
        assert list(offered(Verdict.OVERFITTING, config)) == ["augment"]


class TestOthers:
    def test_diverged(self):
        found = offered(Verdict.DIVERGED, PRESETS["learning-rate-too-high"].config)
        assert found == {
            "much-lower-rate": {"optimizer.learning_rate": 0.01},
            "clip-gradients": {"optimizer.gradient_clip_norm": 1.0},
            "warm-up": {"optimizer.schedule": "cosine", "optimizer.warmup_epochs": 1},
        }

    def test_diverged_in_half_precision(self):
        config = ExperimentConfig(training=TrainingConfig(precision="mixed_float16"))
        assert offered(Verdict.DIVERGED, config)["full-precision"] == {"training.precision": "float32"}

    @pytest.mark.parametrize(("rate", "usual"), [(0.1, True), (0.001, False), (1e-5, True)])
    def test_underfitting_at_an_unusual_rate(self, rate, usual):
        config = ExperimentConfig(optimizer=OptimizerConfig(learning_rate=rate))
        found = offered(Verdict.UNDERFITTING, config)
        assert ("usual-rate" in found) == usual
        assert ("higher-rate" in found) == (rate < 0.001)

    def test_underfitting(self):
        found = offered(Verdict.UNDERFITTING, VGG)
        assert found["more-filters"] == {f"model.blocks[{i}].filters": 64 * 2**i for i in range(3)}
        assert found["less-dropout"]["model.dense[0].dropout"] == 0.25
        assert found["less-augmentation"] == {
            "augmentation.width_shift_fraction": 0.05,
            "augmentation.height_shift_fraction": 0.05,
        }
        assert found["more-epochs"] == {"training.epochs": 60}

    def test_a_network_without_blocks_gets_one(self):
        config = ExperimentConfig(model=ModelConfig(blocks=()))
        mended = config.with_values(offered(Verdict.UNDERFITTING, config)["one-more-block"])
        assert mended.model.blocks == (BlockConfig(filters=32, padding="same"),)

    def test_plateau_and_noise(self):
        assert list(offered(Verdict.PLATEAU, ARTICLE)) == [
            "lower-rate",
            "cosine",
            "more-filters",
            "average-weights",
        ]
        assert "cosine" not in offered(Verdict.PLATEAU, PRESETS["resnet"].config)
        noisy = offered(Verdict.NOISY, ARTICLE)
        assert list(noisy) == [
            "precise-batch-norm",
            "faster-averages",
            "lower-rate",
            "cosine",
            "average-weights",
        ]
        first, *_ = suggestions_for(diagnosed(Verdict.NOISY), ARTICLE, 4)
        assert "which can lag behind" in first.why  # nothing says that these do
        assert noisy["lower-rate"] == {"optimizer.learning_rate": 0.0003}

    @pytest.mark.parametrize("verdict", [Verdict.GUESSING, Verdict.HEALTHY, Verdict.PLATEAU, Verdict.NOISY])
    def test_at_the_level_of_guessing_after_few_steps_it_is_steps_that_lack(self, verdict):
        config = PRESETS["tiny"].config.with_values(
            {
                "dataset.num_train": 144, "training.batch_size": 32, "training.epochs": 10,
                "model.batch_norm_momentum": 0.9,
            }
        )  # fmt: skip
        guessing = replace(diagnosed(verdict), gap=0.0, hardly_learned=True)
        longer, smaller, *others = suggestions_for(guessing, config, 4, num_available=144)
        # By hand: 144 pictures are 5 steps of 32. 1,000 steps would be 200 epochs; ten times as many are the most.
        assert (longer.id, longer.title, longer.changes) == (
            "more-epochs", "Train 100 epochs", {"training.epochs": 100},
        )  # fmt: skip
        assert longer.why == "10 epochs of 5 steps are 50 steps in all, too few to learn much."
        # 18 steps of 8.
        assert (smaller.id, smaller.title, smaller.changes) == (
            "smaller-batch", "Batches of 8", {"training.batch_size": 8},
        )  # fmt: skip
        assert smaller.why.startswith("With 32 pictures per batch, an epoch has 5 steps; with 8 it has 18,")
        assert not {"lower-rate", "cosine", "more-filters", "all-pictures"} & {each.id for each in others}
        learned = suggestions_for(replace(guessing, hardly_learned=False), config, 4, num_available=144)
        many = suggestions_for(
            guessing, config.with_values({"dataset.num_train": 6_000}), 4, num_available=6_000
        )
        for found in (learned, many):
            assert "smaller-batch" not in {each.id for each in found}

    def test_averages_that_could_not_follow_are_mended_with_it(self):
        config = PRESETS["tiny"].config.with_values(
            {"dataset.num_train": 144, "model.batch_norm_momentum": 0.99}
        )
        guessing = replace(diagnosed(Verdict.UNDERFITTING), gap=0.0, hardly_learned=True)
        longer, smaller, *_ = suggestions_for(guessing, config, 4, num_available=144)
        for suggestion in (longer, smaller):
            assert suggestion.changes["model.batch_norm_momentum"] == 0.9
            assert suggestion.why.endswith(", and averages with a momentum of 0.99 lag behind.")
        noisy = suggestions_for(replace(guessing, verdict=Verdict.NOISY), config, 4, num_available=144)
        assert [each.id for each in noisy][:3] == ["precise-batch-norm", "more-epochs", "smaller-batch"]

    def test_averages_of_batch_normalisation_that_lag_are_measured_again(self):
        lagging = replace(diagnosed(Verdict.NOISY), headline=AVERAGES_LAG)
        first, *others = suggestions_for(lagging, ARTICLE, 4)
        assert (first.id, first.changes) == ("precise-batch-norm", {"training.precise_batch_norm": True})
        assert "shorter-average" not in {each.id for each in others}
        cured = ARTICLE.with_values(first.changes)
        plain = ARTICLE.with_values({f"model.blocks[{index}].batch_norm": False for index in (0, 1)})
        frozen = ARTICLE.with_values({"model.start_from": "deckexampl", "model.frozen_blocks": 2})
        for config in (cured, plain, frozen):  # nothing of theirs could lag
            found = {each.id for each in suggestions_for(lagging, config, 4)}
            assert not {"precise-batch-norm", "faster-averages", "shorter-average"} & found

    @pytest.mark.parametrize(
        ("momentum", "shorter"), [(0.999, 0.99), (0.9999, 0.999), (0.95, 0.9), (0.9, None)]
    )
    def test_an_average_of_the_weights_that_lags_is_made_shorter(self, momentum, shorter):
        # Batch normalisation's statistics are measured for it anyway.
        config = ARTICLE.with_values({"optimizer.weight_averaging": momentum})
        lagging = replace(diagnosed(Verdict.NOISY), headline=AVERAGES_LAG)
        found = {each.id: each.changes for each in suggestions_for(lagging, config, 4)}
        assert not {"precise-batch-norm", "faster-averages"} & set(found)
        assert found.get("shorter-average") == (shorter and {"optimizer.weight_averaging": shorter})
        assert "shorter-average" not in offered(Verdict.NOISY, config)

    def test_a_run_that_stopped_early_is_not_told_to_train_longer(self):
        config = ARTICLE.with_values({"training.early_stopping_patience": 3})
        found = suggestions_for(diagnosed(Verdict.HEALTHY), config, None, ended_early=True)
        assert "more-epochs" not in {each.id for each in found}

    def test_twice_the_epochs_counts_those_that_were_added(self):
        config = ARTICLE.with_values({"training.epochs": 10})
        found = suggestions_for(replace(diagnosed(Verdict.HEALTHY), gap=0.0), config, None, total_epochs=25)
        assert found[0].changes == {"training.epochs": 50}

    def test_healthy(self):
        assert list(offered(Verdict.HEALTHY, ARTICLE)) == ["more-epochs", "more-filters"]

    def test_what_the_picture_is_too_small_for_is_not_offered(self):
        blocks = (
            BlockConfig(),
            BlockConfig(),
            BlockConfig(),
        )  # 32 pixels: 15, 6, 2; 8 pixels: 3, then too small
        config = ExperimentConfig(model=ModelConfig(blocks=blocks[:1]))
        assert "one-more-block" in offered(Verdict.UNDERFITTING, config)
        small = suggestions_for(diagnosed(Verdict.UNDERFITTING), config, 4, input_shape=(4, 4, 1))
        assert "one-more-block" not in {suggestion.id for suggestion in small}

    @pytest.mark.parametrize("name", OPTIMIZERS)
    def test_weight_decay_fits_the_optimizer(self, name):
        config = ExperimentConfig(optimizer=OptimizerConfig(name=name))
        decay = offered(Verdict.OVERFITTING, config)["weight-decay"]["optimizer.weight_decay"]
        assert decay == {"sgd": 0.0005, "lion": 0.1}.get(name, 0.01)


def test_more_variety_is_offered_whatever_the_verdict():
    mild = PRESETS["article-augmented"].config
    assert ARTICLE.with_values(augmentation_suggestion(ARTICLE).changes) == mild
    assert augmentation_suggestion(mild).id == "augment-more"


@settings(max_examples=50)
@given(experiments)
def test_more_variety_is_a_change_of_the_augmentation_or_nothing(config):
    suggestion = augmentation_suggestion(config)
    if suggestion is not None:
        mended = config.with_values(suggestion.changes)
        assert mended != config
        assert msgspec.structs.replace(mended, augmentation=config.augmentation) == config
