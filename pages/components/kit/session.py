"""Every key of `st.session_state`, behind functions with names; those of uploads and exports are apart."""

import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.state.session_state import SessionState

from core.augmentation.strength import Strength
from core.config import AugmentationConfig, ExperimentConfig
from core.design.drafts import Draft
from core.errors import ConfigError
from core.server.services import Services, get_services
from core.store.records import RunRequest
from pages.components.kit.refused import RefusedValues


def services() -> Services:
    """The collaborators of this process."""
    return get_services()


def chosen_runs() -> tuple[str, ...] | None:
    """The runs that this visitor looked at last; None on a first visit."""
    return st.session_state.get("chosen_runs")


def set_chosen_runs(ids: tuple[str, ...]) -> None:
    """Remember the runs that are looked at, for coming back to the page."""
    st.session_state["chosen_runs"] = ids


def story() -> str | None:
    """What the address of this visitor's story on Home holds; None before it has begun and after “Start over”."""
    return st.session_state.get("story")


def set_story(asked: str | None) -> None:
    """Remember it, for coming back to Home by a link that does not know it."""
    st.session_state["story"] = asked


def lesson_guess(name: str) -> str | None:
    """The id of what this visitor guessed last in the lesson of that name; None before a guess."""
    return st.session_state.get("lesson_guesses", {}).get(name)


def set_lesson_guess(name: str, guess_id: str) -> None:
    """Remember it."""
    st.session_state["lesson_guesses"] = {**st.session_state.get("lesson_guesses", {}), name: guess_id}


def run_table_key(ids: tuple[str, ...], chosen: tuple[str, ...]) -> str:
    """The widget key of the table with these rows and ticks.

    It stays while the visitor ticks. It is a new one when the rows changed, so that a late click on old rows cannot
    tick a wrong run, and when the choice came from elsewhere, so that the table shows it.
    """
    number, known_ids, known_chosen = st.session_state.get("run_table", (0, (), ()))
    if number == 0 or (known_ids, known_chosen) != (ids, chosen):
        number += 1
        st.session_state["run_table"] = (number, ids, chosen)
    return f"run-table-{number}"


def note_ticked_runs(chosen: tuple[str, ...]) -> None:
    """The table itself changed the choice: it stays the same table."""
    number, ids, _ = st.session_state["run_table"]
    st.session_state["run_table"] = (number, ids, chosen)


def num_not_in_table(run_ids: Sequence[str]) -> int:
    """How many of the runs are not on the page of the table of runs that was drawn last."""
    _, shown, _ = st.session_state.get("run_table", (0, (), ()))
    return len(set(run_ids) - set(shown))


def shared_starts() -> dict[str, RunRequest]:
    """What this visitor asked to start where an identical run was taken instead: the request, by the run's id."""
    return st.session_state.get("shared_starts", {})


def set_shared_start(run_id: str, request: RunRequest | None) -> None:
    """Remember it, for the notice that offers to train all the same; None: the notice was closed."""
    known = {key: value for key, value in shared_starts().items() if key != run_id}
    st.session_state["shared_starts"] = known if request is None else {**known, run_id: request}


def deleted_runs() -> tuple[str, ...]:
    """The runs that this visitor deleted last, for the notice that offers to undo it."""
    return st.session_state.get("deleted_runs", ())


def set_deleted_runs(ids: tuple[str, ...]) -> None:
    """Remember what was deleted last; nothing: the notice was closed."""
    st.session_state["deleted_runs"] = ids


def is_filter_new(now: object, *, at_first: bool) -> bool:
    """Whether the filter of the table of runs is another one than at its last drawing; `at_first`: at the first one."""
    is_first = "run_filter" not in st.session_state
    before = st.session_state.get("run_filter")
    st.session_state["run_filter"] = now
    return at_first if is_first else before != now


def flash(message: str) -> None:
    """Have a message shown once, after the next rerun."""
    st.session_state.setdefault("flashes", []).append(message)


def take_flashes() -> list[str]:
    """The messages to show now; they are given out once."""
    return st.session_state.pop("flashes", [])


def draft() -> Draft | None:
    """The design that this visitor is putting together; None before there is one."""
    return st.session_state.get("draft")


def set_draft(draft: Draft) -> None:
    """Replace the draft, not by one of its own widgets: these are drawn again to show it."""
    st.session_state["draft"] = draft
    st.session_state["refused_values"] = RefusedValues()
    st.session_state["design_generation"] = secrets.token_hex(4)


def set_design_config(config: ExperimentConfig, preset: str | None = None) -> None:
    """Begin a design with a config, which may be that of a preset. What was typed for the run stays."""
    now = draft()
    st.session_state["former_values"] = {}
    begun = Draft(config, config, preset)
    set_draft(replace(begun, name=now.name, expectation=now.expectation) if now else begun)


def alter_design(config: ExperimentConfig) -> None:
    """Replace the draft's config as a whole; what it began as stays."""
    now = draft()
    set_draft(replace(now, config=config) if now else Draft(config, config))


def describe_draft(name: str, expectation: str) -> None:
    """Keep with the draft what its run is to be called, and what is expected of it."""
    now = draft()
    if now is not None:
        st.session_state["draft"] = replace(now, name=name, expectation=expectation)


def reset_design() -> None:
    """Undo every change since the design was begun."""
    now = draft()
    if now is not None:
        set_draft(replace(now, config=now.origin))


@dataclass(frozen=True)
class DraftPlace:
    """Where the draft is kept: own file, the one it was read from, what is written, the link it began with."""

    own_id: str | None = None
    source_id: str | None = None
    kept: Draft | None = None
    link: tuple[str, str] | None = None


def draft_place() -> DraftPlace:
    """Where the draft is kept, if it is."""
    return st.session_state.get("draft_place", DraftPlace())


def set_draft_place(place: DraftPlace) -> None:
    """Remember where the draft is kept from now on."""
    st.session_state["draft_place"] = place


def design_config() -> ExperimentConfig | None:
    """The draft's config."""
    now = draft()
    return now.config if now else None


def design_preset() -> str | None:
    """The preset that the draft began as."""
    now = draft()
    return now.preset if now else None


def design_generation() -> str:
    """Part of the key of each widget that edits the draft: another one makes new widgets.

    By chance and not by counting: after a reconnect the browser sends what its widgets held, and a new session
    that counted from 1 again would take that for its own.
    """
    return st.session_state.setdefault("design_generation", secrets.token_hex(4))


def change_design(path: str, key: str, also: Callable[[Any], dict[str, Any]] | None = None) -> None:
    """A widget's callback: write its value into the draft at `path`, or keep the draft and remember why not.

    `also` gives further values that have to change with it.
    """
    now = draft()
    if now is None or has_gone(key):
        return
    value = st.session_state[key]
    refused = _refused_values()
    refused.forget(path)
    try:
        values = {path: value, **(also(value) if also else {})}
        changed = replace(now, config=now.config.with_values(values))
    except ConfigError as error:
        refused.refuse(path, key, value, error)
        return
    changed = _with_refused(changed, refused)
    if len(values) > 1:
        set_draft(changed)
    else:
        st.session_state["draft"] = changed


def _with_refused(now: Draft, refused: RefusedValues) -> Draft:
    """With the refused values that still stand in their fields, where another change has removed the cause."""
    standing = dict(refused.standing(st.session_state))
    refused.forget_all()
    for path, each in standing.items():
        try:
            now = replace(now, config=now.config.with_values({path: each.value}))
        except ConfigError as error:
            refused.refuse(path, each.key, each.value, error)
    return now


def remember(path: str, value: Any) -> None:
    """What a setting of this design was before another one had it changed, for `pop_remembered`."""
    st.session_state.setdefault("former_values", {})[path] = value


def pop_remembered(path: str) -> Any:
    """What was kept of a setting, once; None without."""
    return st.session_state.get("former_values", {}).pop(path, None)


def standing_error(path: str, key: str) -> str | None:
    """Why the value that the widget `key` shows was not taken; None when the draft has it."""
    return _refused_values().draw(path, key, st.session_state)


def is_any_value_refused() -> bool:
    """Whether a field, drawn already or not, shows a value that was not taken."""
    return any(_refused_values().standing(st.session_state))


def refused_in_words() -> list[str]:
    """For each field drawn on this page that shows a value that was not taken: its name, and why."""
    return _refused_values().in_words(st.session_state)


def forget_standing_errors() -> None:
    """At the beginning of a page: only its own fields count."""
    _refused_values().begin_page()


def _refused_values() -> RefusedValues:
    return st.session_state.setdefault("refused_values", RefusedValues())


def idempotency_token(config: ExperimentConfig, name: str | None = None) -> str:
    """The same for the same config and name until `use_token`: a start that was cut short and is tried again starts
    one run, and a start of something else another.
    """
    secret = st.session_state.setdefault("start_secret", secrets.token_hex(16))
    started = f"{secret} {config.config_id} {name or ''}"
    return hashlib.sha256(started.encode()).hexdigest()


def use_token() -> None:
    """The start went through: the same config and name again are another run."""
    st.session_state.pop("start_secret", None)


def widget_text(key: str) -> str:
    """What stands in a text field."""
    return st.session_state.get(key, "")


def reset_widget(key: str) -> None:
    """Give a widget its first value again, also one that keeps its value across pages."""
    st.session_state.pop(key, None)


def set_augmentation(augmentation: AugmentationConfig) -> None:
    """Replace the draft's augmentation as a whole."""
    config = design_config()
    if config is not None:
        alter_design(msgspec.structs.replace(config, augmentation=augmentation))


def strength(augmentation: AugmentationConfig) -> Strength:
    """What the draft's policy was made of; a policy that came about in another way is its own base, at 1."""
    known: Strength | None = st.session_state.get("strength")
    if known is None or known.result != augmentation:
        return Strength(augmentation, 1.0, augmentation)
    return known


def set_strength(changed: Strength) -> None:
    """Put what came of it into the draft, and remember what it was made of."""
    st.session_state["strength"] = changed
    set_augmentation(changed.result)


def set_widget(key: str, value: Any) -> None:
    """Have the widget `key`, which is drawn after this, show `value`, whatever was clicked."""
    st.session_state[key] = value


def widget_value(key: str, otherwise: Any = None) -> Any:
    """A widget's value, for callbacks; `otherwise` as long as it has none."""
    return st.session_state.get(key, otherwise)


def has_browser_answered(key: str) -> bool:
    """Whether a value of this widget came with what the page answers now. Streamlit (1.67) does not offer it."""
    state = _widget_states()
    return state is None or state.get_widget_id_from_key(key) in state._new_widget_state.states


def has_gone(key: str) -> bool:
    """Whether the last run of the page has left out the widget `key`. For its callback, which then has nothing to do.

    A click may come just when a run ends. The browser sends with it what the widgets held that this run has left out.
    Streamlit (1.67) does not remember them any more, takes their values for new ones, and calls their callbacks.
    """
    state = _widget_states()
    return state is not None and state.get_widget_id_from_key(key) not in state._old_state


def _widget_states() -> SessionState | None:
    context = get_script_run_ctx()
    return context.session_state._state if context else None


def remember_opened(key: str) -> None:
    """The visitor has opened the fold or popover `key`."""
    st.session_state.setdefault("opened", set()).add(key)


def was_opened(key: str) -> bool:
    """Whether the visitor has opened the fold or popover `key` at any time of this visit."""
    return key in st.session_state.get("opened", ())


def next_draw(key: str, most: int) -> None:
    """Count the widget `key`, which holds the number of a draw from 1 to `most`, one further."""
    st.session_state[key] = st.session_state.get(key, 1) % most + 1


def sweep_error(asked: tuple[str, ...]) -> str:
    """Why the sweep that is asked for (the knob and the runs) could not continue; empty when it could."""
    known_asked, message = st.session_state.get("sweep_error", ((), ""))
    return message if known_asked == asked else ""


def set_sweep_error(asked: tuple[str, ...], message: str) -> None:
    """Remember it, so that it is not tried again at every tick."""
    st.session_state["sweep_error"] = (asked, message)


def measured_design() -> str | None:
    """The config_id of the design whose dry run this visitor saw last."""
    return st.session_state.get("measured_design")


def set_measured_design(config_id: str) -> None:
    """Remember whose dry run is shown, to show it as out of date when the design changes."""
    st.session_state["measured_design"] = config_id
