"""What differs between two configs, in words."""

from core.config.changes import describe_changes, setting_of_each
from core.design.presets import PRESETS

ARTICLE = PRESETS["article"].config


def test_one():
    assert describe_changes(ARTICLE, ARTICLE.with_values({"seed": 3})) == "seed 0 → 3"


def test_none():
    assert describe_changes(ARTICLE, ARTICLE) == "same settings"


def test_what_a_search_has_drawn_is_rounded_and_stays_exact_in_the_config():
    first, second = (
        ARTICLE.with_values({"optimizer.learning_rate": rate})
        for rate in (0.01822512345678, 0.01648709122354)
    )
    assert describe_changes(first, second) == "learning rate 0.01823 → 0.01649"
    close = ARTICLE.with_values({"optimizer.learning_rate": 0.016488})
    assert describe_changes(second, close) == "learning rate 0.01649 → 0.016488"
    close = ARTICLE.with_values({"optimizer.learning_rate": 0.01649})
    assert describe_changes(second, close) == "learning rate 0.01648709122354 → 0.01649"
    assert second.to_dict()["optimizer"]["learning_rate"] == 0.01648709122354
    assert setting_of_each((first, second, close), "model.blocks[9].filters") == ["–", "–", "–"]


def test_many_are_counted():
    assert describe_changes(ARTICLE, PRESETS["article-augmented"].config) == (
        "rotation 0° → 20°, horizontal shift 0 % → 2 %, vertical shift 0 % → 2 %, … and 1 more"
    )
    assert describe_changes(ARTICLE, PRESETS["article-augmented"].config, most=1) == (
        "rotation 0° → 20°, … and 3 more"
    )


def test_layers_that_come_and_go_are_counted():
    fewer = ARTICLE.with_values({"model.dense": [], "model.blocks[0].filters": 8})
    blocks = fewer.to_dict()["model"]["blocks"]
    more = fewer.with_values({"model.blocks": [*blocks, blocks[-1]]})
    assert describe_changes(fewer, more) == "convolution blocks 2 → 3"
    assert describe_changes(ARTICLE, fewer) == "dense layers 2 → 0, filters 64 → 8 in block 1"
    assert describe_changes(fewer, ARTICLE) == "dense layers 0 → 2, filters 8 → 64 in block 1"


def test_every_kind_of_value():
    after = ARTICLE.with_values(
        {
            "dataset.num_train": 500,
            "model.blocks[0].kernel_sizes": [3, 5],
            "model.blocks[0].padding": "same",
            "augmentation.horizontal_flip": True,
            "optimizer.learning_rate": 0.0001,
        }
    )
    assert describe_changes(ARTICLE, after, most=9) == (
        "training pictures all → 500, kernel sizes 3×3 → 3×3 and 5×5 in block 1, "
        "padding valid → same in block 1, horizontal flip off → on, "
        "learning rate 0.001 → 0.0001"
    )
