"""Sending: to a real server on this computer, and to real commands, which answer, fail or hang."""

import json
import socket
import sys
import threading
import time
from pathlib import Path

import pytest

from core.alerts import webhook
from core.alerts.delivery import Answer, deliver
from core.alerts.sending import RETRY_SECONDS, Sender
from core.errors import ConvDeckError
from core.store.alerts import MAX_LOOKS, AlertRule, NewFact
from tests.core.alerts.receiver import receiving
from tests.core.alerts.recorded import begun, end

MESSAGE = {"kind": "test", "title": "“Ünï”: overfitting since epoch 9."}
QUICK = 0.5


def to_webhook(url: str, *, public_only: bool = False) -> AlertRule:
    return AlertRule("1", "phone", ("finished",), url, None, public_only, 0.0)


def to_command(*words: str) -> AlertRule:
    return AlertRule("1", "phone", ("finished",), None, words, False, 0.0)


def test_a_webhook_gets_the_message_as_json() -> None:
    with receiving(204) as receiver:
        assert deliver(to_webhook(receiver.url), MESSAGE) == Answer(True, 204, "", False)
    assert receiver.received == [MESSAGE] and receiver.paths == ["/hook?key=1"]


@pytest.mark.parametrize(("status", "is_final"), [(500, False), (429, False), (404, True)])
def test_a_webhook_that_refuses(status, is_final) -> None:
    with receiving(status) as receiver:
        assert deliver(to_webhook(receiver.url), MESSAGE) == Answer(False, status, "heard", is_final)


def test_a_redirect_is_not_followed() -> None:
    with receiving(307) as receiver:
        answer = deliver(to_webhook(receiver.url), MESSAGE)
    assert (answer.ok, answer.status, answer.is_final) == (False, 307, True)
    assert "redirects to /elsewhere" in answer.text and len(receiver.received) == 1


def test_a_webhook_that_never_answers_is_left_at_the_deadline() -> None:
    with receiving(None) as receiver:
        begun = time.monotonic()
        answer = deliver(to_webhook(receiver.url), MESSAGE, QUICK)
        assert QUICK * 0.9 < time.monotonic() - begun < QUICK + 5
    assert answer == Answer(False, None, "no answer within 0.5 seconds", False)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_one_that_sends_a_byte_now_and_then_is_left_too(scheme) -> None:
    """Each byte comes in time for a socket's own timeout; with TLS the handshake never ends."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        over = threading.Event()

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                try:
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nX: " if scheme == "http" else b"\x16\x03\x03\x40\x00"
                    )
                    while not over.wait(0.05):
                        connection.sendall(b"\x00" if scheme == "https" else b"a")
                except OSError:
                    pass

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        begun = time.monotonic()
        answer = deliver(to_webhook(f"{scheme}://127.0.0.1:{server.getsockname()[1]}/"), MESSAGE, QUICK)
        over.set()
        thread.join()
    assert answer == Answer(False, None, "no answer within 0.5 seconds", False)
    assert time.monotonic() - begun < QUICK + 5


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    answer = deliver(to_webhook(f"http://127.0.0.1:{port}/"), MESSAGE)
    assert answer == Answer(False, None, "Connection refused", False)


def test_proxies_of_the_environment_are_not_asked(monkeypatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiving() as receiver:
        assert deliver(to_webhook(receiver.url), MESSAGE).ok


def test_what_was_set_from_afar_sends_nothing_into_this_network(monkeypatch) -> None:
    """Also where its name stands for another address than when it was set."""
    with receiving() as receiver:
        port = receiver.url.split(":")[2]
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]"):
            answer = deliver(to_webhook(f"http://{host}:{port}", public_only=True), MESSAGE)
            assert not answer.ok and answer.is_final and "may not send" in answer.text
        assert receiver.received == []
        # It connects to the address that was looked at, whatever the name stands for a moment later.
        monkeypatch.setattr(webhook, "addresses_of", lambda host, port: ["127.0.0.1"])
        monkeypatch.setattr(webhook, "is_public", lambda address: True)
        assert deliver(to_webhook(f"http://hook.invalid:{port}", public_only=True), MESSAGE).ok


def program(folder: Path, text: str) -> AlertRule:
    path = folder / "program.py"
    path.write_text(text)
    return to_command(sys.executable, str(path), "an argument", "$HOME; echo")


def test_a_command_gets_the_message_on_its_standard_input(tmp_path) -> None:
    rule = program(
        tmp_path,
        "import json, sys\n"
        f"open({str(tmp_path / 'got')!r}, 'w').write(json.dumps([json.load(sys.stdin), sys.argv[1:]]))\n"
        "print('done')\n",
    )
    assert deliver(rule, MESSAGE) == Answer(True, 0, "done\n", False)
    assert json.loads((tmp_path / "got").read_text()) == [MESSAGE, ["an argument", "$HOME; echo"]]


def test_a_command_that_fails_reads_nothing_and_says_much(tmp_path) -> None:
    answer = deliver(program(tmp_path, "print('x' * 1_000_000)\nraise SystemExit(3)\n"), MESSAGE)
    assert (answer.ok, answer.status, answer.is_final, len(answer.text)) == (False, 3, False, 2_000)
    assert len(answer.to_try(1.0).answer) == 200
    gone = deliver(to_command(str(tmp_path / "gone")), MESSAGE)
    assert gone == Answer(False, None, "it could not be started: No such file or directory", False)


def test_a_command_that_hangs_is_ended_with_all_that_it_has_started(tmp_path) -> None:
    rule = program(
        tmp_path,
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\ntime.sleep(600)\n",
    )
    begun = time.monotonic()
    answer = deliver(rule, MESSAGE, 2.0)
    assert not answer.ok and "did not end within 2 seconds" in answer.text
    assert time.monotonic() - begun < 10
    pid = int((tmp_path / "pid").read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and Path(f"/proc/{pid}").exists():
        if "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]:
            break
        time.sleep(0.02)
    else:
        assert not Path(f"/proc/{pid}").exists()


def queue_message(store, name: str = "phone") -> str:
    """A message that waits to be sent, by a rule whose address nobody reads: the sender is given another way."""
    if name not in [rule.name for rule in store.alerts.list_rules()]:
        store.alerts.add_rule(name, ["finished"], "http://127.0.0.1:9/", None, public_only=False)
    end(store, begun(store, name))
    for each in store.alerts.watched():
        store.alerts.tell(each, [NewFact("finished", 1.0, 1.0, 1, None, {"kind": "finished"})])
    return store.alerts.log()[0].id


class Sending:
    """What a sender sends by: answers as told, one after the other."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.sent: list[str] = []

    def __call__(self, rule, message):
        self.sent.append(message["id"])
        return self.answers.pop(0)


NO, YES = Answer(False, 500, "not now."), Answer(True, 200, "ok")


def tick(sender: Sender, sending: Sending, count: int, wait_for) -> bool:
    """Tick until `count` messages in all were sent and the last answer is recorded."""
    sender.tick()
    wait_for(lambda: len(sending.sent) >= count)
    wait_for(lambda: not sender._sending or not (sender.tick() and sender._sending), message="the answer")
    return sender.tick()


def test_a_message_is_tried_again_after_a_while_and_each_try_is_logged(store, clock, wait_for) -> None:
    sent = queue_message(store)
    clock.now = time.time() + 100
    sending = Sending(NO, NO, YES)
    sender = Sender(store, sending, clock)
    assert tick(sender, sending, 1, wait_for)
    (log,) = store.alerts.log()
    assert (log.state, log.next_at) == ("pending", clock.now + 1)
    clock.now += 0.9
    assert sender.tick() and len(sending.sent) == 1
    clock.now += 0.2
    assert tick(sender, sending, 2, wait_for)
    assert store.alerts.log()[0].next_at == clock.now + 10
    clock.now += 10
    assert not tick(sender, sending, 3, wait_for)
    (log,) = store.alerts.log()
    assert (log.state, log.next_at) == ("sent", None)
    assert [(each.ok, each.status, each.answer) for each in log.tries] == [
        (False, 500, "not now"), (False, 500, "not now"), (True, 200, "ok"),
    ]  # fmt: skip
    assert sending.sent == [sent] * 3
    sender.close()


def test_after_the_last_try_it_is_given_up_and_at_once_where_trying_again_is_no_use(
    store, clock, wait_for
) -> None:
    queue_message(store)
    clock.now = time.time() + 100
    sending = Sending(*[NO] * 4, Answer(False, 404, "no such hook", True))
    sender = Sender(store, sending, clock)
    for count, seconds in enumerate((0, *RETRY_SECONDS), start=1):
        clock.now += seconds
        tick(sender, sending, count, wait_for)
    assert (store.alerts.log()[0].state, len(store.alerts.log()[0].tries)) == ("failed", 4)
    clock.now += 1000
    assert not sender.tick()
    queue_message(store)
    assert not tick(sender, sending, 5, wait_for)
    assert (store.alerts.log()[0].state, len(store.alerts.log()[0].tries)) == ("failed", 1)
    sender.close()


def test_of_what_waits_for_a_receiver_that_is_gone_the_newest_are_kept(store, monkeypatch) -> None:
    monkeypatch.setattr("core.store.alerts.MOST_WAITING", 2)
    first, *later = [queue_message(store) for _ in range(3)]
    by_id = {each.id: each for each in store.alerts.log()}
    assert by_id[first].state == "failed" and "2 newer messages wait" in by_id[first].tries[-1].answer
    assert [by_id[each].state for each in later] == ["pending", "pending"]
    assert store.alerts.to_send(time.time() + 100)[0][1].id == later[0]


def test_one_that_hangs_holds_up_its_own_rule_alone(store, wait_for) -> None:
    released, sent = threading.Event(), []

    def send(rule, message):
        if rule.name == "slow":
            released.wait(60)
        sent.append(rule.name)
        return YES

    for name in ("slow", "slow", "quick", "quick"):
        queue_message(store, name)
    sender = Sender(store, send)
    wait_for(lambda: sender.tick() and len(sent) >= 2)
    assert set(sent) == {"quick"}
    released.set()
    wait_for(lambda: not sender.tick())
    sender.close()
    assert {each.state for each in store.alerts.log()} == {"sent"}


def test_a_busy_database_neither_loses_nor_repeats_a_message(store, wait_for, monkeypatch) -> None:
    queue_message(store)
    sending, busy, record = Sending(YES), [True] * MAX_LOOKS, store.alerts.record_try

    def record_or_wait(*arguments):
        if busy:
            busy.pop()
            raise ConvDeckError("The database was busy for more than 5 seconds. Try again.")
        record(*arguments)

    monkeypatch.setattr(store.alerts, "record_try", record_or_wait)
    sender = Sender(store, sending)
    wait_for(lambda: not sender.tick())
    assert len(sending.sent) == 1 and not busy and store.alerts.log()[0].state == "sent"
    sender.close()
