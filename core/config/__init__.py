"""Everything that decides a run, as frozen and checked values."""

from core.config.augmentation import AugmentationConfig
from core.config.changes import differences
from core.config.dataset import DatasetConfig
from core.config.experiment import ExperimentConfig, parse_json
from core.config.model import BlockConfig, DenseConfig, ModelConfig
from core.config.optimizer import OptimizerConfig
from core.config.training import TrainingConfig

__all__ = [
    "AugmentationConfig",
    "BlockConfig",
    "DatasetConfig",
    "DenseConfig",
    "ExperimentConfig",
    "ModelConfig",
    "OptimizerConfig",
    "TrainingConfig",
    "differences",
    "parse_json",
]
