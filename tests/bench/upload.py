#!/usr/bin/python3
"""What it costs to bring a new tree into S3: `lockstep agent --once` beside rclone, s3cmd, the AWS
CLI, curl -Z and, where it is on PATH, s5cmd.

The same files (random bytes) go into a fresh bucket of a fresh server, by each client in turn;
a listing by yet another client has to find all of them (of a sink, which keeps nothing, the number
of requests has to be right). Measured of each: files or bytes a second, processor time of the
client (user and system), and its peak memory. Medians of several rounds count.

lockstep does more than the others: it hashes what it sends, keeps an index, and writes a journal
that is durable before each transfer. "unsigned" is lockstep without the SHA-256 of bodies over
plain HTTP, as curl sends them; "signed_curl" is curl with their hashes given to it, so that the
server has as much to do as with lockstep's."""

import argparse
import collections
import json
import os
import random
import shutil
import statistics
import sys
import tempfile

from bed import Failed, Sink, measure  # first: it makes the harness known
from harness import Ceph, Client, S3d, ceph
from harness.tls import Certificate
from upload_clients import ALL, BUCKET, BY_SERVER, installed

DIRECTORIES = 30
CLIENT_DEADLINE_S = 900
MIB = 1 << 20

Shape = collections.namedtuple("Shape", "files size")
SHAPES = {"small": Shape(3000, 60000), "tiny": Shape(20000, 2000), "large": Shape(8, 256 * MIB)}

Goal = collections.namedtuple("Goal", "words met")


def make_tree(folder, shape):
    """Files of random bytes in directories, always the same."""
    source = random.Random(1)
    for i in range(shape.files):
        base = os.path.join(folder, f"class{i % DIRECTORIES:02}")
        os.makedirs(base, exist_ok=True)
        with open(os.path.join(base, f"{i:06}.jpg"), "wb") as file:
            for at in range(0, shape.size, MIB):
                file.write(source.randbytes(min(MIB, shape.size - at)))


def secure(folder):
    """An s3d that speaks TLS."""
    os.makedirs(folder + "-certificate", exist_ok=True)
    certificate = Certificate(folder + "-certificate")
    server = S3d(folder, certificate=certificate)
    server.ca_file = certificate.cert
    return server


def make_server(kind, folder):
    return {"sink": lambda _: Sink(), "s3d": S3d, "s3d-tls": secure,
            "ceph": Ceph}[kind](folder)


def check(server, client, name, shape):
    """Is all there?"""
    if isinstance(server, Sink):
        found = server.request_count()
        complete = found == shape.files if shape.size < 16 * MIB else found >= shape.files
    else:
        found = len(client.keys("images/"))
        complete = found == shape.files
    if not complete:
        raise Failed(f"{name} ended well, but {found} of {shape.files} objects are there")


def one_run(name, server, folder, tree, shape):
    """One client against a server that has just started."""
    os.makedirs(folder)
    server.start()
    try:
        if not isinstance(server, Sink):
            server.create_bucket(BUCKET)
        client = Client(server, BUCKET)
        command, environment = ALL[name](folder, tree, client)
        run = measure(command, environment, os.path.join(folder, "log"), CLIENT_DEADLINE_S)
        check(server, client, name, shape)
        return run
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def run_shape(arguments, shape_name, shape, work, memory):
    """server -> client -> [Run]; the clients take turns in every round."""
    tree = os.path.join(work, "images")
    make_tree(tree, shape)
    results = {}
    for kind in arguments.server:
        clients = installed(kind, arguments.client)
        results[kind] = {name: [] for name in clients}
        for number in range(arguments.rounds):
            for name in clients:
                server = make_server(kind, os.path.join(memory, "server"))
                run = one_run(name, server, os.path.join(work, "run"), tree, shape)
                shutil.rmtree(os.path.join(memory, "server"), ignore_errors=True)
                results[kind][name].append(run)
                print(f"{shape_name}, {kind}, round {number + 1}: {name:<11} {run.seconds:6.2f} s "
                      f"{run.cpu_seconds:6.2f} s CPU {run.peak_kib / 1024:6.1f} MiB",
                      file=sys.stderr, flush=True)
    shutil.rmtree(tree)
    return results


# --- reporting ----------------------------------------------------------------------------------

def row_of(runs, shape):
    seconds = statistics.median(r.seconds for r in runs)
    return {
        "files_per_s": round(shape.files / seconds, 1),
        "mib_per_s": round(shape.files * shape.size / MIB / seconds, 1),
        "cpu_us_per_file": round(
            statistics.median(r.cpu_seconds for r in runs) / shape.files * 1e6, 1),
        "peak_mib": round(statistics.median(r.peak_kib for r in runs) / 1024, 1),
    }


def goals(name, kind, rows, servers):
    """What lockstep promises of this shape on this server: [Goal]."""
    ours, found = rows["lockstep"], []
    floor = rows.get("curl")
    if name == "small" and kind in ("sink", "s3d", "ceph"):
        found.append(Goal("at most 150 us of CPU a file", ours["cpu_us_per_file"] <= 150))
        found.append(Goal("at most 26 MiB", ours["peak_mib"] <= 26))
    if name == "tiny" and kind == "sink":
        found.append(Goal("at most 150 us of CPU a file", ours["cpu_us_per_file"] <= 150))
    if name in ("small", "tiny") and kind == "sink":
        found.append(Goal("at least 6,000 files/s", ours["files_per_s"] >= 6000))
    if name == "small" and kind == "ceph" and floor:
        found.append(Goal("as fast as curl -Z", ours["files_per_s"] >= floor["files_per_s"]))
    if name == "small" and kind == "ceph" and "signed_curl" in rows:
        found.append(Goal("as fast as curl -Z, its bodies signed as ours",
                          ours["files_per_s"] >= rows["signed_curl"]["files_per_s"]))
    if name == "small" and kind == "ceph" and floor and "unsigned" in rows:
        found.append(Goal("as fast as curl -Z, bodies unsigned as curl's",
                          rows["unsigned"]["files_per_s"] >= floor["files_per_s"]))
    if name == "large" and kind == "sink" and floor:
        found.append(Goal("90 % of curl's rate", ours["mib_per_s"] >= 0.9 * floor["mib_per_s"]))
    if name == "large" and kind == "sink" and floor and "unsigned" in rows:
        found.append(Goal("90 % of curl's rate, bodies unsigned as curl's",
                          rows["unsigned"]["mib_per_s"] >= 0.9 * floor["mib_per_s"]))
    if name == "large" and kind == "sink":
        found.append(Goal("at most 350 ms of CPU a file", ours["cpu_us_per_file"] <= 350e3))
        found.append(Goal("at most 64 MiB", ours["peak_mib"] <= 64))
    if kind == "s3d-tls" and "s3d" in servers:
        plain = servers["s3d"]["clients"]["lockstep"]
        found.append(Goal("at most twice the CPU of plain HTTP",
                          ours["cpu_us_per_file"] <= 2 * plain["cpu_us_per_file"]))
    return found


def summary(name, shape, results):
    """Medians, what they are in terms of lockstep's, and whether the goals are met."""
    servers = {}
    for kind, clients in results.items():
        rows = {client: row_of(runs, shape) for client, runs in clients.items()}
        ours = rows.get("lockstep")
        if ours:
            for row in rows.values():
                row["speed_ratio"] = round(ours["files_per_s"] / row["files_per_s"], 2)
                row["cpu_ratio"] = round(ours["cpu_us_per_file"] / row["cpu_us_per_file"], 2)
        servers[kind] = {"clients": rows}
        servers[kind]["goals"] = [g._asdict() for g in goals(name, kind, rows, servers)] \
            if ours else []
    return {"shape": name, "files": shape.files, "size": shape.size, "servers": servers}


def print_table(report):
    for kind, server in report["servers"].items():
        print(f"\n{report['shape']}, {kind}: {report['files']:,} files of {report['size']:,} bytes;"
              " medians; the ratios are lockstep's to theirs")
        print("                 files/s     MiB/s  CPU us/file  peak MiB   speed     CPU")
        for name, row in server["clients"].items():
            print(f"  {name:<11} {row['files_per_s']:>9,.1f} {row['mib_per_s']:>9,.1f} "
                  f"{row['cpu_us_per_file']:>12,.0f} {row['peak_mib']:>9.1f} "
                  f"{row.get('speed_ratio', 0):>7.2f} {row.get('cpu_ratio', 0):>7.2f}")
        for goal in server["goals"]:
            print(f"  {goal['words']}: {'yes' if goal['met'] else 'NO'}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", metavar="DIR", help="where make put the programs (build/)")
    parser.add_argument("--shape", action="append", choices=tuple(SHAPES),
                        help="small: 3,000 x 60 KB; tiny: 20,000 x 2 KB; large: 8 x 256 MiB (all)")
    parser.add_argument("--server", action="append", choices=tuple(BY_SERVER), help="(all)")
    parser.add_argument("--client", action="append", choices=tuple(ALL), help="(all there are)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print JSON in place of the tables")
    arguments = parser.parse_args()
    if arguments.build:
        os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    # What others are held against comes first.
    arguments.server = [kind for kind in BY_SERVER if kind in (arguments.server or BY_SERVER)]
    if "ceph" in arguments.server and ceph.missing():
        parser.error("not installed: " + " ".join(ceph.missing()))
    return arguments


def main():
    arguments = parse_arguments()
    work = tempfile.mkdtemp(prefix="lockstep-bench-")
    memory = tempfile.mkdtemp(prefix="lockstep-bench-",
                              dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    reports = []
    try:
        for name in arguments.shape or SHAPES:
            reports.append(summary(name, SHAPES[name],
                                   run_shape(arguments, name, SHAPES[name], work, memory)))
            if not arguments.json:
                print_table(reports[-1])
    except Failed as reason:
        print(f"upload.py: {reason}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)
    if arguments.json:
        print(json.dumps(reports, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
