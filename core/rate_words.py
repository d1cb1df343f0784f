"""Learning rates for people."""

import math


def rate_in_words(rate: float) -> str:
    """A learning rate to three digits, without an exponent unless it is far from what is usual: `0.0000281`."""
    if not 1e-7 <= abs(rate) < 1e6:
        return f"{rate:.3g}"
    digits = max(0, 2 - math.floor(math.log10(abs(rate))))
    text = f"{rate:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
