"""Whether other threads have their turn while a kernel runs."""

import sys
import threading
import time
from collections.abc import Callable

# A busy machine takes turns away and never gives one: what one call of many shows is enough.
MOST_CALLS = 40


def others_run_during(function: Callable[[], object], turns: int = 10) -> bool:
    """Whether this thread had more turns than that while another one called the function, in one call of many."""
    return any(_turns_during(function) > turns for _ in range(MOST_CALLS))


def _turns_during(function: Callable[[], object]) -> int:
    during = []

    def call() -> None:
        during.append(time.monotonic())
        function()
        during.append(time.monotonic())

    turns = []
    thread = threading.Thread(target=call)
    interval = sys.getswitchinterval()
    # Nobody is asked for the interpreter: there is a turn where the function itself lets go of it, and nowhere else.
    sys.setswitchinterval(1000)
    try:
        thread.start()
        while thread.is_alive():
            turns.append(time.monotonic())
            time.sleep(0.0005)
    finally:
        sys.setswitchinterval(interval)
    begin, end = during
    return sum(begin < turn < end for turn in turns)
