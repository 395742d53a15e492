"""The pages, grouped by the reader they serve. A page is a module with TITLE, ICON, QUESTION and render(filters).

This is the only registry: a new page is one module and its name here. Modules are loaded when they are asked for, so
that the command line (`python -m pages`) starts without a server's parts.
"""

from __future__ import annotations

from collections.abc import Container
from importlib import import_module
from types import ModuleType
from typing import Final

PAGES: Final[dict[str, tuple[str, ...]]] = {
    "General manager": ("overview", "customers"),
    "Marketing": ("sources",),
    "CRM and BDC manager": ("people", "person", "appointments", "response", "worklist"),
    "Trust": ("data_quality", "load_data", "audit", "definitions"),
}
# The page of somebody who signed in as a salesperson: it is about that person, so nobody else has one.
OWN: Final[dict[str, tuple[str, ...]]] = {"Salesperson": ("mine",)}


def by_reader(served: Container[str] | None = None) -> dict[str, tuple[ModuleType, ...]]:
    """The modules of the pages that are served, by the reader they serve; None: all but those of one's own."""
    every = PAGES if served is None else OWN | PAGES
    kept = {reader: [name for name in names if served is None or name in served] for reader, names in every.items()}
    return {reader: tuple(import_module(f"pages.{name}") for name in names) for reader, names in kept.items() if names}
