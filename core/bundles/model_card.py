"""The model card of a run: what its best model is for, how good it is, and where it cannot be trusted, from its facts.

After Mitchell et al., Model Cards for Model Reporting, 2019, doi 10.1145/3287560.3287596; every number is the run's.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.bundles.card_facts import CardFacts, ClassFacts, PartFacts, measure_card_facts
from core.bundles.contents import convdeck_version
from core.config import ExperimentConfig
from core.datasets.class_counts import ENOUGH_JUDGED
from core.datasets.storage import describe_dataset
from core.design.architecture import describe_network
from core.engine.client import Engine
from core.errors import ConfigError, RunNotFound
from core.formatting import count_of, duration, file_size, listed, percent, points, shortened
from core.inspection.answers import Advance
from core.inspection.kept_receipts import KeptReceipt, kept_receipts
from core.inspection.measures import Accuracy, interval_in_words, wilson_interval
from core.inspection.temperature import Temperature, kept_temperature
from core.notebook.markdown_export import day, escape_markdown
from core.store.records import Run
from core.store.store import Store
from core.system.cpu import cpu_name
from core.workspace import Workspace

MOST_CLASSES, WORST = 40, 3
_FEW_TRAINING = 1_000


@dataclass(frozen=True)
class _Facts:
    """All that a card is filled in from. `num_test` and `image_shape` are None where they are not known.

    `start` is the run whose weights it started from, if that is here.
    """

    run: Run
    config: ExperimentConfig
    validation: PartFacts | None
    test: PartFacts | None
    counted: Sequence[ClassFacts]
    seconds: float
    image_shape: tuple[int, int, int] | None
    num_test: int | None
    temperature: Temperature | None
    receipts: Mapping[str, KeptReceipt]
    machine: str | None
    start: Run | None


def run_card(
    workspace: Workspace, store: Store, engine: Engine, run: Run, advance: Advance | None = None
) -> str:
    """Markdown. What can be measured is, by the engine, where the run's data is here; it takes seconds.

    Raises RunError where the run's settings cannot be read.
    """
    config = run.config
    facts = measure_card_facts(workspace, engine, run, advance)
    return _render(_collect(workspace, store, run, config, facts))


def _collect(
    workspace: Workspace, store: Store, run: Run, config: ExperimentConfig, facts: CardFacts | None
) -> _Facts:
    folder, info = workspace.run_folder(run.id), describe_dataset(workspace, run.dataset)
    if info is not None and (info.digest is None or info.digest != run.dataset_digest):
        info = None
    counts = None if run.best_epoch is None else store.breakdowns.validation_at(run.id, run.best_epoch)
    counted = []
    if counts is not None and run.class_names is not None:
        triples = zip(run.class_names, counts.count.tolist(), counts.right[-1].tolist(), strict=False)
        counted = [ClassFacts(name, n, right) for name, n, right in triples]
    return _Facts(
        run, config, None if facts is None else facts.validation, None if facts is None else facts.test, counted,
        sum(value for value in store.curves(run.id)["seconds"] if value is not None),
        None if info is None else config.dataset.picture_shape(info.image_shape),
        None if info is None else info.num_test,
        None if facts is None else kept_temperature(folder, facts.sha256),
        {} if facts is None else kept_receipts(folder, facts.sha256),
        cpu_name() if run.origin is None else run.origin.machine, _start_of(store, config),
    )  # fmt: skip


def _start_of(store: Store, config: ExperimentConfig) -> Run | None:
    try:
        return None if config.model.start_from is None else store.get_run(config.model.start_from)
    except RunNotFound:
        return None


def _render(facts: _Facts) -> str:
    run = facts.run
    parts = [
        f"# {escape_markdown(run.name)}",
        f"*Model card, filled in by ConvDeck {convdeck_version()} on {day(time.time())} from run `{run.id}`.*",
        "## What it is", _purpose(facts),
        "## Data", _bullets(_data(facts)),
        "## Training", _bullets(_training(facts)),
        "## Accuracy", _bullets(_accuracy(facts)), *_classes(facts),
        "## Calibration", _bullets(_calibration(facts)),
        *(["## Exported files", _bullets(_exports(facts))] if facts.receipts else []),
        "## Limits", _bullets(_limits(facts)),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def _bullets(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _purpose(facts: _Facts) -> str:
    names = facts.run.class_names or ()
    size = "" if facts.image_shape is None else f" of {facts.image_shape[1]}×{facts.image_shape[0]} pixels"
    shown = listed([f"“{escape_markdown(shortened(name, 40))}”" for name in names], MOST_CLASSES)
    which = f"{count_of(len(names), 'class')}: {shown}" if names else "classes"
    return (
        f"A convolutional network that gives each picture{size} a probability for each of {which}. It always chooses "
        "one of them, also for pictures of something else."
    )


def _data(facts: _Facts) -> list[str]:
    run, config = facts.run, facts.config
    found = [f"Data set `{run.dataset}`."]
    data = run.data
    if data is not None:
        used = (
            data.num_train
            if config.dataset.num_train is None
            else min(data.num_train, config.dataset.num_train)
        )
        test = "" if facts.num_test is None else f", {facts.num_test:,} for test"
        found.append(
            f"Split: {used:,} pictures for training, {data.num_validation:,} for validation{test}. The weights were "
            "chosen by validation pictures."
        )
        found.append(f"Digest of the data: `{data.digest[:16]}…`.")
    if config.dataset.label_noise:
        found.append(
            f"{percent(config.dataset.label_noise)} of the training labels were made wrong on purpose."
        )
    return found


def _training(facts: _Facts) -> list[str]:
    run, config = facts.run, facts.config
    found = []
    if facts.image_shape is not None and run.class_names is not None:
        try:
            network = describe_network(config.model, facts.image_shape, len(run.class_names))
            found.append(f"{network.parameters:,} parameters.")
        except ConfigError:
            pass
    if config.model.start_from is not None:
        found.append(_start_in_words(facts, config.model.start_from))
    epochs = f"{run.epoch:,} of {run.total_epochs:,} epochs"
    best = "" if run.best_epoch is None else f"; the weights are those of epoch {run.best_epoch:,}"
    found.append(f"{run.state.capitalize()} after {epochs}{best}.")
    device = (run.device or "").replace(":", " ").upper()
    where = ", ".join(escape_markdown(each) for each in (device, facts.machine) if each)
    found.append(f"{duration(facts.seconds).capitalize()} of training" + (f" on {where}." if where else "."))
    optimizer = config.optimizer
    found.append(
        f"Optimizer {escape_markdown(optimizer.name)}, learning rate {optimizer.learning_rate:g}, batches of "
        f"{config.training.batch_size:,}, seed {config.seed}."
    )
    return found


def _start_in_words(facts: _Facts, source: str) -> str:
    """Whose weights they were: what those were trained on is in these too."""
    start, frozen = facts.start, facts.config.model.frozen_blocks
    named = f"run `{source}`"
    if start is not None:
        epoch = "" if start.best_epoch is None else f", epoch {start.best_epoch:,}"
        named += f" (“{escape_markdown(start.name)}”{epoch}), trained on the data set `{start.dataset}`"
    held = f" {count_of(frozen, 'convolution block')} kept these weights." if frozen else ""
    return f"Did not start from random weights, but from those of {named}.{held}"


def _accuracy_of(right: int, n: int) -> Accuracy:
    return Accuracy(right / n, *wilson_interval(right, n))


def _accuracy(facts: _Facts) -> list[str]:
    counted = sum(each.n for each in facts.counted)
    found = []
    if facts.test is not None:
        found.append(_accuracy_sentence("test", facts.test.right, facts.test.n))
    if facts.validation is not None:
        found.append(_accuracy_sentence("validation", facts.validation.right, facts.validation.n))
    elif counted:
        found.append(_accuracy_sentence("validation", sum(each.right for each in facts.counted), counted))
    elif facts.run.best_val_accuracy is not None:
        found.append(f"{percent(facts.run.best_val_accuracy)} of the validation pictures were right.")
    if not found:
        return ["Not known: the run has no weights."]
    return [*found, "Intervals hold with 95 % confidence (Wilson's score interval), for pictures like these."]


def _accuracy_sentence(which: str, right: int, n: int) -> str:
    found = _accuracy_of(right, n)
    return f"**{percent(found.value)}** of {n:,} {which} pictures (95 % interval {interval_in_words(found)})."


def _classes(facts: _Facts) -> list[str]:
    """A table of each class, the worst first."""
    part = facts.test or facts.validation
    classes = [each for each in (facts.counted if part is None else part.classes) if each.n]
    if not classes:
        return []
    which = "test" if facts.test is not None else "validation"
    ordered = sorted(classes, key=lambda each: (each.right / each.n, each.name))
    rows = [
        f"| {escape_markdown(shortened(each.name, 60))} | {percent(each.right / each.n)} | "
        f"{interval_in_words(_accuracy_of(each.right, each.n))} | {each.n:,} |"
        for each in ordered[:MOST_CLASSES]
    ]
    more = len(ordered) - len(rows)
    table = "\n".join(
        [f"| class | right | 95 % interval | {which} pictures |", "| --- | ---: | ---: | ---: |", *rows]
    )
    return [
        "By class, the worst first:",
        table,
        *([f"{count_of(more, 'better class')} left out."] if more > 0 else []),
    ]


def _calibration(facts: _Facts) -> list[str]:
    part = facts.test or facts.validation
    if part is None:
        return ["Not measured: how far its probabilities can be believed is not known."]
    which = "test" if facts.test is not None else "validation"
    found = [
        f"Expected calibration error {percent(part.ece)} on {which} pictures as the network answers, "
        f"{percent(part.ece_calibrated)} with its temperature."
    ]
    if facts.temperature is not None:
        found.append(
            f"Temperature {facts.temperature.value:.3g}, fitted on the validation pictures: its outputs are divided by "
            "it before softmax."
        )
        if facts.temperature.note:
            found.append(escape_markdown(facts.temperature.note))
    return found


def _exports(facts: _Facts) -> list[str]:
    return [
        f"`{name}` ({file_size(each.bytes)}): parity receipt {'passed' if each.passed else '**failed**'}. "
        f"{escape_markdown(each.receipt.sentence)}"
        for name, each in facts.receipts.items()
    ]


def _limits(facts: _Facts) -> list[str]:
    run, found = facts.run, []
    if facts.test is None:
        found.append(
            "Only validation pictures were looked at. The weights were chosen by them, so the accuracy on new pictures "
            "is likely to be somewhat lower."
        )
    part = facts.test or facts.validation
    judged = part.n if part is not None else sum(each.n for each in facts.counted)
    if 0 < judged < ENOUGH_JUDGED:
        found.append(f"It was judged by {judged:,} pictures alone, so its accuracy is known only roughly.")
    if run.data is not None:
        used = min(run.data.num_train, facts.config.dataset.num_train or run.data.num_train)
        if used < _FEW_TRAINING:
            found.append(
                f"It has learned from {count_of(used, 'picture')}, which is few: other backgrounds, sizes or cameras "
                "may confuse it."
            )
    classes = [each for each in (facts.counted if part is None else part.classes) if each.n]
    if weak := _weak_in_words(classes):
        found.append(weak)
    if run.uneven_classes:
        found.append(
            f"Classes are uneven: with each class counting the same, it is right for {percent(run.balanced_accuracy)}."
        )
    if run.gap is not None and run.gap > 0.1:
        found.append(
            f"It is {points(run.gap)} better on its training pictures: part of what it knows of them is memory."
        )
    if facts.image_shape is not None:
        height, width, _ = facts.image_shape
        found.append(f"It sees {width}×{height} pixels: details that vanish at this size do not count.")
    found.append(
        "It knows nothing but its classes, and says nothing of who or what is in a picture beyond them. It was not "
        "tested on pictures that were made to mislead it."
    )
    if run.origin is not None:
        found.append("The run was imported by a bundle; its numbers were measured elsewhere.")
    return found


def _weak_in_words(classes: Sequence[ClassFacts]) -> str | None:
    """On how many of the classes it is wrong more often than right, and which are the hardest; None if on none."""
    weak = sorted(
        (each for each in classes if each.right / each.n < 0.5),
        key=lambda each: (each.right / each.n, each.name),
    )
    if not weak:
        return None
    named = listed([f"“{escape_markdown(shortened(each.name, 40))}”" for each in weak[:WORST]], WORST)
    hardest = "" if len(weak) <= WORST else f"the hardest {WORST} are "
    return f"It is wrong more often than right on {len(weak)} of {count_of(len(classes), 'class')}: {hardest}{named}."
