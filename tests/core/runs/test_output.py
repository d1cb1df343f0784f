from core.presets import PRESETS
from core.runs.output import output_tail
from core.runs.store import Store


def test_only_the_current_attempt_is_shown(workspace):
    with Store(workspace) as store:
        run = store.create_run(PRESETS["tiny"].config)
    assert output_tail(workspace, run) == ""

    folder = workspace.run_folder(run.id)
    folder.mkdir()
    (folder / "worker.log").write_text("\n=== Attempt 0 ===\nold\n\n=== Attempt 1 ===\none\ntwo\nthree\n")

    assert output_tail(workspace, run) == "one\ntwo\nthree"
    assert output_tail(workspace, run, num_lines=2) == "two\nthree"


def test_bytes_that_are_no_text_do_no_harm(workspace):
    with Store(workspace) as store:
        run = store.create_run(PRESETS["tiny"].config)
    folder = workspace.run_folder(run.id)
    folder.mkdir()
    (folder / "worker.log").write_bytes(b"\n=== Attempt 1 ===\n\xff\xfe" + b"x" * 100_000)

    assert output_tail(workspace, run).endswith("xxx")
