"""No page names a setting by its path: only what is typed into a terminal or a JSON file does."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from core.datasets.prepare import ensure_dataset
from core.store.store import Store
from tests.pages.numbers.drawn import train
from tests.pages.visits import change, open_page, unfold

RAW = re.compile(r"\b(model|augmentation|optimizer|training|dataset)(\[\d+\])?\.[a-z_]+")
WIDGETS = ("number_input", "selectbox", "toggle", "slider", "button", "expander", "text_input", "text_area")
COMMAND = "python -m core"


def said_on(page: AppTest) -> str:
    """Texts, cards, tables and the labels and help of widgets; no JSON and no command line."""
    texts = [
        str(each.value)
        for kind in ("markdown", "caption", "error", "warning", "info")
        for each in page.get(kind)
    ]
    texts += [each.value for each in page.code if not each.value.startswith(COMMAND)]
    texts += [each.value.to_csv() for each in page.dataframe]
    for kind in WIDGETS:
        for widget in page.get(kind):
            texts += [str(widget.label), str(getattr(widget, "help", ""))]
    return "\n".join(texts).replace("\\", "")


@pytest.mark.parametrize("name", ["design.py", "augment.py"])
def test_the_forms_name_settings_by_their_labels(workspace, name: str) -> None:
    ensure_dataset(workspace, "shapes")  # drawing it may take longer than a page may
    page = unfold(open_page(name, preset="article-augmented"))
    if name == "design.py":
        change(change(page, "optimizer.name", "sgd"), "optimizer.nesterov", True)
        change(page, "optimizer.momentum", 0.0)
        assert "Nesterov momentum needs" in said_on(page)
    assert not RAW.search(said_on(page))


def test_runs_and_the_notebook_name_settings_by_their_labels(workspace) -> None:
    with Store(workspace) as store:
        parent = train(store, "parent", 0.6551)
        fork = train(store, "fork", 0.7137, rate=0.0027)
        store.notes.write([parent.id, fork.id], outcome="As expected.")
    one = said_on(unfold(open_page("runs.py", run=fork.id)))
    both = said_on(unfold(open_page("runs.py", run=f"{parent.id},{fork.id}")))
    notebook = said_on(open_page("notebook.py"))
    assert "Learning rate" in both and "learning rate 0.001 → 0.0027" in notebook
    assert " → " in one
    for said in (one, both, notebook):
        assert not RAW.search(said)
