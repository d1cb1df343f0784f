"""The tools' schemas against what a config itself takes, and errors as sentences; nothing is trained."""

import base64

import anyio
import jsonschema
import pytest

from core.cli import main
from core.cli import mcp as command
from core.config import ExperimentConfig
from core.config.schema import settings
from core.design.presets import PRESETS
from core.errors import ConfigError, ConvDeckError
from core.mcp import designing
from core.mcp.catalogue import call, tools
from core.mcp.running import chosen_epochs
from core.mcp.schemas import describe_settings, settings_schema
from core.mcp.server import listed_tools
from core.mcp.tool import Bench
from core.store.records import RunRequest

BASE = ExperimentConfig().with_values(
    {
        "model.blocks": [{"padding": "same"}, {"padding": "same"}],
        "model.dense": [{}],
        "training.batch_size": 64,
    }
)
# What they may be depends on other settings as well.
JOINED = {"model.frozen_blocks"}
NUMBERS = [
    each
    for each in settings()
    if each.kind in ("whole", "number") and each.limits and each.path not in JOINED
]


@pytest.fixture
def bench(workspace, no_scheduler):
    made = Bench(workspace)
    yield made
    made.close()


def ask(bench, tool, /, **arguments):
    async def progress(done, total, text):
        pass

    return anyio.run(call, bench, tool, arguments, progress)


def refusal(bench, tool, /, **arguments):
    with pytest.raises(ConvDeckError) as caught:
        ask(bench, tool, **arguments)
    return str(caught.value)


def takes(path, value):
    try:
        BASE.with_values({path: value})
    except ConfigError as error:
        return error.field != path  # a rule about several settings is no part of a schema
    return True


def test_every_tool_has_a_schema_and_says_what_it_changes():
    listed = {tool.name: tool for tool in listed_tools()}
    assert list(listed) == list(tools())
    for tool in listed.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.input_schema["additionalProperties"] is False and len(tool.description) > 40
    changing = {name for name, tool in listed.items() if not tool.annotations.read_only_hint}
    assert changing == {"start_run", "fork_run", "stop_run"}
    assert {name for name, tool in listed.items() if tool.annotations.destructive_hint} == {"stop_run"}
    assert not any("delete" in name for name in listed)


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda setting: setting.path)
def test_a_schema_takes_the_numbers_that_a_config_takes(setting):
    path, limits = setting.path.replace("[]", "[0]"), setting.limits
    schema = jsonschema.Draft202012Validator(settings_schema())
    tried = [
        limits.low,
        limits.high,
        limits.low - 1,
        limits.high * 2 + 1,
        (limits.low + limits.high) // 2,
        "x",
        True,
    ]
    for value in tried:
        given = [value] if setting.kind == "list" else value
        assert schema.is_valid({path: given}) == takes(path, given), (path, given)


@pytest.mark.parametrize(
    "values",
    [
        {"optimizer.name": "adam"}, {"optimizer.name": "adamx"}, {"model.head": "flatten"}, {"model.head": None},
        {"model.blocks": [{"filters": 8}]}, {"model.blocks": [{"filters": 0}]}, {"model.blocks": [{"size": 1}]},
        {"model.blocks[1].kernel_sizes": [3, 5]}, {"model.blocks[1].kernel_sizes": []}, {"dataset.id": "No Such"},
        {"model.blocks[0].residual": True}, {"model.blocks[0].residual": 1}, {"model.depth": 3}, {"seed": 2**31},
        {"training.early_stopping_patience": None}, {"training.epochs": None}, {"model.blocks[x].filters": 3},
    ],
    ids=str,
)  # fmt: skip
def test_a_schema_takes_what_a_config_takes(values):
    try:
        BASE.with_values(values)
        is_taken = True
    except ConfigError:
        is_taken = False
    assert jsonschema.Draft202012Validator(settings_schema()).is_valid(values) == is_taken


def test_every_setting_is_described_with_its_default():
    found = {each["path"]: each for each in describe_settings(None)["settings"]}
    assert set(found) == {each.path for each in settings()}
    assert found["optimizer.learning_rate"]["default"] == 0.001
    assert found["model.blocks[].filters"]["schema"] == {"type": "integer", "minimum": 1, "maximum": 2048}


def test_errors_are_sentences(bench, tmp_path):
    said = {
        refusal(bench, "retrain"),
        refusal(bench, "show_run"),
        refusal(bench, "show_run", run="none"),
        refusal(bench, "list_runs", limit=0),
        refusal(bench, "list_runs", limit="all"),
        refusal(bench, "list_presets", name="x"),
        refusal(bench, "start_run", preset="tidy"),
        refusal(bench, "start_run", preset="tiny", dataset="shapes", settings={"training.epochs": 0}),
        refusal(bench, "start_run", preset="tiny", dataset="shapes", settings=[1]),
        refusal(bench, "start_run", preset="tiny"),
        refusal(bench, "check_design", preset="tiny", run=4),
    }
    for sentence in said:
        assert sentence.endswith(".") or sentence.endswith("add cifar10"), sentence
        assert "Traceback" not in sentence and "\n" not in sentence
    assert "run: is missing." in said
    assert "limit: must be at least 1, not 0." in said
    assert "limit: must be a whole number, not 'all'." in said
    assert any(each.startswith("training.epochs: must be") for each in said)


def test_an_error_of_our_own_is_a_sentence_and_its_traceback_goes_to_the_log(bench, monkeypatch, caplog):
    monkeypatch.setattr(designing, "list_datasets", None)
    assert refusal(bench, "list_datasets") == (
        "ConvDeck has met an error of its own (TypeError). Its standard error has the details."
    )
    assert "Traceback" in caplog.text


def test_a_design_is_checked_with_what_repairs_it(bench):
    found = ask(bench, "check_design", preset="tiny", dataset="shapes")
    assert found["valid"] and found["parameters"] == 448 + 64 + 3480 + 96 + 250 and found["layers"][0]["name"]
    large = {"model.blocks[1].padding": "valid", "model.blocks[1].kernel_sizes": [31]}
    refused = ask(bench, "check_design", preset="tiny", dataset="shapes", settings=large)
    assert not refused["valid"] and refused["field"] == "model.blocks[1].kernel_sizes[0]"
    repaired = ask(
        bench, "check_design", preset="tiny", dataset="shapes",
        settings=large | refused["repairs"][0]["settings"],
    )  # fmt: skip
    assert repaired["valid"]
    wrong = ask(bench, "check_design", preset="tiny", dataset="shapes", settings={"training.epochs": 0})
    assert (wrong["valid"], wrong["field"]) == (False, "training.epochs")


def test_an_identical_run_is_the_answer_unless_it_is_trained_again(bench):
    asked = {"preset": "tiny", "dataset": "shapes", "settings": {"training.epochs": 1}}
    first, second = (ask(bench, "start_run", **asked) for _ in range(2))
    assert (first["shared"], second["shared"], second["id"]) == (False, True, first["id"])
    other = ask(bench, "start_run", **asked, train_again=True, name="Once more")
    assert (other["shared"], other["name"]) == (False, "Once more")
    listed = ask(bench, "list_runs", state="WAITING", limit=1)
    assert ([each["id"] for each in listed["runs"]], listed["total"]) == ([other["id"]], 2)
    assert ask(bench, "stop_run", run=other["id"])["state"] == "STOPPED"
    assert ask(bench, "wait_for_run", run=other["id"])["reason"] == "end"
    waited = ask(bench, "wait_for_run", run=first["id"], until="epoch", timeout_seconds=0)
    assert (waited["reason"], waited["state"]) == ("timeout", "WAITING")


def test_a_fork_needs_a_change_that_there_is(bench):
    run = bench.store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "shapes"})))
    assert refusal(bench, "fork_run", run=run.id).startswith("A fork needs a change: give suggestion")
    assert "has no suggestion 'sleep'; it has none at present." in refusal(
        bench, "fork_run", run=run.id, suggestion="sleep"
    )
    fork = ask(bench, "fork_run", run=run.id, settings={"augmentation.rotation_degrees": 20})
    assert fork["parent"] == run.id
    shown = ask(bench, "show_run", run=fork["id"])
    assert shown["config"]["augmentation"]["rotation_degrees"] == 20
    assert shown["verdict"]["verdict"] == "too_early" and shown["suggestions"] == []


def test_pictures_are_refused_in_words(bench, tmp_path):
    run = bench.store.queue_run(RunRequest(PRESETS["tiny"].config.with_values({"dataset.id": "shapes"}))).id
    text = base64.b64encode(b"text").decode()
    assert refusal(bench, "classify", run=run) == "Give either path or base64."
    assert refusal(bench, "classify", run=run, path="/x", base64=text) == "Give either path or base64."
    assert "must begin at the root" in refusal(bench, "classify", run=run, path="a.png")
    assert refusal(bench, "classify", run=run, path=str(tmp_path)).startswith("There is no file")
    assert "not valid base64" in refusal(bench, "classify", run=run, base64="data:image/png;base64,AA")


@pytest.mark.parametrize(("count", "points"), [(0, 2), (1, 2), (5, 20), (200, 20), (200, 2), (201, 200)])
def test_curves_are_thinned_with_what_matters_in_them(count, points):
    epochs = list(range(1, count + 1))
    places = chosen_epochs(epochs, points, (count // 3 or None, None))
    assert len(places) == min(count, points) and places == sorted(set(places))
    shown = [epochs[place] for place in places]
    assert set(shown) >= {*epochs[:1], *epochs[-1:]}
    assert points < 3 or count < 3 or count // 3 in shown


def test_without_the_extra_one_sentence_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr(command, "find_spec", lambda name: None)
    assert main(["mcp"]) == 2
    assert capsys.readouterr().err == (
        "convdeck: MCP needs the package mcp, which is not installed. "
        "Install with: .venv/bin/pip install -r requirements-mcp.txt\n"
    )
