"""The preset `speedrun`, small enough for a processor."""

from core.datasets.splits import load_split
from core.design.presets import quick_start
from core.training.train import train


def test_a_small_one_learns(trained, recorder, tmp_path) -> None:
    """A quarter of its filters and 400 pictures of Shapes; guessing is right in 10 % of ten classes."""
    config = quick_start("speedrun", has_cifar10=False, has_gpu=False)
    filters = {
        f"model.blocks[{index}].filters": block.filters // 4
        for index, block in enumerate(config.model.blocks)
    }
    config = config.with_values(
        {**filters, "dataset.num_train": 400, "training.epochs": 5, "training.batch_size": 32}
    )
    train(config, load_split(trained.workspace, config.dataset, config.seed), tmp_path, recorder)
    first, last = recorder.rows[0], recorder.rows[-1]
    assert last.train_loss < 0.7 * first.train_loss
    # Seen: 49 %.
    assert last.val_accuracy > 0.3
