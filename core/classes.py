"""When the classes of a data set count as uneven: one rule for imports, Design, runs, studies and verdicts."""

from collections.abc import Iterable

# How many times as many pictures as the smallest class the largest has then at least.
UNEVEN = 2


def are_uneven(counts: Iterable[int]) -> bool:
    """Whether the largest class has at least UNEVEN times the pictures of the smallest, of those that have any."""
    known = [int(count) for count in counts if count > 0]
    return len(known) > 1 and max(known) >= UNEVEN * min(known)
