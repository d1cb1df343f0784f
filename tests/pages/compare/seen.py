"""What a visitor sees of the Compare page, read from the page as a test runs it."""

import json


def figure(page):
    """The chart, as the browser gets it."""
    (chart,) = page.get("plotly_chart")
    return json.loads(chart.proto.spec)


def legend(page) -> list[str]:
    names = [
        trace["name"] for trace in figure(page)["data"] if trace.get("name") and trace.get("showlegend", True)
    ]
    return [name.replace("<br>", " ").replace("\u00a0", " ") for name in names]


def table(page):
    (frame,) = page.dataframe
    return frame.value


def set_field(page, kind: str, key: str, value):
    """Set a widget of the page by its key."""
    getattr(page, kind)(key=f"compare-{key}").set_value(value).run()
    assert not page.exception
    return page
