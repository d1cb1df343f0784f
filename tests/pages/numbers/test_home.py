"""Home's story and the lessons, from the database; results and what is under way there are in other modules."""

import json
import re

import pytest

from core.onboarding.example import import_example
from core.runs import control
from core.store.records import RunRequest
from tests.pages.numbers.begun import begin
from tests.pages.numbers.drawn import train
from tests.pages.numbers.readings import chart_data, epochs_of, read_numbers, sql, texts_of
from tests.pages.visits import open_page


@pytest.fixture(autouse=True)
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody serves the queue."""
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)


def test_every_number_of_the_run_that_came_along(store, monkeypatch) -> None:
    monkeypatch.setenv("CONVDECK_EXAMPLE", "on")
    assert import_example(store.workspace, store)
    (row,) = sql(store.workspace, "SELECT * FROM runs")
    page = open_page("home.py")
    pictures = json.loads(row["config"])["dataset"]["num_train"]
    assert f"was shown the same {pictures:,} pictures again and again" in " ".join(texts_of(page))
    rows = epochs_of(store.workspace, row["id"])
    for chart, measure in zip(page.get("vega_lite_chart"), ("accuracy", "loss"), strict=True):
        drawn = chart_data(chart)
        for series in ("train", "val", "clean_train"):
            expected = [each[f"{series}_{measure}"] for each in rows]
            assert drawn[f"r0_{series}"].tolist() == pytest.approx(expected, rel=1e-6)
    (verdict,) = (text for text in texts_of(page) if "Since epoch" in text)
    (own,) = (text for text in texts_of(open_page("runs.py", run=row["id"])) if "Since epoch" in text)
    # Whose numbers are calculated again in `test_runs` and `test_verdicts`.
    assert read_numbers([verdict]) == read_numbers([own])


def test_what_is_kept_of_the_story_says_both_verdicts(store) -> None:
    runs = [train(store, name, stall) for name, stall in (("plain", 0.6551), ("varied", 0.7137))]
    page = open_page("home.py", story=",".join(run.id for run in runs))
    for words, run in zip(("Without augmentation", "With augmentation"), runs, strict=True):
        (line,) = (text for text in texts_of(page) if text.startswith(f"{words}: "))
        rows = epochs_of(store.workspace, run.id)
        gaps = sorted(row["clean_train_accuracy"] - row["val_accuracy"] for row in rows[-3:])
        assert f"gap {100 * gaps[1]:.1f} points]" in line
        (own,) = (text for text in texts_of(open_page("runs.py", run=run.id)) if "Since epoch" in text)
        best = f"{100 * max(row['val_accuracy'] for row in rows):.1f}"
        assert f"best validation accuracy **{best} %**" in line
        assert read_numbers([line]) <= read_numbers([own]) | {best}


def test_how_the_race_ended(store) -> None:
    runs = [train(store, name, stall) for name, stall in (("plain", 0.6551), ("varied", 0.7137))]
    (line,) = (
        text
        for text in texts_of(open_page("home.py", story=",".join(run.id for run in runs)))
        if text.startswith("The race is over")
    )
    plain, varied = (
        sorted(
            row["clean_train_accuracy"] - row["val_accuracy"]
            for row in epochs_of(store.workspace, run.id)[-3:]
        )[1]
        for run in runs
    )
    assert f"was **{100 * varied:.1f} points** at the end, and **{100 * plain:.1f}** without it." in line


def test_how_many_more_are_under_way(store) -> None:
    train(store, "ended", 0.7137)  # Home shows runs of one's own
    run = begin(store)
    for number in range(6):
        store.queue_run(RunRequest(run.config, f"later {number}"))
    (under_way,) = sql(store.workspace, "SELECT count(*) FROM runs WHERE state IN ('RUNNING', 'WAITING')")
    assert f"And {under_way[0] - 5} more." in texts_of(open_page("home.py"))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("overfitting", "dataset.num_train"), ("more-data", "dataset.num_train"),
        ("learning-rate", "optimizer.learning_rate"), ("wrong-labels", "dataset.label_noise"),
    ],
)  # fmt: skip
def test_the_numbers_in_a_lesson_are_those_of_the_runs_that_it_starts(store, name: str, path: str) -> None:
    page = open_page("lesson.py", lesson=name)
    action = next(button for button in page.button if button.key == f"lesson-{name}")
    texts = (text for text in texts_of(page) if not text.startswith("Lesson "))
    said = read_numbers([*texts, action.label])
    action.click().run()
    part, field = path.split(".")
    values = {
        json.loads(row["config"])[part][field] for row in sql(store.workspace, "SELECT config FROM runs")
    }
    if path == "dataset.label_noise":
        (noise,) = values
        # Of 100 pictures so many are wrong; whoever knows the rule is right on the others.
        assert said - {"100"} == {f"{100 * noise:.0f}", f"{100 - 100 * noise:.0f}"}
    else:
        assert said == {f"{value:,}" for value in values}
    names = [row["name"] for row in sql(store.workspace, "SELECT name FROM runs")]
    labelled = read_numbers(re.sub(r"^Lesson: ", "", name) for name in names)
    assert labelled <= said
