"""Moments as the visitor's own clock shows them."""

import datetime
import zoneinfo

import streamlit as st


def local_time(seconds: float) -> str:
    """Unix seconds as `07 Mar 14:05:09`."""
    return datetime.datetime.fromtimestamp(seconds, _zone()).strftime("%d %b %H:%M:%S")


def _zone() -> datetime.tzinfo:
    try:
        return zoneinfo.ZoneInfo(st.context.timezone or "UTC")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return datetime.UTC
