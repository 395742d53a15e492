"""What every test stands on: UTC, and random examples that are the same at every run."""

from __future__ import annotations

import os
import time

from hypothesis import settings

os.environ["TZ"] = "UTC"
if hasattr(time, "tzset"):
    time.tzset()

settings.register_profile("same_every_time", deadline=None, derandomize=True)
settings.load_profile("same_every_time")
