"""A name from a file's name: always one that a data set may have, and free."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.datasets.storage import check_id
from core.importing.naming import propose_name


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("flowers (1).zip", "flowers-1"),
        ("Dog_Breeds.NPZ", "dog_breeds"),
        ("Müßige Äpfel.zip", "muige-apfel"),
        ("C:\\pictures\\cats.zip", "cats"),
        ("../../etc/passwd.zip", "passwd"),
        ("花.zip", "my-pictures"),
        (".zip", "my-pictures"),
        ("", "my-pictures"),
        ("x" * 60 + ".zip", "x" * 40),
        ("archive.tar.zip", "archive-tar"),
    ],
)
def test_a_name_is_made_of_the_file_s(file_name: str, name: str) -> None:
    assert propose_name(file_name, ()) == name


def test_a_taken_name_gets_a_number() -> None:
    assert propose_name("cats.zip", {"cats"}) == "cats-2"
    assert propose_name("cats.zip", {"cats", "cats-2"}) == "cats-3"
    long = "y" * 40
    assert propose_name(f"{long}.zip", {long}) == "y" * 38 + "-2"


@given(st.text(max_size=80), st.sets(st.sampled_from(["my-pictures", "a", "a-2"])))
def test_every_name_is_allowed_and_free(file_name: str, taken: set[str]) -> None:
    name = propose_name(file_name, taken)
    check_id(name)
    assert name not in taken
