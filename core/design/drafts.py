"""Drafts of designs: a small file each, so that a refresh or a restart loses none."""

import json
import os
import re
import secrets
import time
from dataclasses import dataclass
from pathlib import Path

from core.config import ExperimentConfig
from core.errors import UserError
from core.workspace import Workspace

DRAFT_ID = re.compile(r"[0-9a-f]{16}")
KEPT_DAYS = 30
MOST_KEPT = 2000


@dataclass(frozen=True)
class Draft:
    """A design: its config, what it was before the first change, the preset it began as, if it was one, and what was
    typed for its run: what it is to be called, and what is expected of it.
    """

    config: ExperimentConfig
    origin: ExperimentConfig
    preset: str | None = None
    name: str = ""
    expectation: str = ""


def new_draft_id() -> str:
    """Cannot be guessed, because anyone who has it can see the draft."""
    return secrets.token_hex(8)


def save_draft(workspace: Workspace, draft_id: str, draft: Draft) -> None:
    """Write the draft; readers get the old one or the new one, never a part.

    Raises:
        UserError: the id is not a draft's id.
        OSError: it could not be written.
    """
    path = _path(workspace, draft_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        _sweep(path.parent)
    written = {
        "preset": draft.preset, "name": draft.name, "expectation": draft.expectation,
        "config": draft.config.to_dict(), "origin": draft.origin.to_dict(),
    }  # fmt: skip
    temporary = path.with_suffix(f".{secrets.token_hex(4)}")
    try:
        temporary.write_text(json.dumps(written), encoding="utf-8")
        # Not synced: this happens at each change, and a power cut may cost the last ones.
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def load_draft(workspace: Workspace, draft_id: str) -> Draft:
    """Read a draft. Raises UserError when there is none with this id, or none that can be read."""
    path = _path(workspace, draft_id)
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        config, origin = (ExperimentConfig.from_dict(read[name]) for name in ("config", "origin"))
        preset = read["preset"] if isinstance(read["preset"], str) else None
        typed = [read.get(key) for key in ("name", "expectation")]  # drafts of before have none
    except FileNotFoundError:
        raise _unknown() from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise UserError("The draft in this link can no longer be read.") from None
    return Draft(config, origin, preset, *(text if isinstance(text, str) else "" for text in typed))


def _path(workspace: Workspace, draft_id: str) -> Path:
    if not DRAFT_ID.fullmatch(draft_id):
        raise _unknown()
    return workspace.drafts / f"{draft_id}.json"


def _unknown() -> UserError:
    return UserError(f"There is no such draft here. Drafts are kept for {KEPT_DAYS} days.")


def _sweep(folder: Path) -> None:
    """Delete drafts that were not changed for KEPT_DAYS, and the oldest where there are too many."""
    found = sorted(_ages(folder), reverse=True)
    surplus = len(found) - MOST_KEPT + 1
    for index, (age_seconds, path) in enumerate(found):
        if index < surplus or age_seconds > KEPT_DAYS * 24 * 3600:
            path.unlink(missing_ok=True)


def _ages(folder: Path) -> list[tuple[float, Path]]:
    now, found = time.time(), []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                found.append((now - entry.stat(follow_symlinks=False).st_mtime, Path(entry.path)))
            except FileNotFoundError:
                continue  # another process deleted or replaced it
    return found
