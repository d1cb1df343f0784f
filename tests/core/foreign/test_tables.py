"""CSV as Keras, Lightning, W&B, trackio and TensorBoard write it."""

import time

import pytest

from core.errors import RecordError
from tests.core.foreign.conftest import columns
from tests.core.foreign.written import CURVES, KEYS, csv_of, event_file


def test_keras_csv_logger(read) -> None:
    # Column names in the order of the alphabet, epochs from 0.
    rows = [
        (epoch, accuracy, loss, val_accuracy, val_loss)
        for epoch, (loss, accuracy, val_loss, val_accuracy) in enumerate(CURVES)
    ]
    (found,) = read({"training.log": csv_of("epoch,accuracy,loss,val_accuracy,val_loss", rows)})
    assert (found.name, found.tool) == ("training", "Keras")
    assert columns(found, "epoch", *KEYS) == [(number, *row) for number, row in enumerate(CURVES, start=1)]


def test_lightning_splits_an_epoch_into_rows(read) -> None:
    data = csv_of(
        "epoch,lr-Adam,step,train_loss_epoch,train_loss_step,val_acc,val_loss",
        [
            (None, 0.01, 0, None, None, None, None),
            (0, None, 1, None, 9.0, None, None),
            (0, None, 2, None, None, 0.5, 1.5),
            (0, None, 2, 1.25, None, None, None),
            (None, 0.001, 2, None, None, None, None),
            (1, None, 4, None, None, 0.75, 1.0),
            (1, None, 4, 0.5, None, None, None),
        ],
    )
    (found,) = read({"lightning_logs/version_3/metrics.csv": data})
    assert (found.name, found.tool) == ("version_3", "Lightning")
    assert columns(found, "epoch", "train_loss", "val_loss", "val_accuracy") == [
        (1, 1.25, 1.5, 0.5),
        (2, 0.5, 1.0, 0.75),
    ]
    assert found.mapped["train_loss"] == "train_loss_epoch" and found.ignored == ("train_loss_step",)


def test_wandb_writes_a_chart_of_several_runs_per_file(read) -> None:
    def chart(metric: str, rows) -> bytes:
        names = [
            f"{run} - {metric}{end}" for run in ("brave-sky-1", "a - b") for end in ("", "__MIN", "__MAX")
        ]
        return csv_of(",".join(['"Step"', *(f'"{name}"' for name in names)]), rows)

    accuracy = [(0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25), (1, 0.75, 0.75, 0.75, None, None, None)]
    loss = [(0, 1.5, 1.5, 1.5, 2.0, 2.0, 2.0), (1, 1.0, 1.0, 1.0, None, None, None)]
    found = read({"wandb_1.csv": chart("val_accuracy", accuracy), "wandb_2.csv": chart("train/loss", loss)})
    assert [(each.name, each.tool) for each in found] == [("brave-sky-1", "W&B"), ("a - b", "W&B")]
    assert columns(found[0], "epoch", "train_loss", "val_accuracy") == [(1, 1.5, 0.5), (2, 1.0, 0.75)]
    assert columns(found[1], "epoch", "train_loss", "val_accuracy") == [(1, 2.0, 0.25)]


def test_trackio_has_a_row_per_step_with_the_name_of_its_run(read) -> None:
    data = csv_of(
        "run_name,step,timestamp,train_loss,val_accuracy,note",
        [
            ("one", 0, "2026-01-01T00:00:00", 1.5, 0.5, "x"),
            ("two", 0, "2026-01-01T00:00:00", 1.75, 0.25, "x"),
            ("one", 1, "2026-01-01T00:01:00", 1.0, 0.75, "x"),
        ],
    )
    one, two = read({"project.csv": data})
    assert (one.name, one.tool, two.name) == ("one", "trackio", "two")
    assert columns(one, "epoch", "train_loss", "val_accuracy") == [(1, 1.5, 0.5), (2, 1.0, 0.75)]
    assert one.ignored == ("note",)


def test_tensorboard_downloads_a_curve_per_file(read) -> None:
    def curve(values) -> bytes:
        return csv_of("Wall time,Step,Value", [(1.7e9, step, value) for step, value in enumerate(values)])

    (found,) = read(
        {
            "run-mine_train-tag-epoch_accuracy.csv": curve([0.5, 0.75]),
            "run-mine_validation-tag-epoch_accuracy.csv": curve([0.25, 0.5]),
        }
    )
    assert (found.name, found.tool) == ("mine", "TensorBoard")
    assert columns(found, "epoch", "train_accuracy", "val_accuracy") == [(1, 0.5, 0.25), (2, 0.75, 0.5)]


def test_percent_is_divided_and_said(read) -> None:
    (found,) = read({"a.csv": b"epoch;acc;val_acc\n1;45.5;0.5\n2;62;40\n"})
    assert columns(found, "train_accuracy", "val_accuracy") == [(0.455, 0.005), (0.62, 0.4)]
    assert "acc is in percent and was divided by 100." in found.in_words()


def test_a_column_has_one_unit_in_all_runs_of_a_table(read) -> None:
    # The second one guesses among a hundred classes: 1 % is not 100 %.
    data = b"run_name,step,val_acc\na,0,1.0\na,1,70.0\nb,0,0.9\nb,1,1.0\n"
    one, other = read({"a.csv": data})
    assert [row.val_accuracy for row in one.rows] == pytest.approx([0.01, 0.7])
    assert [row.val_accuracy for row in other.rows] == pytest.approx([0.009, 0.01])


def test_an_accuracy_whose_unit_is_not_known_is_not_taken(read) -> None:
    (found,) = read({"a.csv": b"epoch,acc,val_acc\n1,45.5,0.4\n2,62,0.5\n"})
    assert columns(found, "train_accuracy", "val_accuracy") == [(0.455, None), (0.62, None)]
    assert found.ignored == ("val_acc",)
    said = "val_acc runs from 0.4 to 0.5 beside acc in percent: its unit is not known, so it is not used."
    assert said in found.in_words()


@pytest.mark.parametrize(
    ("header", "is_said"), [("loss,val_nll", True), ("nll,val_nll", False), ("loss,val_loss", False)]
)
def test_losses_of_two_kinds_are_said(read, header: str, is_said: bool) -> None:
    (found,) = read({"a.csv": f"epoch,{header}\n1,2,3\n2,1,2\n".encode()})
    said = "loss and val_nll may be different losses, so do not compare them with each other."
    assert (said in found.in_words()) == is_said


def test_an_error_rate_is_no_accuracy_and_said(read) -> None:
    (found,) = read({"a.csv": b"epoch,loss,1-accuracy,val_error\n1,2,0.9,0.8\n2,1,0.5,0.6\n"})
    assert list(found.mapped) == ["train_loss"]
    assert "Error rates are not read, as 1 minus an accuracy is: 1-accuracy, val_error." in found.in_words()
    with pytest.raises(RecordError, match="An error rate is not read: give the accuracy, 1 minus it"):
        read({"a.csv": b"epoch,val_error\n1,0.5\n"})


def test_how_many_epochs_there_are_to_be_is_no_epoch(read) -> None:
    (found,) = read({"a.csv": b"num_epochs,total_epochs,epoch,loss\n9,9,1,2\n9,9,2,1\n"})
    assert columns(found, "epoch", "train_loss") == [(1, 2.0), (2, 1.0)]


@pytest.mark.parametrize(
    ("rows", "losses", "said"),
    [
        # An epoch is said after its numbers; before them; in a row of its own that could be either.
        ([(None, 3), (0, None), (None, 2), (1, None)], [3.0, 2.0], "they belong to the next one"),
        ([(0, None), (None, 3), (1, None), (None, 2)], [3.0, 2.0], None),
        (
            [(None, 4), (0, None), (None, 3), (1, None), (None, 2)],
            [4.0, 3.0, 2.0],
            "cannot be told, so it is not used",
        ),
    ],
)
def test_epochs_in_rows_of_their_own(read, rows, losses, said: str | None) -> None:
    (found,) = read(
        {"a.csv": csv_of("_step,epoch,train_loss", [(step, *row) for step, row in enumerate(rows)])}
    )
    assert [row.train_loss for row in found.rows] == losses
    words = " ".join(found.in_words())
    assert said in words if said else "belong" not in words


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'step,loss\n999,2\n"1,000",1\n', "a.csv has “1,000” under step: it is not known whether"),
        (b"epoch;loss\n1;0,5\n2;0,4\n", "a.csv has “0,5” under loss"),
        (b"step;loss\n1;2\n1 000;1\n", "a.csv has “1 000” under step"),
        (b"step,loss\n999,2\n1,000,1\n", "a.csv has a row of 3 values under 2 names"),
    ],
)
def test_numbers_with_separators_are_refused(read, data: bytes, sentence: str) -> None:
    with pytest.raises(RecordError) as caught:
        read({"a.csv": data})
    assert str(caught.value).startswith(sentence)


def test_steps_that_no_training_counts_are_left_out(read) -> None:
    (found,) = read({"a.csv": b"step,loss\n-1e308,2\n1,1.5\n2,1\n1e308,1\n"})
    assert [row.train_loss for row in found.rows] == [1.5, 1.0]
    assert "loss has 2 values that have no number or no step." in found.in_words()


def test_a_file_beside_a_good_one_is_not_passed_over_in_silence(read) -> None:
    (found,) = read({"a.csv": b"epoch,loss\n1,2\n", "notes.txt": b"Hello, this is a letter.\nIt goes on."})
    assert found.in_words()[-1] == "Not used, as no curves were found in it: notes.txt."


def test_what_cannot_be_an_accuracy_is_not_taken(read) -> None:
    (found,) = read({"a.csv": b"epoch,loss,acc,val_loss\n1,2,400,-1\n2,1,3,-2\n"})
    assert list(found.mapped) == ["train_loss"] and set(found.ignored) == {"acc", "val_loss"}
    assert "acc runs from 3 to 400, which is no accuracy." in found.in_words()


def test_fractions_of_epochs_belong_to_the_epoch_that_they_are_in(read) -> None:
    data = b"epoch,loss,eval_loss\n0.5,3,\n1.0,1,2.5\n1.5,1,\n2.0,0.5,2\n"
    (found,) = read({"a.csv": data})
    assert columns(found, "epoch", "train_loss", "val_loss") == [(1, 2.0, 2.5), (2, 0.75, 2.0)]


def test_an_epoch_ends_with_each_validation_where_no_epochs_are_recorded(read) -> None:
    rows = [(step, step / 100, 0.5 + step / 1000 if step % 50 == 49 else None) for step in range(160)]
    (found,) = read({"a.csv": csv_of("step,train_loss,val_acc", rows)})
    assert [row.val_accuracy for row in found.rows] == [0.549, 0.599, 0.649]
    # Means of steps 0 to 49, 50 to 99, 100 to 149; the ten after the last validation are no epoch.
    assert [round(row.train_loss, 9) for row in found.rows] == [0.245, 0.745, 1.245]
    assert "No epochs are recorded, so one ends with each validation." in found.in_words()


def test_validation_that_counts_epochs_beside_training_that_counts_steps(read) -> None:
    (found,) = read(
        {
            "run-a-tag-Loss_train.csv": csv_of(
                "Wall time,Step,Value", [(0, step, float(step // 50)) for step in range(200)]
            ),
            "run-a-tag-Loss_val.csv": csv_of(
                "Wall time,Step,Value", [(0, epoch, 4.0 - epoch) for epoch in range(4)]
            ),
        }
    )
    assert columns(found, "epoch", "train_loss", "val_loss") == [
        (1, 0.0, 4.0),
        (2, 1.0, 3.0),
        (3, 2.0, 2.0),
        (4, 3.0, 1.0),
    ]


def test_files_of_one_name_are_runs_of_their_own_but_for_what_says_that_it_is_one(read) -> None:
    first, second = csv_of("epoch,step,val_loss", [(0, 1, 1.0)]), csv_of("epoch,step,val_loss", [(0, 1, 2.0)])
    in_folders = read({"logs/a/version_0/metrics.csv": first, "logs/b/version_0/metrics.csv": second})
    assert [(run.name, run.rows[0].val_loss) for run in in_folders] == [
        ("a/version_0", 1.0),
        ("b/version_0", 2.0),
    ]
    named = read({"seeds/a/curve.csv": first, "seeds/b/curve.csv": second})
    assert [(run.name, run.rows[0].val_loss) for run in named] == [("a/curve", 1.0), ("b/curve", 2.0)]
    uploads = read({"mine.csv": first, "also/../mine.csv": second})
    assert sorted(run.rows[0].val_loss for run in uploads) == [1.0, 2.0]
    assert len({run.name for run in uploads}) == 2
    events = read(
        {
            f"{name}/lightning_logs/version_0/events.out.tfevents.1": event_file([(0, "val_loss", value)])
            for name, value in (("a", 1.0), ("b", 2.0))
        }
    )
    assert [(run.name, run.rows[0].val_loss) for run in events] == [
        ("a/lightning_logs/version_0", 1.0), ("b/lightning_logs/version_0", 2.0),
    ]  # fmt: skip
    rows = csv_of("run_name,step,val_loss", [("one", 0, 1.0)])
    more = csv_of("run_name,step,val_accuracy", [("one", 0, 0.5)])
    (run,) = read({"a.csv": rows, "b.csv": more})
    assert (run.name, run.rows[0].val_loss, run.rows[0].val_accuracy) == ("one", 1.0, 0.5)


@pytest.mark.parametrize(
    ("data", "nan_epoch"),
    [
        (b"epoch,loss,val_loss\n1,2,3\n2,nan,nan\n3,NaN,-nan\n", 2),
        (b"epoch,loss,val_loss\n1,2,3\n2,inf,nan\n", 2),
        (b"epoch,loss,acc\n1,nan,0.1\n2,nan,0.1\n", 1),
        (b"epoch,val_loss\n1,2\n2,nan\n", 2),
        # Each step: what was NaN in the middle of an epoch spoils its mean.
        (b"epoch,loss\n1,2\n1,2\n2,1\n2,nan\n3,nan\n", 2),
        # A gap, a mark for one, a value that came back, and validation that goes on.
        (b"epoch,loss,val_loss\n1,2,3\n2,,\n", None),
        (b"epoch,loss,acc\n1,2,3\n2,n/a,0.5\n", None),
        (b"epoch,loss,val_loss\n1,2,3\n2,nan,nan\n3,1,2\n4,nan,nan\n", None),
        (b"epoch,loss,val_loss\n1,2,3\n2,nan,2\n", None),
        (b"epoch,loss,acc\n1,2,0.5\n2,1,nan\n", None),
        # A row of the test, after the last epoch.
        (b"epoch,loss,acc\n1,2,0.5\n2,1,0.6\n2,nan,nan\n", None),
    ],
)
def test_a_loss_that_ends_in_nan_is_told_from_a_gap(read, data: bytes, nan_epoch: int | None) -> None:
    (found,) = read({"a.csv": data})
    assert found.nan_epoch == nan_epoch
    assert any("became NaN" in each for each in found.in_words()) == (nan_epoch is not None)
    losses = [row.train_loss for row in found.rows]
    assert nan_epoch is None or losses[nan_epoch - 1 :] == [None] * (len(losses) - nan_epoch + 1)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "a.csv is empty."),
        (b"epoch,loss\n", "a.csv has no rows under its header."),
        (b"epoch,loss\n1,2,3\n", "a.csv has 3 values under 2 names"),
        (b"epoch,f1,recall\n1,0.5,0.25\n", "a.csv has no accuracy and no loss under a name that is known"),
        (b"epoch,loss\n1,x\n2,y\n", "a.csv has no accuracy and no loss"),
        (b"epoch,loss\n-5,1\n2,1\n", "Its epochs are numbered from -5 to 2"),
        (b"epoch,loss\n2,1\n5e9,1\n", "Its epochs are numbered from 2 to 5e+09"),
        (b"Hello, this is a letter.\nIt goes on.", "a.csv has no accuracy and no loss"),
        (b"Hello", "a.csv is nothing that can be imported"),
        (b"\x00\x01" * 50, "a.csv is nothing that can be imported"),
    ],
)
def test_what_is_no_table_of_curves_is_refused_in_a_sentence(read, data: bytes, sentence: str) -> None:
    with pytest.raises(RecordError) as caught:
        read({"a.csv": data})
    assert str(caught.value).startswith(sentence) and "\n" not in str(caught.value)


def test_a_million_rows_take_seconds(read) -> None:
    data = b"step,epoch,train_loss,val_loss\n" + b"".join(
        b"%d,%d,0.%d,\n" % (step, step // 10_000, step % 10_000 + 10_000) for step in range(1_000_000)
    )
    began = time.process_time()
    (found,) = read({"a.csv": data})
    assert time.process_time() - began < 10
    assert len(found.rows) == 100 and found.rows[0].train_loss == pytest.approx(0.149995)
