"""What the system tests stand on: servers, independent clients, the agent, sample data.

A test is a function test_*(ctx) in tests/system/test_*.py. `ctx` gives it a server with a bucket of
its own, a client that shares no code with lockstep, a folder that is removed in the end, and agents
that are ended in the end. tests/system/run.py finds and runs them.

    from harness import on, deadline

    @on("s3d", "ceph")
    def test_added_files_arrive(ctx):
        tree = ctx.folder("images")
        samples.adwaita(tree, count=100)
        agent = ctx.agent(images=tree)
        agent.start()
        agent.wait_in_step(20)
        ctx.client.assert_tree(tree, "images/")
"""

from . import bindfs, fashion, mounts, uml
from .agent import Agent, lockstep_binary
from .ceph import Ceph
from .client import Client
from .context import Context, Skip, alone, deadline, long_test, need, on
from .s3d import S3d, s3d_binary
from .signed import S3Error, Signed
from .swift import Swift
from .tree import read, write
from .waiting import TimedOut, be_patient, wait_until

__all__ = [
    "Agent", "Ceph", "Client", "Context", "S3Error", "S3d", "Signed", "Skip", "Swift",
    "TimedOut", "alone", "be_patient", "bindfs", "deadline", "fashion", "lockstep_binary",
    "long_test", "mounts", "need", "on", "read", "s3d_binary", "uml", "wait_until", "write",
]
