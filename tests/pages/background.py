"""Questions that pages put to the engine in the background, answered where they are asked, or late."""

from concurrent.futures import Future

from pytest import MonkeyPatch

from pages.components.kit import cache


class Now:
    """Runs a question at once, where it is asked."""

    def submit(self, ask):
        future: Future = Future()
        try:
            future.set_result(ask())
        except Exception as error:
            future.set_exception(error)
        return future


class Later:
    """Keeps questions until they are let go: an engine that takes its time."""

    def __init__(self) -> None:
        self.waiting: list = []

    def submit(self, ask):
        future: Future = Future()
        self.waiting.append((future, ask))
        return future

    def answer_all(self) -> None:
        while self.waiting:
            future, ask = self.waiting.pop(0)
            future.set_result(ask())


def answers_at_once(monkeypatch: MonkeyPatch) -> None:
    """Without threads. What was answered for other tests is forgotten."""
    cache._asked.clear()
    monkeypatch.setattr(cache, "_threads", Now)


def answers_late(monkeypatch: MonkeyPatch) -> Later:
    """Until `answer_all`."""
    cache._asked.clear()
    later = Later()
    monkeypatch.setattr(cache, "_threads", lambda: later)
    return later
