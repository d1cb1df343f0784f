"""Plotly's check of a figure, which the server leaves out."""

import plotly.graph_objects as go

from pages.components.charts.plotly_figures import Figure


def checked(figure: Figure) -> go.Figure:
    """The same with attributes. Raises ValueError where plotly.js knows no such property, or it takes no such value."""
    return go.Figure(figure)
