"""Streamlit with a dashboard whose story on Home trains a fifth of its pictures, as long as that overfits.

Started like `streamlit`, from the project's folder: `python -m tests.browser.short_story`.
"""

from streamlit.web.cli import main

from core.config import ExperimentConfig
from core.design import presets

PICTURES = 400
EPOCHS = 9  # the verdict comes after six


def short_start(name: str, *, has_cifar10: bool, has_gpu: bool) -> ExperimentConfig:
    """In the place of `quick_start` on Home."""
    config = presets.quick_start(name, has_cifar10=has_cifar10, has_gpu=has_gpu)
    return config.with_values({"dataset.num_train": PICTURES, "training.epochs": EPOCHS})


if __name__ == "__main__":
    from pages.components.home import story

    story.quick_start = short_start
    main()
