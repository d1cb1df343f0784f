"""Values as people read them: durations, percentages, rates, and text from outside that has to fit into a sentence."""

import math
import re
import unicodedata
from collections.abc import Sequence

# Nothing is drawn for these although Unicode counts them as letters, symbols or marks: joiners, fillers, a blank
# pattern of Braille, variation selectors.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


MINUS = "\N{MINUS SIGN}"
# People write a fraction with up to MOST_DIGITS significant digits; one with more is shown with FEW_DIGITS.
MOST_DIGITS, FEW_DIGITS = 8, 4
_RESERVED = re.compile("con|prn|aux|nul|com[0-9]|lpt[0-9]", re.IGNORECASE)  # no files on Windows


def printable(text: str, most: int) -> str:
    """`text` without what cannot be printed, on one line, at most `most` characters; empty if nothing would be seen."""
    shown = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in text)).strip()
    if not has_visible(shown):
        return ""
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def file_stem(name: str, otherwise: str) -> str:
    """`Bäume, 2nd try` → `Baume-2nd-try`: a name as part of a file's name on every system.

    It is `otherwise` where no letter or digit is left. Accents are dropped.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9._]+", "-", plain)[:60].strip("-._")
    return stem if stem and not _RESERVED.fullmatch(stem.partition(".")[0]) else otherwise


def has_visible(text: str) -> bool:
    """Whether a character of it can be seen, beside spaces, control, zero-width and directional characters."""
    return any(unicodedata.category(c)[0] not in "CZ" for c in _BLANK.sub("", text))


def reason(error: BaseException) -> str:
    """Why something failed, in the words of the library that raised it, which may quote an untrusted file."""
    # An OSError's own text would add its number and the whole path.
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return printable(text, 120).rstrip(".") or type(error).__name__


def duration(seconds: float) -> str:
    """`0.042 s`, `3.4 s`, `48 s`, `3 min 20 s`, `2 h 5 min`, `3 days 4 h`: two units at most."""
    if seconds < 0.95:
        return f"{seconds:.2g} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return _two(whole // 60, "min", whole % 60, "s")
    minutes = round(seconds / 60)
    if minutes < 24 * 60:
        return _two(minutes // 60, "h", minutes % 60, "min")
    hours = round(seconds / 3600)
    return _two(hours // 24, "day" if hours < 48 else "days", hours % 24, "h")


def _two(large: int, unit: str, small: int, smaller_unit: str) -> str:
    return f"{large} {unit}" + (f" {small} {smaller_unit}" if small else "")


def rough_duration(seconds: float) -> str:
    """An estimate: `less than a minute`, `about 3 minutes`, `about 1 hour 20 minutes`, `about 2 days`."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"about {count_of(minutes, 'minute')}"
    # To 5 minutes: what takes hours is not planned by the minute.
    hours, minutes = divmod(round(minutes / 5) * 5, 60)
    if hours < 24:
        return f"about {count_of(hours, 'hour')}" + (f" {count_of(minutes, 'minute')}" if minutes else "")
    days, hours = divmod(hours, 24)
    return f"about {count_of(days, 'day')}" + (f" {count_of(hours, 'hour')}" if hours else "")


def count_of(number: int, noun: str) -> str:
    """`1 picture`, `1,200 pictures`, `10 classes`."""
    ending = "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}" + ("" if number == 1 else ending)


def listed(names: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first `most` of the names, and how many others there are: `cats, dogs and 3 others`."""
    rest = len(names) - most
    others = f" and {rest:,} other{'' if rest == 1 else 's'}" if rest > 0 else ""
    return separator.join(names[:most]) + others


def within_sentence(words: str) -> str:
    """With a small first letter, but for an abbreviation: `Learning rate 0.1` → `learning rate 0.1`, `FLOPs` stays."""
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]


def as_sentence(message: str) -> str:
    """With a capital; the rest stays as it is."""
    return message[:1].upper() + message[1:]


def shortened(text: str, most: int) -> str:
    """At most `most` characters, the middle left out: `blue circle on dotted ground` → `blue circl…ground`.

    Names of many classes often begin alike, so that their ends tell them apart.
    """
    if len(text) <= most:
        return text
    end = max(0, (most - 1) * 2 // 5)
    return f"{text[: most - 1 - end].rstrip()}…{text[len(text) - end :].lstrip()}"


def with_minus(text: str) -> str:
    """A formatted number with a true minus sign, for people: `-0.5` → `−0.5`. Programs read the hyphen."""  # noqa: RUF002
    return text.replace("-", MINUS)


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as `71.2 %`; a dash when it is not known."""
    return "–" if value is None else f"{with_minus(f'{100 * value:.{digits}f}')} %"


def file_size(num_bytes: int) -> str:
    """`5 bytes`, `52 kB` below 0.1 MB, `1.4 MB`."""
    if num_bytes < 1e3:
        return f"{num_bytes} bytes"
    return f"{num_bytes / 1e3:.0f} kB" if num_bytes < 1e5 else f"{num_bytes / 1e6:,.1f} MB"


def points(value: float | None) -> str:
    """A difference of two fractions as `9.1 points`, of a hundred."""
    return "–" if value is None else f"{with_minus(f'{100 * value:.1f}')} points"


def is_long(value: float) -> bool:
    """Whether a number has more digits than a person would write: one that a search has drawn."""
    return isinstance(value, float) and math.isfinite(value) and float(f"{value:.{MOST_DIGITS}g}") != value


def rounded_long(value: float) -> float:
    """A number with such digits to FEW_DIGITS of them; another one as it is."""
    return float(f"{value:.{FEW_DIGITS}g}") if is_long(value) else value


def rate_in_words(rate: float) -> str:
    """A learning rate to three digits, without an exponent unless it is far from what is usual: `0.0000281`."""
    if not 1e-7 <= abs(rate) < 1e6:
        return f"{rate:.3g}"
    digits = max(0, 2 - math.floor(math.log10(abs(rate))))
    text = f"{rate:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
