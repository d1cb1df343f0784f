"""The form of a new sweep as a visitor uses it, without a browser."""

import json

import pytest
from streamlit.testing.v1.element_tree import Block

from core.config import ExperimentConfig
from core.design.presets import PRESETS
from core.store.records import RunRequest
from core.store.states import SweepState
from core.sweeps import start
from core.sweeps.spec import read_spec
from pages.components.sweeps import base
from tests.core.studies.ended import TINY, end
from tests.hostile import NAMES
from tests.pages.visits import address, button, go_to, open_page, press, unfold, words

SPACE = '{%s, "space": {"optimizer.learning_rate": {"low": 0.001, "high": 0.1}}}'
RATE, SIZES = "optimizer.learning_rate", "model.blocks[*].kernel_sizes"


def form(page):
    return page.session_state[base.FORM]


def add(page, path: str):
    """Choose a setting in the field that adds one."""
    field = next(each for each in page.selectbox if each.key.startswith("add-setting"))
    field.select(path).run()
    assert not page.exception
    return page


def field(page, kind: str, path: str, name: str):
    """A field of a setting's card."""
    return next(each for each in getattr(page, kind) if each.key.endswith(f"-{path}-{name}"))


def named(page, kind: str, label: str):
    return next(each for each in getattr(page, kind) if each.label.startswith(label))


def below(page, label: str) -> str:
    """What is said in red right below a number field, in the container that it stands in."""

    def holder(block: Block) -> Block | None:
        for child in block.children.values():
            if isinstance(child, Block):
                if found := holder(child):
                    return found
            elif child.type == "number_input" and child.label == label:
                return block
        return None

    texts = [str(each.value) for each in holder(page.main).markdown]
    return "".join(texts).replace("\\", "").removeprefix(":small[:red[").removesuffix("]]")


def load(page, text: str):
    """Paste a file into the form."""
    unfold(page, "As a file: for the command line")
    page.text_area(key="pasted-sweep").set_value(text).run()
    press(page, "Load the pasted file")
    return page


def metrics(page) -> dict[str, str]:
    return {each.label: each.value for each in page.metric}


def file_of(page) -> dict:
    if not any("python -m core sweep" in each.value for each in page.code):
        unfold(page, "As a file: for the command line")
    return json.loads(next(each.value for each in page.code if each.value.startswith("{")))


def test_from_design_to_a_sweep_with_two_settings(workspace, store):
    page = open_page("design.py", preset="article")
    links = [element.proto for element in page.get("page_link")]
    assert any(
        "Search settings in a sweep" in link.label and "base=design" in link.query_string for link in links
    )
    go_to(page, "sweeps.py", base="design")
    assert "Choose at least one setting to search." in words(
        page
    ) and "No sweep has been started yet." in words(page)

    add(page, RATE)
    add(page, SIZES)
    field(page, "text_input", SIZES, "text").set_value("1, 3+5").run()
    assert "In every trial: Padding same in every block." in words(page)
    named(page, "number_input", "Epochs").set_value(2).run()
    named(page, "number_input", "Training pictures").set_value(60).run()
    named(page, "number_input", "Trials").set_value(4).run()
    assert metrics(page)["Runs to train"] == "4" and metrics(page)["Time"] == "unknown"

    # Another page and back: everything is as it was.
    go_to(page, "home.py")
    go_to(page, "sweeps.py")
    assert field(page, "text_input", SIZES, "text").value == "1, 3+5"
    assert named(page, "number_input", "Trials").value == 4
    written = file_of(page)
    assert written["space"] == {
        RATE: {"low": 0.0003, "high": 0.03, "log": True},
        SIZES: {"values": [[1], [3, 5]]},
    }
    assert written["preset"] == "article" and written["set"]["training.epochs"] == 2

    press(page, "Start 4 trials")
    (sweep,) = store.sweeps.list_sweeps()
    assert (sweep.state, sweep.planned) == (SweepState.RUNNING, 4)
    assert address(page, "sweep") == sweep.id
    spec = read_spec(sweep.spec)
    assert spec.base.dataset.num_train == 60 and spec.base.training.epochs == 2
    assert {block.padding for block in spec.base.model.blocks} == {"same"}
    assert "0 of 4 trials have ended" in page.get("progress")[0].proto.text
    # What the page starts is what the command line starts with the file.
    assert start.parse_sweep(workspace, store, written).to_dict() == spec.to_dict()


@pytest.mark.parametrize("name", ["design.py", "sweeps.py"])
def test_presets_are_offered_by_both_of_their_names(workspace, name):
    """The title says what it is for, the short name is what files and commands take."""
    offered = named(open_page(name), "selectbox", "Start from").options
    for preset in PRESETS.values():
        assert any(f"{preset.title} ({preset.name})" in option for option in offered)


def test_a_second_click_starts_no_second_sweep(store):
    page = open_page("sweeps.py")
    press(page, "Fill in an example")
    press(page, "Start 20 trials")
    press(page, "Close")
    press(page, "Start 20 trials")
    assert len(store.sweeps.list_sweeps()) == 1
    press(page, "Close")
    named(page, "number_input", "Trials").set_value(5).run()
    press(page, "Start 5 trials")
    assert len(store.sweeps.list_sweeps()) == 2


def test_what_is_wrong_stands_below_its_field_and_nothing_starts(store):
    page = open_page("sweeps.py")
    add(page, RATE)
    field(page, "number_input", RATE, "low").set_value(0.5).run()
    assert "Highest must be above the lowest value, 0.5, not 0.03." in words(page)
    assert "It cannot start yet. See the message at: Learning rate." in words(page)
    assert not [each for each in page.button if each.key == "start-sweep"]
    field(page, "number_input", RATE, "low").set_value(None).run()
    assert "A range needs its lowest and its highest value." in words(page)
    field(page, "number_input", RATE, "low").set_value(0.001).run()
    assert "It cannot start yet" not in words(page)

    add(page, "training.batch_size")
    field(page, "text_input", "training.batch_size", "text").set_value("16, many").run()
    assert "'many' is not a whole number." in words(page)
    field(page, "text_input", "training.batch_size", "text").set_value("16, 99999999").run()
    assert "Value 2 must be" in words(page)
    field(page, "text_input", "training.batch_size", "text").set_value("16, 32").run()
    named(page, "selectbox", "Method").select("grid").run()
    assert "a grid needs values, or a step between low and high" in words(page).lower()
    assert store.sweeps.list_sweeps() == []


def test_more_trials_than_combinations_are_said_to_be_too_many(store):
    page = open_page("sweeps.py")
    add(page, "training.batch_size")
    field(page, "text_input", "training.batch_size", "text").set_value("4, 8, 16, 32, 64").run()
    assert named(page, "number_input", "Trials").value == 20
    assert "Only 5 combinations exist." in words(page)
    assert next(each for each in page.button if each.key == "start-sweep").label == "Start 5 trials"
    field(page, "text_input", "training.batch_size", "text").set_value("4").run()
    assert "Only 1 combination exists." in words(page)
    named(page, "number_input", "Trials").set_value(1).run()
    assert "combination" not in words(page)


def test_a_number_that_is_emptied_after_a_refusal_is_that_of_a_new_form(store):
    page = open_page("sweeps.py")
    add(page, RATE)
    named(page, "number_input", "Trials").set_value(-3).run()
    assert below(page, "Trials") == "Must be from 1 on, not -3."
    named(page, "number_input", "Trials").set_value(None).run()
    assert below(page, "Trials") == "" and "It cannot start yet" not in words(page)
    assert named(page, "number_input", "Trials").proto.placeholder == "20"
    assert next(each for each in page.button if each.key == "start-sweep").label == "Start 20 trials"


def test_each_number_that_is_refused_is_said_below_its_field_at_once(store):
    """Also while no setting is chosen, and one after the other where several are wrong."""
    page = open_page("sweeps.py")
    assert "It cannot start yet" not in words(page)
    unfold(page, "Name, seed of the search, reuse")
    wrong = {
        "Trials": (0, "Must be from 1 on, not 0."),
        "Seeds per trial": (21, "Must be from 1 to 20, not 21."),
        "Trials at once": (65, "Must be from 1 to 64, not 65."),
        "Seed of the search": (-1, "Must be from 0 to 2,147,483,647, not -1."),
    }
    for label, (number, _) in wrong.items():
        next(each for each in page.number_input if each.label == label).set_value(number)
    page.run()
    for rows in range(2):
        for label, (_, sentence) in wrong.items():
            assert below(page, label) == sentence
            assert words(page).count(sentence) == 1
        (told,) = [line for line in words(page).splitlines() if "It cannot start yet" in line]
        assert all(label in told for label in wrong)
        assert ("Choose at least one setting to search." in words(page)) is (rows == 0)
        assert not [each for each in page.button if each.key == "start-sweep"]
        if rows == 0:
            add(page, RATE)
    for label, right in {
        "Trials": 3,
        "Seeds per trial": 1,
        "Trials at once": None,
        "Seed of the search": 7,
    }.items():
        next(each for each in page.number_input if each.label == label).set_value(right)
    page.run()
    assert "It cannot start yet" not in words(page)
    press(page, "Start 3 trials")
    assert read_spec(store.sweeps.list_sweeps()[0].spec).seed == 7


def test_more_than_the_limit_is_refused_with_the_count(workspace):
    page = open_page("sweeps.py")
    add(page, "training.batch_size")
    add(page, RATE)
    named(page, "number_input", "Trials").set_value(300).run()
    named(page, "number_input", "Seeds per trial").set_value(3).run()
    assert "A sweep has at most 500 runs; 300 trials with 3 seeds each would be 900." in words(page)


def test_what_exists_and_what_cannot_be_trained_is_counted_before_the_start(store, monkeypatch):
    # Without padding, a kernel of 31 pixels leaves too little of 32 for the second block.
    run = end(
        store, store.queue_run(RunRequest(TINY.with_values({"model.blocks[0].padding": "valid"}), NAMES[0]))
    )
    page = open_page("sweeps.py", base=f"run:{run.id}")
    add(page, "model.blocks[0].kernel_sizes")
    own = TINY.model.blocks[0].kernel_sizes[0]
    field(page, "text_input", "model.blocks[0].kernel_sizes", "text").set_value(f"{own}, 31").run()
    named(page, "selectbox", "Method").select("grid").run()
    counted = metrics(page)
    assert counted["Exist already"] == "1" and counted["Cannot be trained"] == "1"
    assert counted["Runs to train"] == "0"
    unfold(page, "1 trial cannot be trained")
    assert "Kernel sizes 31 in block 1:" in words(page)
    press(page, "Start 2 trials")
    (sweep,) = store.sweeps.list_sweeps()
    assert store.sweeps.trials(sweep.id)[0].origin == "found"


def test_conditions_are_offered_and_follow_what_they_depend_on(workspace):
    page = open_page("sweeps.py")
    add(page, "optimizer.name")
    add(page, "optimizer.momentum")
    when = next(each for each in page.selectbox if "-optimizer.momentum-when-" in (each.key or ""))
    assert when.value == "where Optimizer is SGD"
    assert when.options == [
        "always", "where Optimizer is Adam", "where Optimizer is AdamW", "where Optimizer is SGD",
    ]  # fmt: skip
    assert file_of(page)["space"]["optimizer.momentum"]["when"] == {"optimizer.name": "sgd"}
    field(page, "pills", "optimizer.name", "picks").set_value(["adam", "adamw"]).run()
    assert "Only where Optimizer is SGD." in words(page)
    assert "Is never searched" in words(page)
    field(page, "button", "optimizer.momentum", "always").click().run()
    assert "when" not in file_of(page)["space"]["optimizer.momentum"]


def test_a_pasted_file_fills_the_form(store):
    page = open_page("sweeps.py")
    written = {
        "preset": "tiny", "set": {"dataset.id": "shapes", "dataset.num_train": 60, "training.epochs": 1},
        "space": {"model.blocks": {"values": [1, 2]}, "model.head": {"values": ["flatten", "global_average"]}},
        "method": "grid", "objective": ["val_accuracy", "parameters"], "seeds": 2, "name": "Blocks",
    }  # fmt: skip
    load(page, json.dumps(written))
    assert form(page).base == "file" and form(page).paths == ["model.blocks", "model.head"]
    assert named(page, "selectbox", "Method").value == "grid"
    assert named(page, "selectbox", "Best is").value == "pareto"
    assert metrics(page)["Runs to train"] == "8"
    press(page, "Start 4 trials")
    (sweep,) = store.sweeps.list_sweeps()
    assert sweep.name == "Blocks" and read_spec(sweep.spec).objective.is_pareto


REFUSED = [
    ("", "Paste a sweep file into the field first."),
    ("{", "not valid JSON"),
    ("[1]", "A sweep is a JSON object"),
    ('{"preset": "tiny"}', "space: is missing"),
    ('{"preset": "tiny", "space": {"<b>x</b>": {"values": [1]}}}', "space.<b>x</b>: is not a path"),
    # Without a base that is here, another design would be searched.
    (SPACE % '"preset": "nonsense"', "There is no preset 'nonsense'; choose one of"),
    (SPACE % '"run": "abcdefghij"', "There is no run with the id 'abcdefghij'"),
    (SPACE % '"config": null', "preset: Give one of preset, config, run"),
    (SPACE % '"preset": null', "preset: Give one of preset, config, run"),
    # What the command line refuses is refused here, with the same sentence.
    (SPACE % '"preset": "tiny", "prunning": "median"', "prunning: "),
    (SPACE % '"preset": "tiny", "method": "luck"', "method: must be one of grid"),
    (SPACE % '"preset": "tiny", "pruning": "luck"', "pruning: must be one of none"),
    (SPACE % '"preset": "tiny", "trials": 100000', "trials: A sweep has at most 500 runs"),
    (SPACE % '"preset": "tiny", "concurrency": 1000', "concurrency: must be from 1 to 64"),
    (SPACE % '"preset": "tiny", "concurrency": -5', "concurrency: must be from 1 to 64"),
    (SPACE % '"preset": "tiny", "set": {"training.epochs": "x"}', "set.training.epochs: must be a whole"),
    (SPACE % '"preset": "tiny", "set": {"training.epochs": 1000000000}', "set.training.epochs: must be"),
    (SPACE.replace('"high"', '"logarithmic": true, "high"') % '"preset": "tiny"', "rate.logarithmic: "),
    (
        SPACE.replace('"high"', '"log": true, "step": 0.1, "high"') % '"preset": "tiny"',
        "rate.step: cannot",
    ),
    (SPACE.replace("0.001", "-1") % '"preset": "tiny"', "learning_rate.low: must be"),
    (
        '{"preset": "tiny", "space": {"model.blocks": {"low": 1.5, "high": 3}}}',
        "space.model.blocks.low: must be a whole number",
    ),
]


def test_a_file_that_cannot_be_one_says_so_and_nothing_of_it_is_kept(workspace):
    page = open_page("sweeps.py")
    unfold(page, "As a file: for the command line")
    before = form(page)
    for text, said in REFUSED:
        page.text_area(key="pasted-sweep").set_value(text).run()
        press(page, "Load the pasted file")
        assert said in words(page), text
        assert form(page) is before and not form(page).rows
    assert not go_to(page, "sweeps.py").error


def test_a_loaded_file_asks_for_what_the_command_line_would_start(workspace, store):
    """Without CIFAR-10, the form's own presets are cut to Shapes; those of a file are not."""
    written = {
        "preset": "article", "dataset": "shapes", "set": {"training.epochs": 3},
        "space": {
            SIZES: {"values": [[3], [1, 3, 5]]}, "optimizer.name": {"values": ["sgd", "adam"]},
            RATE: {"low": 0.0123456789, "high": 0.1}, "model.blocks": {"low": 1, "high": 2},
        },
        "trials": 7, "objective": {"val_accuracy": 1, "gap": -0.001}, "reuse": False,
    }  # fmt: skip
    page = open_page("sweeps.py")
    load(page, json.dumps(written))
    asked = start.parse_sweep(workspace, store, written).to_dict()
    assert start.parse_sweep(workspace, store, file_of(page)).to_dict() == asked
    assert "Data set shapes" in words(page)
    press(page, "Start 7 trials")
    (sweep,) = store.sweeps.list_sweeps()
    assert read_spec(sweep.spec).to_dict() == asked


def test_a_base_that_is_gone_is_said_and_no_other_design_is_searched(store):
    run = end(store, store.queue_run(RunRequest(TINY, "Gone")))
    page = open_page("sweeps.py")
    add(page, RATE)
    load(page, SPACE % f'"run": "{run.id}"')
    assert named(page, "selectbox", "Start from").value == f"run:{run.id}"
    assert button(page, "Start 20 trials")
    store.trash.put(run.id)
    page.run()
    assert f"“Gone” ({run.id}) is in the trash." in words(page)
    assert "start-sweep" not in {each.key for each in page.button}
    named(page, "selectbox", "Start from").select("preset:tiny").run()
    assert button(page, "Start 20 trials")


def test_a_run_whose_config_is_damaged_is_not_offered(store):
    run = store.queue_run(RunRequest(ExperimentConfig(), "damaged"))
    with store._database.writing() as connection:
        connection.execute("UPDATE runs SET config = '{' WHERE id = ?", (run.id,))
    page = open_page("sweeps.py", base=f"run:{run.id}")
    field = named(page, "selectbox", "Start from")
    assert not any("damaged" in option for option in field.options)
    assert len(field.options) == 1 + 1 + len(PRESETS)
    assert "The settings of “damaged” cannot be read" in words(page)
    go_to(page, "sweeps.py", base="preset:nothing")
    assert "There is no preset 'nothing'" in words(page)


def test_names_stay_text(store):
    for name in NAMES:
        store.queue_run(RunRequest(TINY, name))
    page = open_page("sweeps.py")
    add(page, "optimizer.name")
    assert button(page, "Start 3 trials")
    unfold(page, "As a file: for the command line")
    assert page.get("download_button")[0].proto.label == "Download sweep.json"
    unfold(page, "Name, seed of the search, reuse")
    named(page, "text_input", "Name of the sweep").set_value("Which kernel? <b>").run()
    # The command names the file that is downloaded.
    assert page.get("download_button")[0].proto.label == "Download Which-kernel-b.json"
    assert "python -m core sweep Which-kernel-b.json --wait" in [each.value for each in page.code]
    for dangerous in ("![](", "$x$", ":red[a]"):
        assert not any(dangerous in str(each.value) for each in (*page.markdown, *page.caption))
