"""A stand-in for an MLflow server on this computer: answers as MLflow 3.17.2 did when asked the same."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

API = "/api/2.0/mlflow/"


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class MlflowServer:
    """What it has: experiments by name, runs by id.

    `broken` is a status that it answers everything with, `leads_to` where to.
    """

    def __init__(self) -> None:
        self.experiments: dict[str, str] = {"Default": "0"}
        self.runs: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.broken: tuple[int, str] | None = None
        self.leads_to = ""

    def answer(self, path: str, asked: dict[str, Any]) -> dict[str, Any]:
        match path:
            case "experiments/get-by-name":
                name = asked["experiment_name"]
                if name not in self.experiments:
                    raise Refused(
                        404, "RESOURCE_DOES_NOT_EXIST", f"Could not find experiment with name '{name}'"
                    )
                return {"experiment": {"experiment_id": self.experiments[name], "name": name}}
            case "experiments/create":
                return {
                    "experiment_id": self.experiments.setdefault(asked["name"], str(len(self.experiments)))
                }
            case "runs/create":
                if asked["experiment_id"] not in self.experiments.values():
                    missing = f"No Experiment with id={asked['experiment_id']} exists"
                    raise Refused(404, "RESOURCE_DOES_NOT_EXIST", missing)
                run_id = f"{len(self.runs):032x}"
                tags = {each["key"]: each["value"] for each in asked["tags"]}
                self.runs[run_id] = {
                    **asked,
                    "tags": tags,
                    "params": {},
                    "metrics": set(),
                    "status": "RUNNING",
                }
                return {"run": {"info": {"run_id": run_id}}}
            case "runs/search":
                (wanted,) = re.findall(r"tags\.`convdeck\.run` = '(\w+)'", asked["filter"])
                found = [
                    {"info": {"run_id": run_id}}
                    for run_id, run in self.runs.items()
                    if run["tags"].get("convdeck.run") == wanted
                    and run["experiment_id"] in asked["experiment_ids"]
                ]
                return {"runs": found} if found else {}
            case "runs/log-batch":
                run = self._active(asked["run_id"])
                metrics, params = asked.get("metrics", []), asked.get("params", [])
                assert len(metrics) <= 1000 and len(params) <= 100
                run["metrics"] |= {(m["key"], m["step"], m["value"], m["timestamp"]) for m in metrics}
                for each in params:
                    assert re.fullmatch(r"[\w\-. /:]+", each["key"]) and len(each["value"]) <= 6000
                    run["params"][each["key"]] = each["value"]
                return {}
            case "runs/update":
                self._active(asked["run_id"]).update(asked)
                return {"run_info": {}}
        raise AssertionError(path)

    def _active(self, run_id: str) -> dict[str, Any]:
        if run_id not in self.runs:
            raise Refused(404, "RESOURCE_DOES_NOT_EXIST", f"Run with id={run_id} not found")
        if self.runs[run_id].get("is_deleted"):
            message = f"The run {run_id} must be in the 'active' state. Current state is deleted."
            raise Refused(400, "INVALID_PARAMETER_VALUE", message)
        return self.runs[run_id]


@contextmanager
def serving(server: MlflowServer, port: int = 0) -> Iterator[int]:
    """The port that it answers on."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            self._answer({key: values[0] for key, values in query.items()})

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, asked: dict[str, Any]) -> None:
            path = urlsplit(self.path).path.removeprefix(API)
            server.asked.append(path)
            server.headers.append(dict(self.headers))
            status, body = 200, ""
            if server.broken is not None:
                status, body = server.broken
            else:
                try:
                    body = json.dumps(server.answer(path, asked))
                except Refused as refused:
                    status = refused.status
                    body = json.dumps({"error_code": refused.code, "message": refused.message})
            self.send_response(status)
            if server.leads_to:
                self.send_header("Location", server.leads_to + path)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield listening.server_port
        finally:
            listening.shutdown()
            thread.join()
