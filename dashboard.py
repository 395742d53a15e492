"""Upboard's dashboard: page config, the list of pages, the shared filters, run.

Start it with `streamlit run dashboard.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Final

import streamlit as st

from pages import by_reader, frame, roles, serving, show, sign_in, users

# Drawn here: an icon named by a word would be fetched from outside this machine.
FAVICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="6" fill="#1f5fa8"/>'
    '<path d="M7 24V16h4v8zM14 24V11h4v13zM21 24V7h4v17z" fill="#fff"/></svg>'
)


def main(first: str = "overview") -> None:
    """Draw the frame and the page that the address names; `first` is the page of the bare address."""
    st.set_page_config(page_title="Upboard", page_icon=FAVICON, layout="wide")
    _stay_on_this_machine()
    user = sign_in.require()
    frame.serve_to(user)
    readers = by_reader(roles.pages_of(user))
    modules = [module for group in readers.values() for module in group]
    names = [_name(module) for module in modules]
    opened = first if first in names else names[0]
    pages = {_name(module): _page(module, is_first=_name(module) == opened) for module in modules}
    frame.register(pages)
    listed = {reader: [pages[_name(module)] for module in group] for reader, group in readers.items()}
    next(iter(listed.values())).append(_at_its_own_address(modules[names.index(opened)]))
    current = st.navigation(listed)
    show.begin_again_once()
    show.prepare()
    current.run()


def _stay_on_this_machine() -> None:
    """End the run where this server listens for others and nobody has to sign in, or keeps nobody out who must."""
    is_guarded = users.configured()
    refused = serving.refusal_without_guard(is_guarded=is_guarded) or serving.refusal(
        st.get_option("server.address"), is_guarded=is_guarded
    )
    if refused:
        st.error(refused)
        st.stop()


def _page(module: ModuleType, *, is_first: bool) -> st.Page:
    path = "" if is_first else _name(module)
    return st.Page(_drawn(module), title=module.TITLE, icon=module.ICON, url_path=path, default=is_first)


def _at_its_own_address(first: ModuleType) -> st.Page:
    """The first page once more, not listed: Streamlit serves it at the bare address alone, and links name it too."""
    path = _name(first)
    return st.Page(_drawn(first), title=first.TITLE, icon=first.ICON, url_path=path, visibility="hidden")


def _drawn(module: ModuleType) -> Callable[[], None]:
    return partial(show.show, module)


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


if __name__ == "__main__":
    main()
