"""What every chart shares: size, margins, legend, and axes that leave a finger free to scroll the page."""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

Figure = go.Figure
TICK_FORMATS: Final = {"share": ".0%", "money": ",.3~s", "minutes": ",.0f"}
CONFIG: Final[dict[str, Any]] = {"displayModeBar": False, "responsive": True, "scrollZoom": False}


def tick_format(unit: str) -> str:
    """The d3 format of an axis in this unit; counts have thousands separators."""
    return TICK_FORMATS.get(unit, ",.0f")


def finish(figure: go.Figure, *, height: int, legend: bool = True) -> go.Figure:
    """Give a figure the house's frame and return it."""
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 16, "t": 36 if legend else 12, "b": 8},
        showlegend=legend,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "xanchor": "left", "title": None},
        hovermode="closest",
        dragmode=False,
        bargap=0.25,
    )
    figure.update_xaxes(fixedrange=True, automargin=True, title=None)
    figure.update_yaxes(fixedrange=True, automargin=True, title=None)
    return figure


def inked(figure: go.Figure, color: str) -> go.Figure:
    """The same figure with every word on it in one colour that can be read on the page's background."""
    font = {"color": color}
    figure.update_layout(font=font, legend={"font": font})
    figure.update_xaxes(tickfont=font)
    figure.update_yaxes(tickfont=font)
    figure.update_annotations(font=font)
    return figure.update_traces(selector={"type": "bar"}, outsidetextfont=font)
