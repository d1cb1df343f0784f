"""How long something took, in words."""


def in_words(seconds: float) -> str:
    """`0.042 s`, `3.4 s`, `48 s`, `3 min 20 s`, `2 h 5 min`, `3 days 4 h`: as exact as anybody wants to know."""
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
