"""What each setting is called where people read: its name, unit and help, a module for each part of a config."""

from core.config.labels.label import Label
from core.config.labels.words import (
    LABELS,
    change_in_words,
    label_at,
    label_of,
    named_value,
    setting_at,
    shown_beside,
    shown_value,
)

__all__ = [
    "LABELS",
    "Label",
    "change_in_words",
    "label_at",
    "label_of",
    "named_value",
    "setting_at",
    "shown_beside",
    "shown_value",
]
