"""Which sinks are on: other programs' stores that runs and sweeps are copied into. Off unless a variable names one."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

from core.errors import UserError

Kind = Literal["tensorboard", "mlflow", "optuna"]

VARIABLES: dict[Kind, str] = {
    "tensorboard": "CONVDECK_TENSORBOARD",
    "mlflow": "CONVDECK_MLFLOW",
    "optuna": "CONVDECK_OPTUNA",
}
TITLES: dict[Kind, str] = {"tensorboard": "TensorBoard", "mlflow": "MLflow", "optuna": "Optuna storage"}

_DATABASE = re.compile(r"(sqlite|postgresql|mysql)(\+\w+)?://.+")
_RELATIVE_SQLITE = re.compile(r"sqlite(\+\w+)?:///(?!/|[A-Za-z]:)")


@dataclass(frozen=True)
class SinkSetting:
    """A sink that is on. `target` is where it writes; `shown` is the same without a password, for people and rows."""

    kind: Kind
    target: str
    shown: str

    @property
    def title(self) -> str:
        return TITLES[self.kind]


def read_sink_settings(environment: Mapping[str, str] | None = None) -> tuple[SinkSetting, ...]:
    """Those that are on in the environment (None: this process's), without values that cannot be used."""
    return tuple(each for each in _read(environment) if isinstance(each, SinkSetting))


def sink_problems(environment: Mapping[str, str] | None = None) -> list[str]:
    """A sentence on each value that cannot be used. The other sinks are fed all the same."""
    return [str(each) for each in _read(environment) if isinstance(each, UserError)]


def _read(environment: Mapping[str, str] | None) -> Iterator[SinkSetting | UserError]:
    environment = os.environ if environment is None else environment
    for kind, variable in VARIABLES.items():
        if value := environment.get(variable, "").strip():
            try:
                yield _CHECKS[kind](variable, value)
            except UserError as error:
                yield error


def _folder(variable: str, value: str) -> SinkSetting:
    path = Path(value).expanduser()
    if not path.is_absolute():
        raise UserError(
            f"{variable} must be a folder's whole path, such as /home/me/logs, not {value[:80]!r}."
        )
    if path.exists() and not path.is_dir():
        raise UserError(f"{variable} must be a folder, and {path} is a file: choose another path.")
    return SinkSetting("tensorboard", str(path), str(path))


def _server(variable: str, value: str) -> SinkSetting:
    try:
        parts = urlsplit(value)
        is_server = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port
    except ValueError:
        is_server = False
    if not is_server:
        raise UserError(
            f"{variable} must be the address of an MLflow server, such as http://127.0.0.1:5000, "
            f"not {_without_password(value)[:80]!r}."
        )
    return SinkSetting("mlflow", value.rstrip("/"), _without_password(value.rstrip("/")))


def _database(variable: str, value: str) -> SinkSetting:
    if not _DATABASE.fullmatch(value):
        raise UserError(
            f"{variable} must be the URL of a database, such as sqlite:////home/me/sweeps.db or "
            f"postgresql://me@host/sweeps, not {_without_password(value)[:80]!r}."
        )
    if _RELATIVE_SQLITE.match(value):
        raise UserError(
            f"{variable} must give SQLite a file's whole path, with four slashes, such as "
            f"sqlite:////home/me/sweeps.db, not {value[:80]!r}."
        )
    return SinkSetting("optuna", value, _without_password(value))


_CHECKS = {"tensorboard": _folder, "mlflow": _server, "optuna": _database}


def _without_password(value: str) -> str:
    """Without what may be secret: a password, and what stands after a question mark."""
    try:
        parts = urlsplit(value)
    except ValueError:
        return value.partition("://")[0]
    user, at, host = parts.netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    netloc = f"{name}{':…' if colon else ''}{at}{host}"
    shown = urlunsplit((parts.scheme, netloc, parts.path, "", ""))
    # Empty hosts lose their slashes otherwise: sqlite:////file.
    return f"{parts.scheme}://{parts.path}" if not netloc and "://" in value else shown
