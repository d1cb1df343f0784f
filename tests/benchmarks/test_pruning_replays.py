"""Giving trials up early keeps the winner of a sweep, on recorded curves. All replays: docs/results.md."""

import pytest

from tests.benchmarks.pruning import one_sweep, replay, tuning
from tests.benchmarks.record_curves import EPOCHS, config_of, drawn_settings


def test_the_median_keeps_19_of_20_winners_for_two_fifths_of_the_epochs() -> None:
    saving = replay("median", tuning(), 100)
    assert saving.kept >= 0.95
    assert saving.epochs <= 0.40
    assert saving.lost < 0.001  # of accuracy: where the winner goes, one that is hardly worse stays


@pytest.mark.parametrize(("pruning", "kept", "epochs"), [("hyperband", 0.9, 0.65), ("patience", 0.97, 0.6)])
def test_the_others_keep_it_too_and_train_more(pruning: str, kept: float, epochs: float) -> None:
    saving = replay(pruning, tuning(), 40)
    assert saving.kept >= kept
    assert 0.45 < saving.epochs <= epochs


def test_a_sweep_by_hand() -> None:
    """18 epochs, looked at after 2, 4, 7 and 11. The first two trials are never given up, and the best one is kept."""
    low, middle, high = ([accuracy] * EPOCHS for accuracy in (0.2, 0.3, 0.4))
    late = [0.25] * 8 + [
        0.5
    ] * 10  # the best in the end, and below the median of 0.3, 0.4 and 0.3 after two epochs
    assert one_sweep("median", [middle, high, low], 0) == (True, (18 + 18 + 2) / 54, 0)
    kept, epochs, lost = one_sweep("median", [middle, high, middle, late], 0)
    assert (kept, epochs) == (False, (18 + 18 + 2 + 2) / 72)
    assert lost == pytest.approx(0.1)


def test_recorded_settings_are_drawn_again() -> None:
    """The table's row 3, and that each of its settings is a config."""
    assert drawn_settings(3)["optimizer"] == "rmsprop"
    assert drawn_settings(3)["learning_rate"] == 0.00752
    assert len({config_of(drawn_settings(number), "cifar10").config_id for number in range(250)}) == 250
