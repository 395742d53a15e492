"""What a fair comparison says about people, in words: who is truly different, who only looks so, what to do next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from metrics.catalog import metric as declared
from metrics.declare import Metric
from metrics.statistics import differences
from pages import region, theme

Row = Mapping[str, Any]

ACT: Final = "act"
WATCH: Final = "watch"
ALIKE: Final = "not distinguishable"
ALONE: Final = "no team"
_MOST_NAMES: Final = 5


def label_of(name: str) -> str:
    """A metric's label inside a sentence."""
    return declared(name).label.lower()


def names(people: Sequence[str]) -> str:
    """Names as people list them, escaped; a long list ends with how many more there are."""
    shown = [theme.plain(person) for person in people[:_MOST_NAMES]]
    rest = len(people) - len(shown)
    if rest:
        return f"{', '.join(shown)} and {rest} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)


def side(row: Row) -> str:
    """On which side of what colleagues had on the same leads."""
    return "below" if row["observed"] < row["expected"] else "above"


def counted(row: Row) -> str:
    """Hits of chances: `33 of 158`."""
    return theme.parts(row["observed"], row["n"])


def against_colleagues(row: Row) -> str:
    """Hits of chances, and what colleagues had on the same leads: `33 of 158, colleagues on the same leads 69.9`."""
    return f"{counted(row)}, colleagues on the same leads {region.decimal(row['expected'], 1)}"


def different(row: Row, metric: Metric) -> str:
    """That one person is told apart from the team at one step, and by how much."""
    where = f"truly {side(row)} the team at {metric.label.lower()}"
    return f"**{theme.plain(row['person'])} is {where}** ({against_colleagues(row)})."


def told_apart(rows: Sequence[Row], metric: Metric) -> str:
    """Who is different from the team on the same leads, by how much and how surely; or that nobody is."""
    label = metric.label.lower()
    act = [row for row in rows if row["verdict"] == ACT]
    watch = [row for row in rows if row["verdict"] == WATCH]
    lines = [different(row, metric) for row in act]
    if not act:
        lines.append(f"**Nobody is truly different from the team at {label}.**")
    if watch:
        one = [f"{theme.plain(row['person'])} ({side(row)}: {against_colleagues(row)})" for row in watch]
        lines.append(f"To watch: {'; '.join(one)}. Chance alone puts about one person in twenty there.")
    alike = sum(1 for row in rows if row["verdict"] == ALIKE)
    if alike:
        who = "All" if alike == len(rows) else "The other"
        lines.append(f"{who} {alike} are not distinguishable from the team.")
    return " ".join(lines)


def only_looks_so(rows: Sequence[Row], metric: Metric) -> str:
    """The sentences on those whom the plain rate would judge wrongly; `rows` as `only_looking` gives them."""
    lines = []
    for row in rows:
        value, team = row["plain"], row["team_rate"]
        where = "below" if value < team else "above"
        shown = f"{theme.number(value, metric.unit)} beside the team's {theme.number(team, metric.unit)}"
        head = f"**{theme.plain(row['person'])} only looks {where} the team at {metric.label.lower()}** ({shown})"
        lines.append(
            f"{head}: it is {against_colleagues(row)}. The leads make the difference; what is left may be chance."
        )
    return " ".join(lines)


def next_step(rows: Sequence[Row]) -> str:
    """What to do next, by who is told apart."""
    worse = [row["person"] for row in rows if row["verdict"] == ACT and row["direction"] == "worse"]
    if worse:
        return (
            f"**Next:** open the sheet of {names(worse)}, look at the habits behind this step, agree one action and "
            "the day to look again."
        )
    better = [row["person"] for row in rows if row["verdict"] == ACT and row["direction"] == "better"]
    if better:
        return f"**Next:** ask {names(better)} what they do differently at this step, and let the others try it."
    watch = [row["person"] for row in rows if row["verdict"] == WATCH]
    if watch:
        return f"**Next:** look at {names(watch)} again next month before anybody is judged."
    return "**Next:** coach nobody by this rate. Take a longer period or another step: more leads tell more."


def verdict(row: Row) -> str:
    """The verdict in a few words, for a table."""
    known = {ACT: "truly", WATCH: "maybe"}.get(row["verdict"])
    if known is None:
        return {ALIKE: "not distinguishable from the team", ALONE: "no team to compare with"}.get(
            row["verdict"], "nobody's own"
        )
    better = f", {row['direction']}" if row["direction"] else ""
    return f"{known} {side(row)} the team{better}"


def would_stand_out(row: Row) -> str:
    """How many hits would stand out on so many chances: what these few leads can tell at all."""
    low, high = row["seen_low"], row["seen_high"]
    if row["verdict"] not in (ACT, WATCH, ALIKE):
        return ""
    if low is None and high is None:
        return "no number: too few"
    return " or ".join(
        [f"{region.decimal(end)} {word}" for end, word in ((low, "and fewer"), (high, "and more")) if end is not None]
    )


def still_open(row: Row) -> str:
    """How many of the chances may yet become hits; blank for none."""
    return theme.number(row["n_immature"], "count") if row["n_immature"] else ""


def moved(now: Row | None, before: Row | None, unit: str) -> str:
    """How a rate moved against the period compared with, and whether by more than chance."""
    if now is None or before is None:
        return theme.NOT_AVAILABLE
    change = theme.change(now["value"], before["value"], unit)
    if change is None:
        return theme.NOT_AVAILABLE
    return f"{change}, more than chance" if differences.is_apart(now, before) else f"{change}, may be chance"
