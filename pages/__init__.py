"""The pages, grouped by the reader they serve. A page is a module with TITLE, ICON, QUESTION and render(filters).

This is the only registry: a new page is one module and its name here. Modules are loaded when they are asked for, so
that the command line (`python -m pages`) starts without a server's parts.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final

PAGES: Final[dict[str, tuple[str, ...]]] = {
    "General manager": ("overview", "customers"),
    "Marketing": ("sources",),
    "CRM and BDC manager": ("people", "person", "appointments", "response", "worklist"),
    "Trust": ("data_quality", "load_data", "definitions"),
}


def by_reader() -> dict[str, tuple[ModuleType, ...]]:
    """The modules of the pages, in order, by the reader they serve."""
    return {reader: tuple(import_module(f"pages.{name}") for name in names) for reader, names in PAGES.items()}
