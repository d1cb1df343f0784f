"""The tiny network of the training tests, and its saved files."""

from tests.core.training.conftest import config, folder, pairs

__all__ = ["config", "folder", "pairs"]
