"""The pages, grouped by the reader they serve. A page is a module with TITLE, ICON, QUESTION and render(filters).

This is the only registry: a new page is one module and one line here.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

from pages import definitions, overview, people, sources

PAGES: Final[dict[str, tuple[ModuleType, ...]]] = {
    "General manager": (overview,),
    "Marketing": (sources,),
    "CRM and BDC manager": (people,),
    "Everyone": (definitions,),
}
