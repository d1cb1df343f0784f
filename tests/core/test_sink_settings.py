"""Which sinks the environment turns on, and the sentence where one cannot be."""

import re

import pytest

from core.sink_settings import SinkSetting, read_sink_settings, sink_problems


def test_none_is_on_unless_a_variable_names_one() -> None:
    assert read_sink_settings({"PATH": "/bin", "CONVDECK_MLFLOW": " "}) == ()


def test_what_is_shown_has_no_password(tmp_path) -> None:
    environment = {
        "CONVDECK_TENSORBOARD": str(tmp_path),
        "CONVDECK_MLFLOW": "https://me:geheim@host:5000/mlflow/?token=geheim",
        "CONVDECK_OPTUNA": "postgresql+psycopg2://me:geheim@host/sweeps",
    }
    folder, server, database = read_sink_settings(environment)
    assert folder == SinkSetting("tensorboard", str(tmp_path), str(tmp_path))
    assert server.shown == "https://me:…@host:5000/mlflow/" and "geheim" in server.target
    assert database.shown == "postgresql+psycopg2://me:…@host/sweeps" and "geheim" in database.target
    (file,) = read_sink_settings({"CONVDECK_OPTUNA": "sqlite:////home/me/sweeps.db"})
    assert file.shown == file.target == "sqlite:////home/me/sweeps.db"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CONVDECK_TENSORBOARD", "logs", "whole path.*not 'logs'"),
        ("CONVDECK_TENSORBOARD", __file__, "is a file"),
        ("CONVDECK_MLFLOW", "127.0.0.1:5000", "http://127.0.0.1:5000, not '127.0.0.1:5000'"),
        ("CONVDECK_MLFLOW", "http://:5000", "address of an MLflow server"),
        ("CONVDECK_MLFLOW", "http://host:port", "address of an MLflow server"),
        ("CONVDECK_MLFLOW", "file:///mlruns", "address of an MLflow server"),
        ("CONVDECK_OPTUNA", "sweeps.db", "URL of a database"),
        ("CONVDECK_OPTUNA", "sqlite:///sweeps.db", "four slashes"),
    ],
)
def test_one_that_cannot_be_is_refused_in_a_sentence(variable: str, value: str, said: str) -> None:
    (problem,) = sink_problems({variable: value})
    assert re.match(f"{variable} must .*{said}", problem)


def test_one_that_cannot_be_leaves_the_others_on() -> None:
    environment = {"CONVDECK_TENSORBOARD": "/tmp/logs", "CONVDECK_OPTUNA": "notaurl"}
    assert [each.kind for each in read_sink_settings(environment)] == ["tensorboard"]
    assert len(sink_problems(environment)) == 1


def test_a_refusal_keeps_passwords_to_itself() -> None:
    (problem,) = sink_problems({"CONVDECK_OPTUNA": "oracle://me:geheim@host/x"})
    assert "geheim" not in problem
