import pytest

from core.formatting import (
    as_sentence,
    count_of,
    duration,
    file_size,
    file_stem,
    has_visible,
    is_long,
    percent,
    points,
    printable,
    rate_in_words,
    rough_duration,
    rounded_long,
    shortened,
    within_sentence,
)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"), (0.0421, "0.042 s"), (0.94, "0.94 s"), (0.97, "1.0 s"), (3.44, "3.4 s"), (9.96, "10 s"),
        (59.6, "1 min"), (200, "3 min 20 s"), (3599.7, "1 h"), (7500, "2 h 5 min"), (86_400, "1 day"),
        (3 * 86_400 + 4 * 3600 + 100, "3 days 4 h"),
    ],
)  # fmt: skip
def test_measured_durations_have_two_parts(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (29, "less than a minute"),
        (60, "about 1 minute"),
        (179, "about 3 minutes"),
        (3599, "about 1 hour"),
        (4800, "about 1 hour 20 minutes"),
        (7200, "about 2 hours"),
        (86_400 + 7200, "about 1 day 2 hours"),
        (50 * 86_400, "about 50 days"),
    ],
)
def test_estimates_are_rough(seconds: float, words: str) -> None:
    assert rough_duration(seconds) == words


def test_percent_and_points() -> None:
    assert (percent(0.7123), percent(None), points(0.091), points(None)) == ("71.2 %", "–", "9.1 points", "–")


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


# Zero-width, directional, control and blank characters, each of another kind in Unicode.
UNSEEN = [
    "", " ", "\u200b", "\u200d\u2060", "\ufeff", "\u202e", "\u200e\u200f", "\u2066\u2069", "\x00\x1b", "\u3164",
    "\u2800", "\u115f\u1160", "\uffa0", "\ufe0f", "\u00ad", "\u034f", "\U000e0041", "\ud800", "\u00a0\u3000\u2028",
]  # fmt: skip


@pytest.mark.parametrize("text", UNSEEN)
def test_what_shows_nothing_is_no_text(text: str) -> None:
    assert not has_visible(text)
    assert printable(text, 60) == ""
    assert has_visible(f"{text}a{text}")
    assert printable(f"{text}a", 60).strip(text + " ") == "a"


def test_no_text_rewrites_what_stands_beside_it() -> None:
    assert printable("photo\u202egnp.exe", 60) == "photo gnp.exe"
    for text in ("猫", "é", "e\u0301", "🐈", "שלום"):
        assert has_visible(text) and printable(text, 60) == text


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Bäume, 2nd try", "Baume-2nd-try"), ("../../etc", "etc"), ("葉", "id"), ("...", "id"), ("CON", "id"),
        ("con.x", "id"), ("tiny_1.5", "tiny_1.5"), ("x" * 200, "x" * 60), ("a/b\\c:d*e", "a-b-c-d-e"),
    ],
)  # fmt: skip
def test_a_name_becomes_part_of_a_file_name(name: str, stem: str) -> None:
    assert file_stem(name, "id") == stem


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (0.001, 0.001),
        (0.00012345678, 0.00012345678),
        (0.0012345678901234567, 0.001235),
        (0.1 + 0.2, 0.3),
        (12, 12),
        (float("inf"), float("inf")),
    ],
)
def test_only_what_no_person_would_write_is_rounded(value, rounded):
    assert rounded_long(value) == rounded and is_long(value) == (value != rounded)


@pytest.mark.parametrize(
    ("message", "sentence"),
    [("must be from 1 to 64.", "Must be from 1 to 64."), ("JAX is not here.", "JAX is not here."), ("", "")],
)
def test_a_message_begins_with_a_capital_and_stays_as_it_is(message: str, sentence: str) -> None:
    assert as_sentence(message) == sentence


def test_a_name_within_a_sentence() -> None:
    assert within_sentence("Learning rate 0.1") == "learning rate 0.1"
    assert within_sentence("FLOPs per picture") == "FLOPs per picture"
    assert within_sentence("") == ""


@pytest.mark.parametrize(
    ("text", "most", "shown"),
    [
        ("cat", 3, "cat"), ("blue circle on dotted ground", 18, "blue circle…ground"),
        ("blue circle on dark ground", 8, "blue…nd"), ("abcdef", 1, "…"),
    ],
)  # fmt: skip
def test_a_long_name_keeps_its_end(text: str, most: int, shown: str) -> None:
    assert shortened(text, most) == shown
    assert len(shown) <= most


def test_people_read_a_minus_sign() -> None:
    assert points(-0.022) == "\N{MINUS SIGN}2.2 points"
    assert percent(-0.5, 0) == "\N{MINUS SIGN}50 %"


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "picture", "0 pictures"),
        (1, "class", "1 class"),
        (10, "class", "10 classes"),
        (1200, "run", "1,200 runs"),
    ],
)
def test_a_number_and_its_noun(number: int, noun: str, words: str) -> None:
    assert count_of(number, noun) == words


@pytest.mark.parametrize(
    ("num_bytes", "words"),
    [
        (5, "5 bytes"),
        (51_600, "52 kB"),
        (99_400, "99 kB"),
        (100_000, "0.1 MB"),
        (1_449_000_000, "1,449.0 MB"),
    ],
)
def test_small_files_are_not_0_0_mb(num_bytes: int, words: str) -> None:
    assert file_size(num_bytes) == words
