"""JSON as Keras, W&B, trackio and Transformers leave it."""

import json

import pytest

from core.errors import RecordError
from tests.core.foreign.conftest import columns


def lines(rows) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


def test_keras_history_is_an_object_of_lists(read) -> None:
    history = {
        "loss": [2.0, 1.0, float("nan")],
        "accuracy": [0.25, 0.5, 0.1],
        "val_accuracy": [0.5, 0.75, 0.1],
        "who": ["me"],
    }
    (found,) = read({"runs/mine/history.json": json.dumps(history).encode()})
    assert (found.name, found.tool) == ("mine", "Keras")
    assert columns(found, "epoch", "train_loss", "val_accuracy") == [
        (1, 2.0, 0.5),
        (2, 1.0, 0.75),
        (3, None, 0.1),
    ]
    assert found.ignored == ("who",)
    (inside,) = read({"h.json": json.dumps({"history": history}).encode()})
    assert inside.rows == found.rows


def test_wandb_history_is_a_line_per_step(read) -> None:
    rows = [
        {"_step": 0, "_runtime": 1.5, "_timestamp": 1.7e9, "epoch": 0, "train": {"loss": 2.0, "acc": 0.5}},
        {
            "_step": 1,
            "_runtime": 2.5,
            "_timestamp": 1.7e9,
            "epoch": 0,
            "val/loss": 2.5,
            "val/acc": 0.25,
            "media": {"_type": "image-file"},
        },
        {"_step": 2, "epoch": 1, "train": {"loss": 1.0, "acc": 0.75}},
        {"_step": 3, "epoch": 1, "val/loss": "NaN", "val/acc": 0.5},
    ]
    (found,) = read({"brave-sky-1/wandb-history.jsonl": lines(rows)})
    assert (found.name, found.tool) == ("brave-sky-1", "W&B")
    assert columns(found, "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy") == [
        (1, 2.0, 0.5, 2.5, 0.25),
        (2, 1.0, 0.75, None, 0.5),
    ]
    assert found.ignored == ("media/_type",)


def test_trackio_answers_a_query_with_its_rows_and_a_metric_with_its_values(read) -> None:
    rows = [
        {
            "run_name": "one",
            "step": step,
            "timestamp": "2026-01-01",
            "metrics": json.dumps({"train/loss": 2.0 - step, "val/accuracy": step / 4}),
        }
        for step in range(3)
    ]
    query = {"columns": ["run_name", "step", "timestamp", "metrics"], "rows": rows, "row_count": 3}
    (found,) = read({"q.json": json.dumps(query).encode()})
    assert (found.name, found.tool) == ("one", "trackio")
    assert columns(found, "epoch", "train_loss", "val_accuracy") == [
        (1, 2.0, 0.0),
        (2, 1.0, 0.25),
        (3, 0.0, 0.5),
    ]
    metric = {
        "project": "p",
        "run": "one",
        "metric": "val_loss",
        "values": [{"step": 0, "timestamp": "t", "value": 2.5}, {"step": 1, "timestamp": "t", "value": 1.5}],
    }
    (found,) = read({"m.json": json.dumps(metric).encode()})
    assert (found.name, columns(found, "epoch", "val_loss")) == ("one", [(1, 2.5), (2, 1.5)])


def test_a_transformers_trainer_logs_by_fractions_of_epochs(read) -> None:
    state = {
        "epoch": 2.0,
        "best_metric": None,
        "log_history": [
            {"epoch": 0.5, "step": 10, "loss": 2.0, "learning_rate": 1e-3},
            {"epoch": 1.0, "step": 20, "loss": 1.0, "learning_rate": 5e-4},
            {"epoch": 1.0, "step": 20, "eval_loss": 1.25, "eval_accuracy": 0.5, "eval_runtime": 3.0},
            {"epoch": 2.0, "step": 40, "eval_loss": 1.0, "eval_accuracy": 0.75},
        ],
    }
    (found,) = read({"out/trainer_state.json": json.dumps(state).encode()})
    assert (found.name, found.tool) == ("out", "Transformers")
    assert columns(found, "epoch", "train_loss", "val_loss", "val_accuracy", "learning_rate") == [
        (1, 1.5, 1.25, 0.5, 5e-4),
        (2, None, 1.0, 0.75, None),
    ]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"{", "a.json is neither valid JSON nor lines of it."),
        (b"[" * 100_000, "a.json is neither valid JSON nor lines of it."),
        (b"{}", "a.json holds JSON of another kind."),
        (b"[1, 2]", "a.json holds no objects with numbers."),
        (b'{"losses": [1e400, 2]}', "a.json has no accuracy and no loss"),
        (b'[{"loss": "a"}]', "a.json has no accuracy and no loss"),
        (b'[{"loss": [1]}, {"loss": null}]', "a.json has no accuracy and no loss"),
        (b'{"loss": [%s]}' % (b"9" * 500), "a.json has no accuracy and no loss"),
    ],
)
def test_other_json_is_refused_in_a_sentence(read, data: bytes, sentence: str) -> None:
    with pytest.raises(RecordError) as caught:
        read({"a.json": data})
    assert str(caught.value).startswith(sentence)
