"""One picture in a dialog: its pixels, what the run makes of it, where it is in the data set, and what it looks at."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.datasets.file_names import file_names, file_of
from core.datasets.splits import as_read
from core.datasets.storage import describe_dataset
from core.engine.explanation import Explanation
from core.errors import ConvDeckError
from core.formatting import percent
from core.inspection.answers import Numbers, SplitAnswers, weights_of
from core.server.services import Services
from core.store.picture_tags import data_of
from core.store.records import Run
from core.system.frames import Pixels
from core.visitors.person import teacher_only
from pages.components.inspect_run.inside import open_inside, show_inside
from pages.components.inspect_run.picture_over_epochs import render_picture_over_epochs
from pages.components.kit import session
from pages.components.kit.answers import right_or_wrong
from pages.components.kit.explanations import render_explanations
from pages.components.kit.pictures import render_pixels
from pages.components.kit.text import error_text, literal
from pages.components.kit.widget_values import if_drawn

SIDE = 256
MOST_CLASSES = 5
SUGGESTED_TAGS = ("hard to tell", "wrong label")
AT, SHOWS_REASON, SHOWS_EPOCHS = "inspect-picture", "inspect-shows-reason", "inspect-shows-epochs"


# Closing draws the page again: the first tag brings the choice of tags.
@st.dialog("One picture", width="medium", icon=":material/image_search:", on_dismiss="rerun")
def render_one(services: Services, run: Run, answers: SplitAnswers, places: Numbers, pixels: Pixels) -> None:
    """The picture that was opened last of those at `places` along the answers, and a way to the ones beside it.

    `pixels` are (places, height, width, 1 or 3).
    """
    at = min(int(session.widget_value(AT, 0)), len(places) - 1)
    files = files_of(services, run, answers)
    _render_picture(answers, int(places[at]), pixels[at], files)
    with st.container(horizontal=True, gap="small"):
        for label, icon, step in (("Previous", "arrow_back", -1), ("Next", "arrow_forward", 1)):
            st.button(
                label, key=f"inspect-picture-{step}", icon=f":material/{icon}:", on_click=open_one, args=(at + step,),
                disabled=not 0 <= at + step < len(places),
            )  # fmt: skip
    row = int(answers.rows[places[at]])
    if answers.dataset is None:  # tags and what is inside are about the run's own data set
        _render_tags(services, run, row)
        show_inside(row)
        if st.button(
            "Look inside the network", key="inspect-picture-inside", icon=":material/account_tree:",
            on_click=open_inside, args=(run, row), help="What each layer gives for this picture.",
        ):  # fmt: skip
            st.rerun()  # which closes the dialog
    # Stays on from one picture to the next.
    if st.toggle("Show what it looks at", key=SHOWS_REASON):
        _render_reason(services, run, answers, int(places[at]), pixels[at])
    if st.toggle(
        "Show it over the epochs", key=SHOWS_EPOCHS,
        help="What the network said of it, and what it looked at, after each epoch whose weights were kept.",
    ):  # fmt: skip
        place = int(places[at])
        row, label = int(answers.rows[place]), int(answers.labels[place])
        render_picture_over_epochs(
            services,
            run,
            _seen(services, run, pixels[at]),
            f"Picture {row:,}",
            f"{run.id}-{answers.kind}-{row}",
            label,
        )


def _render_tags(services: Services, run: Run, row: int) -> None:
    tags = services.store.picture_tags.of(data_of(run))
    own = list(tags.get(row, ()))
    key = f"inspect-tags-{run.id}-{row}-{len(own)}"
    known = {tag for each in tags.values() for tag in each}

    @if_drawn
    def keep(key: str) -> None:
        try:
            services.store.picture_tags.set(data_of(run), row, session.widget_value(key))
        except ConvDeckError as error:
            session.flash(literal(error_text(error)))

    why = teacher_only("tag pictures")
    st.multiselect(
        "Tags", sorted({*SUGGESTED_TAGS, *known}), own, key=key, accept_new_options=True, on_change=keep, args=(key,),
        placeholder="Wrong label, hard to tell, or your own word",
        disabled=why is not None,
        help=why or "To find the picture again: pictures can be filtered by tag, and the CSV has them. A tag belongs "
        "to the picture, so every run on this data set has it.",
    )  # fmt: skip


def open_one(at: int) -> None:
    """Have the dialog show the picture at this place of the page."""
    session.set_widget(AT, at)


def _render_reason(services: Services, run: Run, answers: SplitAnswers, place: int, pixels: Pixels) -> None:
    weights = weights_of(services.workspace, run, answers.epoch)
    seen = _seen(services, run, pixels)
    row = int(answers.rows[place])

    def ask(method: str, layer: str | None, class_name: str | None) -> Explanation:
        return services.engine.explain_pixels(
            run.id, seen, method, layer, class_name, f"Picture {row:,}", weights.which
        )

    render_explanations(ask, f"inspect-{run.id}-{weights.sha256[:16]}-{answers.kind}-{row}")


def _seen(services: Services, run: Run, pixels: Pixels) -> Pixels:
    """A stored picture as the network reads it."""
    own = describe_dataset(services.workspace, run.dataset)
    stored = pixels.shape if own is None else own.image_shape
    return as_read(pixels, run.config.dataset.picture_shape(stored))


def files_of(services: Services, run: Run, answers: SplitAnswers) -> Sequence[str]:
    """What the picture of each row was called where it was imported from; nothing where that is not known."""
    return file_names(services.workspace, answers.dataset or run.dataset)


def _render_picture(answers: SplitAnswers, place: int, pixels: Pixels, files: Sequence[str]) -> None:
    names = answers.class_names
    truth, answer = names[answers.labels[place]], names[answers.predicted[place]]
    left, right = st.columns(2, gap="medium")
    with left:
        render_pixels(pixels, SIDE, width="stretch", alt=f"A picture of {truth}, enlarged")
    with right:
        st.markdown(f"Taken for **{literal(answer)}**. {right_or_wrong(answer, truth)}")
        probabilities = answers.probabilities[place]
        best = np.argsort(-probabilities, kind="stable")[:MOST_CLASSES].tolist()
        label = int(answers.labels[place])
        for each in best if label in best else [*best, label]:
            name = literal(names[each])
            share = percent(float(probabilities[each]))
            st.progress(
                float(min(1.0, probabilities[each])), f"{f'**{name}**' if each == label else name} {share}"
            )
    row = int(answers.rows[place])
    if file := file_of(files, row):
        st.markdown(f":material/image: {literal(file)}")
    where = (
        f"{literal(answers.dataset)}, its test arrays, then its training arrays"
        if answers.dataset
        else ("the data set's test arrays")
    )
    st.caption(f"Row {row:,} of {where} (counted from 0). Loss {float(answers.losses[place]):.3f}.")
