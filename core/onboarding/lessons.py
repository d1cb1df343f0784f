"""Short lessons: a few sentences, a number to guess, something to train, a question with its answer. Pure data.

The texts hold no results: what comes out is what the reader's own runs show. All of them train the preset `overfit`
on Shapes, which is everywhere the same, so that a teacher's link shows every class the same thing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec.structs import asdict

from core.config import AugmentationConfig, ExperimentConfig
from core.design.presets import PRESETS, quick_start
from core.errors import UserError

PRESET = "overfit"


@dataclass(frozen=True)
class LessonRun:
    """What a lesson trains: a name, and what differs from the preset.

    `any_will_do`: an existing run is taken too, because it only serves for comparison.
    """

    name: str
    values: Mapping[str, Any] = field(default_factory=dict)
    any_will_do: bool = False

    @property
    def config(self) -> ExperimentConfig:
        return quick_start(PRESET, has_cifar10=False, has_gpu=False).with_values(self.values)


@dataclass(frozen=True)
class Guess:
    """The number that a lesson asks for before it trains: `measure` of its run number `run` after the last epoch.

    Accuracies are in percent, on new pictures or on its own training pictures (`clean_train_accuracy`). In points are
    `gap` and `difference`, the validation accuracy of the last run minus that of the first. `most` ends the scale,
    which begins at 0.
    """

    question: str
    measure: Literal["val_accuracy", "clean_train_accuracy", "gap", "difference"]
    run: int = 0
    most: int = 100

    @property
    def unit(self) -> str:
        return "%" if self.measure.endswith("accuracy") else "points"

    @property
    def can_be_drawn(self) -> bool:
        """Whether its whole curve can be guessed; a difference of two curves is hard to picture."""
        return self.measure != "difference"


@dataclass(frozen=True)
class Lesson:
    """One lesson. `texts` are paragraphs before the training, `look` says what to look at, `answer` is unfolded.

    `result` says the reader's own results, with the numbers of `core.runs.lessons.results_in_words` in braces.
    """

    name: str
    title: str
    texts: tuple[str, ...]
    action: str
    runs: tuple[LessonRun, ...]
    look: str
    question: str
    answer: str
    guess: Guess
    result: str

    @property
    def num_epochs(self) -> int:
        """Of the curve that is guessed."""
        return self.runs[self.guess.run].config.training.epochs


def _mild() -> dict[str, Any]:
    mild, none = asdict(PRESETS["article-augmented"].config.augmentation), asdict(AugmentationConfig())
    return {f"augmentation.{name}": value for name, value in mild.items() if value != none[name]}


_PLAIN = LessonRun("Lesson: nothing changed", any_will_do=True)

_ALL = (
    Lesson(
        "overfitting",
        "The gap",
        (
            "A network is shown the same 2,000 pictures again and again. After each round, an epoch, it is tested "
            "twice: on those pictures (clean training), and on others that it never trains on (validation).",
            "As long as both curves rise together, it learns what shapes look like. If one still rises and the "
            "other stops, it learns these 2,000 pictures by heart: it overfits. The space between them is the gap.",
        ),
        "Train the network",
        (LessonRun("Lesson: the gap"),),
        "Watch where the two curves part. The verdict names that epoch as soon as it can be sure.",
        "In the end it is right on nearly all of its training pictures. Why is that no reason to celebrate?",
        "Because the answers for those pictures are already known. New pictures count, and on them it had stopped "
        "improving while it still improved on its own. What came after was learned by heart.",
        Guess(
            "By how many points will it be better on its training pictures than on new ones, in the end?",
            "gap",
            most=60,
        ),
        "Your network is right on {train_0} of its training pictures and on {val_0} of new ones. Its gap is {gap_0}.",
    ),
    Lesson(
        "augmentation",
        "Augmentation cures it",
        (
            "Two networks begin with the same weights and are shown the same pictures in the same order. For one of "
            "them, each picture is rotated, shifted or mirrored a little before it is shown, differently every time.",
            "A mirrored arrow is still an arrow, but its pixels are different. So this network never sees quite the "
            "same picture twice, and there is little that it could learn by heart.",
        ),
        "Train both",
        (_PLAIN, LessonRun("Lesson: augmentation", _mild())),
        "Compare the solid curves, validation, and how far the dashed ones, clean training, lie above them.",
        "The network with augmentation is worse on its own training pictures for a long time. Is it the worse network?",
        "No. Its task is harder: it never sees the same picture twice, so learning by heart does not pay. Look where "
        "its validation curve ends, and how small its gap is. Validation decides which network is better.",
        Guess(
            "What percentage of new pictures will the network with augmentation get right, in the end?",
            "val_accuracy",
            run=1,
        ),
        "Your networks are right on {val_0} of new pictures without augmentation and on {val_1} with it. Their gaps "
        "are {gap_0} and {gap_1}.",
    ),
    Lesson(
        "more-data",
        "More pictures",
        (
            "The same network twice: once with 500 training pictures, once with 4,000, the 500 among them.",
            "Both are tested on the same new pictures. Before you start: by how many points will they differ?",
        ),
        "Train both",
        (
            LessonRun("Lesson: 500 pictures", {"dataset.num_train": 500, "training.epochs": 15}),
            LessonRun("Lesson: 4,000 pictures", {"dataset.num_train": 4_000, "training.epochs": 15}),
        ),
        "Compare the solid curves, validation, and the gaps.",
        "Which of the two has the smaller gap, and why?",
        "The one with more pictures. The more there are, the harder it is to learn them by heart, and the more it pays "
        "to learn what they have in common. Accuracy on new pictures grows roughly with the logarithm of their number: "
        "each doubling brings about as much as the doubling before. An epoch of more pictures also has more steps.",
        Guess(
            "By how many points will more pictures make it more accurate on new ones, in the end?",
            "difference",
            most=60,
        ),
        "Your networks are right on {val_0} of new pictures after 500 and on {val_1} after 4,000. Their gaps are "
        "{gap_0} and {gap_1}.",
    ),
    Lesson(
        "learning-rate",
        "Steps that are too long",
        (
            "With every batch of pictures the weights move a little in the direction in which the loss falls. The "
            "learning rate says how far. For this network 0.001 is usual.",
            "Steps three hundred times as long should arrive three hundred times sooner. Do they?",
        ),
        "Train with 0.001 and with 0.3",
        (
            _PLAIN,
            LessonRun("Lesson: learning rate 0.3", {"optimizer.learning_rate": 0.3, "training.epochs": 12}),
        ),
        "Look at the loss of the second one, and at its accuracy. Guessing among ten classes is right in one of ten.",
        "Why does a longer step not simply arrive sooner?",
        "The direction is right only nearby. A step that is too long leads over the valley and up the other side, "
        "where the next one goes too far again. The loss rises or stays high, and the answers are no better than "
        "guessing. The verdict calls that diverged, and its first suggestion is a tenth of the learning rate.",
        Guess(
            "What percentage of new pictures will the network with long steps get right, in the end?",
            "val_accuracy",
            run=1,
        ),
        "Your networks are right on {val_0} of new pictures with 0.001 and on {val_1} with 0.3.",
    ),
    Lesson(
        "wrong-labels",
        "Learning mistakes by heart",
        (
            "Before the training, 40 of 100 training pictures get a wrong label on purpose: a star may be called a "
            "heart. The validation pictures keep their true labels.",
            "There is no rule in these mistakes. A network that only knows the shapes is right on at most 60 of 100.",
        ),
        "Train on wrong labels",
        (LessonRun("Lesson: wrong labels", {"dataset.label_noise": 0.4}),),
        "Watch how far the training curves rise above 60 %, and what validation does meanwhile.",
        "How can it be right on more than 60 of 100 training pictures, when 40 of 100 labels are wrong?",
        "By learning each picture with its wrong label by heart. So a high training accuracy does not show that "
        "anything was understood. Validation, with true labels, falls behind: the mistakes affect every answer.",
        Guess(
            "To what percentage of its training pictures will it give the label that they have, wrong "
            "or not, in the end?",
            "clean_train_accuracy",
        ),
        "Your network gives {train_0} of its training pictures the label that they have, wrong or not, and is right on "
        "{val_0} of new ones.",
    ),
)  # fmt: skip

LESSONS: dict[str, Lesson] = {lesson.name: lesson for lesson in _ALL}


def get_lesson(name: str) -> Lesson:
    """The lesson of that name. Raises UserError."""
    if name not in LESSONS:
        raise UserError(f"There is no lesson {name[:40]!r}. Choose one of these:")
    return LESSONS[name]


def next_lesson(name: str) -> Lesson | None:
    """The one after it; None after the last."""
    names = list(LESSONS)
    place = names.index(name) + 1
    return LESSONS[names[place]] if place < len(names) else None
