import pytest

from core.store.states import TRANSITIONS, RunState


@pytest.mark.parametrize(
    ("state", "following"),
    [
        ("WAITING", {"STARTING", "STOPPED"}),
        ("STARTING", {"RUNNING", "STOPPED", "FAILED", "INTERRUPTED"}),
        ("RUNNING", {"PAUSED", "FINISHED", "STOPPED", "FAILED", "INTERRUPTED"}),
        ("PAUSED", {"RUNNING", "STOPPED", "FAILED", "INTERRUPTED"}),
        ("FINISHED", set()),
        ("STOPPED", {"WAITING"}),
        ("FAILED", {"WAITING"}),
        ("INTERRUPTED", {"WAITING"}),
    ],
)
def test_transitions(state, following):
    assert TRANSITIONS[RunState(state)] == following


def test_properties():
    def those(name):
        return {str(state) for state in RunState if getattr(state, name)}

    assert those("is_active") == {"STARTING", "RUNNING", "PAUSED"}
    assert those("is_finished") == {"FINISHED", "STOPPED", "FAILED", "INTERRUPTED"}
    assert those("can_stop") == {"WAITING", "STARTING", "RUNNING", "PAUSED"}
    assert those("can_resume") == {"STOPPED", "FAILED", "INTERRUPTED"}
    assert those("can_delete") == {"WAITING", "FINISHED", "STOPPED", "FAILED", "INTERRUPTED"}
