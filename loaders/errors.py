"""The error that every reader and builder raises: what went wrong, where, and the exact next step."""

from __future__ import annotations


class LoaderError(Exception):
    """Something a person can mend: a missing file, an unknown profile, a wrong setting.

    `message` says what and where in one or two sentences; `hint` says the exact next step. `str()` is both, with a
    blank line between.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n\nHint: {self.hint}"


class LockedError(LoaderError):
    """Another load holds the warehouse: the same will work when that one has ended."""
