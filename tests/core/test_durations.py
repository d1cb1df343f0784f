import pytest

from core.formatting import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (0.0421, "0.042 s"), (0.94, "0.94 s"), (0.97, "1.0 s"), (3.44, "3.4 s"), (9.96, "10 s"),
        (59.6, "1 min"), (200, "3 min 20 s"), (3599.7, "1 h"), (7500, "2 h 5 min"), (86_400, "1 day"),
        (3 * 86_400 + 4 * 3600 + 100, "3 days 4 h"),
    ],
)  # fmt: skip
def test_as_exact_as_anybody_wants_to_know(seconds: float, words: str) -> None:
    assert duration(seconds) == words
