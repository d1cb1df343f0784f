"""What a verdict says of validation since its onset: measured numbers alone, and slow gains as what they are.

`slow_gains.json` has fifteen real trainings of small networks on 250 to 3,000 pictures of CIFAR-10 at 16×16, in plain
Keras, whose validation gains slowly while they learn their pictures by heart. `unseen_*` was measured after each epoch
on 1,500 further pictures that neither training nor any verdict saw.
"""

import json
import re
import statistics
from pathlib import Path

import pytest

from core.analysis.course_words import LEAST_GAIN, validation_in_words
from core.analysis.diagnosis import Verdict, diagnose
from core.analysis.signals import read_signals
from core.epoch import CURVE_KEYS

HISTORIES = json.loads((Path(__file__).parent / "slow_gains.json").read_text(encoding="utf-8"))
HEALTHY = 0  # whose gap stays within what is normal
OVERFITTING = [number for number in range(len(HISTORIES)) if number != HEALTHY]


def curves_of(history):
    epochs = len(history["curves"]["val_accuracy"])
    return (
        {key: [None] * epochs for key in CURVE_KEYS}
        | history["curves"]
        | {"epoch": list(range(1, epochs + 1))}
    )


def judged(history):
    return diagnose(
        curves_of(history), num_classes=10, num_validation=history["num_validation"],
        num_clean=min(2_000, history["num_train"]),
    )  # fmt: skip


def around(values, onset):
    """(then, now): the medians of the three measured values around an epoch and of the last three."""
    place = min(max(onset - 1, 1), len(values) - 2)
    return statistics.median(values[place - 1 : place + 2]), statistics.median(values[-3:])


@pytest.mark.parametrize("number", OVERFITTING)
def test_a_sentence_quotes_what_was_measured(number):
    history = HISTORIES[number]
    found = judged(history)
    assert found.verdict is Verdict.OVERFITTING
    accuracies, losses = history["curves"]["val_accuracy"], history["curves"]["val_loss"]
    assert "no longer" not in found.evidence
    told = set(re.findall(r"[\d.]+(?= %)", found.evidence))
    assert told <= {f"{100 * value:.1f}" for value in accuracies}
    told = set(re.findall(r"\d\.\d\d(?!\d)", found.evidence))
    assert told <= {f"{value:.2f}" for value in losses}
    for best, epoch in re.findall(r"best,? ([\d.]+) % in epoch (\d+)", found.evidence):
        assert (best, int(epoch)) == (f"{100 * max(accuracies):.1f}", 1 + accuracies.index(max(accuracies)))
    for lowest, epoch in re.findall(r"lowest,? ([\d.]+) in epoch (\d+)", found.evidence):
        assert (lowest, int(epoch)) == (f"{min(losses):.2f}", 1 + losses.index(min(losses)))


@pytest.mark.parametrize("number", OVERFITTING)
def test_slow_gains_are_told_as_what_they_are(number):
    history = HISTORIES[number]
    found = judged(history)
    accuracy = around(history["curves"]["val_accuracy"], found.onset_epoch)
    loss = around(history["curves"]["val_loss"], found.onset_epoch)
    gains = accuracy[1] - accuracy[0] >= LEAST_GAIN and loss[1] < loss[0]
    assert found.headline.endswith("still gaining slowly") == gains
    assert ("validation still gained: its accuracy rose from" in found.evidence) == gains
    if accuracy[1] - accuracy[0] >= LEAST_GAIN:
        assert f"rose from {100 * accuracy[0]:.1f} % to {100 * accuracy[1]:.1f} %" in found.evidence


def test_those_that_gain_slowly_gain_on_pictures_that_nobody_saw_too():
    gaining = [HISTORIES[number] for number in OVERFITTING if "slowly" in judged(HISTORIES[number]).headline]
    assert len(gaining) == 4
    for history in gaining:
        then, now = around(history["unseen_accuracy"], judged(history).onset_epoch)
        assert now - then > 0.02


def test_the_one_within_what_is_normal_is_healthy():
    assert judged(HISTORIES[HEALTHY]).verdict is Verdict.HEALTHY


def words(accuracies, losses=None, onset=3):
    epochs = len(accuracies)
    curves = {key: [None] * epochs for key in CURVE_KEYS} | {
        "epoch": list(range(1, epochs + 1)), "clean_train_accuracy": [0.9] * epochs, "val_accuracy": accuracies,
        "val_loss": losses or [None] * epochs, "clean_train_loss": [0.5 if losses else None] * epochs,
    }  # fmt: skip
    return validation_in_words(read_signals(curves), onset)


STILL = [0.50, 0.60, 0.601, 0.602, 0.603, 0.602, 0.604, 0.603]
RISING = [0.50, 0.60, 0.601, 0.602, 0.61, 0.62, 0.63, 0.625]
LOSS_DOWN = [1.5, 1.2, 1.19, 1.18, 1.17, 1.16, 1.14, 1.15]
LOSS_UP = [1.5, 1.2, 1.19, 1.21, 1.25, 1.30, 1.33, 1.31]


@pytest.mark.parametrize(
    ("accuracies", "losses", "expected"),
    [
        (STILL, LOSS_UP, "validation loss rose from 1.20 to 1.31 (lowest 1.19 in epoch 3)"),
        (
            RISING, LOSS_UP,
            "validation loss rose from 1.20 to 1.31 (lowest 1.19 in epoch 3), although accuracy rose from 60.1 % to "
            "62.5 % (best 63.0 % in epoch 7)",
        ),
        (
            RISING, LOSS_DOWN,
            "validation still gained: its accuracy rose from 60.1 % to 62.5 % (best 63.0 % in epoch 7), its loss fell "
            "from 1.19 to 1.15",
        ),
        (
            STILL, LOSS_DOWN,
            "validation accuracy hardly moved, from 60.1 % to 60.3 % (best 60.4 % in epoch 7), and the loss fell from "
            "1.19 to 1.15",
        ),
        (STILL, None, "validation accuracy hardly moved, from 60.1 % to 60.3 % (best 60.4 % in epoch 7)"),
        (RISING, None, "validation still gained: its accuracy rose from 60.1 % to 62.5 % (best 63.0 % in epoch 7)"),
        (STILL[:5] + [0.59] * 3, None, 
         "validation accuracy fell from 60.1 % to 59.0 % (after a rise to its best, 60.3 % in epoch 5)"),
        (
            STILL, [1.5, 1.2, 1.19, 1.21, 1.10, 1.30, 1.33, 1.31],
            "validation loss rose from 1.20 to 1.31 (after a dip to its lowest, 1.10 in epoch 5)",
        ),
        ([0.6] * 8, None, "validation accuracy stayed at 60.0 % (best 60.0 % in epoch 1)"),
    ],
)  # fmt: skip
def test_the_words_by_hand(accuracies, losses, expected):
    assert words(accuracies, losses) == expected
