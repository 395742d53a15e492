"""Who may lean on whom: walks every import of the project and holds it against the plan of the house."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("dashboard.py", "loaders", "metrics", "pages")
READERS = {"fastexcel", "lxml", "psycopg", "python_calamine", "sqlalchemy"}

# The longest matching room decides. A name stands for itself and everything below it.
ALLOWED: dict[str, set[str]] = {
    "loaders": {
        "loaders",
        "polars",
        "duckdb",
        "pydantic",
        "dataframely",
        "typer",
        "rich",
        "phonenumbers",
        "rapidfuzz",
        "filelock",
        "xxhash",
        *READERS,
    },
    # What is changed in a person's own TOML keeps their comments.
    "loaders.edits": {"loaders", "tomlkit"},
    "loaders.mapping": {"loaders", "tomlkit"},
    # When a scheduled run is due, in the nights that clocks change too.
    "loaders.schedule": {"loaders", "pydantic", "filelock", "cronsim"},
    # The simulator draws random numbers; no loader proper needs numpy.
    "loaders.synthetic": {"loaders", "polars", "numpy"},
    "metrics": {"metrics", "pydantic"},
    "metrics.declare": {"pydantic"},
    "metrics.catalog": {"metrics.catalog", "metrics.declare", "pydantic"},
    "metrics.filters": {"metrics.declare", "metrics.catalog", "metrics.scope", "pydantic"},
    "metrics.scope": {"pydantic"},
    "metrics.sql": {"metrics.declare", "metrics.filters", "metrics.catalog"},
    # What a scope leaves of each table: text only, beside the queries that it narrows.
    "metrics.scope_sql": {"metrics.declare", "metrics.scope", "metrics.sql"},
    "metrics.statistics": {"metrics.statistics", "numpy", "scipy", "polars"},
    "metrics.comparisons": {"metrics", "numpy", "polars"},
    "metrics.engine": {"metrics", "duckdb", "polars"},
    "metrics.listing": {"metrics", "polars"},
    "metrics.__main__": {"metrics", "duckdb", "polars", "typer", "rich"},
    "pages": {"streamlit", "metrics", "pages", "polars", "pydantic"},
    # Only the page that loads reaches into the loaders.
    "pages.load_data": {"streamlit", "loaders", "metrics", "pages"},
    "pages.loading": {"streamlit", "loaders", "metrics", "pages", "polars"},
    "pages.download": {"pages", "polars", "xlsxwriter"},
    "pages.journal": set(),
    # What the command line makes knows no server.
    "pages.__main__": {"metrics", "pages", "typer", "rich"},
    "pages.alerts": {"metrics", "pages", "pydantic"},
    "pages.digest": {"metrics", "pages", "polars"},
    "pages.letter": {"jinja2", "pages.sheet", "pages.theme"},
    "pages.mail": {"pages.letter", "pages.sheet", "pydantic"},
    "pages.pdf": {"typst", "pages.region", "pages.sheet"},
    # Who may sign in knows no server; the sign-in itself is the server's, beside Streamlit's own.
    "pages.users": {"pydantic"},
    "pages.passwords": {"argon2", "pages.users"},
    "pages.sessions": {"pages.journal", "pages.users"},
    "pages.signed": {"pages.journal", "pages.sessions", "pages.users"},
    "pages.users_cli": {"filelock", "metrics", "pages.passwords", "pages.users", "rich", "tomlkit", "typer"},
    "pages.local_sign_in": {"anyio", "jinja2", "pages", "starlette"},
    "pages.guard": {"pages", "starlette", "streamlit"},
    "pages.sheet": set(),
    "pages.sheets": {"metrics", "pages", "polars"},
    # What serves the pages speaks the web's own protocol; the pages do not.
    "pages.gate": {"starlette", "streamlit"},
    "pages.front_end": {"starlette", "streamlit"},
    "pages.health": {"metrics", "pages", "starlette"},
    "pages.patience": {"h11", "uvicorn"},
    "pages.serving": {"pages", "starlette", "streamlit", "uvicorn"},
    "pages.charts": {"plotly", "polars", "metrics.declare", "pages.charts", "pages.theme", "pages.region"},
    "pages.theme": {"plotly", "polars", "metrics.declare", "pages.region"},
    "pages.region": {"babel"},
    "dashboard": {"streamlit", "pages"},
}


def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    paths = [
        path for room in ROOMS for path in ([ROOT / room] if room.endswith(".py") else (ROOT / room).rglob("*.py"))
    ]
    return {_dotted(path): path for path in paths}


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(module: str, path: Path) -> Iterator[str]:
    """The dotted names that a module imports, wherever the statement stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports by a relative path: say the full name"
            yield from (_target(f"{node.module}.{alias.name}", str(node.module)) for alias in node.names)


def _target(candidate: str, module: str) -> str:
    """`from pages import frame` leans on the module pages.frame; `from metrics.sql import query` on metrics.sql."""
    return candidate if candidate in MODULES else module


def _is_within(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


MODULES = modules()
IMPORTS = {name: sorted(set(imports(name, path))) for name, path in MODULES.items()}


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    room = max((room for room in ALLOWED if _is_within(module, room)), key=len)
    outside = [
        name
        for name in IMPORTS[module]
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(_is_within(name, allowed) for allowed in ALLOWED[room])
    ]
    assert not outside, f"{module} (room {room}) may not import {outside}"


def test_no_import_is_circular() -> None:
    graph = {module: {name for name in IMPORTS[module] if name in MODULES and name != module} for module in MODULES}
    # A package's __init__ that gathers its own modules is one unit with them.
    graph = {
        module: {name for name in leaned_on if not _is_within(module, name)} for module, leaned_on in graph.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"circular import: {' -> '.join(error.args[1])}")


def test_a_circular_import_would_be_found() -> None:
    with pytest.raises(CycleError):
        TopologicalSorter({"a": {"b"}, "b": {"a"}}).prepare()


QUERY = re.compile(r"[\"'\s](select\s.+\sfrom\s|insert into|create (temp )?table)", re.IGNORECASE)
QUERY_ROOMS = {"metrics.sql", "metrics.engine", "loaders.snapshot", "loaders.star", "loaders.merge", "loaders.scope"}
# The journal has its own small file and its own statements.
QUERY_ROOMS |= {"loaders.journal_file", "pages.journal", "pages.sessions", "metrics.list_sql", "metrics.scope_sql"}


@pytest.mark.parametrize("module", sorted(set(MODULES) - QUERY_ROOMS))
def test_query_text_stays_in_its_rooms(module: str) -> None:
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
    ]
    assert not [text for text in texts if QUERY.search(f" {text}")]


@pytest.mark.parametrize("path", sorted((ROOT / "loaders" / "warehouse").rglob("*.sql")), ids=lambda path: path.name)
def test_every_statement_file_says_its_grain_first(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("-- Grain: ")
