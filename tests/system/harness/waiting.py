"""Waiting for something to become true, with a deadline: never a bare sleep."""

import time


_patience = 1


def be_patient(factor):
    """From here on this process waits so many times as long: its server is slow."""
    global _patience
    _patience = factor


class TimedOut(AssertionError):
    """What was waited for did not come; the message says how far it got."""


def wait_until(check, timeout, what, interval=0.02):
    """Call check() until it returns something true, and return that.

    `what` names the thing in the error; where it is a function, it is called for the last state.
    The interval grows to a quarter of a second.
    """
    timeout *= _patience
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() >= end:
            text = what() if callable(what) else what
            raise TimedOut(f"after {timeout} s still waiting for {text}")
        time.sleep(min(interval, max(0.0, end - time.monotonic())))
        interval = min(interval * 1.5, 0.25)
