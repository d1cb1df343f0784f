import pytest

from core.formatting import rate_in_words


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        (0.001, "0.001"),
        (0.0000281234, "0.0000281"),
        (6.7e-05, "0.000067"),
        (0.9999, "1"),
        (1.0, "1"),
        (2.0, "2"),
        (1000.0, "1000"),
        (123456.0, "123456"),
        (0.0, "0"),
        (1e-30, "1e-30"),
        (1e30, "1e+30"),
        (float(2**-20), "0.000000954"),
    ],
)
def test_three_digits_without_an_exponent(rate: float, words: str) -> None:
    assert rate_in_words(rate) == words
