"""What a data set's settings make of its pictures."""

from core.config import DatasetConfig


def test_a_size_makes_a_square() -> None:
    assert DatasetConfig().picture_shape((20, 30, 1)) == (20, 30, 1)
    assert DatasetConfig(image_size=16).picture_shape((20, 30, 1)) == (16, 16, 1)
