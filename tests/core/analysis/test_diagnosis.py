"""Drawn curves with known answers, and the runs of docs/results.md.

`pytest tests/core/analysis/test_diagnosis.py -k "alarm or detected" -s` prints the rates of decision record 6.
"""

import json
import math
import re
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.analysis.diagnosis import Diagnosis, Verdict, diagnose
from core.epoch import CURVE_KEYS
from tests.core.analysis.drawn_curves import Shape, draw, prefix

KNOWN = {"num_classes": 10, "num_validation": 5_000, "num_clean": 2_000}


def curves(**columns):
    length = len(next(iter(columns.values())))
    return {key: [None] * length for key in CURVE_KEYS} | {"epoch": list(range(1, length + 1))} | columns


# The tables of docs/results.md: the article's network on CIFAR-10, without and with augmentation.
ARTICLE = curves(
    train_accuracy=[0.499, 0.639, 0.701, 0.740, 0.775, 0.804, 0.833, 0.855, 0.872, 0.890],
    clean_train_accuracy=[0.643, 0.692, 0.750, 0.766, 0.668, 0.811, 0.894, 0.896, 0.862, 0.905],
    val_accuracy=[0.619, 0.640, 0.676, 0.669, 0.593, 0.684, 0.704, 0.712, 0.687, 0.701],
    train_loss=[1.414, 1.038, 0.862, 0.741, 0.644, 0.553, 0.480, 0.419, 0.369, 0.319],
    val_loss=[1.096, 1.025, 0.930, 0.982, 1.427, 0.955, 0.915, 0.933, 1.159, 1.046],
)
ARTICLE_AUGMENTED = curves(
    train_accuracy=[0.469, 0.577, 0.626, 0.656, 0.676, 0.695, 0.707, 0.719, 0.730, 0.739],
    clean_train_accuracy=[0.531, 0.616, 0.566, 0.674, 0.516, 0.711, 0.715, 0.765, 0.683, 0.711],
    val_accuracy=[0.522, 0.614, 0.547, 0.663, 0.510, 0.681, 0.687, 0.730, 0.646, 0.670],
    train_loss=[1.499, 1.203, 1.071, 0.984, 0.928, 0.883, 0.842, 0.805, 0.779, 0.748],
    val_loss=[1.372, 1.117, 1.378, 0.972, 1.554, 0.934, 0.924, 0.797, 1.104, 0.953],
)
# The same network in plain Keras: no clean accuracy, so validation's jumps are in the gap.
PLAIN = curves(
    train_accuracy=[
        0.5072, 0.6425, 0.7028, 0.7434, 0.7802, 0.8106, 0.8371, 0.8594, 0.8765, 0.8911, 0.9027, 0.9109, 0.9214, 0.9269,
    ],
    train_loss=[
        1.391, 1.0164, 0.8491, 0.7313, 0.6239, 0.5342, 0.4566, 0.3962, 0.3487, 0.3131, 0.2786, 0.2592, 0.229, 0.2146,
    ],
    val_accuracy=[
        0.576, 0.6028, 0.5992, 0.6812, 0.7004, 0.6386, 0.6682, 0.6978, 0.6652, 0.581, 0.672, 0.7, 0.6882, 0.6262,
    ],
    val_loss=[
        1.2126, 1.1591, 1.2764, 0.9171, 0.8842, 1.1362, 1.1731, 1.111, 1.2584, 2.0951, 1.2881, 1.348, 1.2858, 1.5134,
    ],
)  # fmt: skip
PLAIN_AUGMENTED = curves(
    train_accuracy=[
        0.4695, 0.5795, 0.6256, 0.6538, 0.6753, 0.6909, 0.7049, 0.7164, 0.7252, 0.736, 0.7433, 0.7522, 0.7604, 0.7633,
    ],
    train_loss=[
        1.4882, 1.194, 1.0706, 0.9929, 0.9396, 0.8928, 0.854, 0.8162, 0.7926, 0.7637, 0.7395, 0.7146, 0.6949, 0.677,
    ],
    val_accuracy=[
        0.4072, 0.5324, 0.6294, 0.6228, 0.6292, 0.7136, 0.6878, 0.7028, 0.727, 0.6856, 0.6946, 0.7478, 0.7234, 0.7366,
    ],
    val_loss=[
        1.8899, 1.4572, 1.0699, 1.1386, 1.0985, 0.841, 0.8957, 0.8768, 0.7935, 0.9159, 0.8981, 0.752, 0.8234, 0.776,
    ],
)  # fmt: skip


def verdicts(run, known=KNOWN):
    """The verdict after each epoch, as a person sees it live."""
    return [diagnose(prefix(run, epochs), **known).verdict for epochs in range(len(run["epoch"]) + 1)]


class TestRealRuns:
    def test_the_article_overfits(self):
        diagnosis = diagnose(ARTICLE, **KNOWN)
        assert diagnosis == Diagnosis(
            verdict=Verdict.OVERFITTING,
            onset_epoch=4,
            gap=pytest.approx(0.184),  # the median of 18.4, 17.5 and 20.4
            best_epoch=8,
            evidence="Since epoch 4 the gap between clean training and validation accuracy went from 7.5 to 18.4 "
            "points, where up to 8.7 is normal, while validation loss rose from 0.98 to 1.05 (after a dip to its "
            "lowest, 0.92 in epoch 7), although accuracy rose from 66.9 % to 70.1 % (best 71.2 % in epoch 8).",
            headline="Overfitting since epoch 4, gap 18.4 points",
        )

    def test_it_is_seen_live_and_stays_seen(self):
        live = verdicts(ARTICLE)
        assert live[:4] == [Verdict.TOO_EARLY] * 4
        assert live[4:7] == [Verdict.HEALTHY] * 3
        assert live[7:] == [Verdict.OVERFITTING] * 4

    def test_augmentation_cures_it(self):
        assert verdicts(ARTICLE_AUGMENTED) == [Verdict.TOO_EARLY] * 4 + [Verdict.HEALTHY] * 7
        diagnosis = diagnose(ARTICLE_AUGMENTED, **KNOWN)
        assert (diagnosis.headline, diagnosis.onset_epoch) == ("Healthy, gap 3.7 points", None)

    def test_accuracies_alone_are_enough(self):
        unknown = [None] * 10
        diagnosis = diagnose(ARTICLE | {"train_loss": unknown, "val_loss": unknown}, **KNOWN)
        assert diagnosis.verdict == Verdict.OVERFITTING
        assert 3 <= diagnosis.onset_epoch <= 8

    def test_without_clean_accuracy_that_of_training_stands_in(self):
        diagnosis = diagnose(PLAIN, **KNOWN)
        assert diagnosis.verdict == Verdict.OVERFITTING
        assert 3 <= diagnosis.onset_epoch <= 8
        assert "because no clean one is known" in diagnosis.evidence
        assert Verdict.OVERFITTING not in verdicts(PLAIN_AUGMENTED)


class TestVerdicts:
    @pytest.mark.parametrize(
        ("shape", "verdict"),
        [
            (Shape(noise=0.005, onset=8), Verdict.OVERFITTING),
            (Shape(noise=0.005, top=0.45, gap=0.01, pace=3), Verdict.UNDERFITTING),
            (Shape(noise=0.005, top=0.9, pace=2), Verdict.PLATEAU),
            (Shape(noise=0.005, top=0.9, pace=15), Verdict.HEALTHY),
            (Shape(noise=0.12), Verdict.NOISY),
        ],
        ids=lambda value: "" if isinstance(value, Shape) else str(value),
    )
    @pytest.mark.parametrize("jump_rate", [0.0, 0.3])
    def test_most_drawn_curves_are_judged_as_drawn(self, shape, verdict, jump_rate):
        runs = (draw(replace(shape, jump_rate=jump_rate), seed) for seed in range(50))
        found = [diagnose(run, **KNOWN).verdict for run in runs]
        assert found.count(verdict) >= 45

    @pytest.mark.parametrize("epochs", [0, 1, 2, 3])
    def test_three_epochs_are_too_few(self, epochs):
        diagnosis = diagnose(prefix(ARTICLE, epochs))
        assert diagnosis.verdict == Verdict.TOO_EARLY
        assert diagnosis.gap is None if epochs == 0 else diagnosis.gap > 0

    def test_without_validation_nothing_can_be_told(self):
        diagnosis = diagnose(ARTICLE | {"val_accuracy": [None] * 10})
        assert (diagnosis.verdict, diagnosis.gap, diagnosis.best_epoch) == (Verdict.TOO_EARLY, None, None)
        assert diagnosis.evidence == (
            "Training and validation accuracy are both known in 0 of 10 epochs; a verdict needs 4."
        )

    def test_few_validation_pictures_cannot_tell(self):
        run = draw(Shape(noise=0.002, num_validation=40), 0)
        assert diagnose(run, num_validation=5_000).verdict != Verdict.NOISY
        assert diagnose(run, num_validation=40).verdict == Verdict.NOISY

    def test_a_gap_that_stands_at_eight_points_is_a_plateau_and_at_thirty_overfitting(self):
        def standing(gap):
            training = [0.5, 0.8] + [0.95] * 20
            return curves(
                train_accuracy=training,
                clean_train_accuracy=training,
                val_accuracy=[value - gap for value in training],
            )

        assert diagnose(standing(0.075), **KNOWN).verdict == Verdict.PLATEAU
        assert diagnose(standing(0.30), **KNOWN).verdict == Verdict.OVERFITTING

    def test_rising_validation_loss_tells_where_accuracies_are_too_high_for_a_gap(self):
        epochs = np.arange(1, 21)
        after = np.clip(epochs - 6, 0, None)
        run = curves(
            train_accuracy=(1 - 0.1 * np.exp(-epochs / 2)).tolist(),
            clean_train_accuracy=(1 - 0.08 * np.exp(-epochs / 2)).tolist(),
            clean_train_loss=(0.2 * np.exp(-epochs / 2)).tolist(),
            train_loss=(0.3 * np.exp(-epochs / 2)).tolist(),
            val_accuracy=(0.985 - 0.06 * np.exp(-epochs / 2)).tolist(),
            val_loss=(0.05 + 0.2 * np.exp(-epochs / 2) + 0.004 * after).tolist(),
        )
        diagnosis = diagnose(run, **KNOWN)
        assert diagnosis.verdict == Verdict.OVERFITTING
        assert abs(diagnosis.onset_epoch - 6) <= 2
        assert diagnosis.evidence.startswith(f"Since epoch {diagnosis.onset_epoch} validation loss rose from")

    def test_averages_that_lag_behind_are_told_apart(self):
        # docs/decisions/0004-training.md: with few steps an epoch, validation stays at guessing for many epochs.
        training = [0.2 + 0.05 * epoch for epoch in range(10)]
        run = curves(train_accuracy=training, clean_train_accuracy=[0.1] * 10, val_accuracy=[0.1] * 10)
        diagnosis = diagnose(run, **KNOWN)
        assert diagnosis.verdict == Verdict.NOISY
        assert diagnosis.evidence.startswith(
            "Training accuracy is 65 % during training, but 10 % on the same"
        )
        # As where all blocks are frozen: no averages are used that could lag.
        other = diagnose(run, **KNOWN, can_lag=False)
        assert "averages" not in f"{other.headline} {other.evidence}"


class TestDiverged:
    BROKEN = dict.fromkeys(CURVE_KEYS) | {"train_accuracy": 0.1, "learning_rate": 0.1, "seconds": 9.0}

    def with_last(self, run, **values):
        last = self.BROKEN | {"epoch": len(run["epoch"]) + 1} | values
        return {key: [*column, last[key]] for key, column in run.items()}

    @pytest.mark.parametrize("epochs", [0, 1, 2, 10])
    @pytest.mark.parametrize("accuracy", [0.1, None])
    def test_the_loss_is_no_number(self, epochs, accuracy):
        run = self.with_last(prefix(ARTICLE, epochs), train_accuracy=accuracy)
        diagnosis = diagnose(run, **KNOWN)
        assert (diagnosis.verdict, diagnosis.headline) == (
            Verdict.DIVERGED,
            f"Diverged in epoch {epochs + 1}",
        )
        assert diagnosis.evidence.endswith(
            "so training cannot continue."
            if epochs == 0
            else f"it was {ARTICLE['train_loss'][epochs - 1]:.2f}."
        )

    def test_validation_is_no_number(self):
        run = self.with_last(prefix(ARTICLE, 3), train_loss=0.8)
        assert diagnose(run).verdict == Verdict.DIVERGED
        assert diagnose(self.with_last(prefix(ARTICLE, 3), val_loss=math.inf)).verdict == Verdict.DIVERGED

    def test_a_loss_that_another_tool_recorded_as_nan(self):
        # Keras goes on: accuracies are those of one answer for everything.
        run = curves(
            train_loss=[2.5, 2.25, None, None],
            val_loss=[2.4, 2.3, None, None],
            train_accuracy=[0.2, 0.3, 0.1, 0.1],
            val_accuracy=[0.2, 0.3, 0.1, 0.1],
        )
        found = diagnose(run, ends_in_nan=True)
        assert (found.verdict, found.headline, found.best_epoch) == ("diverged", "Diverged in epoch 3", 2)
        assert found.evidence == (
            "In epoch 3 the loss became NaN, so nothing can be learned from there on; in epoch 2 it was 2.25."
        )
        assert diagnose(run).verdict != "diverged"
        assert diagnose(prefix(run, 2), ends_in_nan=True).verdict == "too_early"
        unknown = curves(train_loss=[None, None], train_accuracy=[0.1, 0.1])
        found = diagnose(unknown, ends_in_nan=True)
        assert (found.headline, found.evidence) == (
            "Diverged in epoch 1",
            "In epoch 1 the loss became NaN, so nothing can be learned from there on.",
        )

    def test_validation_now_and_then_is_no_divergence(self):
        accuracies = [None if epoch % 2 else 0.5 for epoch in range(1, 9)]
        run = curves(
            train_loss=[1.0] * 8, train_accuracy=[0.5] * 8, seconds=[9.0] * 8, val_accuracy=accuracies
        )
        assert Verdict.DIVERGED not in verdicts(run)

    def test_what_was_learned_is_lost(self):
        run = curves(train_accuracy=[0.5, 0.6, 0.7, 0.11, 0.1], val_accuracy=[0.5, 0.6, 0.65, 0.1, 0.1])
        assert [str(verdict) for verdict in verdicts(run)[-2:]] == ["healthy", "diverged"]
        assert "fell from 70 % to 10 %" in diagnose(run).evidence
        # When it happened, not how far the run is by now.
        assert diagnose(run).headline == "Diverged in epoch 4"

    def test_a_loss_far_above_guessing(self):
        # The preset with a learning rate of 0.1: a huge loss at first, then guessing, which costs ln 10 = 2.3.
        run = curves(
            train_loss=[9.1, 2.31, 2.31, 2.31], train_accuracy=[0.11, 0.1, 0.1, 0.1], val_accuracy=[0.1] * 4
        )
        assert diagnose(run, num_classes=10).verdict == Verdict.DIVERGED
        assert diagnose(run).verdict == Verdict.HEALTHY


class TestRates:
    """Judged live: what counts is whether overfitting is said after any epoch of a run."""

    @pytest.mark.parametrize(("clean", "runs"), [(True, 1000), (False, 200)])
    def test_false_alarms(self, clean, runs):
        rng = np.random.default_rng(20261124)
        alarms = 0
        for seed in range(runs):
            shape = Shape(
                start=rng.uniform(0.1, 0.5),
                top=rng.uniform(0.55, 0.95),
                pace=rng.uniform(1.5, 12),
                gap=rng.uniform(0, 0.05),
                noise=rng.uniform(0.002, 0.02),
                jump_rate=rng.uniform(0, 0.4),
                num_validation=int(rng.choice([500, 1_000, 5_000])),
            )
            known = KNOWN | {"num_validation": shape.num_validation}
            alarms += Verdict.OVERFITTING in verdicts(draw(shape, 50_000 + seed, clean), known)
        print(f"\nfalse alarms, {'with' if clean else 'without'} clean accuracy: {alarms} of {runs} runs")
        assert alarms / runs < 0.02

    @pytest.mark.parametrize(
        ("noise", "jump_rate", "clean"),
        [(0.003, 0, True), (0.01, 0.2, True), (0.02, 0.4, True), (0.01, 0.2, False)],
    )
    def test_overfitting_is_detected_at_its_onset(self, noise, jump_rate, clean):
        rng = np.random.default_rng(7)
        misses, delays, runs = [], [], 100
        for seed in range(runs):
            shape = Shape(
                start=rng.uniform(0.2, 0.5),
                top=rng.uniform(0.6, 0.85),
                pace=rng.uniform(2, 6),
                gap=rng.uniform(0.01, 0.04),
                noise=noise,
                jump_rate=jump_rate,
                onset=int(rng.integers(4, 16)),
                memorising_pace=rng.uniform(4, 10),
                loss_rise=rng.uniform(0.01, 0.05),
            )
            run = draw(shape, 60_000 + seed, clean)
            diagnosis = diagnose(run, **KNOWN)
            if diagnosis.verdict == Verdict.OVERFITTING:
                misses.append(diagnosis.onset_epoch - shape.onset)
                delays.append(verdicts(run).index(Verdict.OVERFITTING) - shape.onset)
        near = np.mean(np.abs(misses) <= 3)
        print(
            f"\nnoise {noise}, jumps {jump_rate}, {'with' if clean else 'without'} clean accuracy: detected "
            f"{len(misses)} of {runs}, onset within 3 epochs {near:.0%}, median error {np.median(misses):+.0f}, "
            f"said {np.median(delays):.0f} epochs after it (95 %: {np.percentile(delays, 95):.0f})"
        )
        assert len(misses) >= 0.97 * runs
        assert near >= 0.85

    def test_once_said_it_stays_said(self):
        turned = 0
        for seed in range(50):
            live = verdicts(draw(Shape(onset=8, jump_rate=0.3, noise=0.01), seed))
            after = live[live.index(Verdict.OVERFITTING) :]
            turned += after.count(Verdict.OVERFITTING) < len(after)
        assert turned <= 3

    def test_it_is_quick(self):
        run = draw(Shape(), 0)
        began = time.process_time()
        for _ in range(50):
            diagnose(run, **KNOWN)
        assert (time.process_time() - began) / 50 < 0.01  # 0.1 to 0.4 ms; slow machines too


fractions = st.none() | st.floats(0, 1)
losses = st.none() | st.floats(0, 1e6) | st.sampled_from([math.nan, math.inf])
column_values = {
    key: losses if key.endswith("loss") else fractions if key.endswith("accuracy") else st.none() | st.floats(0, 1e4)
    for key in CURVE_KEYS
}  # fmt: skip


@st.composite
def any_curves(draw):
    length = draw(st.integers(0, 40))
    columns = {
        key: draw(st.just([None] * length) | st.lists(values, min_size=length, max_size=length))
        for key, values in column_values.items()
    }
    return columns | {"epoch": list(range(1, length + 1))}


counts = st.none() | st.integers(1, 100_000)


@settings(max_examples=200)
@given(any_curves(), counts, counts, counts)
def test_any_curves_have_a_diagnosis(run, num_classes, num_validation, num_clean):
    diagnosis = diagnose(run, num_classes=num_classes, num_validation=num_validation, num_clean=num_clean)
    assert (diagnosis.onset_epoch is not None) == (diagnosis.verdict == Verdict.OVERFITTING)
    assert diagnosis.gap is None or -1 <= diagnosis.gap <= 1
    assert len(diagnosis.headline) <= 50
    # One sentence: a full stop at its end and none before, other than in numbers.
    assert re.search(r"\.(?!\d)", diagnosis.evidence).end() == len(diagnosis.evidence)
    plain = json.loads(json.dumps(diagnosis.to_dict(), allow_nan=False))
    assert plain == diagnosis.to_dict()
    assert set(plain) == {"verdict", "onset_epoch", "gap", "best_epoch", "evidence", "headline"}
