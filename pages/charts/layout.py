"""What every chart shares: size, margins, legend, fonts, and axes that leave a finger free to scroll the page.

A chart is put together once, from its traces and its layout, and drawn once: the browser draws it a second time where
the room for its labels was not foreseen, and a third where a template or new arrays look like a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from zlib import crc32

import plotly.graph_objects as go

from pages import theme

Figure = go.Figure
Part = dict[str, Any]
TICK_FORMATS: Final = {"share": ".0%", "money": ",.3~s", "minutes": ",.0f"}
# Streamlit gives the chart its width and gives it anew when the window changes.
CONFIG: Final[dict[str, Any]] = {"displayModeBar": False, "scrollZoom": False}

_FONT_SIZE: Final = 12
_FONT: Final = {"family": '"Source Sans", sans-serif', "size": _FONT_SIZE, "weight": 400}
_AXIS: Final = {"fixedrange": True, "automargin": True}
# The x axis of every chart; a second one needs the same.
CALM: Final = {**_AXIS, "showgrid": False, "zeroline": False}
# Room beside the drawing for the numbers of an axis.
_NUMBERS: Final = {"l": 52, "b": 40}
_EDGE: Final = {"r": 26, "t": 16}
_LEGEND_HEIGHT: Final = 36
# How wide letters are, in parts of the font's size, and the gap between a label and its axis.
_NARROW, _WIDE, _CAPITAL, _OTHER = 0.34, 0.86, 0.62, 0.54
_GAP: Final = 18


def tick_format(unit: str) -> str:
    """The d3 format of an axis in this unit; counts have thousands separators."""
    return TICK_FORMATS.get(unit, ",.0f")


def assemble(
    traces: Iterable[go.Scatter | go.Bar | go.Heatmap | go.Waterfall],
    *,
    height: int,
    legend: bool = True,
    x: Mapping[str, Any] | None = None,
    y: Mapping[str, Any] | None = None,
    margin: Mapping[str, int] | None = None,
    beneath: Mapping[str, Any] | None = None,
    **layout: Any,
) -> go.Figure:
    """A figure of these traces in the house's frame.

    `x`, `y`: what is particular to an axis; `beneath`: to the legend; `margin`: to the room around, in pixels. The
    rest of `layout` is Plotly's own (shapes, annotations, barmode, ...).
    """
    drawn = list(traces)
    frame = {
        "height": height,
        "autosize": True,
        "margin": {**_EDGE, **_room(drawn, y or {}), **({"t": _LEGEND_HEIGHT} if legend else {}), **(margin or {})},
        "showlegend": legend,
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left", **(beneath or {})},
        "hovermode": "closest",
        "dragmode": False,
        "bargap": 0.25,
        "xaxis": {**CALM, **(x or {})},
        "yaxis": {**_AXIS, **(y or {})},
    }
    return go.Figure(drawn, {**frame, **layout})


def _room(traces: Sequence[Any], y: Mapping[str, Any]) -> dict[str, int]:
    """The room that the axes' own words need, so that the browser need not find out by drawing twice."""
    if y.get("type") != "category":
        return {**_NUMBERS, "pad": 8}
    labels = {str(label) for trace in traces for label in (trace.y if trace.y is not None else ())}
    return {**_NUMBERS, "l": max((label_width(label) for label in labels), default=0) + _GAP, "pad": 8}


def label_width(label: str) -> int:
    """About how many pixels wide a label of one or more lines is, rather too many than too few."""
    return round(max(sum(map(_width, line)) for line in label.split("<br>")) * _FONT_SIZE)


def _width(letter: str) -> float:
    if letter in "ijlftrI.,:;'|!()- ":
        return _NARROW
    if letter in "mwMW%@&":
        return _WIDE
    return _CAPITAL if letter.isupper() or not letter.isascii() else _OTHER


def upright(at: float, color: str, *, dash: str = "dash", width: int = 2, xref: str = "x") -> Part:
    """A line from bottom to top at a value of the x axis, for `shapes`."""
    line = {"color": color, "dash": dash, "width": width}
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "xref": xref, "yref": "y domain", "line": line}


def over(at: float, words: str, **placed: Any) -> Part:
    """Words on top of the drawing at a value of the x axis, for `annotations`."""
    top = {"x": at, "y": 1, "yref": "paper", "yanchor": "bottom", "text": words, "showarrow": False}
    return {**top, **placed}


def inked(figure: go.Figure, appearance: str, separators: str = ".,") -> go.Figure:
    """The figure in the colours of the page's appearance (light or dark) and with its decimal and thousands signs.

    It has no template: Streamlit's would make the browser draw each chart twice. Returns the same figure.
    """
    font = {"color": theme.INK[appearance]}
    layout = figure.layout
    layout.template = None
    layout.font = {**_FONT, **font}
    layout.paper_bgcolor = layout.plot_bgcolor = theme.PAPER[appearance]
    layout.hoverlabel = {"bgcolor": theme.PAPER[appearance], "bordercolor": theme.EDGE[appearance], "font": font}
    layout.separators = separators
    layout.datarevision = crc32(repr(figure.to_dict()["data"]).encode())
    for heatmap in figure.select_traces({"type": "heatmap"}):
        heatmap.textfont.color = theme.INK[appearance]  # else it is black or white by what lies behind
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        axis.gridcolor = axis.zerolinecolor = theme.GRID[appearance]
    return figure
