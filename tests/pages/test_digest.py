"""The weekly letters: what they begin with, the same numbers as everywhere, safe and small HTML, and the command."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import html
from typer.testing import CliRunner

from metrics import engine
from metrics.comparisons import outlook
from metrics.declare import NoSuchData
from metrics.filters import Filters
from pages import alerts, digest
from pages.__main__ import app
from pages.journal import Journal
from pages.letter import MOST_BYTES, stripes, write_html, write_text
from pages.sheet import Bar, Bars, Lines, Sheet, Table
from tests.pages.showroom import NOW
from tests.star import random_star, write_warehouse

ROOT = Path(__file__).parents[2]
WEEK = dt.date(2026, 6, 25)  # a Thursday; the data end on Tuesday the 30th
READERS = tuple(digest.READERS)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.sqlite")


@pytest.fixture
def opened(showrooms: dict[str, Path]) -> Iterator[engine.Warehouse]:
    warehouse = engine.open_warehouse(showrooms["full"])
    yield warehouse
    warehouse.close()


def all_words(sheet: Sheet) -> str:
    return " ".join(write_text(sheet).split())


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("room", ["full", "long_names", "one_store", "one_row", "two_currencies"])
def test_each_reader_gets_a_letter_of_any_data(
    showrooms: dict[str, Path], journal: Journal, room: str, reader: str
) -> None:
    warehouse = engine.open_warehouse(showrooms[room])
    sheet = digest.weekly(warehouse, journal, reader, NOW.date())
    warehouse.close()
    assert sheet.title.startswith(f"Upboard for {digest.READERS[reader]}: week of Jun 29, 2026 to Jul 5, 2026")
    assert sheet.answer
    assert all(section.items for section in sheet.sections)
    assert "None" not in all_words(sheet)


def test_a_letter_counts_what_the_metrics_count(opened: engine.Warehouse, journal: Journal) -> None:
    sheet = digest.weekly(opened, journal, "gm", WEEK)
    asked = Filters(
        start=dt.date(2026, 6, 22), end=dt.date(2026, 6, 28), as_of=dt.datetime(2026, 6, 29, 5, tzinfo=dt.UTC)
    )
    leads = engine.evaluate(opened, ["leads"], asked)["value"][0]
    before = engine.evaluate(opened, ["leads"], asked.but(start=dt.date(2026, 6, 15), end=dt.date(2026, 6, 21)))[
        "value"
    ][0]
    assert leads > 0
    assert f"This week: {leads:g} leads ({before:g} before)" in " ".join(sheet.answer)
    numbers = next(section for section in sheet.sections if section.heading == "Numbers")
    assert isinstance(numbers, Table)
    assert numbers.header == ("", "this week", "week before", "four weeks")
    assert numbers.rows[0][:3] == ("Leads", f"{leads:g}", f"{before:g}")


def test_a_letter_begins_with_what_changed_and_then_what_to_do(opened: engine.Warehouse, journal: Journal) -> None:
    sheet = digest.weekly(opened, journal, "gm", WEEK)
    assert sheet.answer[0].startswith("Closing rate is ")
    assert sheet.sections[0].heading == "What to do"


def test_a_letter_about_an_earlier_week_does_not_know_what_came_later(
    opened: engine.Warehouse, journal: Journal
) -> None:
    early = dt.date(2026, 3, 5)
    sheet = digest.weekly(opened, journal, "gm", early)
    end = dt.datetime(2026, 3, 9, 6, tzinfo=dt.UTC)  # midnight of the Sunday in Chicago
    asked = Filters(start=dt.date(2026, 2, 9), end=dt.date(2026, 3, 8), as_of=end)
    row = engine.evaluate(opened, ["closing_rate"], asked).row(0, named=True)
    today = engine.evaluate(opened, ["closing_rate"], asked.but(as_of=None)).row(0, named=True)
    assert row["n_immature"] > today["n_immature"]
    assert f"{row['n_immature']:g} of {row['denominator']:g} opportunities are under 90 days old" in sheet.answer[0]


def test_the_month_of_an_earlier_week_ends_with_its_sunday_at_every_store(tmp_path: Path, journal: Journal) -> None:
    """In New York it is Monday already while Los Angeles still sells: no car of Monday counts, no day is given away."""
    opened = engine.open_warehouse(write_warehouse(tmp_path / "warehouse", random_star(3, 400)))
    sheet = digest.weekly(opened, journal, "gm", dt.date(2026, 5, 13))
    [section] = [one for one in sheet.sections if one.heading.startswith("Where the month will end")]
    assert isinstance(section, Lines)
    sold = engine.evaluate(
        opened, ["sold_units"], Filters(start=dt.date(2026, 5, 1), end=dt.date(2026, 5, 17), by=("store",))
    )
    afternoon = outlook.month_pace(opened, "sold_units", Filters(as_of=dt.datetime(2026, 5, 17, 22, tzinfo=dt.UTC)))
    assert sold.height == afternoon.height == len(section.items) == 2
    for line, count, known in zip(section.items, sold["value"], afternoon["days_left"], strict=True):
        assert f"{count:g} so far" in str(line)
        assert f"{known} open days left" in str(line)
    opened.close()


def test_a_letter_about_an_earlier_week_says_that_it_is_one(opened: engine.Warehouse, journal: Journal) -> None:
    early, newest = (digest.weekly(opened, journal, "crm_manager", day) for day in (WEEK, NOW.date()))
    assert early.footer.startswith("As it was known at the end of Jun 28, 2026. Data as of ")
    assert newest.footer.startswith("Data as of ")
    assert "waited when the week ended" in all_words(early)
    assert "waited when" not in all_words(newest)


def test_fired_alerts_stand_first_and_quiet_ones_nowhere(opened: engine.Warehouse, journal: Journal) -> None:
    fires = alerts.LimitAlert(title="Contact is low", metric="contact_rate", side="below", limit=0.95, days=300)
    quiet = alerts.LimitAlert(title="Contact is high", metric="contact_rate", side="above", limit=0.95, days=300)
    for alert in (quiet, fires):
        alerts.save(journal, alert, who="Ada")
    sheet = digest.weekly(opened, journal, "crm_manager", WEEK)
    assert sheet.answer[0] == "One alert fires: Contact is low."
    assert sheet.sections[0].heading == "Alerts"
    assert "Contact is high" not in all_words(sheet)


def test_a_letter_can_be_of_one_store(opened: engine.Warehouse, journal: Journal) -> None:
    whole, north = (digest.weekly(opened, journal, "gm", WEEK, where) for where in ({}, {"store": ("North",)}))
    assert "Only store: North." in north.subtitle
    assert all_words(whole) != all_words(north)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("role", ["crm_manager", "marketing", "salesperson"])
def test_a_letter_for_a_user_stays_within_what_they_may_see(
    showrooms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, role: str
) -> None:
    person = 'person = "Ada Hill"\n' if role == "salesperson" else ""
    users = tmp_path / "users.toml"
    users.write_text(
        f'[[user]]\nlogin = "x@example.com"\nname = "X"\nrole = "{role}"\nstores = ["North"]\n{person}',
        encoding="utf-8",
    )
    monkeypatch.setenv("UPBOARD_USERS", str(users))
    monkeypatch.setenv("UPBOARD_JOURNAL", str(tmp_path / "journal.sqlite"))
    out = tmp_path / "letter.txt"
    asked = ["--for", reader, "--week", str(WEEK), "--warehouse", str(showrooms["full"]), "--out", str(out)]
    result = CliRunner().invoke(app, ["digest", *asked, "--user", "X@example.com"])
    assert result.exit_code == 0, result.output
    hidden = {"crm_manager": ["South"], "marketing": ["South", "Ada Hill", "Bo Park", "Cy Ford"]}
    written = out.read_text(encoding="utf-8")
    assert [name for name in hidden.get(role, ["South", "Bo Park", "Cy Ford"]) if name in written] == []


def test_no_customer_is_named_in_a_letter(opened: engine.Warehouse, journal: Journal) -> None:
    for reader in READERS:
        assert "=1+1" not in all_words(digest.weekly(opened, journal, reader, NOW.date()))


@pytest.mark.parametrize("day", [dt.date(2024, 1, 1), dt.date(2027, 1, 1)])
def test_a_week_outside_the_data_is_refused_with_the_days_that_there_are(
    opened: engine.Warehouse, journal: Journal, day: dt.date
) -> None:
    with pytest.raises(NoSuchData, match="the data hold 2025-07-01 to 2026-06-30"):
        digest.weekly(opened, journal, "gm", day)


def test_the_last_whole_week_ends_on_or_before_the_newest_day(opened: engine.Warehouse) -> None:
    assert digest.last_week(opened) == dt.date(2026, 6, 22)


# The letter as HTML and as text ---------------------------------------------------------------------------------------

HOSTILE = '<script>alert(1)</script><img src="http://evil.example/x">&"\' {{ 7*7 }}'


def full_sheet(text: str, rows: int) -> Sheet:
    return Sheet(
        text,
        text,
        (text,),
        (
            Lines(text, tuple(text for _ in range(rows)), is_ticked=True, page="worklist"),
            Table(text, (text, text), tuple((text, text) for _ in range(rows)), numbers=(1,), note=text),
            Bars(text, tuple(Bar(text, text, 0.5, 0.4, 0.6) for _ in range(rows)), page="overview"),
        ),
        text,
    )


def parts(written: str) -> Any:
    return html.fromstring(written)


@pytest.mark.parametrize("reader", READERS)
def test_a_letter_loads_nothing_and_runs_nothing(opened: engine.Warehouse, journal: Journal, reader: str) -> None:
    written = write_html(digest.weekly(opened, journal, reader, WEEK), "https://upboard.example.com")
    page = parts(written)
    assert not page.xpath("//script | //img | //link | //style | //iframe | //form | //object | //svg")
    assert not page.xpath("//@src | //@background | //@onclick | //@onload")
    assert "url(" not in written
    assert all(address.startswith("https://upboard.example.com/") for address in page.xpath("//@href"))
    assert page.xpath("//@href")
    assert len(written.encode()) < MOST_BYTES


def test_without_an_address_of_the_dashboard_there_is_no_link(opened: engine.Warehouse, journal: Journal) -> None:
    assert not parts(write_html(digest.weekly(opened, journal, "gm", WEEK))).xpath("//a")


def test_text_from_the_data_is_text_in_the_letter() -> None:
    page = parts(write_html(full_sheet(HOSTILE, 2)))
    assert not page.xpath("//script | //img")
    assert page.xpath("//h1")[0].text == HOSTILE
    assert HOSTILE in page.text_content()


def test_a_letter_stays_small_however_long_its_lists_and_says_what_it_left_out() -> None:
    written = write_html(full_sheet("Bartholomew " * 20, 1000))
    assert len(written.encode()) < MOST_BYTES
    assert "more</p>" in written
    assert " more\n" in write_text(full_sheet("x", 1000))


def test_bars_are_coloured_cells_whose_widths_fill_the_line() -> None:
    bars = Bars("Rates", (Bar("a", "t", 0.5, 0.4, 0.62), Bar("b", "t", None), Bar("c", "t", 1.2)))
    assert [width for width, _ in stripes(bars, bars.bars[0])] == [40, 22, 38]
    assert [width for width, _ in stripes(bars, bars.bars[1])] == [100]
    assert [width for width, _ in stripes(bars, bars.bars[2])] == [100]
    page = parts(write_html(Sheet("T", "s", (), (bars,))))
    assert page.xpath("//td[@bgcolor]/@width")[:3] == ["40%", "22%", "38%"]


def test_plain_text_has_short_lines_and_every_number(opened: engine.Warehouse, journal: Journal) -> None:
    sheet = digest.weekly(opened, journal, "gm", WEEK)
    written = write_text(sheet, "https://upboard.example.com")
    assert max(len(line) for line in written.splitlines()) <= 78
    numbers = next(section for section in sheet.sections if section.heading == "Numbers")
    assert isinstance(numbers, Table)
    assert all(cell in written for row in numbers.rows for cell in row)


# The command ----------------------------------------------------------------------------------------------------------


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["digest", *arguments])
    return result.exit_code, result.stderr


def test_the_command_writes_a_letter_of_the_last_whole_week(
    showrooms: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, said = run("--for", "gm", "--warehouse", str(showrooms["full"]))
    assert (status, said) == (0, "Written: upboard_gm_2026-06-22.html\n")
    assert "week of Jun 22, 2026 to Jun 28, 2026" in (tmp_path / "upboard_gm_2026-06-22.html").read_text()


def test_the_command_writes_where_it_is_told_and_plain_text_on_request(
    showrooms: dict[str, Path], tmp_path: Path
) -> None:
    out = tmp_path / "new" / "letter.txt"
    where = ("--warehouse", str(showrooms["full"]), "--out", str(out), "--store", "North")
    assert run("--for", "marketing", "--week", "2026-06-25", *where)[0] == 0
    assert out.read_text().startswith("Upboard for marketing: week of Jun 22, 2026")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("--week", "soon"), 2, "'soon' is no day.\n\nHint: Days look like 2026-01-31."),
        (("--week", "2020-01-01"), 1, "There is no data of the week of 2019-12-30"),
        (("--store", "Nowhere"), 1, "There is no store 'Nowhere'.\n\nHint: Stores are: North, South."),
        (("--send",), 1, "has no part [mail]"),
    ],
)
def test_a_failure_says_what_and_what_next(
    showrooms: dict[str, Path], tmp_path: Path, arguments: tuple[str, ...], status: int, said: str
) -> None:
    common = ("--for", "gm", "--warehouse", str(showrooms["full"]), "--settings", str(tmp_path / "none.toml"))
    found = run(*common, *arguments)
    assert found[0] == status
    assert said in found[1]
    assert "Hint: " in found[1]


@pytest.mark.parametrize("room", ["missing", "empty"])
def test_without_data_the_command_ends_with_one_and_a_hint(showrooms: dict[str, Path], room: str) -> None:
    status, said = run("--for", "gm", "--warehouse", str(showrooms[room]))
    assert status == 1
    assert "Hint: " in said


def test_an_unknown_reader_is_wrong_usage() -> None:
    assert run("--for", "boss")[0] == 2


def test_a_mail_server_that_is_down_ends_the_command_with_one(showrooms: dict[str, Path], tmp_path: Path) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text(
        '[mail]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\nfrom = "a@example.com"\n'
        '[mail.to]\ngm = ["b@example.com"]\n'
    )
    status, said = run("--for", "gm", "--warehouse", str(showrooms["full"]), "--settings", str(settings), "--send")
    assert status == 1
    assert "127.0.0.1:1 cannot be reached" in said


def test_the_command_line_starts_no_part_of_a_server(tmp_path: Path) -> None:
    code = "import sys, pages.__main__; print('streamlit' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("False\n", "")
