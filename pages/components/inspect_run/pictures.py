"""The pictures behind the numbers: mistakes and others, by class and answer, in an order worth looking at."""

import secrets
from collections.abc import Callable, Iterable

import numpy as np
import streamlit as st

from core.datasets.storage import load_dataset
from core.errors import DatasetError
from core.formatting import count_of, file_stem, percent
from core.inspection.answers import Numbers, SplitAnswers
from core.inspection.elsewhere import pictures_elsewhere
from core.inspection.selection import answers_csv, select
from core.server.services import Services
from core.store.picture_tags import data_of
from core.store.records import Run
from core.system.frames import Pixels
from pages.components.inspect_run.address import ANY, NO_RUN, PICTURES, View, change, field
from pages.components.inspect_run.one_picture import files_of, open_one, render_one
from pages.components.kit import browser, session
from pages.components.kit.downloads import download_made
from pages.components.kit.picture_grid import picture_grid, scroll_here
from pages.components.kit.pictures import contact_sheet
from pages.components.kit.redraw import some_of
from pages.components.kit.text import error_text, literal

COLUMNS = 12  # of the sheet that is sent
MOST_SHOWN, MOST_SHOWN_NARROW = 60, 24
PAGE_BYTES = 6_000_000  # of pixels that are sent for one page
SCROLL = "inspect-scroll"


def open_pictures(label: int, answer: int) -> None:
    """Show the pictures of this class that got this answer, and scroll to them."""
    if label == answer:
        change(truth=label, answer=answer, pictures="right")
    else:
        change(truth=label, answer=answer, pictures="loss")
    session.set_widget(SCROLL, secrets.token_hex(4))


def render_pictures(services: Services, run: Run, answers: SplitAnswers, view: View) -> None:
    """The choice of pictures, how many they are, and the pictures themselves."""
    if token := session.widget_value(SCROLL):
        scroll_here(token, "pictures")
    st.subheader("Pictures", anchor=False)
    truth, answer = (_known(place, answers) for place in (view.truth, view.answer))
    tags = services.store.picture_tags.of(data_of(run))
    in_use = sorted({tag for each in tags.values() for tag in each})
    tagged = None
    if view.tag is not None:
        tagged = [row for row, each in tags.items() if view.tag in each]
    places = select(answers, view.pictures, truth, answer, tagged)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Show", list(PICTURES), required=True, format_func=PICTURES.__getitem__, wrap=True,
            help="**Worst mistakes**: those with the highest loss: it gives the right class the least probability. "
            "**Surest mistakes**: those it is surest of. **Most doubtful**: right or wrong, the first two classes are "
            "about as probable.", **field("pictures", view.pictures),
        )  # fmt: skip
        names = answers.class_names
        for name, label, chosen in (("truth", "It is", truth), ("answer", "Taken for", answer)):
            st.selectbox(
                label, [ANY, *range(len(names))], width=200,
                format_func=lambda each: "Any class" if each == ANY else names[each],
                **field(name, ANY if chosen is None else chosen),
            )  # fmt: skip
        if in_use or view.tag is not None:
            listed = in_use if view.tag is None or view.tag in in_use else [*in_use, view.tag]
            st.selectbox(
                "Tag", [NO_RUN, *listed], width=180, format_func=lambda each: each or "Any or none",
                help="Open a picture to tag it. Tags belong to the picture, so every run on this data set has them. "
                "**Most doubtful** lists all pictures with the tag, right or wrong.",
                **field("tag", view.tag or NO_RUN),
            )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        said = counted_in_words(answers, view.pictures, truth, answer, len(places))
        if view.tag is not None:
            said = f"{said.removesuffix('.')}, tagged “{view.tag}”."
        st.caption(literal(said), width="content")
        if truth is not None or answer is not None:
            st.button(
                "All classes", key="inspect-all", icon=":material/close:", on_click=change,
                kwargs={"truth": None, "answer": None},
            )  # fmt: skip
        download_made(
            "CSV", lambda: answers_csv(answers, places, tags, files_of(services, run, answers)),
            f"{file_stem(run.name, run.id)}-{answers.split}.csv",
            "text/csv", key="inspect-csv", icon=":material/download:", disabled=not len(places),
            help="These pictures as a table: row in the test arrays, class, answer, probability, loss, tags, file.",
        )  # fmt: skip
    if len(places):
        key = f"inspect-pictures-{run.id}-{answers.split}-{answers.epoch}-{view.pictures}-{truth}-{answer}-{view.tag}"
        render_sheet(services, run, answers, places, key)


def counted_in_words(
    answers: SplitAnswers, kind: str, truth: int | None, answer: int | None, count: int
) -> str:
    """`34 mistakes: cat taken for dog, of 1,500 test pictures.`"""
    noun = {"doubt": "picture", "right": "right answer"}.get(kind, "mistake")
    name = answers.class_names.__getitem__
    which = ""
    if truth is not None and answer is not None:
        which = (
            f": {name(truth)} recognised" if truth == answer else f": {name(truth)} taken for {name(answer)}"
        )
    elif truth is not None:
        which = f" of {name(truth)}" if noun == "picture" else f" on pictures of {name(truth)}"
    elif answer is not None:
        which = f" with the answer {name(answer)}"
    many = count_of(count, noun) if count else f"No {noun}s"
    return f"{many}{which}, of {len(answers):,} {answers.split} pictures."


def render_sheet(
    services: Services, run: Run, answers: SplitAnswers, places: Numbers, key: str, second: SplitAnswers | None = None
) -> None:  # fmt: skip
    """Some of the pictures with what each is and was taken for; with what a `second` run says of the same pictures.

    A click opens one.
    """
    try:
        shape, read = _pictures_of(services, run, answers)
    except DatasetError as error:
        st.warning(
            f"The pictures are not available. {literal(error_text(error))}", icon=":material/photo_library:"
        )
        return
    per_page = max(
        COLUMNS,
        min(
            MOST_SHOWN_NARROW if browser.is_narrow() else MOST_SHOWN,
            PAGE_BYTES // int(np.prod(shape)),
        ),
    )
    above = st.container()
    shown = np.asarray(some_of(places.tolist(), per_page, key))
    pixels = np.asarray(read(answers.rows[shown]))
    # Tags are about the run's own data set.
    tags = services.store.picture_tags.of(data_of(run)) if answers.dataset is None else {}
    marks = [", ".join(tags.get(int(row), ())) for row in answers.rows[shown]]
    told = [
        f"{each}. Tagged: {mark}" if mark else each
        for each, mark in zip(described(answers, shown, second), marks, strict=True)
    ]
    with above:
        picked = picture_grid(
            contact_sheet(pixels, COLUMNS, scale=1, gap=0), (pixels.shape[2], pixels.shape[1]), COLUMNS,
            [("", told)], key=f"{key}-grid", picks=True, captions=captions(answers, shown, second), marks=marks,
        )  # fmt: skip
    if picked is not None:
        open_one(picked)
        render_one(services, run, answers, shown, pixels)


def _pictures_of(
    services: Services, run: Run, answers: SplitAnswers
) -> tuple[tuple[int, ...], Callable[[Numbers], Pixels]]:
    """The shape of each picture, and what reads them by their rows. Raises DatasetError."""
    if answers.dataset is None:
        stored = load_dataset(services.workspace, run.dataset).x_test
        return stored.shape[1:], stored.__getitem__
    other = answers.dataset
    shape = load_dataset(services.workspace, other).image_shape
    return shape, lambda rows: pictures_elsewhere(services.workspace, other, rows.tolist())


def captions(answers: SplitAnswers, places: Iterable[int], second: SplitAnswers | None) -> list[str]:
    """Below each picture: what it is, then what it was taken for with which probability, by each run."""
    names = answers.class_names
    lines = []
    for place in places:
        said = f"→ {percent(answers.confidence[place], 0)} {names[answers.predicted[place]]}"
        if second is not None:
            said += f"\n→ {percent(second.confidence[place], 0)} {names[second.predicted[place]]}"
        lines.append(f"{names[answers.labels[place]]}\n{said}")
    return lines


def described(answers: SplitAnswers, places: Iterable[int], second: SplitAnswers | None) -> list[str]:
    """Each picture in a sentence, for its tooltip and for those who cannot see it."""
    names = answers.class_names
    told = []
    for place in places:
        sentence = f"Picture {answers.rows[place]:,}: {names[answers.labels[place]]}, taken for {_said(answers, place)}"
        told.append(
            sentence if second is None else f"{sentence}, by the other run for {_said(second, place)}"
        )
    return told


def _said(answers: SplitAnswers, place: int) -> str:
    return f"{answers.class_names[answers.predicted[place]]} with {percent(answers.confidence[place])}"


def _known(place: int | None, answers: SplitAnswers) -> int | None:
    return place if place is not None and place < len(answers.class_names) else None
