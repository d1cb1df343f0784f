"""alerts add, list, remove, test and log."""

import sys

import pytest

from core.cli import main
from tests.core.alerts.receiver import receiving
from tests.core.conftest import run_command, run_json


def test_an_alert_from_adding_to_its_log(workspace) -> None:
    assert run_json("alerts", "list") == (0, [])
    with receiving(200, 503) as receiver:
        code, made = run_json(
            "alerts", "add", "--name", "phone", "--on", "finished, overfitting", "--webhook", receiver.url
        )
        assert code == 0
        assert made == {
            "name": "phone", "on": ["overfitting", "finished"], "webhook": receiver.url, "command": None,
            "public_only": False, "created_at": made["created_at"],
        }  # fmt: skip
        assert run_json("alerts", "list") == (0, [made])
        assert run_command("alerts", "test", "phone")[:2] == (
            0,
            "Delivered: the address answered 200 (heard).\n",
        )
        assert run_command("alerts", "test", "phone")[:2] == (
            1,
            "Not delivered: the address answered 503 (heard).\n",
        )
    (second, first) = run_json("alerts", "log")[1]
    assert (first["state"], second["state"]) == ("sent", "failed")
    assert first["message"]["kind"] == "test" and receiver.received[0] == {
        key: value for key, value in first["message"].items() if key != "id"
    }
    assert "Not delivered: the address answered 503 (heard)." in run_command("alerts", "log")[1]
    assert run_command("alerts", "remove", "phone")[:2] == (0, "“phone” is removed.\n")
    assert run_command("alerts", "remove", "phone")[0] == 2
    assert len(run_json("alerts", "log")[1]) == 2


def test_a_command_with_arguments_that_look_like_options(workspace) -> None:
    assert (
        main(["alerts", "add", "--name", "bell", "--on", "failed", "--command", sys.executable, "-c", "1"])
        == 0
    )
    assert run_json("alerts", "list")[1][0]["command"] == [sys.executable, "-c", "1"]
    assert sys.executable in run_command("alerts", "list")[1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--on", "bored", "--webhook", "https://example.com"), "not 'bored'"),
        (("--on", ",", "--webhook", "https://example.com"), "at least one of overfitting,"),
        (("--on", "failed", "--webhook", "example.com"), "must begin with https://"),
        (("--on", "failed", "--webhook", "https://me:secret@example.com"), "must not hold a user"),
        (("--on", "failed", "--webhook", "https://example.com:99999"), "host or port cannot be read"),
        (("--on", "failed", "--webhook", "https://exämple.com"), "plain characters"),
        (("--on", "failed", "--command", "true"), "must begin with an absolute path, not 'true'"),
        (("--on", "failed", "--command", "/no/such/program"), "no program that can be run"),
        (("--on", "failed", "--command"), "must be a path and its arguments"),
    ],
)
def test_what_is_refused(workspace, arguments, said) -> None:
    code, _, error = run_command("alerts", "add", "--name", "phone", *arguments)
    assert code == 2 and said in error
    assert run_json("alerts", "list") == (0, [])


@pytest.mark.parametrize("name", ["", " ", "a/b", "..", "log", "x" * 61])
def test_names_that_are_refused(workspace, name) -> None:
    assert (
        run_command("alerts", "add", "--name", name, "--on", "failed", "--webhook", "http://127.0.0.1/")[0]
        == 2
    )
