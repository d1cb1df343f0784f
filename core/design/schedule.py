"""The learning rate of each step as a design lays it out. Without Keras: `core.training.optimizers` has Keras do it."""

import math

from core.config.optimizer import OptimizerConfig
from core.formatting import rate_in_words

# After Smith and Topin, "Super-convergence" (arXiv 1708.07120).
ONE_CYCLE_WARMUP = 0.3
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = 1e-4
# Those of Jordan (arXiv 2404.00498).
TRIANGLE_START = 0.2
TRIANGLE_PEAK = 0.23
TRIANGLE_END = 0.07
MOST_POINTS = 120

Point = tuple[float, float]  # how many epochs have passed, and the rate from there on


def rate_at(config: OptimizerConfig, step: int, steps_per_epoch: int, epochs: int) -> float:
    """The rate of `step`, counted from 0, of a run of `epochs` epochs. That of `plateau` is what it begins with."""
    peak, total = config.learning_rate, steps_per_epoch * epochs
    match config.schedule:
        case "cosine":
            warmup = _warmup_steps(config, steps_per_epoch, total)
            if step < warmup:
                return peak * step / warmup
            return peak * _half_cosine((step - warmup) / (total - warmup))
        case "one_cycle":
            top = max(1.0, ONE_CYCLE_WARMUP * total)
            if step < top:
                return peak * (ONE_CYCLE_START + (1 - ONE_CYCLE_START) * step / top)
            return peak * (ONE_CYCLE_END + (1 - ONE_CYCLE_END) * _half_cosine(_fallen(step, top, total)))
        case "triangular":
            top = max(1.0, TRIANGLE_PEAK * total)
            if step < top:
                return peak * (TRIANGLE_START + (1 - TRIANGLE_START) * step / top)
            return peak * (1 - (1 - TRIANGLE_END) * _fallen(step, top, total))
        case "step":
            return peak * config.step_factor ** (step // (config.step_epochs * steps_per_epoch))
        case _:
            return peak


def planned_rates(config: OptimizerConfig, steps_per_epoch: int, epochs: int) -> list[Point]:
    """The schedule as a line of not many more than MOST_POINTS points, from the first step to the end of the run.

    Its turns are among them; a rate that falls at once has two points there.
    """
    total = steps_per_epoch * epochs
    turns = _turns(config, steps_per_epoch, total)
    steps = {at * (total - 1) // MOST_POINTS for at in range(MOST_POINTS + 1)} | set(turns)
    points: list[Point] = []
    for step in sorted(steps):
        rate, place = rate_at(config, step, steps_per_epoch, epochs), step / steps_per_epoch
        if config.schedule == "step" and points and rate != points[-1][1]:
            points.append((place, points[-1][1]))
        points.append((place, rate))
    return [*points, (float(epochs), points[-1][1])]


def schedule_in_words(config: OptimizerConfig, steps_per_epoch: int, epochs: int) -> str:
    """`Rises from 0 to 0.002 by epoch 1, then falls to nearly 0.`"""
    peak, total = rate_in_words(config.learning_rate), steps_per_epoch * epochs
    begins, ends = (rate_at(config, at, steps_per_epoch, epochs) for at in (0, total - 1))
    first = rate_in_words(begins)
    last = "nearly 0" if ends < config.learning_rate / 1000 else rate_in_words(ends)
    if total == 1:
        return f"{first} in its only step."
    factor, patience, every = config.step_factor, config.plateau_patience, config.step_epochs
    match config.schedule:
        case "constant":
            return f"{peak} in every epoch."
        case "plateau":
            return f"{peak}, times {factor:g} whenever the validation loss has not fallen for {_epochs(patience)}."
        case "step":
            return f"{peak}, times {factor:g} every {_epochs(every)}; {last} at the end."
        case _:
            (top,) = _turns(config, steps_per_epoch, total)
            if top == 0:
                return f"Falls from {peak} to {last}."
            return f"Rises from {first} to {peak} by epoch {top / steps_per_epoch:.3g}, then falls to {last}."


def _turns(config: OptimizerConfig, steps_per_epoch: int, total: int) -> list[int]:
    """The steps at which the line has a corner: the highest rate, or each fall."""
    match config.schedule:
        case "cosine":
            return [_warmup_steps(config, steps_per_epoch, total)]
        case "one_cycle" | "triangular":
            share = ONE_CYCLE_WARMUP if config.schedule == "one_cycle" else TRIANGLE_PEAK
            return [min(total - 1, max(1, round(share * total)))]
        case "step":
            each = config.step_epochs * steps_per_epoch
            falls = range(each, total, each)
            return list(falls) if len(falls) <= MOST_POINTS else []
        case _:
            return []


def _warmup_steps(config: OptimizerConfig, steps_per_epoch: int, total: int) -> int:
    return min(config.warmup_epochs * steps_per_epoch, total - 1)


def _half_cosine(share: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * share))


def _fallen(step: int, top: float, total: int) -> float:
    """Which share of the way down from step `top` is behind."""
    return min(1.0, max(0.0, (step - top) / max(1.0, total - top)))


def _epochs(count: int) -> str:
    return "epoch" if count == 1 else f"{count:,} epochs"
