"""The dialog that exports a run: its best model, how its answers compare and how to use it, or a script."""

import json
import tempfile
from pathlib import Path

import streamlit as st

from core.bundles.packing import bundle_name
from core.engine.exporting import ExportedModel
from core.errors import ConvDeckError
from core.export.formats import BUNDLE, CHOICES, INSTALL, SCRIPT, ExportFormat
from core.export.netron_server import INSTALL as INSTALL_NETRON
from core.export.netron_server import is_installed
from core.export.receipt import Receipt
from core.formatting import file_size, file_stem
from core.inspection.run_export import export_run, exported_bytes
from core.inspection.run_script import script_name, script_of
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import browser, session, session_exports
from pages.components.kit.session_exports import ExportedFile
from pages.components.kit.text import error_text, literal
from pages.components.runs.bundle import offer_bundle, offer_card

SCRIPT_HEIGHT = 360  # pixels


@st.dialog("Model or script as a file", icon=":material/network_node:", width="medium")
def export_dialog(services: Services, run: Run) -> None:
    """Choose a format, then write the file."""
    name = st.segmented_control(
        "Format",
        list(CHOICES),
        default="keras",
        required=True,
        key="export-format",
        format_func=lambda name: CHOICES[name].title,
    )
    export_format = CHOICES[name]
    st.caption(export_format.purpose)
    if export_format is BUNDLE:
        offer_bundle(services, run)
        _render_command(f"python -m core export {run.id} --format {name} --out {bundle_name(run)}")
        return
    if export_format is SCRIPT:
        render_script(services, run)
        _render_command(f"python -m core export {run.id} --format {name} --out {script_name(run)}")
        return
    st.write(
        f"The weights of epoch {run.best_epoch}, with the preprocessing inside: it takes pictures as they are "
        "(whole numbers 0 to 255) and gives a probability for each class."
    )
    if missing := export_format.missing_in_words:
        st.warning(f"{missing} Install with:", icon=":material/inventory_2:")
        st.code(INSTALL, language="bash", wrap_lines=True)
    kept = session_exports.exported(_weights(run), name)
    # On a button of its own, because the page behind waits for whatever a dialog does at its first drawing. What is
    # there is saved first, so there the other button is the primary one.
    is_there = kept is not None or session.widget_value("write-model", False)
    is_asked = st.button(
        "Create the file", key="write-model", type="secondary" if is_there else "primary",
        disabled=missing is not None,
    )  # fmt: skip
    if is_asked:
        offer_model(services, run, export_format)
    elif kept is not None:
        _render_made(services, run, export_format, kept)
    _render_command(f"python -m core export {run.id} --format {name} --out {_file_name(run, export_format)}")


def offer_model(services: Services, run: Run, export_format: ExportFormat) -> None:
    """Write the run's model, say how its answers compare, and offer it with what is needed to use it."""
    try:
        with (
            st.spinner("Writing the file, then opening it elsewhere to compare its answers…"),
            tempfile.TemporaryDirectory() as folder,
        ):
            out = Path(folder) / _file_name(run, export_format)
            model = export_run(services.workspace, services.engine, run, export_format.name, out)
            made = ExportedFile(model, *exported_bytes(model), _drawn_by_netron(services, model))
    except (ConvDeckError, OSError) as error:
        st.error(literal(error_text(error)))
        return
    session_exports.keep_exported(_weights(run), export_format.name, made)
    _render_made(services, run, export_format, made)


def _weights(run: Run) -> str:
    """What tells the run's best weights from others and from those that it had before."""
    return f"{run.id} {run.attempt} {run.best_epoch}"


def _render_made(services: Services, run: Run, export_format: ExportFormat, made: ExportedFile) -> None:
    model = made.model
    _render_receipt(model.receipt)
    with st.container(horizontal=True):
        st.download_button(
            f"Save the model ({file_size(len(made.data))})",
            made.data,
            file_name=made.name,
            mime="application/octet-stream",
            icon=":material/download:",
            on_click="ignore",
            type="primary" if model.receipt.passed else "secondary",
        )
        st.download_button(
            "Save its description",
            json.dumps(model.description, indent=2, ensure_ascii=False),
            file_name=model.recipe_path.name,
            mime="application/json",
            icon=":material/data_object:",
            on_click="ignore",
            help="Classes, preprocessing, temperature and the receipt, for programs. All but the receipt is also in "
            "the file itself.",
        )
        st.download_button(
            f"Save a program for {export_format.title}",
            f"{model.python}\n",
            file_name=f"{_stem(run)}-{export_format.name}.py",
            mime="text/x-python",
            icon=":material/code:",
            on_click="ignore",
            help="A Python program that opens this file and answers a picture as Classify does: the same crop, "
            "resizing and temperature.",
        )
    _render_netron(made.drawn)
    _render_use(model)
    offer_card(services, run)


def render_script(services: Services, run: Run) -> None:
    """What the script leaves out, then the script itself."""
    try:
        script = script_of(services.workspace, services.store, run)
    except ConvDeckError as error:
        st.error(literal(error_text(error)))
        return
    st.write(
        f"{script.repeats} The script prints loss and accuracies after each epoch and saves the best network."
    )
    if script.differences:
        with st.expander("What it leaves out, or does in another way", icon=":material/difference:"):
            st.markdown("\n".join(f"- {literal(sentence)}" for sentence in script.differences))
    st.download_button(
        "Save the script",
        script.text,
        file_name=script_name(run),
        mime="text/x-python",
        icon=":material/download:",
        on_click="ignore",
        type="primary",
    )
    st.code(script.text, language="python", height=SCRIPT_HEIGHT)


def _render_command(command: str) -> None:
    st.caption("The same on the command line:")
    st.code(command, language="bash", wrap_lines=True)


def _render_receipt(receipt: Receipt) -> None:
    """Whether it passed, then the numbers."""
    sentence = literal(receipt.sentence)
    if receipt.passed:
        st.success(f"**Parity receipt: passed.** {sentence}", icon=":material/verified:")
    else:
        st.error(f"**Parity receipt: failed.** {sentence}", icon=":material/gpp_bad:")
    if receipt.problem is not None:
        return
    with st.container(horizontal=True, gap="medium"):
        st.metric(
            "Same class",
            receipt.agreement_in_words,
            help=f"Of {receipt.n} pictures: the class with the highest probability is the one of the run's model.",
            width="content",
        )
        st.metric(
            "Largest difference",
            receipt.difference_in_words,
            help="Of a probability, from 0 to 1, over all pictures and classes.",
            width="content",
        )
        st.metric(
            "Per picture",
            f"{receipt.milliseconds:.2g} ms",
            help=f"In {receipt.runtime} on this machine's processor, one picture at a time (median of ten).",
            width="content",
        )
    st.caption(literal(", ".join(f"{name} {version}" for name, version in receipt.versions.items())))


def _drawn_by_netron(services: Services, made: ExportedModel) -> str | None:
    """The address at which Netron draws the file; None where it cannot, or where this browser could not open it."""
    if not is_installed() or not browser.is_on_this_computer():
        return None
    try:
        return services.netron.open(made.path)
    except ConvDeckError as error:
        st.warning(literal(error_text(error)))
        return None


def _render_netron(drawn: str | None) -> None:
    """A link to it, or, on this computer, how to get it."""
    if drawn is not None:
        st.link_button(
            "Open in Netron", drawn, icon=":material/account_tree:", type="tertiary",
            help="Draws the layers of the file, by Netron, on this computer alone, until another file is created.",
        )  # fmt: skip
        st.caption(
            "Netron begins with a page of its own about cookies: accept it to see the layers. ConvDeck keeps Netron "
            "from contacting anybody, so nothing is reported."
        )
    elif not is_installed() and browser.is_on_this_computer():
        st.caption(f"To look at its layers here: `{INSTALL_NETRON}`.")


def _render_use(made: ExportedModel) -> None:
    st.markdown("Ask it about a picture in Python:")
    st.code(made.snippet, language="python", wrap_lines=True)
    with st.expander("What goes in and what comes out", icon=":material/description:"):
        for sentence in made.sentences:
            st.markdown(literal(sentence))


def _file_name(run: Run, export_format: ExportFormat) -> str:
    return export_format.file_name(_stem(run))


def _stem(run: Run) -> str:
    return file_stem(run.name, run.id)
