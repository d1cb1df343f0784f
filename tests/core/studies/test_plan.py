"""Plans by hand, and what holds for all of them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from core.config import AugmentationConfig, differences
from core.design.presets import PRESETS
from core.errors import ConfigError, UserError
from core.studies.plan import KNOBS, active_knobs, conditions_of, plan, without_knobs
from core.studies.spec import StudySource, StudySpec, build_spec, ladder
from tests.core.strategies import augmentations, experiments
from tests.core.studies.ended import FLIPPED, TINY, spec

MILD = PRESETS["article-augmented"].config


def test_one_config_with_three_seeds():
    planned = plan(spec("seeds", TINY.with_values({"seed": 5})))
    assert [(run.config.seed, run.role.conditions, run.name) for run in planned] == [
        (5, ("first",), "config 0, seed 5"),
        (6, ("first",), "config 0, seed 6"),
        (7, ("first",), "config 0, seed 7"),
    ]
    assert all(replace(run.config, seed=0) == TINY for run in planned)


def test_two_configs_are_paired_and_a_pair_comes_before_the_next_seed():
    planned = plan(spec("seeds", TINY, FLIPPED.with_values({"seed": 99}), num_seeds=2))
    assert [(run.config.seed, *run.role.conditions) for run in planned] == [
        (0, "first"),
        (0, "second"),
        (1, "first"),
        (1, "second"),
    ]
    first, second = planned[:2]
    assert differences(first.config, second.config) == [("augmentation.horizontal_flip", False, True)]


def test_seeds_begin_again_behind_the_last_one():
    planned = plan(spec("seeds", TINY.with_values({"seed": 2**31 - 1}), num_seeds=3))
    assert [run.config.seed for run in planned] == [2**31 - 1, 0, 1]


def test_the_article_s_policy_has_three_knobs():
    assert active_knobs(MILD.augmentation) == ("rotation", "shift", "horizontal flip")
    found = {
        run.role.conditions: (
            run.config.augmentation.rotation_degrees,
            run.config.augmentation.width_shift_fraction,
            run.config.augmentation.height_shift_fraction,
            run.config.augmentation.horizontal_flip,
        )
        for run in plan(spec("ablation", MILD, modes=["only", "without"]))
    }
    assert found == {
        ("full",): (20, 0.02, 0.02, True),
        ("none",): (0, 0, 0, False),
        ("without:rotation",): (0, 0.02, 0.02, True),
        ("without:shift",): (20, 0, 0, True),
        ("without:horizontal flip",): (20, 0.02, 0.02, False),
        ("only:rotation",): (20, 0, 0, False),
        ("only:shift",): (0, 0.02, 0.02, False),
        ("only:horizontal flip",): (0, 0, 0, True),
    }


def test_conditions_that_are_the_same_are_trained_once():
    two = TINY.with_values({"augmentation.horizontal_flip": True, "augmentation.hue": 0.1})
    conditions = [run.role.conditions for run in plan(spec("ablation", two, modes=["without", "only"]))]
    assert conditions == [
        ("full",),
        ("none",),
        ("without:horizontal flip", "only:hue"),
        ("without:hue", "only:horizontal flip"),
    ]
    one = plan(spec("ablation", FLIPPED.with_values({"augmentation.fill_mode": "wrap"})))
    assert [run.role.conditions for run in one] == [("full",), ("none", "without:horizontal flip")]
    assert one[1].config.augmentation == AugmentationConfig()


def test_runs_of_a_study_keep_no_weights_of_every_epoch():
    assert TINY.training.keep_epoch_weights
    assert not any(run.config.training.keep_epoch_weights for run in plan(spec("ablation", FLIPPED)))


def test_every_field_of_the_policy_is_a_knob_or_a_modifier():
    """A modifier says how the others work; it changes no picture by itself."""
    modifiers = ("randaugment_magnitude", "fill_mode", "unchanged_fraction", "alternating_flip")
    named = [name for names in KNOBS.values() for name in names]
    assert sorted([*named, *modifiers]) == sorted(field.name for field in fields(AugmentationConfig))


@given(augmentations)
def test_knobs_are_what_changes_pictures(policy):
    knobs = active_knobs(policy)
    assert bool(knobs) == policy.is_active
    assert without_knobs(policy, knobs) == AugmentationConfig()
    for knob in knobs:
        rest = without_knobs(policy, (knob,))
        assert active_knobs(rest) == tuple(other for other in knobs if other != knob)


@pytest.mark.parametrize(
    ("available", "expected"),
    [
        (50_000, (500, 1_600, 5_000, 16_000, 50_000)),
        (6_000, (500, 930, 1_700, 3_200, 6_000)),
        (1_000, (100, 180, 320, 560, 1_000)),
        (9, (1, 2, 3, 5, 9)),
        (1, (1,)),
    ],
)
def test_the_ladder(available, expected):
    # By hand: 500 · 100^(k/4) = 500, 1581, 5000, 15811, 50000, and so on.
    assert ladder(available) == expected


def test_the_top_of_the_ladder_is_all_pictures():
    planned = plan(spec("volume"))
    sizes = [run.config.dataset.num_train for run in planned]
    assert sizes == [500, 930, 1_700, 3_200, None]
    assert planned[0].role.conditions == ("size:500",) and planned[-1].role.conditions == ("size:6000",)


def test_label_noise():
    planned = plan(spec("noise", fractions=[0.4, 0, 0.1]))
    assert [run.config.dataset.label_noise for run in planned] == [0.0, 0.1, 0.4]
    assert planned[1].name == "config 0, 10 % wrong labels, seed 0"


ASKED = {"seeds": {}, "ablation": {"modes": ["without", "only"]}, "volume": {}, "noise": {}}


@settings(max_examples=40)
@given(
    experiments,
    st.sampled_from(sorted(ASKED)),
    st.integers(2, 5),
    st.text("ab:* …", min_size=1, max_size=150),
)
def test_what_holds_for_every_plan(config, kind, num_seeds, name):
    if kind == "ablation" and not config.augmentation.is_active:
        config = config.with_values({"augmentation.hue": 0.1, "augmentation.unchanged_fraction": 0})
    asked = build_spec(kind, [StudySource(name, config)], {"num_seeds": num_seeds, **ASKED[kind]}, 6_000)
    planned = plan(asked)
    assert StudySpec.from_json(asked.to_json()) == asked
    assert plan(asked) == planned
    assert len({run.config.config_id for run in planned}) == len(planned)
    assert len({run.role for run in planned}) == len(planned)
    assert all(0 < len(run.name) <= 120 for run in planned)
    # Every condition has each seed once, and the seeds come one after the other.
    keys = {condition.key for condition in conditions_of(asked)}
    for seed in asked.seeds:
        conditions = [
            condition for run in planned if run.role.seed == seed for condition in run.role.conditions
        ]
        assert sorted(conditions) == sorted(keys)
    seeds = [run.role.seed for run in planned]
    assert seeds == [seed for seed in asked.seeds for _ in range(len(planned) // num_seeds)]
    # Nothing changes but what the study is about.
    about = {"seeds": (), "ablation": ("augmentation.",), "volume": ("dataset.num_train",),
             "noise": ("dataset.label_noise",)}[kind]  # fmt: skip
    for run in planned:
        for path, _, _ in differences(config, run.config):
            assert path.startswith(("seed", *about))


@pytest.mark.parametrize(
    ("kind", "configs", "asked", "field"),
    [
        ("seeds", [TINY], {"num_seeds": 1}, "num_seeds"),
        ("seeds", [TINY], {"num_seeds": 21}, "num_seeds"),
        ("seeds", [TINY], {"num_seeds": "3"}, "num_seeds"),
        ("seeds", [TINY], {"num_seeds": True}, "num_seeds"),
        ("seeds", [TINY], {"sizes": [1, 2]}, "sizes"),
        ("seeds", [TINY, TINY.with_values({"seed": 3})], {}, ""),
        ("seeds", [TINY, TINY.with_values({"dataset.id": "cifar10"})], {}, "dataset.id"),
        ("ablation", [TINY], {}, "augmentation"),
        ("ablation", [FLIPPED], {"modes": []}, "modes"),
        ("ablation", [FLIPPED], {"modes": ["within"]}, "modes"),
        ("ablation", [FLIPPED], {"modes": "without"}, "modes"),
        ("ablation", [FLIPPED.with_values({"augmentation.unchanged_fraction": 1})], {}, "augmentation"),
        ("volume", [TINY], {"sizes": [10]}, "sizes"),
        ("volume", [TINY], {"sizes": [0, 10]}, "sizes"),
        ("volume", [TINY], {"sizes": [10, 6_001]}, "sizes"),
        ("volume", [TINY], {"sizes": [10, 20.5]}, "sizes"),
        ("volume", [TINY], {"sizes": "10"}, "sizes"),
        ("volume", [TINY], {"sizes": list(range(1, 20))}, "sizes"),
        ("volume", [TINY], {"num_sizes": 1}, "num_sizes"),
        ("noise", [TINY], {"fractions": [0.1, 1.5]}, "fractions"),
        ("noise", [TINY], {"fractions": [0.1, float("nan")]}, "fractions"),
        ("noise", [TINY], {"fractions": [0.1, 0.1]}, "fractions"),
        ("noise", [TINY], {"fractions": [0.0, -0.0]}, "fractions"),
        ("noise", [TINY], {"fractions": [0.1, 10**400]}, "fractions"),
        ("volume", [TINY], {"sizes": [10, 10**400]}, "sizes"),
        ("volume", [TINY], {"sizes": [10, -(10**400)]}, "sizes"),
        ("volume", [TINY], {"sizes": [10, float("inf")]}, "sizes"),
        ("sweep", [TINY], {}, "kind"),
    ],
)
def test_what_is_refused(kind, configs, asked, field):
    with pytest.raises(ConfigError) as caught:
        plan(spec(kind, *configs, **asked))
    assert caught.value.field == field


def test_too_many_runs_are_refused(monkeypatch):
    everything = AugmentationConfig(
        20, 0.1, 0.1, 0.1, 10, True, True, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 1
    )
    asked = spec("ablation", replace(TINY, augmentation=everything), num_seeds=5, modes=["without", "only"])
    assert len(plan(asked)) == (2 + 2 * 15) * 5
    monkeypatch.setattr("core.studies.plan.MAX_RUNS", 159)
    with pytest.raises(ConfigError, match="at most 159 runs; this would be 160"):
        plan.__wrapped__(asked)


def test_no_wrong_labels_are_called_zero_however_it_was_written():
    first, _ = plan(spec("noise", fractions=[-0.0, 0.1]))
    assert (first.name, first.config) == ("config 0, 0 % wrong labels, seed 0", TINY)
    assert repr(first.config.dataset.label_noise) == "0.0"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"kind": 3}', '{"bases": [{}]}'])
def test_a_spec_that_cannot_be_read_says_so(text):
    with pytest.raises(UserError, match="cannot be read"):
        StudySpec.from_json(text)
