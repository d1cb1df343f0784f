"""The dialog that imports runs, with files of other tools: what it says before, and what it makes of them."""

import pytest
from streamlit.testing.v1 import AppTest

from core.bundles import arrivals
from core.foreign.reading import read_runs
from pages.components.kit.text import literal
from tests.core.foreign.written import CURVES, csv_of, event_file
from tests.pages.test_runs import open_runs
from tests.pages.visits import address, words

HOSTILE = "<b>x ![](y.png) $x$ :red[a].csv"
ROWS = [(epoch, *row) for epoch, row in enumerate(CURVES)]
TABLE = csv_of("epoch,loss,accuracy,val_loss,val_accuracy,f1", [(*row, 0.5) for row in ROWS])
READ = (
    "12 epochs from Keras: loss → train_loss, accuracy → train_accuracy, val_loss → val_loss, "
    "val_accuracy → val_accuracy. Not used: f1."
)
TWO = csv_of("run_name,step,train_loss", [("one", 0, 2), ("one", 1, 1), ("two", 0, 3)])


@pytest.fixture
def page(store) -> AppTest:
    page = open_runs()
    return page.button(key="import-bundle").click().run()


def give(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """In place of what was given before."""
    # AppTest draws the page again; the browser draws the dialog alone, which is asked for once.
    page.session_state["import_wanted"] = True
    page.file_uploader(key="bundle-file").set_value([(*each, "") for each in files] or None).run()
    assert not page.exception
    return page


def start(page: AppTest) -> AppTest:
    page.session_state["import_wanted"] = True
    page.button(key="import-now").click().run()
    assert not page.exception
    return page


def errors(page: AppTest) -> list[str]:
    return [each.value.replace("\\", "") for each in page.error]


def test_it_says_what_it_found_and_imports_it_and_chooses_the_run(store, page) -> None:
    assert page.button(key="import-now").disabled
    give(page, ("mine.csv", TABLE))
    assert READ in words(page)
    assert page.number_input(key="import-validation-pictures").value is None
    page.session_state["import_wanted"] = True
    page.number_input(key="import-validation-pictures").set_value(5000).run()
    assert store.list_runs() == []
    start(page)
    (run,) = store.list_runs()
    assert (run.name, run.recorded_by, run.data_num_validation, run.epoch) == ("mine", "Keras", 5000, 12)
    assert address(page, "run") == run.id
    assert "Recorded by Keras, imported" in words(page)
    assert "Overfitting" in words(page)
    assert "How many validation pictures there were is not known" not in words(page)


def test_several_runs_are_all_chosen(store, page) -> None:
    give(page, ("project.csv", TWO))
    assert "2 runs found." in words(page) and "“one”: 2 epochs from trackio" in words(page)
    start(page)
    assert address(page, "run").split(",") == [run.id for run in reversed(store.list_runs())]
    assert len(store.list_runs()) == 2


def test_files_of_one_folder_are_one_run(store, page) -> None:
    """As a browser gives them: without their folders."""
    train = event_file([(epoch, "epoch_loss", row[0]) for epoch, row in enumerate(CURVES)])
    validation = event_file(
        [(epoch, "epoch_loss", row[2]) for epoch, row in enumerate(CURVES)]
        + [(9, "evaluation_loss_vs_iterations", 2.1)]
    )
    give(page, ("events.out.tfevents.1.v2", train), ("events.out.tfevents.2.v2", validation))
    assert "12 epochs from TensorBoard" in words(page)
    start(page)
    (run,) = store.list_runs()
    curves = store.curves(run.id)
    assert curves["train_loss"] == pytest.approx([row[0] for row in CURVES])
    assert curves["val_loss"] == pytest.approx([row[2] for row in CURVES])


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "is empty."),
        (b"\0\1\2" * 9, "is nothing that can be imported: a bundle of ConvDeck, TensorBoard's event files"),
        (TABLE.replace(b"loss", b"lost").replace(b"accuracy", b"f2"), "has no accuracy and no loss"),
        (event_file([(1, "loss", 0.5)])[:-9] + b"x" * 9, "is damaged at byte"),
        (b"[" * 9, "is neither valid JSON nor lines of it."),
    ],
)
def test_a_file_that_is_none_says_why_and_the_dialog_stays(store, page, data: bytes, sentence: str) -> None:
    give(page, (HOSTILE, data))
    (error,) = errors(page)
    # As text: no markup of the name is carried out.
    assert error.startswith(HOSTILE) and sentence in error
    assert page.error[0].value.startswith(literal(HOSTILE))
    assert page.button(key="import-now").disabled and store.list_runs() == []
    give(page, ("mine.csv", TABLE))
    assert errors(page) == [] and not page.button(key="import-now").disabled


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            [("half.zip", b"PK\3\4 half"), ("mine.csv", TABLE)],
            "One of these files is a bundle. Import it by itself.",
        ),
        ([("half.zip", b"PK\3\4 half")], "half.zip is no whole zip"),
        (
            [(f"{number}.csv", TABLE) for number in range(21)],
            "21 files are given; at most 20 can be imported at once.",
        ),
    ],
)
def test_what_cannot_be_imported_is_refused_when_it_is_given(store, page, files, sentence: str) -> None:
    give(page, *files)
    (error,) = errors(page)
    assert error.startswith(sentence) and page.button(key="import-now").disabled
    assert store.list_runs() == []


def test_a_file_that_is_not_used_is_named_before_the_import(page) -> None:
    give(page, ("mine.csv", TABLE), ("notes.txt", b"Hello, this is a letter.\nIt goes on."))
    assert "Not used, as no curves were found in it: notes.txt." in words(page)


def test_files_are_read_once_and_what_is_here_already_is_said(store, page, monkeypatch) -> None:
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return read_runs(*arguments)

    monkeypatch.setattr(arrivals, "read_runs", counted)
    give(page, ("mine.csv", TABLE))
    page.session_state["import_wanted"] = True
    page.run()
    assert page.button(key="import-now").label == "Import"
    start(page)
    assert len(calls) == 1
    (run,) = store.list_runs()
    page.button(key="import-bundle").click().run()
    give(page, ("again.csv", TABLE))
    assert [each.value.replace("\\", "") for each in page.warning] == [
        f"Already here: run {run.id}, “mine”. Import adds it once more."
    ]
    assert page.button(key="import-now").label == "Import anyway"
    start(page)
    assert len(store.list_runs()) == 2


def test_a_run_that_diverged_is_shown_as_one(store, page) -> None:
    give(page, ("mine.csv", b"epoch,loss,accuracy\n0,2.5,0.2\n1,2.25,0.3\n2,nan,0.1\n3,nan,0.1\n"))
    assert "The loss became NaN in epoch 3, so the run counts as failed." in words(page)
    start(page)
    said = words(page)
    assert "Failed" in said and "The loss became NaN in epoch 3." in said
    assert "Diverged in epoch 3" in said
    assert "nothing can be learned from there on; in epoch 2 it was 2.25." in said
    assert "How many validation pictures there were" not in said
    # There is no checkpoint to resume from, so there is nothing to change before that.
    (run,) = store.list_runs()
    assert f"change-{run.id}" not in [each.key for each in page.get("popover")]


def test_the_page_of_such_a_run_says_what_is_not_known(store, page) -> None:
    give(page, ("mine.csv", TABLE))
    start(page)
    said = words(page)
    (run,) = store.list_runs()
    assert f"data not known · id {run.id}" in said
    assert (
        "Keras has recorded curves alone: neither accuracy per class nor followed pictures are known." in said
    )
    assert "This run was trained before" not in said
