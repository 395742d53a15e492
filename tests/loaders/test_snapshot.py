"""What a warehouse promises: all or nothing, the same file changes nothing, order is no matter, snapshots stay."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
import xlsxwriter
from typer.testing import CliRunner, Result

from loaders.__main__ import app
from loaders.snapshot import current_path

ROOT = Path(__file__).parents[2]
LEADS = """lead_id,created_at,source,lead_type,status,salesperson,email,modified_at
1,2026-03-01T10:00:00Z,Web,internet,open,Ana Lee,a@example.com,2026-03-01T10:00:00Z
2,2026-03-02T10:00:00Z,Cars,phone,open,Bo Roy,b@example.com,2026-03-02T10:00:00Z
3,2026-03-32T10:00:00Z,Cars,phone,open,Bo Roy,c@example.com,2026-03-02T10:00:00Z
"""
CORRECTED = """lead_id,created_at,source,lead_type,status,salesperson,email,modified_at
2,2026-03-02T10:00:00Z,Web,phone,lost,Bo Roy,b@example.com,2026-03-05T10:00:00Z
4,2026-03-06T10:00:00Z,Web,chat,open,Ana Lee,d@example.com,2026-03-06T10:00:00Z
"""
SALES = """sale_id,lead_id,sold_at,total_gross,salesperson
S1,1,2026-03-03T10:00:00Z,"$1,500.50",Ana Lee
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return with_files(tmp_path)


@pytest.fixture(scope="module")
def leads_loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that leads.csv was loaded into, to be copied."""
    folder = with_files(tmp_path_factory.mktemp("leads"))
    run(folder, "load", "leads.csv")
    return folder / "wh"


@pytest.fixture
def first(place: Path, leads_loaded: Path) -> str:
    """The name of the first snapshot of the place's warehouse: leads.csv was loaded into it."""
    serving = current_path(shutil.copytree(leads_loaded, place / "wh"))
    assert serving is not None
    return serving.stem


def with_files(folder: Path) -> Path:
    """The folder, with three exports and settings in it."""
    for name, text in {"leads.csv": LEADS, "corrected.csv": CORRECTED, "sales.csv": SALES}.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "settings.toml").write_text('[[store]]\nname = "North"\ntime_zone = "America/Chicago"\n')
    return folder


def run(
    place: Path, command: str, *arguments: str, status: int = 0, warehouse: str = "wh", options: Sequence[str] = ()
) -> dict[str, Any]:
    """Run a command with --json and give its one object, with what was said on standard error where it failed."""
    options = [*options, "--warehouse", str(place / warehouse), "--json"]
    if command == "load":
        options += ["--settings", str(place / "settings.toml")]
        arguments = tuple(str(place / name) for name in arguments)
    result = CliRunner().invoke(app, [command, *arguments, *options])
    assert result.exit_code == status, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found | ({"stderr": result.stderr} if status else {})


def star_of(place: Path, warehouse: str = "wh") -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the star that serves, without the names of the files they came from."""
    path = current_path(place / warehouse)
    assert path is not None
    with duckdb.connect(str(path), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        tables = con.sql("select table_name from duckdb_tables() where schema_name = 'main' order by 1").fetchall()
        frames = {table: con.sql(f"from {table}").pl() for (table,) in tables}
    lineage = ("source_file", "source_line")
    return {table: sorted(frame.drop(lineage, strict=False).rows(), key=repr) for table, frame in frames.items()}


def test_a_load_says_what_it_read_accepted_and_rejected(place: Path) -> None:
    loaded = run(place, "load", "leads.csv")
    (file,) = loaded["files"]
    assert file["profile"] == "generic"
    assert file["tables"] == {"lead": {"read": 3, "accepted": 2, "rejected": 1, "unchanged": 0, "updated": 0}}
    (refused,) = run(place, "rejects")["rejects"]
    assert (refused["source_file"], refused["source_line"], refused["table"]) == ("leads.csv", 4, "lead")
    assert "2026-03-32" in refused["rule"]
    assert refused["row"]["lead_id"] == "3"


def test_loading_the_same_file_again_changes_nothing(place: Path) -> None:
    first = run(place, "load", "leads.csv", "sales.csv")
    again = run(place, "load", "leads.csv", "sales.csv")
    assert again["snapshot"] == first["snapshot"]
    assert [file["tables"] for file in again["files"]] == [
        {"lead": {"read": 3, "accepted": 2, "rejected": 1, "unchanged": 2, "updated": 0}},
        {"sale": {"read": 1, "accepted": 1, "rejected": 0, "unchanged": 1, "updated": 0}},
    ]
    assert len(run(place, "rejects")["rejects"]) == 1


def test_a_copy_of_a_file_changes_no_number(place: Path) -> None:
    run(place, "load", "leads.csv", "sales.csv")
    before = star_of(place)
    (place / "copy.csv").write_text(LEADS, encoding="utf-8")
    run(place, "load", "copy.csv")
    assert star_of(place) == before


def test_a_later_export_of_a_record_updates_it(place: Path, first: str) -> None:
    updated = run(place, "load", "corrected.csv")
    (file,) = updated["files"]
    assert file["tables"]["lead"] == {"read": 2, "accepted": 2, "rejected": 0, "unchanged": 0, "updated": 1}
    statuses = {row[0] for row in _select(place, "select status from fct_lead where lead_id = '2'")}
    assert statuses == {"lost"}


def test_an_older_export_that_comes_later_changes_nothing(place: Path) -> None:
    run(place, "load", "leads.csv", "corrected.csv")
    newest = star_of(place)
    run(place, "load", "leads.csv")
    assert star_of(place) == newest


def test_rollback_publishes_an_earlier_snapshot_and_the_next_load_builds_on_it(place: Path, first: str) -> None:
    second = run(place, "load", "corrected.csv")["snapshot"]
    kept = run(place, "history")["snapshots"]
    assert [(entry["snapshot"], entry["is_current"]) for entry in kept] == [(second, True), (first, False)]
    assert run(place, "rollback", first)["snapshot"] == first
    assert _select(place, "select count(*) from fct_lead") == [(2,)]
    run(place, "load", "sales.csv")
    assert _select(place, "select count(*), count(distinct sale_key) from fct_lead, fct_sale") == [(2, 1)]


def test_rollback_to_an_unknown_snapshot_names_the_kept_ones(place: Path, first: str) -> None:
    said = run(place, "rollback", "yesterday", status=2)["stderr"]
    assert "yesterday" in said
    assert first in said


def test_only_the_set_number_of_snapshots_is_kept(place: Path) -> None:
    with (place / "settings.toml").open("a") as settings:
        settings.write("[warehouse]\nkeep_snapshots = 2\n")
    for name in ("leads.csv", "corrected.csv", "sales.csv"):
        run(place, "load", name)
    assert len(run(place, "history")["snapshots"]) == 2
    assert len(list((place / "wh" / "snapshots").iterdir())) == 2


def test_a_load_that_fails_leaves_the_last_snapshot_serving(place: Path, first: str) -> None:
    before = star_of(place)
    run(place, "load", "missing.csv", status=1)
    (place / "empty.csv").write_text("")
    run(place, "load", "empty.csv", status=1)
    (place / "odd.csv").write_text("a,b\n1,2\n")
    failed = run(place, "load", "odd.csv", status=1)
    assert "Hint:" in failed["files"][0]["error"]
    assert star_of(place) == before
    assert not list((place / "wh" / "snapshots").glob("*.building*"))


def test_one_bad_file_does_not_stop_the_others(place: Path) -> None:
    (place / "odd.csv").write_text("a,b\n1,2\n")
    loaded = run(place, "load", "odd.csv", "leads.csv")
    assert ["error" in file for file in loaded["files"]] == [True, False]
    assert _select(place, "select count(*) from fct_lead") == [(2,)]


def test_a_killed_load_leaves_the_last_snapshot_and_the_next_load_succeeds(place: Path, first: str) -> None:
    before = star_of(place)
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from loaders import snapshot\n"
        "from loaders.__main__ import app\n"
        "snapshot.point_at = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "app(sys.argv[1:])\n"
    )
    command = ["load", str(place / "sales.csv"), "--warehouse", str(place / "wh")]
    command += ["--settings", str(place / "settings.toml")]
    killed = subprocess.run([sys.executable, "-c", program, *command], cwd=ROOT, check=False)
    assert killed.returncode < 0
    assert star_of(place) == before
    run(place, "load", "sales.csv")
    assert _select(place, "select count(*) from fct_sale") == [(1,)]


def test_a_folder_that_cannot_be_written_is_a_clear_error(place: Path) -> None:
    said = run(place, "load", "leads.csv", status=1, warehouse="settings.toml")["stderr"]
    assert "cannot be written" in said
    assert "Hint:" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["leads.csv", "--profile", "vinsolution"], "vinsolutions"),
        (["leads.csv", "--table", "leads"], '"lead"'),
        (["leads.csv", "--settings", "wrong.toml"], "gap_days"),
        (["leads.csv", "--as-of", "yesterday"], "--as-of"),
        (["leads.csv", "--nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_names_the_nearest(place: Path, arguments: list[str], said: str) -> None:
    (place / "wrong.toml").write_text("[episode]\ngap_day = 30\n")
    paths = [str(place / part) if part.endswith((".csv", ".toml")) else part for part in arguments]
    result = CliRunner().invoke(app, ["load", *paths, "--warehouse", str(place / "wh")], env={"COLUMNS": "200"})
    assert result.exit_code == 2, result.output
    assert said in result.stderr
    assert not (place / "wh").exists()


def test_check_says_what_would_happen_and_writes_nothing(place: Path) -> None:
    command = ["check", str(place / "leads.csv"), "--settings", str(place / "settings.toml"), "--json"]
    result = CliRunner().invoke(app, command)
    (file,) = json.loads(result.stdout)["files"]
    assert file["profile"] == "generic"
    assert file["reasons"]
    (refused,) = file["tables"]["lead"]["rejects"]
    assert refused["source_line"] == 4
    assert "2026-03-32" in refused["rule"]
    assert {path.name for path in place.iterdir()} == {"leads.csv", "corrected.csv", "sales.csv", "settings.toml"}


def test_changed_settings_rebuild_the_star_from_the_same_files(place: Path, first: str) -> None:
    settings = (place / "settings.toml").read_text().replace("America/Chicago", "America/New_York")
    (place / "settings.toml").write_text(settings)
    assert run(place, "load", "leads.csv")["snapshot"] != first
    assert _select(place, "select time_zone from dim_store") == [("America/New_York",)]


def test_a_snapshot_can_be_opened_by_duckdb_1_2_and_later(place: Path, first: str) -> None:
    path = current_path(place / "wh")
    assert path is not None
    with duckdb.connect() as con:
        con.execute(f"attach '{path}' as kept (read_only)")
        (tags,) = con.sql("select tags from duckdb_databases() where database_name = 'kept'").fetchall()[0]
    assert "v1.2.0" in str(tags)


def _select(place: Path, text: str) -> list[tuple[Any, ...]]:
    path = current_path(place / "wh")
    assert path is not None
    with duckdb.connect(str(path), read_only=True) as con:
        return con.sql(text).fetchall()


def _load(place: Path, *names: str, settings: str = "settings.toml") -> Result:
    """What a person sees in a narrow terminal."""
    options = ["--warehouse", str(place / "wh"), "--settings", str(place / settings)]
    return CliRunner().invoke(app, ["load", *(str(place / name) for name in names), *options], env={"COLUMNS": "80"})


def test_a_load_tells_people_every_count_and_file_name_in_full(place: Path) -> None:
    name = "a file name that is longer than any column of a table would ever like to be.csv"
    (place / name).write_text(LEADS)
    told = _load(place, name).stdout.splitlines()
    assert told[0].split() == ["read", "accepted", "rejected", "unchanged", "updated"]
    assert told[1] == f"{place / name}  (generic)"
    assert told[2].split() == ["lead", "3", "2", "1", "0", "0"]
    assert all(len(line) <= 80 for line in (told[0], told[2]))


def test_rejects_show_people_the_whole_row_and_every_rule(place: Path, first: str) -> None:
    told = CliRunner().invoke(app, ["rejects", "--warehouse", str(place / "wh")], env={"COLUMNS": "80"}).stdout
    assert 'line 4, lead: created_at not readable as date: "2026-03-32T10:00:00Z"' in told
    assert "lead_id: 3 | " in told
    assert "email: c@example.com" in told


def test_a_header_without_rows_loads_nothing_and_says_so(place: Path) -> None:
    (place / "header.csv").write_text("lead_id,created_at\n")
    alone = _load(place, "header.csv")
    assert (alone.exit_code, "A header but no rows" in alone.stderr) == (1, True)
    assert not (place / "wh").exists()
    beside = _load(place, "header.csv", "leads.csv")
    assert (beside.exit_code, "A header but no rows" in beside.stderr) == (0, True)


def test_a_load_of_which_every_row_is_refused_keeps_the_rejects(place: Path) -> None:
    (place / "bad.csv").write_text("lead_id,created_at\n1,soon\n")
    result = _load(place, "bad.csv")
    assert (result.exit_code, "no dated record" in result.stdout) == (0, True)
    assert len(run(place, "rejects")["rejects"]) == 1


def test_a_missing_path_stands_among_the_files_and_stops_no_other(place: Path) -> None:
    loaded = run(place, "load", "none.csv", "leads.csv")
    assert ["does not exist" in file.get("error", "") for file in loaded["files"]] == [True, False]


def test_a_file_named_twice_is_read_once(place: Path) -> None:
    (place / "folder").mkdir()
    (place / "folder" / "leads.csv").write_text(LEADS)
    (file,) = run(place, "load", "folder", "folder/leads.csv")["files"]
    assert file["tables"]["lead"]["read"] == 3


def test_json_is_one_object_on_standard_output_even_where_it_fails(place: Path) -> None:
    (place / "wrong.toml").write_text("[episode]\ngap_day = 30\n")
    command = ["load", str(place / "leads.csv"), "--settings", str(place / "wrong.toml"), "--json"]
    result = CliRunner().invoke(app, command)
    assert (result.exit_code, "gap_days" in json.loads(result.stdout)["error"]) == (2, True)


def test_a_sheet_that_fails_is_told_beside_one_that_loads(place: Path) -> None:
    with xlsxwriter.Workbook(place / "book.xlsx") as book:
        book.add_worksheet("Cover").write_row(0, 0, ["Our", "month"])
        for name, day in (("Good", "2026-03-01"), ("Unclear", "3/4/2026")):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, ["lead_id", "created_at"])
            sheet.write_row(1, 0, [name, day])
    good, unclear = run(place, "load", "book.xlsx")["files"]
    assert good["tables"]["lead"]["accepted"] == 1
    assert "two orders" in unclear["error"]
    assert 'sheet "Cover" left out' in _load(place, "book.xlsx").stderr


def test_what_was_refused_or_noticed_falls_when_the_same_file_is_read_better(place: Path) -> None:
    (place / "leads.csv").write_text("lead_id,created_at,store\n1,2026-03-01T10:00,Elm\n2,2026-03-01T10:00,\n")
    elm, south = (f'[[store]]\nname = "{name}"\ntime_zone = "America/Chicago"\n' for name in ("Elm", "South"))
    run(place, "load", "leads.csv")
    assert _select(place, "select finding from data_finding") == [("store_not_in_settings",)]
    (place / "settings.toml").write_text(elm + south)
    run(place, "load", "leads.csv")
    assert [row["rule"] for row in run(place, "rejects")["rejects"]] == ["store is missing"]
    assert _select(place, "select finding from data_finding") == []
    (place / "settings.toml").write_text(elm)
    run(place, "load", "leads.csv")
    assert run(place, "rejects")["rejects"] == []


COMMUNICATIONS = """Nr,When,Way,Kind,Lead
1,01/02/2026 10:00,out,ring,7
2,01/02/2026 11:00,out,ring,7
"""
OWN = """name = "own"
label = "Own"
[[file]]
table = "contact"
match = ["Nr", "When", "Way"]
date_format = ["ORDER"]
[file.columns]
occurred_at = "When"
direction = "Way"
channel = "Kind"
lead_id = "Lead"
[file.values.channel]
"ring" = "CHANNEL"
[file.defaults]
result = "other"
"""


def test_a_file_that_is_read_again_with_a_mended_profile_replaces_its_first_reading(place: Path) -> None:
    """The rows have no id of their own, so a mended word changes the hash that stands for one: they must not double."""
    (place / "calls.csv").write_text(COMMUNICATIONS)
    (place / "leads.csv").write_text("lead_id,created_at,system\n7,2026-01-02T08:00,own\n")
    for order, channel in (("mdy", "text"), ("dmy", "call"), ("mdy", "call")):
        (place / "own.toml").write_text(OWN.replace("ORDER", order).replace("CHANNEL", channel))
        run(place, "load", "calls.csv", options=["--profile", str(place / "own.toml")])
    asked = "select channel, count(*), min(occurred_on)::varchar from fct_contact group by all"
    assert _select(place, asked) == [("call", 2, "2026-01-02")]


def test_one_file_may_stand_for_two_stores(place: Path) -> None:
    (place / "sources.csv").write_text("source_id,name\n1,Web\n")
    for store in ("Elm", "Oak", "Elm"):
        run(place, "load", "sources.csv", options=["--store", store])
    assert _select(place, "select store from canonical.source order by store") == [("Elm",), ("Oak",)]


def test_no_cell_of_a_file_that_nobody_knows_is_kept(place: Path) -> None:
    (place / "odd.csv").write_text("private remark,another remark\n1,2\n")
    loaded = run(place, "load", "odd.csv", "leads.csv")
    assert "private remark" in loaded["files"][0]["error"]
    assert "private remark" not in json.dumps(run(place, "history"))
    path = current_path(place / "wh")
    assert path is not None
    assert b"private remark" not in path.read_bytes()


def test_a_pointer_to_nowhere_can_be_mended_by_the_command_that_its_hint_names(place: Path, first: str) -> None:
    (place / "wh" / "CURRENT").write_text("snapshots/none.duckdb\n")
    said = run(place, "load", "sales.csv", status=1)["stderr"]
    assert f"python -m loaders rollback {first} --warehouse {place / 'wh'}" in said
    assert [entry["is_current"] for entry in run(place, "history")["snapshots"]] == [False]
    run(place, "rollback", first)
    run(place, "load", "sales.csv")


def test_a_damaged_snapshot_is_told_and_the_one_before_it_offered(place: Path, first: str) -> None:
    second = run(place, "load", "sales.csv")["snapshot"]
    damaged = place / "wh" / "snapshots" / f"{second}.duckdb"
    damaged.write_bytes(damaged.read_bytes()[:3000])
    for command in ("load", "rejects"):
        said = run(place, command, *(["corrected.csv"] if command == "load" else []), status=1)["stderr"]
        assert "cannot be opened" in said
        assert f"rollback {first}" in said
    assert [bool(entry["error"]) for entry in run(place, "history")["snapshots"]] == [True, False]
    run(place, "rollback", first)
    run(place, "load", "corrected.csv")


def test_a_demo_that_cannot_be_written_is_a_clear_error(place: Path) -> None:
    result = CliRunner().invoke(app, ["demo", str(place / "leads.csv"), "--months", "1", "--leads-per-month", "5"])
    assert (result.exit_code, "Hint:" in result.stderr) == (1, True)


def test_rolling_back_where_nothing_is_makes_no_folder(place: Path) -> None:
    assert "Hint:" in run(place, "rollback", "x", status=2)["stderr"]
    assert not (place / "wh").exists()


def test_an_alias_added_later_gathers_the_records_loaded_under_it(place: Path) -> None:
    head, *rows = LEADS.splitlines()
    aliased = "\n".join([f"{head},store", *(f"{row},NTH" for row in rows)])
    (place / "aliased.csv").write_text(aliased, encoding="utf-8")
    run(place, "load", "aliased.csv")
    assert _select(place, "select store from dim_store") == [("NTH",)]
    text = (place / "settings.toml").read_text(encoding="utf-8")
    (place / "settings.toml").write_text(text + 'aliases = ["NTH"]\n', encoding="utf-8")
    run(place, "load", "sales.csv")
    assert _select(place, "select store from dim_store") == [("North",)]
    run(place, "load", "aliased.csv", "leads.csv")
    assert _select(place, "select store, lead_id from canonical.lead order by 2") == [("North", "1"), ("North", "2")]
    run(place, "load", "aliased.csv", "leads.csv", "sales.csv", warehouse="other")
    assert star_of(place) == star_of(place, "other")


def test_a_file_of_which_no_row_is_valid_any_more_gives_none(place: Path) -> None:
    head, row = "lead_id,created_at,lead_type,status", "9,2026-03-01T10:00:00Z,internet,open"
    (place / "nine.csv").write_text(f"{head}\n{row}\n", encoding="utf-8")
    run(place, "load", "nine.csv", "sales.csv")
    described = (ROOT / "loaders" / "profiles" / "generic.toml").read_text(encoding="utf-8")
    mended = described.replace('created_at = "created_at"', 'created_at = "lead_type"', 1).replace(
        '"generic"', '"own"', 1
    )
    (place / "own.toml").write_text(mended.replace('"generic"', '"own"', 1), encoding="utf-8")
    run(place, "load", "nine.csv", options=["--profile", str(place / "own.toml")])
    assert _select(place, "select lead_id from canonical.lead") == []
