"""Speed of the metrics at a million opportunities, each beside the leanest hand-written SQL for the same answer.

The hand-written statements say the same: what is counted is what stood at each store's "now", with its label, and with
the rows that may still change. The two take turns, many times, and the figure of each is its low quartile: a busy
machine slows some runs of both, and never makes one faster. All other figures are medians.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import polars as pl

from metrics import engine
from metrics.catalog import METRICS, metric
from metrics.comparisons.cells import CROSSED, NESTED
from metrics.comparisons.people import people
from metrics.declare import Ratio
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics.verdicts import compare
from tests.benchmarks.multiplied import Copies, multiply, store_keys

ROOT: Final = Path(__file__).parents[2]
RUNS: Final = 9
# Statements of a few milliseconds are run more often.
SHORT_RUNS: Final = 31
STORES: Final = 4
# A simulated group of four stores has about 20,000 opportunities, 28 salespeople and 14 sources.
MILLION: Final = Copies(rows=51, people=14, sources=3)
ONE_STORE: Final = Copies(rows=20, people=4, sources=3)

_NOW: Final = "now as (select store_key, as_of, {more} from dim_store)"
_DAYS: Final = "as_of - interval '{} seconds' as since"
_LAST: Final = "select {label}, {numerator}, {denominator}, {value}, {immature} from k join {table} using ({key})"
# What is counted (columns of `k`), from which rows, what else is known of "now", then how the result is made of it.
_SOLD: Final = "is_sold and (sold_at > as_of) is not true"
_ATTEMPTED: Final = "is_attempted and (first_attempt_at > as_of) is not true"
_CREATED: Final = "fct_opportunity join now using (store_key) where is_eligible and created_at <= as_of"
_CLOSED: Final = "fct_sale join now using (store_key) where is_counted and sold_at <= as_of"
_OPEN_NOW: Final = (
    "(select first(open_seconds_before + greatest(0, coalesce(epoch(least(as_of, closes_at)) - epoch(opens_at), 0))"
    " order by starts_at desc) from dim_date where dim_date.store_key = dim_store.store_key and starts_at <= as_of)"
    " as open_now"
)
_MIDDLE: Final = (
    "case when 2 * answered < asked then null when 2 * answered = asked then longest / 60.0 else middle / 60.0 end"
)
_SHARE: Final = ("hits", "chances", "hits / nullif(chances, 0)", "immature")


class Lean:
    """A hand-written statement: what is totalled per person or source, and how the answer is made of the totals."""

    def __init__(self, totals: str, rows: str, answer: tuple[str, str, str, str], more: str = "1 as one") -> None:
        self.totals, self.rows, self.answer, self.more = totals, rows, answer, more

    def text(self, by: str) -> str:
        """The statement by person or by source."""
        role = "setter_key" if "fct_appointment" in self.rows else "salesperson_key"
        column, key, table = (role, "person_key", "dim_person") if by == "person" else _SOURCE
        totals = f"select {column} as {key}, {self.totals} from {self.rows} group by {column}"
        numerator, denominator, value, immature = self.answer
        last = _LAST.format(
            label=by, table=table, key=key, numerator=numerator, denominator=denominator, value=value, immature=immature
        )
        return f"with {_NOW.format(more=self.more)}, k as ({totals}) {last}"


_SOURCE: Final = ("source_key", "source_key", "dim_source")
_GROSS: Final = "sum(weighted_gross) filter (where has_known_gross) as gross"
LEAN: Final[Mapping[str, Lean]] = {
    "opportunities": Lean("count(*) as n", _CREATED, ("n", "null", "n", "0")),
    "leads": Lean(
        "count(*) as n",
        "fct_lead join now using (store_key) where is_counted and created_at <= as_of",
        ("n", "null", "n", "0"),
    ),
    "sold_units": Lean("sum(weight) as units", _CLOSED, ("units", "null", "units", "0")),
    "gross": Lean(_GROSS, _CLOSED, ("gross", "null", "gross", "0")),
    "gross_per_sale": Lean(
        f"{_GROSS}, sum(weight) filter (where has_known_gross) as units",
        _CLOSED,
        ("gross", "units", "cast(gross as double) / nullif(units, 0)", "0"),
    ),
    "contact_to_appointment": Lean(
        "count(*) filter (where is_set) as hits, count(*) as chances,"
        " count(*) filter (where not is_set and is_young) as immature",
        "(select {key}, contacted_at > since as is_young,"
        " is_appointment_set and (appointment_set_at > as_of) is not true as is_set"
        f" from {_CREATED} and is_contacted and (contacted_at > as_of) is not true)",
        _SHARE,
        _DAYS.format(14 * 86_400),
    ),
    "closing_rate": Lean(
        "count(*) filter (where bought) as hits, count(*) as chances,"
        " count(*) filter (where not bought and is_young) as immature",
        f"(select {{key}}, {_SOLD} as bought, created_by > since as is_young from {_CREATED})",
        _SHARE,
        _DAYS.format(90 * 86_400),
    ),
    "closing_rate_60": Lean(
        "count(*) filter (where is_closed and bought) as hits, count(*) filter (where is_closed) as chances,"
        " count(*) filter (where not is_closed) as immature",
        f"(select {{key}}, {_SOLD} and (seconds_to_sold > 5184000) is not true as bought,"
        f" created_by <= since as is_closed from {_CREATED})",
        _SHARE,
        _DAYS.format(60 * 86_400),
    ),
    "answered_within_standard": Lean(
        "count(*) filter (where is_closed and in_time) as hits, count(*) filter (where is_closed) as chances,"
        " count(*) filter (where not is_closed) as immature",
        f"(select {{key}}, {_ATTEMPTED} and (open_seconds_to_first_attempt > response_standard_seconds) is not true"
        " as in_time, coalesce(open_now - created_open_seconds >= response_standard_seconds, false) as is_closed"
        f" from {_CREATED} and needs_answer)",
        _SHARE,
        _OPEN_NOW,
    ),
    "median_response_minutes": Lean(
        "count(*) as asked, count(waited) as answered, max(waited) as longest,"
        " median(coalesce(cast(waited as double), cast('infinity' as double))) as middle",
        f"(select {{key}}, case when {_ATTEMPTED} then coalesce(open_seconds_to_first_attempt, 0) end as waited"
        f" from {_CREATED} and needs_answer)",
        ("null", "asked", _MIDDLE, "0"),
    ),
    "days_to_sale_first_quarter": Lean(
        "count(seconds_to_sold) as n, quantile_cont(seconds_to_sold, 0.25) as middle",
        "fct_opportunity join now using (store_key) where is_eligible and is_sold and sold_at <= as_of",
        ("null", "n", "middle / 86400.0", "0"),
    ),
    "show_rate": Lean(
        "count(*) filter (where shown) as hits, count(*) as chances, count(*) filter (where is_open) as immature",
        "(select {key}, is_shown and (shown_at > as_of) is not true as shown, is_unresolved or (is_shown and"
        " shown_at > as_of) is true as is_open from fct_appointment join now using (store_key) where is_standing and"
        " due_at <= as_of)",
        _SHARE,
    ),
}
_SPENT: Final = (
    "select source_key, cast(sum(amount) filter (where is_known) as double) as spend"
    " from fct_spend join now using (store_key) where day <= as_of_on group by 1"
)
TWO_FACTS: Final = {
    "in_period_closing_ratio": f"""
        with now as (select store_key, as_of from dim_store),
        u as (select {{column}}, sum(weight) as units from {_CLOSED} group by 1),
        o as (select {{column}}, count(*) as n from {_CREATED} group by 1)
        select {{by}}, coalesce(units, 0), coalesce(n, 0), coalesce(units, 0) / nullif(coalesce(n, 0), 0), 0
        from u full join o using ({{column}}) join {{table}} on {{key}} = {{column}}""",
    "cost_per_lead": f"""
        with now as (select store_key, as_of, as_of_on from dim_store),
        s as ({_SPENT}),
        l as (
            select source_key, count(*) filter (where has_known_spend) as n
            from fct_lead join now using (store_key) where is_counted and created_at <= as_of group by 1
        )
        select source, case when n > 0 then coalesce(spend, 0) else spend end, coalesce(n, 0),
            case when n > 0 then coalesce(spend, 0) end / nullif(n, 0), 0
        from s full join l using (source_key) join dim_source using (source_key)""",
    "cost_per_sale": f"""
        with now as (select store_key, as_of, as_of_on from dim_store),
        s as ({_SPENT}),
        b as (
            select source_key, count(*) filter (where has_known_spend) as n
            from {_CREATED} and {_SOLD} group by 1
        )
        select source, case when n > 0 then coalesce(spend, 0) else spend end, coalesce(n, 0),
            case when n > 0 then coalesce(spend, 0) end / nullif(n, 0), 0
        from s full join b using (source_key) join dim_source using (source_key)""",
    "roi": f"""
        with now as (select store_key, as_of, as_of_on, as_of - interval '7776000 seconds' as since from dim_store),
        s as ({_SPENT}),
        g as (
            select source_key, count(*) filter (where has_known_spend) as deals,
                cast(sum(weighted_gross) filter (where has_known_spend and has_known_gross) as double) as gross
            from fct_sale join now using (store_key)
            where is_counted and (sold_at > as_of) is not true and created_at <= as_of group by 1
        ),
        o as (
            select source_key, count(*) filter (where has_known_spend and created_by > since and not ({_SOLD})) as n
            from {_CREATED} group by 1
        )
        select source, case when coalesce(deals, 0) = 0 then 0 else gross end - spend as gained, spend,
            gained / nullif(spend, 0), coalesce(n, 0)
        from s full join g using (source_key) full join o using (source_key) join dim_source using (source_key)""",
}


def main() -> None:
    """Print each ratio, the time of the People page's numbers and that of the whole catalogue, a line each."""
    with tempfile.TemporaryDirectory() as place:
        base = _simulated(Path(place))
        begun = time.perf_counter()
        million = engine.open_warehouse(multiply(base, Path(place) / "million", MILLION))
        store = Copies(ONE_STORE.rows, ONE_STORE.people, ONE_STORE.sources, store_keys(base)[0])
        one = engine.open_warehouse(multiply(base, Path(place) / "one", store))
        _say("the stars", f"{time.perf_counter() - begun:.0f} s to build, {_size(million)}; one store: {_size(one)}")
        measure(million, one)


def measure(million: Warehouse, one: Warehouse) -> None:
    """The figures of two warehouses that are there already."""
    for name in (*LEAN, *TWO_FACTS):
        for by in ("person", "source"):
            if by in metric(name).dimensions:
                _against_hand(million, name, by)
    _people_page(million)
    whole = _medians([lambda: engine.evaluate(one, [found.name for found in METRICS], Filters())])[0]
    alone = _medians([lambda: [engine.evaluate(one, [found.name], Filters()) for found in METRICS]])[0]
    _say(f"all {len(METRICS)} metrics of one store", f"{whole:.0f} ms (one by one: {alone:.0f} ms), {_size(one)}")


def _simulated(place: Path) -> Path:
    words = ("demo", str(place / "exports"), "--stores", str(STORES), "--load-into", str(place / "base"))
    subprocess.run([sys.executable, "-m", "loaders", *words], cwd=ROOT, check=True, capture_output=True)
    return place / "base" / (place / "base" / "CURRENT").read_text(encoding="utf-8").strip()


def hand_written(name: str, by: str) -> str:
    """The statement of a metric by person or source."""
    if name in LEAN:
        text = LEAN[name].text(by)
        return text.replace("{key}", "source_key" if by == "source" else _role(name))
    column, key, table = _SOURCE if by == "source" else ("salesperson_key", "person_key", "dim_person")
    return TWO_FACTS[name].format(by=by, column=column, key=f"{table}.{key}", table=table)


def _role(name: str) -> str:
    return f"{metric(name).credits[0]}_key"


def _against_hand(warehouse: Warehouse, name: str, by: str) -> None:
    """Ours gives a frame with intervals; the hand-written statement is run and fetched in the cheapest way there is."""
    filters, text = Filters(by=(by,)), hand_written(name, by)
    with warehouse._reading() as reader:
        _assert_same(engine.evaluate(warehouse, [name], filters), reader.cursor.sql(text).pl(), name, by)
        works = [lambda: engine.evaluate(warehouse, [name], filters), lambda: reader.cursor.execute(text).fetchall()]
        ours, lean = _low_quartiles(works)
    spare_ms = 3 if isinstance(metric(name), Ratio) and len(metric(name).facts) > 1 else 2
    within = "" if ours <= 1.3 * lean or ours <= lean + spare_ms else "   MORE THAN WANTED"
    _say(f"{name} by {by}", f"{ours:.1f} ms, {ours / lean:.2f} x hand-written SQL ({lean:.1f} ms){within}")


def _assert_same(ours: pl.DataFrame, lean: pl.DataFrame, name: str, by: str) -> None:
    """The same labels, parts, values and immature rows; ValueError where they differ."""
    columns = ["numerator", "denominator", "value", "n_immature"]
    own = ours.select(by, *columns).sort(by)
    theirs = lean.select(pl.nth(0).alias(by), *(pl.nth(n).cast(pl.Float64).alias(c) for n, c in enumerate(columns, 1)))
    theirs = theirs.sort(by)
    is_alike = own.height == theirs.height and all(_is_close(own[c], theirs[c]) for c in columns)
    if not (is_alike and own[by].equals(theirs[by])):
        raise ValueError(f"{name} by {by}: the engine and the hand-written SQL differ:\n{own}\n{theirs}")


def _is_close(one: pl.Series, other: pl.Series) -> bool:
    is_near = ((one - other).abs() <= 1e-9 * other.abs().clip(1)).fill_null(value=True)
    return is_near.all() and one.is_null().equals(other.is_null())


def _people_page(warehouse: Warehouse) -> None:
    filters = Filters(by=("person", *NESTED, *CROSSED))
    cells = engine.evaluate(warehouse, ["closing_rate"], filters).filter(pl.col("denominator") > 0)
    taken = cells.select("person", *NESTED, *CROSSED, chances="denominator", hits="numerator")
    asking, judging, whole = _medians(
        [
            lambda: engine.evaluate(warehouse, ["closing_rate"], filters),
            lambda: compare(taken, "person", NESTED, CROSSED),
            lambda: people(warehouse, "closing_rate", Filters()),
        ]
    )
    numbers = f"{taken['person'].n_unique()} people, {taken.height:,} cells"
    _say("numbers of the People page", f"{asking:.0f} ms of query + {judging:.0f} ms of statistics ({numbers})")
    _say("the same as `metrics people` gives it", f"{whole:.0f} ms, each store's team by itself, with sentences")


def _size(warehouse: Warehouse) -> str:
    return f"{engine.snapshot_facts(warehouse).row_counts['fct_opportunity']:,} opportunities"


def _medians(works: list[Callable[[], object]]) -> list[float]:
    """Milliseconds of each, in the middle of runs that take turns."""
    return [median(own) * 1000 for own in _in_turns(works, RUNS)]


def _low_quartiles(works: list[Callable[[], object]]) -> list[float]:
    """Milliseconds that a quarter of many runs in turns stay below: what else the machine does only adds to a run."""
    return [quantiles(own)[0] * 1000 for own in _in_turns(works, SHORT_RUNS)]


def _in_turns(works: list[Callable[[], object]], runs: int) -> list[list[float]]:
    """Seconds of each run of each work; the first turn warms up and is left out."""
    seconds: list[list[float]] = [[] for _ in works]
    for run in range(runs + 1):
        for number, work in enumerate(works):
            begun = time.perf_counter()
            work()
            if run:
                seconds[number].append(time.perf_counter() - begun)
    return seconds


def _say(what: str, figure: str) -> None:
    sys.stdout.write(f"{what:<44} {figure}\n")
    sys.stdout.flush()
