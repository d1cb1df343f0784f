import threading

import pytest

from pages.components.kept import Kept


def test_a_value_is_made_once_and_the_longest_unused_is_dropped():
    kept: Kept[int] = Kept(2)
    made = []

    def ask(name: str, version: int = 1) -> int:
        return kept.get(name, version, lambda: made.append(name) or len(made))

    assert [ask("a"), ask("b"), ask("a")] == [1, 2, 1]
    assert ask("c") == 3  # in the place of b
    assert [ask("a"), ask("b")] == [1, 4]
    assert made == ["a", "b", "c", "b"]
    assert [ask("b", 2), ask("b", 2), ask("a")] == [5, 5, 1]


def test_what_could_not_be_made_is_tried_again():
    kept: Kept[int] = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", 1, lambda: 1 // 0)
    assert kept.get("a", 1, lambda: 7) == 7


def test_of_many_at_once_one_makes_it():
    kept: Kept[int] = Kept(2)
    everybody = threading.Barrier(8)
    made = []

    def ask() -> None:
        everybody.wait(10)
        kept.get("a", 1, lambda: made.append(1) or 1)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]
