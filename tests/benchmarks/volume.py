"""Large simulated exports in our own plain format: as many leads and touches as asked for, made in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

TOUCHES_PER_LEAD: Final = 10
STORES: Final = ("North Motors", "South Motors")
STAFF: Final = 60
FIRST_NUMBER: Final = 410_000_000
START: Final = datetime(2024, 1, 1)  # noqa: DTZ001  (the store's own time)
SPAN_SECONDS: Final = 2 * 365 * 86_400
SETTINGS: Final = "\n".join(f'[[store]]\nname = "{store}"\ntime_zone = "America/Chicago"\n' for store in STORES)
_SOURCES: Final = ("Website", "Cars Online", "Auto Finder", "Phone Up", "Walk In", "Paid Search", "Referral")
_CHANNELS: Final = ("call", "text", "email")


@dataclass(frozen=True)
class Volume:
    """The files of one export: `settings`, and a CSV file for each table."""

    settings: Path
    leads: Path
    contacts: Path
    appointments: Path
    sales: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The exports, in reading order."""
        return self.leads, self.contacts, self.appointments, self.sales


def write(directory: Path, leads: int, *, seed: int = 7) -> Volume:
    """Write `leads` enquiries with ten touches each, an appointment for a third, and a deal for a tenth."""
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    lead = _leads(rng, leads)
    volume = Volume(
        *(directory / name for name in ("settings.toml", "lead.csv", "contact.csv", "appt.csv", "sale.csv"))
    )
    volume.settings.write_text(SETTINGS, encoding="utf-8")
    lead.drop("moment").write_csv(volume.leads)
    _contacts(rng, lead, leads * TOUCHES_PER_LEAD).write_csv(volume.contacts)
    _appointments(rng, lead.sample(leads // 3, seed=seed)).write_csv(volume.appointments)
    _sales(rng, lead.sample(leads // 10, seed=seed)).write_csv(volume.sales)
    return volume


def write_day(directory: Path, volume: Volume, rows: int, *, seed: int = 11) -> Volume:
    """Write the next day's export: `rows` rows, four fifths of them touches, the rest new leads, visits and deals."""
    directory.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    known = pl.read_csv(volume.leads, infer_schema=False)
    new = _leads(rng, rows // 10, first_id=known.height + 1, days=(729.0, 730.0))
    known = known.with_columns(moment=pl.col("created_at").str.to_datetime("%Y-%m-%dT%H:%M:%S"))
    open_leads = pl.concat([known.tail(rows), new.select(known.columns)])
    day = Volume(volume.settings, *(directory / path.name for path in volume.files))
    new.drop("moment").write_csv(day.leads)
    touches = _contacts(rng, open_leads, rows * 8 // 10, first_id=10**9, latest=True)
    touches.write_csv(day.contacts)
    _appointments(rng, open_leads.sample(rows // 20, seed=seed), first_id=10**8).write_csv(day.appointments)
    _sales(rng, open_leads.sample(rows // 20, seed=seed), first_id=10**8).write_csv(day.sales)
    return day


def _leads(
    rng: np.random.Generator, count: int, *, first_id: int = 1, days: tuple[float, float] = (0.0, 729.0)
) -> pl.DataFrame:
    ids = np.arange(first_id, first_id + count) + FIRST_NUMBER
    moments = np.sort(rng.uniform(days[0] * 86_400, days[1] * 86_400, count)).astype(np.int64)
    person = rng.integers(0, max(1, int(count * 0.9)), count) + first_id  # some customers ask more than once
    return pl.DataFrame(
        {
            "lead_id": ids.astype(str),
            "store": np.array(STORES)[ids % 2],
            "customer_name": [f"{_word(number)} Sample" for number in person],
            "email": [f"buyer{number}@example.com" for number in person],
            "phone": [
                f"({201 + number // 10**6:03d}) {200 + number // 10**4 % 100}-{number % 10**4:04d}" for number in person
            ],
            "source": np.array(_SOURCES)[rng.integers(0, len(_SOURCES), count)],
            "lead_type": np.array(("internet", "phone", "walk_in"))[rng.integers(0, 3, count)],
            "status": np.array(("open", "lost", "sold"))[rng.integers(0, 3, count)],
            "salesperson": [f"Seller {number:02d}" for number in rng.integers(0, STAFF, count)],
            "moment": moments,
        }
    ).with_columns(moment=_moment("moment"), created_at=_text(_moment("moment")))


def _contacts(
    rng: np.random.Generator, lead: pl.DataFrame, count: int, *, first_id: int = 1, latest: bool = False
) -> pl.DataFrame:
    of = np.sort(rng.integers(0, lead.height, count))
    lag = rng.exponential(4 * 86_400, count).astype(np.int64)
    end = pl.lit(START).dt.offset_by(f"{SPAN_SECONDS}s")
    rows = lead.select("lead_id", "store", "salesperson", "moment")[of].with_columns(
        lag=pl.Series(lag),
        channel=pl.Series(np.array(_CHANNELS)[rng.integers(0, 3, count)]),
        is_out=pl.Series(rng.random(count) < 0.7),
        is_automated=pl.Series(rng.random(count) < 0.2),
        contact_id=pl.Series((np.arange(first_id, first_id + count) + FIRST_NUMBER).astype(str)),
    )
    at = (
        end.dt.offset_by("-1d") + pl.duration(seconds=pl.col("lag") % 86_400)
        if latest
        else pl.col("moment") + pl.duration(seconds="lag")
    )
    is_call = pl.col("channel") == "call"
    return rows.select(
        "contact_id",
        "lead_id",
        "store",
        occurred_at=_text(pl.min_horizontal(at, end)),
        direction=pl.when("is_out").then(pl.lit("out")).otherwise(pl.lit("in")),
        channel="channel",
        result=pl.when(is_call)
        .then(pl.lit("connected"))
        .when("is_out")
        .then(pl.lit("sent"))
        .otherwise(pl.lit("received")),
        person="salesperson",
        is_automated=pl.when("is_automated").then(pl.lit("true")).otherwise(pl.lit("false")),
        duration_seconds=pl.when(is_call).then(pl.col("lag") % 600),
    )


def _appointments(rng: np.random.Generator, lead: pl.DataFrame, *, first_id: int = 1) -> pl.DataFrame:
    after = pl.Series(rng.integers(1, 3 * 86_400, lead.height))
    return lead.with_columns(after=after).select(
        pl.int_range(first_id, first_id + pl.len()).cast(pl.String).alias("appointment_id"),
        "lead_id",
        "store",
        set_at=_text(pl.col("moment") + pl.duration(seconds="after")),
        due_at=_text(pl.col("moment") + pl.duration(seconds=pl.col("after") + 86_400)),
        set_by="salesperson",
        outcome=pl.when(pl.col("after") % 3 > 0).then(pl.lit("shown")).otherwise(pl.lit("no_show")),
    )


def _sales(rng: np.random.Generator, lead: pl.DataFrame, *, first_id: int = 1) -> pl.DataFrame:
    after = pl.Series(rng.integers(3 * 86_400, 30 * 86_400, lead.height))
    return lead.with_columns(after=after).select(
        pl.int_range(first_id, first_id + pl.len()).cast(pl.String).alias("sale_id"),
        "lead_id",
        "store",
        sold_at=_text(pl.col("moment") + pl.duration(seconds="after")),
        salesperson="salesperson",
        total_gross=(pl.col("after") % 4_000).cast(pl.String),
    )


def _word(number: int) -> str:
    """A name of letters for each number: names are compared by their letters alone."""
    letters = [chr(ord("a") + number // 26**place % 26) for place in range(6)]
    return "".join(letters).capitalize()


def _moment(column: str) -> pl.Expr:
    return pl.lit(START) + pl.duration(seconds=pl.col(column))


def _text(moment: pl.Expr) -> pl.Expr:
    return moment.dt.to_string("%Y-%m-%dT%H:%M:%S")
