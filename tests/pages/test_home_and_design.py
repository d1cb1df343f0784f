"""Home and Design as a visitor uses them, without a browser."""

import json
import re

import pytest
from streamlit.testing.v1 import AppTest

from core.config import ExperimentConfig
from core.datasets.saving import save_dataset
from core.design.presets import PRESETS
from core.runs import control
from core.store.records import RunRequest
from core.store.states import RunState
from core.store.store import Store
from core.workspace import PROJECT_ROOT
from pages.components.kit import session
from tests.pages.visits import unfold


def open_page(name: str, **query: str) -> AppTest:
    page = AppTest.from_file(PROJECT_ROOT / "pages" / "shell.py", default_timeout=180).run()
    for key, value in query.items():
        page.query_params[key] = value
    if name != "home.py":
        page.switch_page(name).run()
    assert not page.exception
    return page


def words(page: AppTest) -> str:
    kinds = ("title", "subheader", "markdown", "caption", "error", "warning", "info")
    return "\n".join(str(element.value) for kind in kinds for element in getattr(page, kind)).replace(
        "\\", ""
    )


def draft(page: AppTest) -> ExperimentConfig:
    return page.session_state["draft"].config


def change(page: AppTest, path: str, value: object) -> AppTest:
    """Set the widget that edits `path`."""
    for kind in ("number_input", "selectbox", "toggle", "pills", "slider"):
        for widget in getattr(page, kind, []):
            if (widget.key or "").endswith(f"-{path}") and widget.key.startswith("design-"):
                widget.set_value(value).run()
                assert not page.exception
                return page
    raise AssertionError(f"No widget edits {path}.")


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click().run()
    assert not page.exception
    return page


@pytest.fixture
def idle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody serves the queue: these tests look at what is asked for, not at training."""
    monkeypatch.setattr(control, "ensure_scheduler", lambda workspace: None)


def test_home_starts_a_preset_cut_to_this_machine(workspace, idle) -> None:
    page = open_page("home.py")
    assert "1,000 pictures of Shapes" in words(page)
    press(page, "start-article")
    (run,) = Store(workspace).list_runs()
    assert (run.preset, run.dataset, run.config.dataset.num_train) == ("article", "shapes", 1000)
    assert run.config.model.blocks == PRESETS["article"].config.model.blocks


def test_a_start_that_was_cut_short_is_taken_up_again_but_is_not_the_start_of_something_else(
    workspace, idle, monkeypatch
) -> None:
    with monkeypatch.context() as cut_short:
        cut_short.setattr(session, "use_token", lambda: None)
        page = press(open_page("home.py"), "start-article")
        press(page.switch_page("home.py").run(), "start-article")
        (first,) = Store(workspace).list_runs()
        press(page.switch_page("home.py").run(), "start-tiny")
    assert [run.preset for run in Store(workspace).list_runs()] == ["tiny", "article"]
    # That was one start, so nobody is told of an identical run. Another start is.
    page = press(page.switch_page("home.py").run(), "start-article")
    assert len(Store(workspace).list_runs()) == 2 and "Nothing new was started" not in words(page)
    page = press(page.switch_page("home.py").run(), "start-article")
    assert len(Store(workspace).list_runs()) == 2 and "Nothing new was started" in words(page)
    assert Store(workspace).get_run(first.id) == first


def finished_run(store: Store, name: str) -> None:
    run = store.queue_run(RunRequest(PRESETS["tiny"].config, name))
    store.claim(run.id, ["cpu:0"])
    store.record_started(run.id, 1, 10, 100, 0)
    store.transition(run.id, RunState.FINISHED, expected=RunState.RUNNING)


def test_a_run_older_than_many_others_is_still_under_way(workspace) -> None:
    store = Store(workspace)
    old = store.queue_run(RunRequest(PRESETS["tiny"].config, "the old one"))
    store.claim(old.id, ["cpu:1"])
    for number in range(51):
        finished_run(store, f"result {number}")
    page = open_page("home.py")
    assert [heading.value for heading in page.subheader][-2:] == ["Under way", "Last results"]
    assert "**the old one**: starting on CPU 1" in words(page)


def test_what_trains_comes_before_what_waits_and_results_are_always_there(workspace) -> None:
    store = Store(workspace)
    finished_run(store, "the result")
    running = store.queue_run(RunRequest(PRESETS["tiny"].config, "running"))
    store.claim(running.id, ["cpu:0"])
    for number in range(60):
        store.queue_run(RunRequest(PRESETS["tiny"].config, f"patient {number}"))
    page = open_page("home.py")
    names = re.findall(r"-badge\[.*\] \*\*(.*)\*\*", words(page))
    assert names == ["running", *(f"patient {number}" for number in range(4)), "the result"]
    assert "And 56 more." in words(page)


def test_home_says_why_a_run_failed(workspace) -> None:
    store = Store(workspace)
    run = store.queue_run(RunRequest(PRESETS["tiny"].config, "too fast"))
    store.claim(run.id, ["cpu:0"])
    store.transition(run.id, RunState.FAILED, expected=RunState.STARTING, error="The loss became infinite.")
    assert "**too fast**: The loss became infinite." in words(open_page("home.py"))


def test_home_opens_a_preset_in_design(workspace) -> None:
    page = press(open_page("home.py"), "open-article-augmented")
    page.switch_page("design.py").run()
    assert draft(page).augmentation == PRESETS["article-augmented"].config.augmentation


def test_blocks_are_added_moved_copied_and_removed(workspace) -> None:
    page = open_page("design.py", preset="article")
    assert [block.filters for block in draft(page).model.blocks] == [64, 32]
    press(page, "add-block")
    assert [block.filters for block in draft(page).model.blocks] == [64, 32, 32]
    change(page, "model.blocks[2].filters", 8)
    press(page, "blocks-2-Move up")
    assert [block.filters for block in draft(page).model.blocks] == [64, 8, 32]
    press(page, "blocks-0-Copy")
    press(page, "blocks-3-Remove")
    assert [block.filters for block in draft(page).model.blocks] == [64, 64, 8]
    press(page, "dense-0-Move down")
    assert [layer.units for layer in draft(page).model.dense] == [256, 512]
    for _ in range(3):
        press(page, "blocks-0-Remove")
    assert draft(page).model.blocks == ()


def test_the_table_follows_each_keystroke(workspace) -> None:
    page = open_page("design.py", preset="article")
    change(page, "model.blocks[0].filters", 16)
    table = page.dataframe[0].value
    row = table[table["Layer"] == "conv_1"].iloc[0]
    assert (row["Output"], row["Parameters"], row["Receptive field"]) == ("30×30×16", 3 * 3 * 3 * 16 + 16, 3)


def test_several_kernel_sizes_take_their_padding_with_them(workspace) -> None:
    page = change(open_page("design.py", preset="article"), "model.blocks[0].kernel_sizes", [1, 3, 5])
    block = draft(page).model.blocks[0]
    assert (block.kernel_sizes, block.padding) == ((1, 3, 5), "same")
    # With one size again the network is what it was.
    page = change(page, "model.blocks[0].kernel_sizes", [3])
    assert draft(page).model.blocks == PRESETS["article"].config.model.blocks


def test_what_cannot_be_built_is_named_and_cannot_be_started(workspace, idle) -> None:
    page = unfold(open_page("design.py", preset="article"), "More settings of this block")
    change(page, "model.blocks[0].pool_size", 16)
    assert "conv_2 reads 1×1 pixels, too small for its 3×3 kernel" in words(page)
    (start,) = [button for button in page.button if button.label == "Start training"]
    assert start.disabled
    change(page, "model.blocks[0].pool_size", 2)
    assert "too small" not in words(page)


def test_a_wrong_value_is_told_beside_it_and_nothing_is_lost(workspace) -> None:
    page = change(open_page("design.py", preset="article"), "model.blocks[0].filters", 8)
    change(page, "model.blocks[0].kernel_sizes", [])
    assert "Must have at least one size." in words(page)
    assert draft(page).model.blocks[0].filters == 8
    assert draft(page).model.blocks[0].kernel_sizes == (3,)


def test_start_takes_the_name_and_starts_once(workspace, idle) -> None:
    page = open_page("design.py", preset="tiny")
    page.text_input(key="run-name").set_value("*mine*").run()
    next(button for button in page.button if button.label == "Start training").click().run()
    (run,) = Store(workspace).list_runs()
    assert (run.name, run.preset, run.dataset) == ("*mine*", "tiny", "shapes")


@pytest.mark.parametrize(
    ("query", "word"),
    [({"preset": "../../x"}, "There is no preset"), ({"from": "../../x"}, "There is no run")],
)
def test_a_link_to_nothing_is_a_sentence(workspace, query, word: str) -> None:
    page = open_page("design.py", **query)
    assert word in words(page)
    assert draft(page).model.blocks


def test_a_former_run_is_a_beginning(workspace) -> None:
    config = PRESETS["vgg"].config.with_values({"seed": 77})
    run = Store(workspace).queue_run(RunRequest(config, "old", "vgg"))
    page = open_page("design.py", **{"from": run.id})
    assert draft(page) == config


def test_a_pasted_config_is_taken_or_refused_in_place(workspace) -> None:
    page = unfold(open_page("design.py", preset="article"), "As text: JSON and command line")
    for text, word in (
        ('{"seed": NaN}', "NaN"),
        ("nonsense", "not valid JSON"),
        ('{"model": {"x": 1}}', "not known"),
    ):
        page.text_area(key="pasted-config").set_value(text).run()
        next(button for button in page.button if button.label == "Load config").click().run()
        assert word in words(page)
        assert len(draft(page).model.blocks) == 2
    page.text_area(key="pasted-config").set_value(PRESETS["resnet"].config.to_json()).run()
    next(button for button in page.button if button.label == "Load config").click().run()
    assert draft(page) == PRESETS["resnet"].config


def test_the_command_line_shown_gives_the_same_config(workspace) -> None:
    import shlex

    from core.cli import build_parser
    from core.cli.arguments import config_from

    page = change(open_page("design.py", preset="article"), "optimizer.learning_rate", 0.01)
    change(page, "model.blocks[1].kernel_sizes", [5])
    unfold(page, "As text: JSON and command line")
    command = next(code.value for code in page.code if code.value.startswith("python"))
    arguments = shlex.split(command.replace("\\\n", " "))[3:]
    assert config_from(build_parser().parse_args(arguments)) == draft(page)


def test_cifar10_is_the_default_where_it_is_at_hand(workspace) -> None:
    import numpy as np

    x, y = np.zeros((20, 32, 32, 3), np.uint8), np.arange(20) % 10
    save_dataset(
        workspace,
        "cifar10",
        "CIFAR-10",
        "",
        [str(k) for k in range(10)],
        {"x_train": x, "y_train": y, "x_test": x, "y_test": y},
    )
    assert draft(open_page("design.py")) == PRESETS["article"].config
    assert json.loads(draft(open_page("design.py", preset="tiny")).to_json())["dataset"]["id"] == "cifar10"
