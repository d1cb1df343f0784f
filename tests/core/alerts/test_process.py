"""One real run, from the command that starts it to the message that arrives: worker, scheduler and alerter."""

from core.store.store import Store
from tests.core.alerts.receiver import receiving
from tests.core.conftest import run_json


def test_a_real_run_that_ends_is_told_to_a_webhook_that_first_fails(workspace, wait_for) -> None:
    with receiving(503, 200) as receiver:
        code, _ = run_json(
            "alerts", "add", "--name", "phone", "--on", "finished,study_finished", "--webhook", receiver.url
        )
        assert code == 0
        code, run = run_json(
            "train", "--preset", "tiny", "--dataset", "shapes", "--set", "dataset.num_train=60",
            "--set", "training.epochs=1", "--name", "Told", "--wait",
        )  # fmt: skip
        assert code == 0, run
        wait_for(lambda: len(receiver.received) == 2, message="the message, and once more after 503")
        with Store(workspace) as store:
            (log,) = wait_for(lambda: [each for each in store.alerts.log() if each.state == "sent"])
    first, second = receiver.received
    assert first == second == log.message
    assert (first["kind"], first["subject"]) == ("finished", {"type": "run", "id": run["id"], "name": "Told"})
    assert first["title"].startswith("“Told” has finished: validation accuracy ")
    assert first["evidence"] == "A verdict needs 4 epochs, and there is 1."
    assert [each.status for each in log.tries] == [503, 200]
