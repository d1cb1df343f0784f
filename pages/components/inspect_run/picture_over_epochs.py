"""One picture over the epochs of a run: how probable its classes became, and what was looked at after any of them."""

from collections.abc import Sequence

import streamlit as st

from core.engine.explanation import Explanation
from core.errors import ConvDeckError, UserError
from core.formatting import percent
from core.inspection.answers import weights_of
from core.inspection.over_epochs import EpochAnswers, OverEpochs
from core.server.services import Services
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.charts.epoch_answers import MOST_CLASSES, answers_data, answers_spec
from pages.components.kit.browser import is_narrow
from pages.components.kit.explanations import render_explanations
from pages.components.kit.redraw import draw_alone
from pages.components.kit.text import error_text, literal

CHOSEN = "inspect-scrubbed-epoch"
NONE_KEPT = (
    "Only the weights of the best and the last epoch of this run were kept. New runs keep those of every epoch, if "
    "Design says so; trials of sweeps and the runs of studies keep none."
)

remembered = OverEpochs()


def ask_over_epochs(services: Services, run: Run, pictures: Sequence[Pixels]) -> list[EpochAnswers]:
    """What each kept epoch says of the pictures, with the progress here. Raises as `OverEpochs.of` does."""
    place = st.empty()

    def advance(done: int, of: int) -> None:
        place.progress(done / max(1, of), f"Asking the network of each epoch: {done:,} of {of:,}")

    found = remembered.of(services.workspace, services.engine, run, pictures, advance)
    place.empty()
    return found


def render_picture_over_epochs(
    services: Services, run: Run, pixels: Pixels, title: str, key: str, label: int | None = None
) -> None:
    """A slider over the epochs, the probabilities with the chosen epoch marked, and the maps of that epoch.

    `pixels` are of the shape that the network reads, `title` is what sentences call the picture, `key` stands for it,
    `label` is its class, if that is known.
    """
    try:
        (answers,) = ask_over_epochs(services, run, [pixels])
    except ConvDeckError as error:
        st.error(literal(error_text(error)), icon=":material/error:")
        return
    if len(answers.epochs) < 2 or (len(answers.epochs) == 2 and run.epoch > 2):
        st.caption(NONE_KEPT)
    if len(answers.epochs) > 1:
        draw_alone(_render, services, run, pixels, title, key, answers, label)


def _render(
    services: Services, run: Run, pixels: Pixels, title: str, key: str, answers: EpochAnswers, label: int | None
) -> None:  # fmt: skip
    epochs = answers.epochs
    # One more epoch is another slider: it begins at the newest.
    epoch = st.select_slider(
        "After epoch", epochs, epochs[-1], key=f"{CHOSEN}-{key}-{len(epochs)}",
        help=f"The best epoch is {run.best_epoch}.",
    )  # fmt: skip
    answer = answers.probabilities[epochs.index(epoch)]
    best = int(answer.argmax())
    names = answers.class_names
    line = (
        f"After epoch {epoch:,} it is taken for **{literal(names[best])}** ({percent(float(answer[best]))})"
    )
    if label is not None and label != best:
        line += f"; **{literal(names[label])}**, which it is, has {percent(float(answer[label]))}"
    st.markdown(f"{line}.")
    render_answers_chart(answers, key, label, chosen=epoch)
    try:
        weights = weights_of(services.workspace, run, epoch)
    except UserError as error:  # a resumed run has forgotten the epochs that it trains again
        st.caption(literal(error_text(error)))
        return

    def ask(method: str, layer: str | None, class_name: str | None) -> Explanation:
        return services.engine.explain_pixels(run.id, pixels, method, layer, class_name, title, weights.which)

    if st.toggle("Show what it looked at", key="inspect-shows-reason-then"):
        # Named by the picture and not by the epoch, so that method, layer and class stay while the slider moves.
        render_explanations(ask, f"then-{key}", weights.sha256)


def render_answers_chart(
    answers: EpochAnswers, key: str, label: int | None = None, *, chosen: int | None = None, height: int = 280
) -> None:  # fmt: skip
    """The probabilities of the classes that were most probable at some epoch, and of the picture's own."""
    own = [] if label is None else [label]
    classes = answers.most_seen(MOST_CLASSES, *own)
    st.vega_lite_chart(
        answers_data(answers, classes, chosen),
        answers_spec(
            [answers.class_names[each] for each in classes], height,
            most=float(answers.probabilities[:, classes].max()), is_narrow=is_narrow(),
        ),
        key=f"over-epochs-{key}", width="stretch",
        alt="The probability of each class after every epoch",
    )  # fmt: skip
