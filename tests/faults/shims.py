"""Libraries that are preloaded, so that what they stand before fails or lies."""

import os

from harness import Skip
from harness.process import build_dir


def shim(name):
    """The path for LD_PRELOAD. A sanitized build has none: it has an allocator of its own."""
    path = os.path.join(build_dir(), "tests", "faults", f"{name}.so")
    if not os.path.exists(path):
        raise Skip(f"no {name}.so: not for this build")
    return path
