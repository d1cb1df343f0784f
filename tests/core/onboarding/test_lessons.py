"""Lessons are data that can be trained, and say no results."""

import re

import pytest

from core.design.architecture import describe_network
from core.errors import UserError
from core.onboarding.lessons import LESSONS, get_lesson, next_lesson


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=str)
def test_every_lesson_can_be_trained_everywhere(lesson) -> None:
    for run in lesson.runs:
        assert run.config.dataset.id == "shapes"  # nothing to download
        describe_network(run.config.model)
        assert run.config.training.epochs <= 25
    assert len({run.config.config_id for run in lesson.runs}) == len(lesson.runs) <= 2
    assert lesson.question.endswith("?") and lesson.guess.question.endswith("?")
    assert lesson.guess.run < len(lesson.runs) and 0 < lesson.guess.most <= 100


def test_two_runs_differ_by_what_the_lesson_is_about() -> None:
    plain, augmented = (run.config for run in LESSONS["augmentation"].runs)
    assert (
        augmented.with_values(
            {
                "augmentation.rotation_degrees": 0,
                "augmentation.width_shift_fraction": 0,
                "augmentation.height_shift_fraction": 0,
                "augmentation.horizontal_flip": False,
            }
        )
        == plain
    )
    few, many = (run.config for run in LESSONS["more-data"].runs)
    assert (few.dataset.num_train, many.dataset.num_train) == (500, 4000)
    assert few.with_values({"dataset.num_train": 4000}) == many


def test_numbers_in_a_lesson_are_settings_and_not_results() -> None:
    for lesson in LESSONS.values():
        result = re.sub(r"{\w+}", "…", lesson.result)
        told = " ".join(
            (*lesson.texts, lesson.look, lesson.question, lesson.answer, lesson.guess.question, result)
        )
        allowed = {"2,000", "500", "4,000", "0.001", "0.3", "40", "60", "100"}
        assert set(re.findall(r"\d[\d,.]*\d|\d", told)) <= allowed


def test_the_next_one_follows_and_the_last_has_none() -> None:
    names, seen = list(LESSONS), []
    lesson = LESSONS[names[0]]
    while lesson is not None:
        seen.append(lesson.name)
        lesson = next_lesson(lesson.name)
    assert seen == names
    with pytest.raises(UserError, match="no lesson 'x'"):
        get_lesson("x")
