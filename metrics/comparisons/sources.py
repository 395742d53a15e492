"""Sources judged fairly: quality apart from handling, credit by three rules, money with its luck, tied-out ledgers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

import polars as pl

from metrics import engine
from metrics.catalog import metric
from metrics.comparisons.cells import amount, amounts, cells, conversion, period
from metrics.declare import Conversion, MetricError, NoSuchData
from metrics.engine import Warehouse
from metrics.filters import Filters
from metrics.statistics.attribution import NO_LEAD, RULES, credit
from metrics.statistics.bootstrap import roi
from metrics.statistics.budget import Marginal, Untried, marginal_return, what_if
from metrics.statistics.handling import explain_sources

NOT_NEEDED: Final = "not needed"
ON_THE_SPOT: Final = "answered on the spot"
TOTAL: Final = "(total)"
LEDGER: Final = ("spend", "leads", "opportunities", "sold_units", "gross")
BY_MONTH: Final = ("leads", "opportunities", "cohort_gross")
MATURE_DAYS: Final = 90  # a younger month's gross is still coming in
_NOTHING: Final = "Here no source has brought or cost anything."
# Steps that are decided before or by the first answer: at equal answering there is nothing left of them to compare.
_HANDLING_ITSELF: Final = frozenset({"is_attempted", "is_responded", "is_automated_first", "is_follow_up_met"})
_QUALITY: Final = (
    *("store", "source", "metric", "n", "hits", "raw", "value", "low", "high", "others_raw", "others_value", "gap"),
    *("composition", "composition_low", "composition_high", "own", "own_low", "own_high", "n_immature"),
    *("verdict", "sentence"),
)


def quality(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame:
    """Whether a source's low rate comes from its leads or from how late they were answered.

    One row per store and source, over its leads that needed an answer: `n, hits, raw` as they are, `value` with its
    95 % interval at the store's own mix of waiting times, the same of all other sources, the `gap` to them as
    `composition` (what the handling did) plus `own` (what remains), `verdict` ("handling", "quality", "cannot be
    told", "not low", "answered on the spot") and a sentence. Handling is how long the first answer by a person took,
    in bands of opening time. The number of attempts is left out on purpose: who is reached needs no more of them, so
    it follows the quality of the lead.
    MetricError for a metric of another fact, and for one that measures the handling itself.
    """
    declared = _of_leads(name)
    asked = cells(warehouse, name, filters, ("store", "source", "answered"))
    found = _explained(asked).with_columns(metric=pl.lit(declared.name)).rename({"chances": "n"})
    return found.select(_QUALITY).sort("store", "gap", "source", nulls_last=True)


def _of_leads(name: str) -> Conversion:
    declared = conversion(name)
    if "answered" not in declared.dimensions:
        noun = declared.table.noun.replace("_", " ")
        raise MetricError(
            f"{declared.label} counts {noun}, not how leads were answered.",
            "Use closing_rate, contact_rate or set_rate.",
        )
    if declared.converted in _HANDLING_ITSELF or not _HANDLING_ITSELF.isdisjoint(declared.base):
        raise MetricError(
            f"{declared.label} is the handling itself: at equal handling all sources have it alike.",
            "Use closing_rate, contact_rate or set_rate.",
        )
    return declared


def _explained(rows: pl.DataFrame) -> pl.DataFrame:
    """The sources of each store; those whose customers called or came have no answer that could be late."""
    names, answerable = ["store", "source"], rows.filter(pl.col("answered") != NOT_NEEDED)
    waiting = answerable.group_by(names).agg(pl.col("n_immature").sum())
    judged = explain_sources(answerable, "source", ["answered"], team="store")
    others = rows.join(judged, on=names, how="anti").group_by(names)
    unjudged = others.agg(pl.col("chances", "hits", "n_immature").sum()).with_columns(
        raw=pl.col("hits") / pl.col("chances"),
        verdict=pl.lit(ON_THE_SPOT),
        sentence=pl.col("source") + ": these customers called or came, so no answer could be late.",
    )
    return pl.concat([judged.join(waiting, on=names, maintain_order="left"), unjudged], how="diagonal_relaxed")


def credited(warehouse: Warehouse, name: str, filters: Filters, window_days: int) -> pl.DataFrame:
    """Who gets a sum over sales (sold_units, gross): the first lead's source, the last one's, or all evenly.

    One row per source and "(total)": `source, metric, first, last, even` (each sums to the total exactly), `sales` it
    had a lead in, `assisted` of them where another source had the last lead, ranks by each rule, `is_flipped` where
    they differ, `sentence`. All leads of the customer within the window before the sale count; a sale without any is
    "(no lead)". NoSuchData where nothing was sold.
    """
    deals, leads = engine.deals(warehouse, name, filters)
    if deals.is_empty():
        raise NoSuchData("Nothing was sold here.", "Widen the period or drop a filter.")
    found = credit(leads, deals, window_days)
    ordered = found.sort(pl.col("source") == NO_LEAD, "first_rank", "source", nulls_last=True)
    total = ordered.select(
        *(pl.col(rule).sum() for rule in RULES), source=pl.lit(TOTAL), sales=pl.lit(deals.height, pl.UInt32)
    )
    frame = pl.concat([ordered, total], how="diagonal_relaxed").with_columns(metric=pl.lit(name))
    sentences = [_flipped(row) for row in frame.iter_rows(named=True)]
    return frame.with_columns(sentence=pl.Series(sentences, dtype=pl.String)).select(
        *("source", "metric", *RULES, "sales", "assisted"),
        *("first_rank", "last_rank", "even_rank", "is_flipped", "sentence"),
    )


def _flipped(row: dict[str, Any]) -> str:
    if row["source"] == TOTAL:
        return "Every rule shares out the same total."
    if row["source"] == NO_LEAD:
        return "Sales without a lead in the window: nobody's credit."
    ranks = f"{row['first_rank']} by the first lead, {row['last_rank']} by the last, {row['even_rank']} evenly"
    if row["is_flipped"]:
        return f"The rank depends on the rule: {ranks}."
    return f"Rank {row['first_rank']} by every rule." if row["first_rank"] else "No known amount."


def returns(warehouse: Warehouse, filters: Filters) -> pl.DataFrame:
    """Return on spend by source with a bootstrap interval on its deals, and unattributed money in lines of its own.

    One row per source: `source, spend, sales, sales_without_gross, gross, roi, low, high, n_immature, state, sentence`.
    Deals are those of the period's opportunities, in the source-months whose spend is known, as the metric `roi` has
    it. `state` says in words why there is no interval ("fewer than 5 sales") or no return ("spend unknown").
    """
    whole = engine.evaluate(warehouse, ["roi"], filters.but(by=("source",)))
    reasons = whole["reason"].drop_nulls()
    if reasons.len():
        raise MetricError(str(reasons[0]), "Choose one store: --where store=NAME.")
    if whole.is_empty():
        raise NoSuchData(_NOTHING, "Widen the period or drop a filter.")
    spend = amount(warehouse, "spend", filters, ("source",)).rename({"value": "spend"})
    missing = whole.select("source").join(spend, on="source", how="anti").with_columns(spend=pl.lit(None, pl.Float64))
    found = roi(_cohort_deals(warehouse, filters, whole["source"].to_list()), pl.concat([spend, missing]))
    counted = found.join(whole.select("source", "n_immature"), on="source", how="left", maintain_order="left")
    # What sold in months of unknown spend is left out, so these counts would read as if nothing had.
    is_unknown = pl.col("spend").is_null()
    counted = counted.with_columns(
        pl.when(~is_unknown).then(pl.col(name)).alias(name) for name in ("sales", "sales_without_gross", "gross")
    )
    sentences = [_returned(row) for row in counted.iter_rows(named=True)]
    told = counted.with_columns(sentence=pl.Series(sentences, dtype=pl.String))
    columns = ("source", "spend", "sales", "sales_without_gross", "gross", "roi", "low", "high", "n_immature", "state")
    return told.select(*columns, "sentence").sort("roi", "source", descending=[True, False], nulls_last=True)


def _cohort_deals(warehouse: Warehouse, filters: Filters, names: Sequence[str]) -> pl.DataFrame:
    """One row per deal and source of the cohort: `source, gross`; shared out where attribution is even."""
    # Naming the sources makes the listing follow the attribution; without them each deal is its first lead's.
    named = filters.but(where={**filters.where, "source": filters.where.get("source", tuple(names))})
    listed = engine.rows(warehouse, "roi", "numerator", named)
    deals = listed.filter(pl.col("measure") == "cohort_gross")
    if deals.is_empty():
        return pl.DataFrame(schema={"source": pl.String, "gross": pl.Float64})
    part = pl.col("share").cast(pl.Float64).fill_null(1.0) if "share" in deals.columns else pl.lit(1.0)
    gross = pl.col("weighted_gross").cast(pl.Float64) * part
    whole = (
        deals.with_columns(gross=gross)
        .group_by("source", "store", "sale_id", "source_file", "source_line")
        .agg(pl.when(pl.col("gross").count() > 0).then(pl.col("gross").sum()))
    )
    return whole.select("source", "gross")


def _returned(row: dict[str, Any]) -> str:
    if row["roi"] is None:
        return f"{row['source']}: {row['state']}, so no return can be said."
    back = f"{row['source']}: {row['gross']:,.0f} back on {row['spend']:,.0f}, a return of {row['roi']:+.0%}"
    young = f" {row['n_immature']:,.0f} opportunities may still buy." if row["n_immature"] else ""
    if row["low"] is None:
        return f"{back}. {str(row['state']).capitalize()}: too few to say how much of it is luck.{young}"
    return f"{back} (95 %: {row['low']:+.0%} to {row['high']:+.0%}).{young}"


def ledger(warehouse: Warehouse, filters: Filters) -> pl.DataFrame:
    """What was spent on each source and what it sold, with unattributed spend and sales in lines of their own.

    One row per source and "(total)": `source, spend, leads, opportunities, sold_units, gross, sentence`. Each column
    adds up to its total to the cent; "(no source)" and "(no lead)" are rows, so nothing is lost between the ledgers.
    Null is unknown, not zero.
    """
    by_source = amounts(warehouse, LEDGER, filters, ("source",))
    if by_source.is_empty():
        raise NoSuchData(_NOTHING, "Widen the period or drop a filter.")
    total = amounts(warehouse, LEDGER, filters, ()).with_columns(source=pl.lit(TOTAL))
    lines = by_source.sort(pl.col("source").str.starts_with("("), "source")
    frame = pl.concat([lines, total], how="diagonal_relaxed")
    said = pl.col("source").replace_strict(_LINES, default=None, return_dtype=pl.String)
    return frame.with_columns(sentence=said).select("source", *LEDGER, "sentence")


_LINES: Final = {
    "(no source)": "Leads that name no source, and what they bought: nobody's credit.",
    NO_LEAD: "Sales without a lead: nobody's credit.",
}


def marginal(warehouse: Warehouse, name: str, filters: Filters) -> pl.DataFrame:
    """What the last dollars of each source seem to have brought, from months that had more and less of them.

    `name` is what is brought: leads, opportunities or cohort_gross, by the month of the lead. One row per source that
    ever cost anything: `source, metric, months, average, value, low, high, least, most, verdict, sentence` (value =
    results for one more unit of currency a month). Months younger than 90 days are left out of gross, and a month that
    is not over always.
    """
    return marginal_of(name, monthly(warehouse, name, filters))


def marginal_of(name: str, found: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The same from what `monthly` found."""
    rows = [
        {"source": source, "metric": name, **_marginal_row(source, marginal_return(months))}
        for source, months in found.items()
    ]
    if not rows:
        raise NoSuchData("No source has a known spend here.", "Load what the sources cost; `docs/templates/spend.csv`.")
    return pl.DataFrame(rows, infer_schema_length=None).sort("source")


def moved(warehouse: Warehouse, name: str, filters: Filters, moves: Mapping[str, float]) -> pl.DataFrame:
    """What moving monthly budget between sources might change, from each one's latest whole month.

    One row: `metric, change, low, high, sentence`, null with the reason in the sentence where it cannot be told; then
    `source?, after?, least?, most?` say whose monthly spend was never tried. NoSuchData for a source without known
    spend.
    """
    return moved_of(name, monthly(warehouse, name, filters), moves)


def moved_of(name: str, found: Mapping[str, pl.DataFrame], moves: Mapping[str, float]) -> pl.DataFrame:
    """The same from what `monthly` found."""
    strangers = [source for source in moves if source not in found]
    if strangers:
        raise NoSuchData(f"{strangers[0]} has no known spend here.", f"Known are: {', '.join(found)}.")
    marginals = {source: marginal_return(found[source]) for source in moves}
    spend = {source: float(found[source].sort("month")["spend"].drop_nulls()[-1]) for source in moves}
    told = what_if(marginals, spend, moves)
    label = metric(name).label
    sentence = (
        f"It cannot be told. {told.reason}"
        if told.change is None
        else f"{label} a month: {told.change:+,.1f} (95 %: {told.low:+,.1f} to {told.high:+,.1f}). "
        "This is correlation over months, not an experiment."
    )
    numbers = {part: getattr(told, part) for part in ("change", "low", "high")}
    untried = asdict(told.reason) if isinstance(told.reason, Untried) else {}
    return pl.DataFrame([{"metric": name, **numbers, "sentence": sentence, **untried}], schema=_MOVED)


_MOVED: Final = {
    "metric": pl.String,
    **dict.fromkeys(("change", "low", "high"), pl.Float64),
    **dict.fromkeys(("sentence", "source"), pl.String),
    **dict.fromkeys(("after", "least", "most"), pl.Float64),
}


def monthly(warehouse: Warehouse, name: str, filters: Filters) -> dict[str, pl.DataFrame]:
    """Spend and results of each paid source by month, in the shape that `budget.marginal_return` takes."""
    if name not in BY_MONTH:
        label = metric(name).label
        raise MetricError(
            f"{label} does not follow the month of the lead.", "Use leads, opportunities or cohort_gross."
        )
    first, last = period(warehouse, filters)
    known_until = last - timedelta(days=MATURE_DAYS if name == "cohort_gross" else 0)
    whole = (pl.col("period") >= first) & (pl.col("period").dt.month_end() <= known_until)
    by_month = filters.but(grain="month")
    spend = amount(warehouse, "spend", by_month, ("source",)).filter(whole).rename({"value": "spend"})
    results = amount(warehouse, name, by_month, ("source",)).filter(whole).rename({"value": "results"})
    paid = spend.filter(pl.col("spend").sum().over("source") > 0)
    joined = paid.join(results, on=["source", "period"], how="left").with_columns(pl.col("results").fill_null(0))
    total = results.group_by("period").agg(total=pl.col("results").sum())
    shaped = joined.join(total, on="period", how="left").select(
        "source", "spend", "results", month="period", others=pl.col("total").fill_null(0) - pl.col("results")
    )
    return {
        str(source): rows.drop("source")
        for (source,), rows in shaped.sort("source").group_by("source", maintain_order=True)
    }


def _marginal_row(source: str, found: Marginal) -> dict[str, Any]:
    average = "n/a" if found.average is None else f"{found.average:,.3g}"
    told = f"{source}: {found.average and average} for each unit of currency on average; the last ones "
    if found.value is None or found.reason:
        sentence = f"{told}cannot be told. {found.reason or ''}".strip()
    else:
        sentence = f"{told}{found.verdict}: {found.value:,.3g} (95 %: {found.low:,.3g} to {found.high:,.3g})."
    return {
        **{name: getattr(found, name) for name in ("months", "average", "value", "low", "high", "least", "most")},
        "verdict": found.verdict,
        "sentence": f"{sentence} This is correlation over months, not an experiment.",
    }
