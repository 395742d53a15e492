"""What every test stands on: UTC, and random examples that are the same at every run."""

from __future__ import annotations

import atexit
import gc
import os
import time
from collections.abc import Generator

import pytest
from hypothesis import settings

os.environ["TZ"] = "UTC"
if hasattr(time, "tzset"):
    time.tzset()

settings.register_profile("same_every_time", deadline=None, derandomize=True)
settings.load_profile("same_every_time")

# Folders of few and long files. First, so that in the end no worker is left alone with a long one.
FIRST = ("soundness", "faults", "browser")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while the tests are read, a quarter of that time; what is there then stays to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()
        atexit.register(gc.unfreeze)  # What is never freed, DuckDB reports on the way out as lost.


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first; within a file the order stays."""
    items.sort(key=lambda item: item.path.parent.name not in FIRST)
