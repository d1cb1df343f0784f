"""Deleting the weights of single epochs of the chosen runs instead of the runs, with what that frees."""

from collections.abc import Sequence

import streamlit as st

from core.formatting import count_of
from core.inspection.kept_epochs import delete_kept, deleted_in_words, kept_of, megabytes
from core.server.services import Services
from core.store.records import Run
from pages.components.kit import session
from pages.components.kit.destructive import destructive_button
from pages.components.runs.controls import act_on


def render_epoch_weights(services: Services, runs: Sequence[Run]) -> None:
    """In the dialog that deletes runs: the other way to free the disk. Nothing where no such weights are kept."""
    found = [kept_of(services.workspace, run) for run in runs]
    epochs, size = sum(len(each.epochs) for each in found), sum(each.bytes for each in found)
    if not epochs:
        return
    them = "the run" if len(runs) == 1 else "the runs"
    st.write(
        f"Or keep {them}, with curves, best and last model, and delete only the weights of {count_of(epochs, 'epoch')} "
        f"that Inspect can go back to. This frees **{megabytes(size)}** and cannot be undone."
    )
    if destructive_button(
        f"Delete only these weights ({megabytes(size)})", "delete-epoch-weights", type="tertiary", on_click=_delete,
        args=(services, tuple(runs)),
    ):  # fmt: skip
        st.rerun()


def _delete(services: Services, runs: Sequence[Run]) -> None:
    deleted: list[tuple[int, int]] = []
    act_on(runs, lambda run: deleted.append(delete_kept(services.workspace, run)))
    if deleted:
        session.flash(
            deleted_in_words(sum(epochs for epochs, _ in deleted), sum(freed for _, freed in deleted))
        )
