"""Files of the agent's own that cannot be closed: a preloaded shim (close_fail.c) fails each close of
a file that was written, by its path. The oracle is that of `memory`."""

import os

from harness import deadline, on
from oracle import Bed
from shims import shim

# What the paths have in them: a list's new content, the journal, the index and the rest of the state.
PATHS = ("/lists/.lockstep-", "/state/journal/", "/state/index/", "/state/", "/")
MUST = ("/state/journal/", "/state/index/")  # these are written and closed in every run


@deadline(180)
@on("s3d")
def test_no_file_that_was_written_can_be_closed(ctx):
    preloaded, bed = shim("close_fail"), Bed(ctx)
    for number, path in enumerate(PATHS):
        log = ctx.path(f"closed.{number}")
        wrong, status, said = bed.try_one(LD_PRELOAD=preloaded, CLOSE_FAIL_PATH=path,
                                          CLOSE_FAIL_LOG=log)
        assert not wrong, f"{path}: {wrong}\nstatus {status}: {said[-1500:]}"
        assert path not in MUST or os.path.getsize(log) > 0, path
        if path == PATHS[0]:  # a list that may not be whole is told of
            assert status == 1 and "Disk quota exceeded" in said, (status, said)
