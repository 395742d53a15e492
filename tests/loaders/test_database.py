"""A database is read as any file is: every value as text, read-only, from where it was read before, without secrets.

The server is a real PostgreSQL from Debian's package, started for this file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pytest
from typer.testing import CliRunner, Result

from loaders.__main__ import app
from loaders.errors import LoaderError
from loaders.read.database import Answer, Place, Question, places, read_place, text_of
from loaders.snapshot import current_path, watermarks
from tests.loaders.postgres import HOW, READER, READER_PASSWORD, Postgres, programs, serving

pytestmark = pytest.mark.skipif(programs() is None and os.environ.get("UPBOARD_POSTGRES") != "required", reason=HOW)

LEADS = (
    "drop table if exists lead",
    """create table lead (
        lead_id int primary key, created_at timestamptz not null, source text, lead_type text, status text,
        email text, changed_at timestamptz
    )""",
    """insert into lead values
        (1, '2026-03-01 10:00+00', 'Web', 'internet', 'open', 'a@example.com', '2026-03-01 10:00+00'),
        (2, '2026-03-02 10:00+00', 'Cars', 'phone', 'open', 'b@example.com', '2026-03-02 10:00+00'),
        (3, '2026-03-03 10:00+00', 'Cars', 'pigeon', 'open', 'c@example.com', '2026-03-02 10:00+00'),
        (4, '2026-03-04 10:00+00', 'Cars', 'phone', 'open', 'd@example.com', null)""",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with serving() as running:
        yield running


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPBOARD_DATABASE_USER", READER)
    monkeypatch.setenv("UPBOARD_DATABASE_PASSWORD", READER_PASSWORD)


@pytest.fixture
def leads(server: Postgres, login: None) -> Postgres:
    server.run(*LEADS)
    return server


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "settings.toml").write_text('[[store]]\nname = "North"\ntime_zone = "America/Chicago"\n')
    return tmp_path


def invoke(place: Path, command: str, *arguments: str) -> Result:
    options = ["--warehouse", str(place / "wh"), "--json"]
    if command in {"load", "check"}:
        options += ["--settings", str(place / "settings.toml")]
    return CliRunner().invoke(app, [command, *arguments, *options])


def run(place: Path, command: str, *arguments: str, status: int = 0) -> dict[str, Any]:
    result = invoke(place, command, *arguments)
    assert result.exit_code == status, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def counts(loaded: dict[str, Any]) -> dict[str, int]:
    (file,) = loaded["files"]
    found: dict[str, int] = file["tables"]["lead"]
    return found


def read_one(
    server: Postgres, *, relations: tuple[str, ...] = (), queries: tuple[str, ...] = (), watermark: str | None = None
) -> Answer:
    question = Question(relations, queries, watermark)
    (found,) = places(server.address, question)
    return read_place(found, question, lambda _, __: None)


def error_of(
    server: Postgres, *, relations: tuple[str, ...] = (), queries: tuple[str, ...] = (), watermark: str | None = None
) -> LoaderError:
    with pytest.raises(LoaderError) as raised:
        read_one(server, relations=relations, queries=queries, watermark=watermark)
    return raised.value


def test_every_kind_of_value_arrives_as_text_that_reads_back(server: Postgres, login: None) -> None:
    server.run(
        "create type mood as enum ('happy', 'sad')",
        """create table kinds (
            a_number numeric, a_money numeric(12,2), a_whole bigint, a_real double precision, a_moment timestamptz,
            a_local timestamp, a_day date, a_yes boolean, a_no boolean, a_blank text, a_null text, a_json jsonb,
            an_array int[], a_uuid uuid, a_mood mood, an_interval interval, a_picture bytea, an_end timestamptz
        )""",
        """insert into kinds values (
            12345678901234567890.000000001, 1539.20, 9007199254740993, 0.1, '2026-03-08 02:30:00.25-06',
            '2026-03-08 02:30:00', '2026-02-28', true, false, '  ', null, '{"a": [1, null]}', '{1,2}',
            '00000000-0000-0000-0000-000000000001', 'sad', '3 minutes 25 seconds', '\\x00ff', 'infinity')""",
    )
    raw = read_one(server, relations=("kinds",)).raw
    assert raw.frame.row(0, named=True) == {
        "a_number": "12345678901234567890.000000001",
        "a_money": "1539.20",
        "a_whole": "9007199254740993",
        "a_real": "0.1",
        "a_moment": "2026-03-08 08:30:00.25+00:00",
        "a_local": "2026-03-08 02:30:00",
        "a_day": "2026-02-28",
        "a_yes": "true",
        "a_no": "false",
        "a_blank": None,
        "a_null": None,
        "a_json": '{"a": [1, null]}',
        "an_array": "{1,2}",
        "a_uuid": "00000000-0000-0000-0000-000000000001",
        "a_mood": "sad",
        "an_interval": "00:03:25",
        "an_end": "infinity",
        "source_line": 1,
    }
    assert raw.notes == ('column "a_picture" left out: it holds bytes',)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal("1E+3"), "1000"),
        (Decimal("0.10"), "0.10"),
        (29872500000000.0, "29872500000000"),
        (0.1, "0.1"),
        (True, "true"),
        (7, "7"),
        (" a ", "a"),
        ("", None),
        (None, None),
        (b"\x00", None),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 9, 30), "2026-03-01 09:30:00"),  # noqa: DTZ001  (a database may know no zone)
        (datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=-6))), "2026-03-01 15:30:00+00:00"),
        ({"a": "é"}, '{"a": "é"}'),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_a_value_of_any_driver_becomes_text_that_reads_back(value: object, text: str | None) -> None:
    assert text_of(value) == text


def test_a_relation_loads_like_a_file_and_nothing_is_lost(leads: Postgres, place: Path) -> None:
    loaded = run(place, "load", leads.address, "--relation", "public.lead")
    (file,) = loaded["files"]
    assert file["path"] == f"{leads.address} public.lead"
    assert counts(loaded) == {"read": 4, "accepted": 3, "rejected": 1, "unchanged": 0, "updated": 0}
    (refused,) = run(place, "rejects")["rejects"]
    assert (refused["source_file"], refused["row"]["lead_type"]) == (f"{leads.address} public.lead", "pigeon")


def test_loading_a_relation_again_changes_nothing_whatever_order_its_rows_come_in(leads: Postgres, place: Path) -> None:
    first = run(place, "load", leads.address, "--relation", "lead")
    leads.run("update lead set source = source where lead_id = 1")  # moves the row to the end of the table
    again = run(place, "load", leads.address, "--relation", "lead")
    assert again["snapshot"] == first["snapshot"]
    assert counts(again)["unchanged"] == 3


def test_a_correction_without_any_time_of_change_updates_the_record(leads: Postgres, place: Path) -> None:
    run(place, "load", leads.address, "--relation", "lead")
    for status in ("lost", "open", "bad"):
        leads.run(f"update lead set status = '{status}' where lead_id = 1")
        assert counts(run(place, "load", leads.address, "--relation", "lead"))["updated"] == 1


def test_a_query_and_several_relations_load_together(leads: Postgres, place: Path) -> None:
    leads.run(
        "drop table if exists sale",
        "create table sale (sale_id text, lead_id int, sold_at timestamptz, total_gross numeric)",
        "insert into sale values ('S1', 1, '2026-03-03 10:00+00', 1500.50)",
    )
    query = "select lead_id, created_at, 'a:b' as source, '50%' as vehicle, status::text as status from lead;"
    loaded = run(place, "load", leads.address, "--relation", "lead", "--relation", "sale", "--query", query)
    assert [(list(file["tables"]), file["path"].split()[1]) for file in loaded["files"]] == [
        (["lead"], "lead"),
        (["sale"], "sale"),
        (["lead"], "query"),
    ]


def test_check_says_what_a_database_would_give_and_writes_nothing(leads: Postgres, place: Path) -> None:
    (file,) = run(place, "check", leads.address, "--relation", "lead")["files"]
    assert file["tables"]["lead"]["read"] == 4
    assert not (place / "wh").exists()


def test_a_watermark_reads_only_what_is_new_and_what_has_none(leads: Postgres, place: Path) -> None:
    asked = ("load", leads.address, "--relation", "lead", "--watermark", "changed_at")
    assert counts(run(place, *asked))["read"] == 4
    leads.run(
        "insert into lead values (5, '2026-03-05 10:00+00', 'Web', 'chat', 'open', null, '2026-03-05 10:00+00')",
        "update lead set status = 'lost', changed_at = '2026-03-06 10:00+00' where lead_id = 1",
    )
    found = counts(run(place, *asked))
    # The two at the watermark (one of them refused), the one without any, the new one and the changed one.
    assert found == {"read": 5, "accepted": 4, "rejected": 1, "unchanged": 2, "updated": 1}
    assert counts(run(place, *asked))["read"] == 2
    assert list(watermarks(place / "wh").values()) == ["2026-03-06 10:00:00+00:00"]


def test_a_relation_without_news_is_no_failure(leads: Postgres, place: Path) -> None:
    asked = ("load", leads.address, "--relation", "lead", "--watermark", "lead_id")
    first = run(place, *asked)
    leads.run("delete from lead where lead_id = 4")
    again = run(place, *asked)
    assert (again["snapshot"], counts(again)["read"]) == (first["snapshot"], 0)


def test_a_query_takes_a_watermark_too(leads: Postgres, place: Path) -> None:
    query = "with l as (select * from lead -- all of them\n) select * from l -- order by nothing"
    asked = ("load", leads.address, "--query", query, "--watermark", "changed_at")
    assert [counts(run(place, *asked))["read"] for _ in range(2)] == [4, 3]


def test_a_rollback_takes_the_watermark_back(leads: Postgres, place: Path) -> None:
    asked = ("load", leads.address, "--relation", "lead", "--watermark", "lead_id")
    first = run(place, *asked)
    leads.run("insert into lead values (5, '2026-03-05 10:00+00', 'Web', 'chat', 'open', null, null)")
    run(place, *asked)
    run(place, "rollback", first["snapshot"])
    assert list(watermarks(place / "wh").values()) == ["4"]
    assert counts(run(place, *asked))["accepted"] == 2


def test_what_no_profile_knows_leaves_no_watermark(leads: Postgres, place: Path) -> None:
    leads.run(
        "drop table if exists strange", "create table strange (n int, foo text)", "insert into strange values (1, 'x')"
    )
    asked = (leads.address, "--relation", "lead", "--relation", "strange")
    loaded = run(place, "load", *asked, "--query", "select lead_id as n, * from lead", "--watermark", "n", status=0)
    errors = [file["path"].split()[1] for file in loaded["files"] if "error" in file]
    assert errors == ["lead", "strange"]  # the one has no column n, the other no known header
    assert [name.split()[1] for name, _ in watermarks(place / "wh")] == ["query"]


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("status", "cannot be a watermark"),
        ("changd_at", 'Did you mean "changed_at"?'),
        ("is_new", "cannot be a watermark"),
    ],
)
def test_a_watermark_that_cannot_be_one_is_refused(leads: Postgres, column: str, said: str) -> None:
    leads.run("alter table lead add column is_new boolean default true")
    assert said in str(error_of(leads, relations=("lead",), watermark=column))


@pytest.mark.parametrize(
    "query",
    [
        "delete from lead returning *",
        "with gone as (delete from lead returning *) select * from gone",
        "select 1 as x; drop table lead",
        "select 1 as x; commit; begin; set transaction read write; delete from lead; commit",
        "select write_a_lead() as x",
        "select set_config('transaction_read_only', 'off', false), write_a_lead() as x",
        "drop table lead",
    ],
)
def test_a_query_that_writes_fails_and_changes_nothing(leads: Postgres, query: str) -> None:
    leads.run(
        "create or replace function write_a_lead() returns int language sql volatile as "
        "'insert into lead (lead_id, created_at) values (99, now()); select 1'"
    )
    error = error_of(leads, queries=(query,))
    assert "SELECT" in error.hint
    assert leads.count("lead") == 4


def test_rows_come_in_batches_through_a_cursor_of_the_server(server: Postgres, login: None) -> None:
    told: list[str] = []
    question = Question(queries=("select g as lead_id, now() as created_at from generate_series(1, 45000) as g",))
    (found,) = places(server.address, question)
    assert read_place(found, question, lambda _, text: told.append(text)).raw.frame.height == 45_000
    rows = [text.partition(" rows, ")[0] for text in told]
    assert rows == ["reading the query 20,000", "reading the query 40,000", "reading the query 45,000"]


def test_an_unknown_relation_names_the_nearest(leads: Postgres) -> None:
    error = error_of(leads, relations=("public.leed",))
    assert "public.leed" in error.message
    assert 'Did you mean "lead"?' in error.hint


def test_a_name_in_other_case_is_found_and_one_in_quotes_too(leads: Postgres) -> None:
    leads.run('drop table if exists "Sold Cars"', 'create table "Sold Cars" ("Sale ID" int)')
    assert read_one(leads, relations=("PUBLIC.LEAD".lower().replace("lead", "Lead"),)).raw.frame.height == 4
    assert read_one(leads, relations=("Sold Cars",)).raw.frame.columns == ["Sale ID", "source_line"]


def test_nothing_asked_says_what_there_is(leads: Postgres, place: Path) -> None:
    (file,) = run(place, "check", leads.address, status=1)["files"]
    assert "--relation" in file["error"]
    assert "lead" in file["error"].partition("Tables and views there:")[2]


@pytest.mark.parametrize("option", [("--relation", "lead"), ("--query", "select 1"), ("--watermark", "x")])
def test_a_question_without_a_database_is_wrong_usage(place: Path, option: tuple[str, str]) -> None:
    assert "postgresql://" in run(place, "load", str(place), *option, status=2)["error"]


@pytest.mark.parametrize("address", ["https://example.com/leads.csv", "ftp://example.com/x", "sqlite:///x.db"])
def test_an_address_that_is_no_database_is_refused(place: Path, address: str) -> None:
    (file,) = run(place, "load", address, status=1)["files"]
    assert "save it as a file" in file["error"]


SECRET = "Tr0ub4dor-and-3"


def everything_said(place: Path, result: Result) -> str:
    """Standard output and error, and every text that the warehouse keeps."""
    serving = current_path(place / "wh")
    kept = []
    if serving:
        with duckdb.connect(str(serving), read_only=True) as con:
            names = con.sql("select schema_name, table_name from duckdb_tables()").fetchall()
            kept = [str(con.sql(f'from "{schema}"."{name}"').pl().rows()) for schema, name in names]
    said = [result.stdout, result.stderr, *kept]
    for command in ("history", "rejects"):
        told = invoke(place, command)
        said += [told.stdout, told.stderr]
    return "\n".join(said)


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("postgresql://crm_reader:{secret}@127.0.0.1:{port}/crm", "lead"),
        ("postgresql://127.0.0.1:{port}/crm?password={secret}", "lead"),
        ("postgresql://127.0.0.1:{port}/crm?options=-cpassword%3D{secret}", "lead"),
        ("postgresql://x:{secret}@127.0.0.1:not_a_port/crm", "lead"),
        ("oracle://x:{secret}@127.0.0.1/crm", "lead"),
    ],
)
def test_a_password_in_the_address_is_refused_and_not_repeated(
    leads: Postgres, place: Path, address: str, asked: str
) -> None:
    full = address.format(secret=SECRET, port=leads.port)
    result = invoke(place, "load", full, "--relation", asked)
    assert result.exit_code == 1
    assert SECRET not in everything_said(place, result)


def failing(server: Postgres, kind: str) -> tuple[str, str, str]:
    """An address, an option and its value that fail in one way."""
    closed = server.address.replace(str(server.port), "1")
    return {
        "wrong password": (server.address, "--relation", "lead"),
        "no server": (closed, "--relation", "lead"),
        "no database": (f"{server.address}_x", "--relation", "lead"),
        "unknown table": (server.address, "--relation", "nothing"),
        "syntax error": (server.address, "--query", "selekt 1"),
        "quotes its secret": (server.address, "--query", f"select '{READER_PASSWORD}'::int as x"),
    }[kind]


KINDS = ["wrong password", "no server", "no database", "unknown table", "syntax error", "quotes its secret"]


@pytest.mark.parametrize("kind", KINDS)
def test_no_error_shows_a_credential(leads: Postgres, place: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = SECRET if kind == "wrong password" else READER_PASSWORD
    monkeypatch.setenv("UPBOARD_DATABASE_PASSWORD", secret)
    address, option, value = failing(leads, kind)
    # A good file beside it, so that the load is published and its log is kept.
    (place / "good.csv").write_text("lead_id,created_at,lead_type,status\n9,2026-03-01T10:00:00Z,web,open\n")
    result = invoke(place, "load", str(place / "good.csv"), address, option, value)
    assert result.exit_code == 0, result.output
    (error,) = (file["error"] for file in json.loads(result.stdout)["files"] if "error" in file)
    assert error.startswith(leads.address.replace(str(leads.port), "1") if kind == "no server" else leads.address)
    said = everything_said(place, result)
    assert secret not in said
    assert f'"{READER}"' not in said


def test_a_load_that_succeeds_keeps_no_credential(leads: Postgres, place: Path) -> None:
    result = invoke(place, "load", leads.address, "--relation", "lead", "--watermark", "changed_at")
    said = everything_said(place, result)
    assert "2026-03-02 10:00:00+00:00" in said
    assert READER_PASSWORD not in said
    assert READER not in said


def test_variables_named_in_the_address_are_taken_from_the_environment(
    leads: Postgres, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UPBOARD_DATABASE_USER")
    monkeypatch.delenv("UPBOARD_DATABASE_PASSWORD")
    monkeypatch.setenv("CRM_USER", READER)
    address = leads.address.replace("//", "//${CRM_USER}:${CRM_PASSWORD}@")
    (file,) = run(place, "load", address, "--relation", "lead", status=1)["files"]
    assert "CRM_PASSWORD is not set" in file["error"]
    monkeypatch.setenv("CRM_PASSWORD", READER_PASSWORD)
    assert counts(run(place, "load", address, "--relation", "lead"))["read"] == 4


def test_the_variables_of_the_servers_own_tools_work(
    leads: Postgres, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UPBOARD_DATABASE_USER")
    monkeypatch.delenv("UPBOARD_DATABASE_PASSWORD")
    monkeypatch.setenv("PGUSER", READER)
    monkeypatch.setenv("PGPASSWORD", READER_PASSWORD)
    assert counts(run(place, "load", leads.address, "--relation", "lead"))["read"] == 4


def test_a_connection_lost_while_reading_is_said_and_leaves_nothing(server: Postgres, login: None) -> None:
    question = Question(queries=("select g, repeat('x', 500) as t from generate_series(1, 2000000) as g",))
    (found,) = places(server.address, question)

    def cut(_: float, __: str) -> None:
        server.run("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'upboard'")

    with pytest.raises(LoaderError, match="was lost while it was read") as raised:
        read_place(found, question, cut)
    assert READER_PASSWORD not in str(raised.value)


def test_a_driver_that_is_not_installed_is_named(place: Path) -> None:
    (file,) = run(place, "load", "mysql://127.0.0.1/crm", "--relation", "lead", status=1)["files"]
    assert "pip install pymysql" in file["error"]


def test_what_changed_between_reading_and_publishing_is_not_lost(
    leads: Postgres, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ("load", leads.address, "--relation", "lead", "--watermark", "lead_id")
    first = run(place, *asked)
    leads.run("insert into lead values (5, '2026-03-05 10:00+00', 'Web', 'chat', 'open', null, null)")
    run(place, *asked)

    def rolled_back_meanwhile(found: Place, question: Question, progress: Any) -> Answer:
        reading = read_place(found, question, progress)
        run(place, "rollback", first["snapshot"])
        return reading

    leads.run("insert into lead values (6, '2026-03-06 10:00+00', 'Web', 'chat', 'open', null, null)")
    with monkeypatch.context() as patched:
        patched.setattr("loaders.intake.read_place", rolled_back_meanwhile)
        assert "Load again" in run(place, *asked, status=1)["error"]
    assert counts(run(place, *asked))["accepted"] == 3


def test_a_moment_of_reading_is_the_time_of_export(leads: Postgres) -> None:
    before = datetime.now(UTC)
    assert before <= read_one(leads, relations=("lead",)).read_at <= datetime.now(UTC)
