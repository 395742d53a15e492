"""Starts loads whose imports are done already: `python -m tests.faults.nursery` forks one child per line it is given.

A line holds a JSON list: after how many seconds to kill it, before which of its steps (null: not), and the words of the
command. A step is the opening, renaming or removing of a file by Python. Told when it ended, on one line: the steps
taken, where it came to its end, and the exit status, minus the signal where one ended it. So loads can be killed at
many moments of the work itself, and not mostly while Python starts.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from itertools import count
from typing import Final

from loaders.__main__ import app

_STEPS: Final = frozenset({"open", "os.rename", "os.remove"})
_CRASHED: Final = 70


def main() -> None:
    """Fork a child for each line of standard input, one after the other."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    _tell("ready\n")
    for line in sys.stdin:
        seconds, step, words = json.loads(line)
        child = os.fork()
        if child == 0:
            os._exit(_load(step, words))
        if seconds is not None:
            signal.sigtimedwait({signal.SIGCHLD}, seconds)
            os.kill(child, signal.SIGKILL)  # it still has its number, until it is waited for
        _, status = os.waitpid(child, 0)
        signal.sigtimedwait({signal.SIGCHLD}, 0)
        _tell(f"{os.waitstatus_to_exitcode(status)}\n")


def _tell(text: str, stream: int = 1) -> None:
    os.write(stream, text.encode())


def _load(step: int | None, words: list[str]) -> int:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
    parent, silence = os.dup(1), os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(silence, stream)
    steps = count(1)

    def watch(name: str, arguments: tuple[object, ...]) -> None:
        if name in _STEPS and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    status = _status_of(words)
    _tell(f"{next(steps) - 1} ", parent)
    return status


def _status_of(words: list[str]) -> int:
    try:
        app(words)
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 0
    except BaseException:  # the parent must hear of every way to end
        return _CRASHED
    return 0


if __name__ == "__main__":
    main()
