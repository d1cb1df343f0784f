"""Drafts on disk: found again, whole or not there, swept, and no way out of their folder."""

import json
import os
import time
from dataclasses import replace

import pytest

from core.design import drafts
from core.design.drafts import Draft, load_draft, new_draft_id, save_draft
from core.design.presets import PRESETS
from core.errors import UserError

DRAFT = Draft(PRESETS["vgg"].config, PRESETS["tiny"].config, "tiny", "what I call it")


def test_a_draft_is_found_again_as_it_was(workspace) -> None:
    first, second = new_draft_id(), new_draft_id()
    save_draft(workspace, first, DRAFT)
    save_draft(workspace, second, Draft(PRESETS["article"].config, PRESETS["article"].config))
    assert load_draft(workspace, first) == DRAFT
    save_draft(workspace, first, Draft(PRESETS["resnet"].config, PRESETS["tiny"].config, None))
    assert load_draft(workspace, first).config == PRESETS["resnet"].config
    assert len(list(workspace.drafts.iterdir())) == 2


def test_what_was_typed_for_its_run_is_kept(workspace) -> None:
    draft_id, typed = new_draft_id(), replace(DRAFT, name="Mine", expectation="It *overfits*\nby epoch 5.")
    save_draft(workspace, draft_id, typed)
    assert load_draft(workspace, draft_id) == typed


def test_a_draft_from_before_it_had_them_is_read(workspace) -> None:
    draft_id = new_draft_id()
    save_draft(workspace, draft_id, replace(DRAFT, name="Mine", expectation="It overfits."))
    path = workspace.drafts / f"{draft_id}.json"
    written = json.loads(path.read_text())
    del written["name"], written["expectation"]
    path.write_text(json.dumps(written))
    assert load_draft(workspace, draft_id) == Draft(DRAFT.config, DRAFT.origin, DRAFT.preset)


@pytest.mark.parametrize(
    "name", ["", "..", "../../x", "a" * 15, "A" * 16, "0123456789abcdef/", "0123456789abcde\n"]
)
def test_only_an_id_becomes_a_path(workspace, name: str) -> None:
    for action in (lambda: load_draft(workspace, name), lambda: save_draft(workspace, name, DRAFT)):
        with pytest.raises(UserError, match="no such draft"):
            action()
    assert not workspace.drafts.exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", '{"config": {"seed": -1}, "origin": {}, "preset": null}', "\udcff", "[" * 100_000],
)
def test_what_cannot_be_read_is_a_sentence(workspace, text: str) -> None:
    draft_id = new_draft_id()
    save_draft(workspace, draft_id, DRAFT)
    path = workspace.drafts / f"{draft_id}.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UserError, match="can no longer be read"):
        load_draft(workspace, draft_id)


def test_a_disk_that_is_full_leaves_the_old_one(workspace, monkeypatch) -> None:
    draft_id = new_draft_id()
    save_draft(workspace, draft_id, DRAFT)

    def half(text: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dumps", half)
    with pytest.raises(OSError, match="No space"):
        save_draft(workspace, draft_id, Draft(PRESETS["article"].config, PRESETS["article"].config))
    assert load_draft(workspace, draft_id) == DRAFT
    assert [path.name for path in workspace.drafts.iterdir()] == [f"{draft_id}.json"]


def test_old_ones_and_too_many_are_swept(workspace, monkeypatch) -> None:
    monkeypatch.setattr(drafts, "MOST_KEPT", 3)
    ids = [new_draft_id() for _ in range(5)]
    for days, draft_id in zip((31, 3, 2, 1), ids, strict=False):
        save_draft(workspace, draft_id, DRAFT)
        then = time.time() - days * 24 * 3600
        os.utime(workspace.drafts / f"{draft_id}.json", (then, then))
    save_draft(workspace, ids[4], DRAFT)
    assert sorted(path.stem for path in workspace.drafts.iterdir()) == sorted(ids[2:])
