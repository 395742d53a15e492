"""What every chart shares: size, margins, legend, fonts, and axes that leave a finger free to scroll the page.

A chart is put together once, from its traces and its layout, and drawn once: the browser draws it a second time where
the room for its labels was not foreseen, and a third where a template or new arrays look like a change. Its parts are
plain values, which Plotly checks in the tests and not each time that a page is drawn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from zlib import crc32

import plotly.graph_objects as go
from plotly.basedatatypes import BaseFigure

from pages import region, theme

Part = dict[str, Any]
TICK_FORMATS: Final = {"share": ".0%", "money": ",.3~s", "minutes": ",.0f"}
# Streamlit gives the chart its width and gives it anew when the window changes.
CONFIG: Final[dict[str, Any]] = {"displayModeBar": False, "scrollZoom": False}

_FONT_SIZE: Final = 12
_FONT: Final = {"family": '"Source Sans", sans-serif', "size": _FONT_SIZE, "weight": 400}
# Labels have their room by then: to look for those beyond the edge would lay the whole page out once more.
_AXIS: Final = {"fixedrange": True, "automargin": True, "ticklabeloverflow": "allow"}
# The x axis of every chart; a second one needs the same.
CALM: Final = {**_AXIS, "showgrid": False, "zeroline": False}
# Room beside the drawing for the numbers of an axis.
_NUMBERS: Final = {"l": 52, "b": 40}
_EDGE: Final = {"r": 26, "t": 16}
_LEGEND_HEIGHT: Final = 36
# How wide letters are, in parts of the font's size, and the gap between a label and its axis.
_NARROW, _WIDE, _CAPITAL, _OTHER = 0.34, 0.86, 0.62, 0.54
_GAP: Final = 18
# How far apart the ticks of a signed axis may stand, how many there are, and the sign that d3 writes on the others.
_STEPS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
_TICKS: Final = 4
_MINUS: Final = "\u2212"
_DAY_MS: Final = 86_400_000
_YEAR: Final = re.compile(r"[ ,./-]*%Y[ ,./-]*")


@dataclass(frozen=True)
class Figure:
    """A chart as its parts: traces in the order they are drawn, and the layout, each as Plotly's JSON has it."""

    traces: tuple[Part, ...]
    frame: Part

    @cached_property
    def checked(self) -> go.Figure:
        """The same as Plotly's own figure; ValueError where Plotly does not know a part or a value."""
        return go.Figure(list(self.traces), self.frame)

    @property
    def data(self) -> Any:
        """The traces, checked."""
        return self.checked.data

    @property
    def layout(self) -> Any:
        """The layout, checked."""
        return self.checked.layout


class Drawn(BaseFigure):  # type: ignore[misc]  # Plotly has no types
    """A figure as Streamlit sends it to the browser.

    Streamlit takes it for one of Plotly's and writes it as it is. Making, copying and checking Plotly's own objects
    takes several times as long as the rest of a chart.
    """

    def __init__(self, figure: Figure) -> None:
        # None of Plotly's own parts are made: `to_dict` is all that is asked of it.
        self._figure = figure

    def to_dict(self) -> Part:
        """What is sent: `data` and `layout`."""
        return {"data": list(self._figure.traces), "layout": self._figure.frame}


def scatter(**parts: Any) -> Part:
    """A trace of points, lines or areas."""
    return _trace("scatter", parts)


def bar(**parts: Any) -> Part:
    """A trace of bars."""
    return _trace("bar", parts)


def heatmap(**parts: Any) -> Part:
    """A trace of shaded cells."""
    return _trace("heatmap", parts)


def waterfall(**parts: Any) -> Part:
    """A trace of bars that each begin where the one before ends."""
    return _trace("waterfall", parts)


def _trace(kind: str, parts: Part) -> Part:
    return {"type": kind, **{name: value for name, value in parts.items() if value is not None}}


def tick_format(unit: str) -> str:
    """The d3 format of an axis in this unit; counts have thousands separators."""
    return TICK_FORMATS.get(unit, ",.0f")


def signed_ticks(low: float, high: float) -> Part:
    """The ticks of an axis of differences of shares, such as `0%` and `+20%`: at most four, as a phone has room for.

    Written here, as no format of d3 leaves zero without a sign. An axis wider than 2.0 has more.
    """
    step = next((step for step in _STEPS if len(_multiples(step, low, high)) <= _TICKS), _STEPS[-1])
    at = [place * step for place in _multiples(step, low, high)]
    return {"tickvals": at, "ticktext": [_signed(value, digits=0 if step >= 0.01 else 1) for value in at]}


def _multiples(step: float, low: float, high: float) -> range:
    return range(math.ceil(low / step), math.floor(high / step) + 1)


def _signed(share: float, digits: int) -> str:
    sign = "+" if share > 0 else _MINUS if share < 0 else ""
    return f"{sign}{region.percent(abs(share), digits)}"


def day_ticks() -> Part:
    """How an axis of days writes its ticks, in the order of the region: hours, days, months or years as it is wide.

    What ticks share (the day of hours, the year of days) stands below the first of them only.
    """
    day = region.day_pattern()
    steps = (
        (None, _DAY_MS - 1, f"%H:%M\n{day}"),
        (_DAY_MS, 28 * _DAY_MS, f"{_YEAR.sub('', day)}\n%Y"),
        ("M1", "M6", "%b %Y"),
        ("M12", None, "%Y"),
    )
    return {"tickformatstops": [{"dtickrange": [least, most], "value": value} for least, most, value in steps]}


def assemble(
    traces: Iterable[Part],
    *,
    height: int,
    legend: bool = True,
    x: Mapping[str, Any] | None = None,
    y: Mapping[str, Any] | None = None,
    margin: Mapping[str, int] | None = None,
    beneath: Mapping[str, Any] | None = None,
    **layout: Any,
) -> Figure:
    """A figure of these traces in the house's frame.

    `x`, `y`: what is particular to an axis; `beneath`: to the legend; `margin`: to the room around, in pixels. The
    rest of `layout` is Plotly's own (shapes, annotations, barmode, ...).
    """
    drawn = tuple(traces)
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
    return Figure(drawn, {**frame, **layout})


def _room(traces: Sequence[Part], y: Mapping[str, Any]) -> dict[str, int]:
    """The room that the axes' own words need, so that the browser need not find out by drawing twice."""
    if y.get("type") != "category":
        return {**_NUMBERS, "pad": 8}
    labels = {str(label) for trace in traces for label in trace.get("y", ())}
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


def level(at: float, color: str, *, dash: str = "dash", width: int = 2) -> Part:
    """A line from left to right at a value of the y axis, for `shapes`."""
    line = {"color": color, "dash": dash, "width": width}
    return {"type": "line", "x0": 0, "x1": 1, "y0": at, "y1": at, "xref": "x domain", "yref": "y", "line": line}


def over(at: float, words: str, **placed: Any) -> Part:
    """Words on top of the drawing at a value of the x axis, for `annotations`."""
    top = {"x": at, "y": 1, "yref": "paper", "yanchor": "bottom", "text": words, "showarrow": False}
    return {**top, **placed}


def inked(figure: Figure, appearance: str, separators: str = ".,") -> Figure:
    """The figure in the colours of the page's appearance (light or dark) and with its decimal and thousands signs.

    It has no template: Streamlit's would make the browser draw each chart twice.
    """
    font = {"color": theme.INK[appearance]}
    paper = theme.PAPER[appearance]
    traces = tuple(_written(trace, font) for trace in figure.traces)
    axes = {
        name: {**axis, "gridcolor": theme.GRID[appearance], "zerolinecolor": theme.GRID[appearance]}
        for name, axis in figure.frame.items()
        if name.startswith(("xaxis", "yaxis"))
    }
    look = {
        "font": {**_FONT, **font},
        "paper_bgcolor": paper,
        "plot_bgcolor": paper,
        "hoverlabel": {"bgcolor": paper, "bordercolor": theme.EDGE[appearance], "font": font},
        "separators": separators,
        "datarevision": crc32(repr(traces).encode()),
    }
    return Figure(traces, {**figure.frame, **axes, **look})


def _written(trace: Part, font: Part) -> Part:
    """The words in a heat map's cells in the page's ink: else they are black or white by what lies behind."""
    if trace["type"] != "heatmap":
        return trace
    return {**trace, "textfont": {**trace.get("textfont", {}), **font}}
