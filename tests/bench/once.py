#!/usr/bin/python3
"""What one run over a new tree costs: `lockstep agent --once` beside rclone and curl.

The same files (random bytes) go into a fresh bucket of a fresh server, by each client in turn;
a listing by yet another client has to find all of them. Measured of each: files a second, processor
time of the client (user and system) a file, and its peak memory. Medians of several rounds count.

lockstep does more than the others: it hashes what it sends, keeps an index, and writes a journal
that is durable before each transfer."""

import argparse
import collections
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "system"))

from harness import Agent, Ceph, Client, S3d, ceph, lockstep_binary, process  # noqa: E402

BUCKET = "bench"
PARALLEL = 16         # transfers at once of rclone and curl
DIRECTORIES = 30
LIMIT_CPU_US = 300    # of processor time a file: what lockstep may take
POLL_S = 0.005
CLIENT_DEADLINE_S = 300

Run = collections.namedtuple("Run", "seconds cpu_seconds peak_kib")


class Failed(Exception):
    """A client did not do its work."""


# --- clients: each gives (command, environment) -------------------------------------------------

def lockstep(folder, tree, client):
    """One pass with everything that it always does: index, journal, checksums."""
    agent = Agent(os.path.join(folder, "agent"), client.server, client, tree)
    return [lockstep_binary(), "agent", "--once", "-c", agent.conf], agent.environment


def rclone(_folder, tree, client):
    """A bare copy: nothing is looked up, listed or checked."""
    server = client.server
    environment = server.environment(
        RCLONE_CONFIG="/dev/null", RCLONE_CONFIG_S_TYPE="s3",
        RCLONE_CONFIG_S_PROVIDER="Ceph" if server.kind == "ceph" else "Other",
        RCLONE_CONFIG_S_ENDPOINT=server.endpoint, RCLONE_CONFIG_S_ENV_AUTH="true",
        RCLONE_CONFIG_S_REGION=server.region)
    return ["rclone", "copy", "--transfers", str(PARALLEL), "--no-traverse", "--no-check-dest",
            "--s3-no-check-bucket", "--s3-no-head", tree, client.remote("images")], environment


def curl(folder, tree, client):
    """The least that can be done: no checksum, no listing of the tree, unsigned bodies."""
    server, config = client.server, os.path.join(folder, "curl.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f'aws-sigv4 = "aws:amz:{server.region}:s3"\n'
                   f'user = "{server.access_key}:{server.secret_key}"\n'
                   'header = "x-amz-content-sha256: UNSIGNED-PAYLOAD"\n')
        for base, _, names in os.walk(tree):
            for name in names:
                path = os.path.join(base, name)
                url = f"{server.endpoint}/{BUCKET}/images/{os.path.relpath(path, tree)}"
                file.write(f'url = "{url}"\nupload-file = "{path}"\noutput = "/dev/null"\n')
    return ["curl", "-Z", "--parallel-max", str(PARALLEL), "-sS", "--fail", "-K", config], \
        process.clean_environment()


CLIENTS = {"lockstep": lockstep, "rclone": rclone, "curl": curl}


# --- measuring ----------------------------------------------------------------------------------

def peak_kib(pid, last):
    """The peak of resident memory so far. (Not from rusage: what the kernel keeps there begins with
    that of the process that forked.)"""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            for line in file:
                if line.startswith("VmHWM:"):
                    return max(last, int(line.split()[1]))
    except OSError:
        pass
    return last


def measure(command, environment, log):
    """Run it to its end; a Run."""
    with open(log, "wb") as out:
        begun = time.monotonic()
        child = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                 env=environment)
        peak = 0
        while True:
            pid, status, usage = os.wait4(child.pid, os.WNOHANG)
            seconds = time.monotonic() - begun
            if pid:
                break
            if seconds > CLIENT_DEADLINE_S:
                child.kill()
            peak = peak_kib(child.pid, peak)
            time.sleep(POLL_S)
    child.returncode = os.waitstatus_to_exitcode(status) # it is reaped: nothing is left to wait for
    if child.returncode != 0:
        raise Failed(f"{command[0]} ended with {child.returncode}: {process.tail(log, 10)}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, peak)


def make_tree(folder, count, size):
    """`count` files of `size` random bytes in directories, always the same."""
    source = random.Random(1)
    for i in range(count):
        base = os.path.join(folder, f"class{i % DIRECTORIES:02}")
        os.makedirs(base, exist_ok=True)
        with open(os.path.join(base, f"{i:06}.jpg"), "wb") as file:
            file.write(source.randbytes(size))


def one_run(name, server, folder, tree, count):
    """One client against a server that has just started."""
    os.makedirs(folder)
    server.start()
    try:
        server.create_bucket(BUCKET)
        client = Client(server, BUCKET)
        command, environment = CLIENTS[name](folder, tree, client)
        run = measure(command, environment, os.path.join(folder, "log"))
        found = len(client.keys("images/"))
        if found != count:
            raise Failed(f"{name} ended well, but {found} of {count} objects are there")
        return run
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def servers(names, memory):
    """kind -> how to make one with its data in memory."""
    makers = {"s3d": S3d, "ceph": Ceph}
    return {name: lambda make=makers[name]: make(os.path.join(memory, "server")) for name in names}


def run_all(arguments, work, memory):
    """server -> client -> [Run]; the clients take turns in every round."""
    tree = os.path.join(work, "images")
    make_tree(tree, arguments.files, arguments.size)
    results = {}
    for kind, make in servers(arguments.server, memory).items():
        results[kind] = {name: [] for name in CLIENTS}
        for number in range(arguments.rounds):
            for name in CLIENTS:
                run = one_run(name, make(), os.path.join(work, "run"), tree, arguments.files)
                shutil.rmtree(os.path.join(memory, "server"), ignore_errors=True)
                results[kind][name].append(run)
                print(f"{kind} round {number + 1}: {name:<8} {run.seconds:6.2f} s "
                      f"{run.cpu_seconds:6.2f} s CPU {run.peak_kib / 1024:6.1f} MiB",
                      file=sys.stderr, flush=True)
    return results


# --- reporting ----------------------------------------------------------------------------------

def summary(results, files):
    """Medians, what they are in terms of lockstep's, and whether the targets are met."""
    report = {"files": files, "servers": {}}
    for kind, clients in results.items():
        rows = {}
        for name, runs in clients.items():
            rows[name] = {
                "files_per_s": round(files / statistics.median(r.seconds for r in runs), 1),
                "cpu_us_per_file": round(
                    statistics.median(r.cpu_seconds for r in runs) / files * 1e6, 1),
                "peak_mib": round(statistics.median(r.peak_kib for r in runs) / 1024, 1),
            }
        ours = rows["lockstep"]
        for row in rows.values():
            row["speed_ratio"] = round(ours["files_per_s"] / row["files_per_s"], 2)
            row["cpu_ratio"] = round(ours["cpu_us_per_file"] / row["cpu_us_per_file"], 2)
        report["servers"][kind] = {
            "clients": rows,
            "cpu_met": ours["cpu_us_per_file"] <= LIMIT_CPU_US,
            "speed_met": ours["files_per_s"] >= rows["rclone"]["files_per_s"],
        }
    return report


def print_table(report):
    for kind, server in report["servers"].items():
        print(f"\n{kind}, {report['files']:,} files: medians; the ratios are lockstep's to theirs")
        print("               files/s  CPU us/file  peak MiB   speed     CPU")
        for name, row in server["clients"].items():
            print(f"  {name:<9} {row['files_per_s']:>9,.0f} {row['cpu_us_per_file']:>12,.0f} "
                  f"{row['peak_mib']:>9.1f} {row['speed_ratio']:>7.2f} {row['cpu_ratio']:>7.2f}")
        print(f"  at most {LIMIT_CPU_US} us of CPU a file: {'yes' if server['cpu_met'] else 'NO'}; "
              f"not slower than rclone: {'yes' if server['speed_met'] else 'NO'}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", metavar="DIR", help="where make put the programs (build/)")
    parser.add_argument("--files", type=int, default=3000)
    parser.add_argument("--size", type=int, default=60000, help="bytes of a file (60000)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server", choices=("s3d", "ceph", "both"), default="both")
    parser.add_argument("--json", action="store_true", help="print JSON in place of the table")
    arguments = parser.parse_args()
    if arguments.build:
        os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    arguments.server = ("s3d", "ceph") if arguments.server == "both" else (arguments.server,)
    missing = [name for name in ("rclone", "curl") if shutil.which(name) is None]
    if "ceph" in arguments.server:
        missing += ceph.missing()
    if missing:
        parser.error("not installed: " + " ".join(missing))
    return arguments


def main():
    arguments = parse_arguments()
    work = tempfile.mkdtemp(prefix="lockstep-bench-")
    memory = tempfile.mkdtemp(prefix="lockstep-bench-",
                              dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
    try:
        report = summary(run_all(arguments, work, memory), arguments.files)
    except Failed as reason:
        print(f"once.py: {reason}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)
        shutil.rmtree(memory, ignore_errors=True)
    if arguments.json:
        print(json.dumps(report, indent=2))
    else:
        print_table(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
