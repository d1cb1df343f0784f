"""The notebook as one HTML file without scripts, fonts or pictures from elsewhere."""

from collections.abc import Sequence
from html import escape

from core.notebook.curves_svg import MOST_RUNS, render_svg
from core.notebook.entries import Entry
from core.notebook.markdown_export import NOTHING_EXPECTED, NOTHING_YET, day

# The theme's colours (.streamlit/config.toml), which were chosen for light and dark.
_LIGHT = ("#0072B2", "#C2740A", "#008F6B", "#B8558D", "#6B5BD2", "#2E8BC0", "#C2410C", "#6B7280")
_DARK = ("#56B4E9", "#F0A330", "#2CC295", "#E08CBB", "#A79BF5", "#8CCBEF", "#F28C5A", "#A3AAB8")
# Should text ever get past the escaping, nothing it asks for is loaded or run.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_STYLE = """
:root { color-scheme: light dark; --text: #1B1F2A; --quiet: #5B6270; --page: #FFFFFF; --card: #F3F4F8; --line: #D9DCE5;
%LIGHT% }
@media (prefers-color-scheme: dark) { :root { --text: #E8EAF0; --quiet: #A3AAB8; --page: #0F121A; --card: #1A1F2B;
--line: #323949; %DARK% } }
body { margin: 0 auto; max-width: 54rem; padding: 1.5rem 1rem 3rem; background: var(--page); color: var(--text);
font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 0; overflow-wrap: anywhere; }
h3 { font-size: .8rem; margin: 1rem 0 .2rem; color: var(--quiet); font-weight: 600; }
p { margin: 0; }
.quiet { color: var(--quiet); font-size: .875rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem 1.25rem;
margin-top: 1rem; break-inside: avoid; }
.both { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 22.5rem); gap: 0 1.5rem; align-items: start; }
@media (max-width: 44rem) { .both { grid-template-columns: minmax(0, 1fr); } }
.words { white-space: pre-wrap; overflow-wrap: anywhere; }
ul { margin: .2rem 0 0; padding-left: 1.1rem; font-size: .875rem; overflow-wrap: anywhere; }
svg { width: 100%; height: auto; margin-top: .75rem; }
svg text { font: 10px system-ui, sans-serif; fill: var(--quiet); }
svg path, svg circle { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
svg .clean { stroke-dasharray: 5 4; stroke-width: 1.5; }
svg .grid { stroke: var(--line); stroke-width: 1; }
.key { display: inline-block; width: .8rem; height: .8rem; border-radius: 50%; vertical-align: -.08rem; }
""".strip()


def render_html(entries: Sequence[Entry], now: float) -> str:
    """The whole document. `now` is unix seconds, for its date."""
    count = f"{len(entries):,} {'entry' if len(entries) == 1 else 'entries'}, {day(now)}"
    body = "\n".join(_article(entry) for entry in entries)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Notebook</title>\n<style>\n{_style()}\n</style>\n</head>\n<body>\n<h1>Notebook</h1>\n"
        f'<p class="quiet">{count}. Curves: validation accuracy solid with a ring at the best epoch, clean training '
        f"accuracy dashed.</p>\n{body}\n</body>\n</html>\n"
    )


def _style() -> str:
    style = _STYLE
    for mark, colors in (("%LIGHT%", _LIGHT), ("%DARK%", _DARK)):
        style = style.replace(mark, " ".join(f"--c{i}: {color};" for i, color in enumerate(colors)))
    rules = [
        f"svg .run-{i} {{ stroke: var(--c{i}); }} .key.run-{i} {{ background: var(--c{i}); }}"
        for i in range(MOST_RUNS)
    ]
    return "\n".join([style, *rules])


def _article(entry: Entry) -> str:
    note = entry.note
    ids = escape(", ".join(run.id for run in entry.runs))
    facts = "".join(f'<li dir="auto">{escape(line)}</li>' for line in entry.facts())
    return (
        f'<article>\n<h2 dir="auto">{_title(entry)}</h2>\n'
        f'<p class="quiet">{day(note.created_at)}, {"run" if len(entry.runs) == 1 else "runs"} {ids}</p>\n'
        f'<div class="both"><div>\n<h3>Expected</h3>\n{_words(note.expectation, NOTHING_EXPECTED)}\n'
        f"<h3>Outcome</h3>\n{_words(note.outcome, NOTHING_YET)}\n"
        f"<h3>Facts</h3>\n<ul>{facts}</ul>\n</div><div>{render_svg(entry.runs)}</div></div>\n</article>"
    )


def _title(entry: Entry) -> str:
    """The runs' names, with several of them after the colour that each is drawn in."""
    drawn = [run.id for run in entry.runs if run.has_curves][:MOST_RUNS]
    names = []
    for run in entry.runs:
        key = ""
        if len(entry.runs) > 1 and run.id in drawn:
            key = f'<span class="key run-{drawn.index(run.id)}"></span> '
        names.append(f"{key}{escape(run.shown_name)}")
    return " · ".join(names)


def _words(text: str, instead: str) -> str:
    if not text:
        return f'<p class="quiet">{instead}</p>'
    return f'<p class="words" dir="auto">{escape(text)}</p>'
