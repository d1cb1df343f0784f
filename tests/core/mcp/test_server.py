"""`python -m core mcp` as a client starts it: a real client of the package mcp, by standard input and output."""

import base64
import io
import json
import os
import subprocess
import sys
from contextlib import asynccontextmanager

import anyio
import psutil
from mcp import StdioServerParameters
from mcp.client.client import Client
from mcp.client.stdio import stdio_client
from PIL import Image

from core.datasets.storage import load_dataset
from core.store.states import RunState
from core.workspace import PROJECT_ROOT

COMMAND = (sys.executable, "-m", "core", "mcp")
# What a client passes on is up to its configuration.
SETTINGS = ("CONVDECK_HOME", "CONVDECK_STANDBY", "CUDA_VISIBLE_DEVICES", "TF_CPP_MIN_LOG_LEVEL")
FEW = {"dataset.num_train": 200, "training.epochs": 9}
WAIT_SECONDS = 600


@asynccontextmanager
async def connected():
    """A function that calls a tool and returns its document, which is the text too; errors fail the test."""
    environment = {name: os.environ[name] for name in SETTINGS}
    command, *arguments = COMMAND
    parameters = StdioServerParameters(command=command, args=arguments, env=environment, cwd=PROJECT_ROOT)
    async with Client(stdio_client(parameters)) as client:

        async def ask(tool, **arguments):
            answer = await client.call_tool(tool, arguments)
            assert not answer.is_error, answer.content
            assert json.loads(answer.content[0].text) == answer.structured_content
            return answer.structured_content

        yield client, ask


def test_a_client_overfits_a_network_and_cures_it(workspace, tmp_path):
    async def work():
        async with connected() as (client, ask):
            assert (await ask("check_design", preset="overfit", dataset="shapes", settings=FEW))["hints"]
            run = await ask("start_run", preset="overfit", dataset="shapes", settings=FEW)
            with anyio.move_on_after(0.5) as given_up:
                await ask("wait_for_run", run=run["id"], timeout_seconds=WAIT_SECONDS)
            assert given_up.cancelled_caught
            first = await ask(
                "wait_for_run", run=run["id"], until="epoch", since_epoch=0, timeout_seconds=WAIT_SECONDS
            )
            assert first["reason"] == "epoch" and first["epoch"] >= 1
            ended = await ask("wait_for_run", run=run["id"], timeout_seconds=WAIT_SECONDS)
            assert (ended["reason"], ended["state"]) == ("end", "FINISHED")

            shown = await ask("show_run", run=run["id"], points=4)
            verdict = shown["verdict"]
            assert verdict["verdict"] == "overfitting" and verdict["onset_epoch"] in shown["curves"]["epoch"]
            assert verdict["headline"].startswith(f"Overfitting since epoch {verdict['onset_epoch']}")
            assert len(shown["curves"]["val_loss"]) == 4
            more = next(each for each in shown["suggestions"] if each["id"] == "all-pictures")
            assert more["settings"] == {"dataset.num_train": None}

            # Thirty times the pictures: four epochs are many more steps than the parent had.
            fork = await ask(
                "fork_run", run=run["id"], suggestion=more["id"], settings={"training.epochs": 4}
            )
            assert (fork["parent"], fork["shared"]) == (run["id"], False)
            cured = await ask("wait_for_run", run=fork["id"], timeout_seconds=WAIT_SECONDS)
            assert cured["state"] == "FINISHED" and cured["verdict"]["verdict"] != "overfitting"
            assert cured["verdict"]["gap"] < verdict["gap"] / 2
            assert cured["best_val_accuracy"] > 2 * ended["best_val_accuracy"]
            listed = await ask("list_runs")
            assert [each["id"] for each in listed["runs"]] == [fork["id"], run["id"]]

            stored = load_dataset(workspace, "shapes")
            known = Image.fromarray(stored.x_test[0])
            known.save(tmp_path / "known.png")
            file, sent = tmp_path / "known.png", io.BytesIO()
            by_path = await ask("classify", run=fork["id"], path=str(file))
            assert {each["class"] for each in by_path["top"]} == set(stored.class_names)
            assert abs(sum(each["probability"] for each in by_path["top"]) - 1) < 1e-4
            known.save(sent, "PNG")
            by_bytes = await ask(
                "classify", run=fork["id"], base64=base64.b64encode(sent.getvalue()).decode()
            )
            assert by_bytes["top"] == by_path["top"]
            refused = await client.call_tool(
                "classify", {"run": fork["id"], "base64": base64.b64encode(b"no picture").decode()}
            )
            assert refused.is_error and "Traceback" not in refused.content[0].text

    anyio.run(work)


def test_it_ends_when_its_input_closes_and_runs_continue(store, wait_for):
    """While a call still waits. Standard output has the protocol alone, and Keras is never loaded."""
    asked = [
        {
            "method": "initialize", "id": 1,
            "params": {
                "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
            },
        },
        {"method": "notifications/initialized"},
        {
            "method": "tools/call", "id": 2,
            "params": {
                "name": "start_run",
                "arguments": {"preset": "tiny", "dataset": "shapes", "settings": {"training.epochs": 500}},
            },
        },
    ]  # fmt: skip
    with subprocess.Popen(
        COMMAND, cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        for message in asked:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(2)]
        assert [each["id"] for each in answers] == [1, 2]
        run = answers[1]["result"]["structuredContent"]
        assert not any("tensorflow" in each.path for each in psutil.Process(process.pid).memory_maps())
        waiting = {"name": "wait_for_run", "arguments": {"run": run["id"], "timeout_seconds": WAIT_SECONDS}}
        wait = {"jsonrpc": "2.0", "method": "tools/call", "id": 3, "params": waiting}
        process.stdin.write(json.dumps(wait) + "\n")
        process.stdin.close()
        rest = process.stdout.read()
        assert process.wait(60) == 0
    assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
    wait_for(lambda: store.get_run(run["id"]).state is not RunState.WAITING, message="the run to start")
