"""An MLflow tracking server: a run per run, by MLflow's REST API 2.0. Needs no package of MLflow."""

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from core.epoch import CURVE_KEYS
from core.formatting import printable, reason
from core.sinks.sink import RunNews, SinkGone, SinkRefused, SinkUnavailable
from core.store.records import Run
from core.store.states import RunState

EXPERIMENT = "ConvDeck"
EXPERIMENT_VARIABLE = "MLFLOW_EXPERIMENT_NAME"
RUN_TAG = "convdeck.run"
TIMEOUT_SECONDS = 10.0
MAX_ANSWER_BYTES = 10_000_000
# MLflow's own limits for one request, and for a value.
MAX_METRICS, MAX_PARAMS, MAX_PARAM_CHARACTERS = 1000, 100, 6000

STATUS = {
    RunState.WAITING: "SCHEDULED", RunState.STARTING: "SCHEDULED",
    RunState.RUNNING: "RUNNING", RunState.PAUSED: "RUNNING",
    RunState.FINISHED: "FINISHED", RunState.STOPPED: "KILLED",
    RunState.FAILED: "FAILED", RunState.INTERRUPTED: "FAILED",
}  # fmt: skip
METRICS = tuple(key for key in CURVE_KEYS if key != "epoch")


class _StaysHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: name and password would go along to wherever it leads."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_StaysHere)


class MlflowSink:
    """Sends to one server. A run's key is MLflow's run id.

    MLFLOW_EXPERIMENT_NAME, MLFLOW_TRACKING_USERNAME with MLFLOW_TRACKING_PASSWORD, and MLFLOW_TRACKING_TOKEN mean what
    they mean to MLflow's own client.
    """

    def __init__(self, address: str, environment: Mapping[str, str]) -> None:
        parts = urllib.parse.urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        self._shown = urllib.parse.urlunsplit((parts.scheme, host, parts.path, "", ""))
        self._root = f"{self._shown.rstrip('/')}/api/2.0/mlflow"
        self._headers = {"Content-Type": "application/json", **_authorization(parts, environment)}
        self._experiment_name = environment.get(EXPERIMENT_VARIABLE) or EXPERIMENT
        self._experiment: str | None = None

    def keeps(self, key: str) -> bool:
        return True

    def send(self, news: RunNews) -> str:
        try:
            return self._send(news)
        except SinkGone:
            self._experiment = None  # it may be another server by now, with the same address
            raise

    def _send(self, news: RunNews) -> str:
        run = news.run
        key = news.key or self._find(run) or self._create(run)
        metrics = list(_metrics(news))
        for first in range(0, len(metrics), MAX_METRICS):
            self._ask("runs/log-batch", {"run_id": key, "metrics": metrics[first : first + MAX_METRICS]})
        said: dict[str, object] = {"run_id": key, "run_name": run.name, "status": STATUS[run.state]}
        if run.ended_at is not None:
            said["end_time"] = _milliseconds(run.ended_at)
        self._ask("runs/update", said)
        return key

    def _find(self, run: Run) -> str | None:
        """The one that a process began just before it ended."""
        asked = {
            "experiment_ids": [self._experiment_id()],
            "filter": f"tags.`{RUN_TAG}` = '{run.id}'",
            "max_results": 1,
        }
        found = self._ask("runs/search", asked).get("runs") or []
        return str(found[0]["info"]["run_id"]) if found else None

    def _create(self, run: Run) -> str:
        tags = {RUN_TAG: run.id, "convdeck.dataset": run.dataset}
        if run.preset:
            tags["convdeck.preset"] = run.preset
        if run.parent_id:
            tags["convdeck.parent"] = run.parent_id
        asked = {
            "experiment_id": self._experiment_id(),
            "run_name": run.name,
            "start_time": _milliseconds(run.started_at or run.created_at),
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        }
        key = str(self._ask("runs/create", asked)["run"]["info"]["run_id"])
        config = run.readable_config
        params = [] if config is None else list(_params(config.to_dict()))
        for first in range(0, len(params), MAX_PARAMS):
            self._ask("runs/log-batch", {"run_id": key, "params": params[first : first + MAX_PARAMS]})
        return key

    def _experiment_id(self) -> str:
        if self._experiment is None:
            name = self._experiment_name
            query = urllib.parse.urlencode({"experiment_name": name})
            try:
                found = self._ask(f"experiments/get-by-name?{query}")
                self._experiment = str(found["experiment"]["experiment_id"])
            except SinkGone:
                self._experiment = str(self._ask("experiments/create", {"name": name})["experiment_id"])
        return self._experiment

    def _ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Raises SinkUnavailable, SinkRefused, and SinkGone for what the server does not have."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self._root}/{path}", data, self._headers)
        try:
            with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as answer:
                said = json.loads(answer.read(MAX_ANSWER_BYTES))
        except urllib.error.HTTPError as error:
            with error:
                raise self._refusal(error) from None
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            words = reason(cause) if isinstance(cause, BaseException) else str(cause)
            raise SinkUnavailable(
                f"The MLflow server at {self._shown} does not answer: {words}.",
                "Start it, or set CONVDECK_MLFLOW to another address. What was missed is sent later.",
            ) from error
        except ValueError as error:
            raise self._no_mlflow() from error
        if not isinstance(said, dict):
            raise self._no_mlflow()
        return said

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        if 300 <= error.code < 400:
            return SinkUnavailable(
                f"The MLflow server at {self._shown} sends its visitors on to another address, which is not followed.",
                "Set CONVDECK_MLFLOW to the address that it leads to, and start again.",
            )
        try:
            said = json.loads(error.read(MAX_ANSWER_BYTES))
            code, message = str(said["error_code"]), printable(str(said.get("message", "")), 200).rstrip(".")
        except (OSError, ValueError, TypeError, KeyError):
            code, message = "", ""
        if error.code == 403 and not code:
            # Such as MLflow's own check of the header Host.
            return SinkUnavailable(
                f"The MLflow server at {self._shown} refuses requests that name it so (403).",
                "Start it with --allowed-hosts for this address, or use the address that it allows.",
            )
        if error.code in (401, 403):
            return SinkUnavailable(
                f"The MLflow server at {self._shown} asks for a name and password, or refuses those that it got.",
                "Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, and start again.",
            )
        if code == "RESOURCE_DOES_NOT_EXIST":
            return SinkGone(f"MLflow does not have it any more: {message}.")
        if not code and error.code < 500:
            return self._no_mlflow()
        if error.code < 500 and error.code != 429:
            return SinkRefused(f"MLflow refused it: {message}.")
        return SinkUnavailable(
            f"The MLflow server at {self._shown} answered with an error ({error.code}): {message or 'no reason'}.",
            "Look at that server's log. What was missed is sent later.",
        )

    def _no_mlflow(self) -> SinkUnavailable:
        return SinkUnavailable(
            f"What answers at {self._shown} is no MLflow server.",
            "Set CONVDECK_MLFLOW to the address of one and start again.",
        )


def _authorization(parts: urllib.parse.SplitResult, environment: Mapping[str, str]) -> dict[str, str]:
    user = urllib.parse.unquote(parts.username or "") or environment.get("MLFLOW_TRACKING_USERNAME")
    password = urllib.parse.unquote(parts.password or "") or environment.get("MLFLOW_TRACKING_PASSWORD", "")
    if user:
        return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}
    token = environment.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def _metrics(news: RunNews) -> Iterator[dict[str, object]]:
    """Of a resent epoch they are the same to the millisecond, so that MLflow keeps them once."""
    for each in news.epochs:
        for name in METRICS:
            value = getattr(each.row, name)
            if value is not None:
                yield _metric(name, value, each.time, each.row.epoch)
    best = news.run.best_val_accuracy
    if news.epochs and best is not None:
        yield _metric("best_val_accuracy", best, news.epochs[-1].time, news.epochs[-1].row.epoch)


def _metric(key: str, value: float, time: float, step: int) -> dict[str, object]:
    return {"key": key, "value": value, "timestamp": _milliseconds(time), "step": step}


def _params(values: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for path, value in _leaves(values):
        text = value if isinstance(value, str) else json.dumps(value)
        yield {"key": path, "value": text[:MAX_PARAM_CHARACTERS]}


def _leaves(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """`model.blocks.0.filters`: MLflow's keys take no brackets. A list of plain values is one value."""
    if isinstance(values, Mapping) and values:
        for key, value in values.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(values, Sequence) and any(isinstance(each, Mapping) for each in values):
        for index, value in enumerate(values):
            yield from _leaves(value, f"{path}.{index}")
    else:
        yield path, values


def _milliseconds(time: float) -> int:
    return round(time * 1000)
