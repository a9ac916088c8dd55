#!/usr/bin/python3
"""Show what lockstep does, on a real S3 server in a few real steps. `./dev run` calls this.

Everything happens in a temporary folder: an S3 server, an agent, and copies of real images
(Debian's icons, or a repository and lists of your own). Exit status: 0 all that was shown is right,
1 something is not, 2 it cannot be shown."""

import argparse
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "system")]

from harness import TimedOut, lockstep_binary, process, s3d_binary  # noqa: E402
from screen import Screen, plural  # noqa: E402
from steps import Steps  # noqa: E402
from world import BUCKET, Refused, World  # noqa: E402


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", metavar="DIR", default="build/plain",
                        help="where make put the programs (build/plain)")
    parser.add_argument("--keep", action="store_true",
                        help="stay up after the last step, until Ctrl-C")
    parser.add_argument("--repository", metavar="DIR",
                        help="images to show it on; they are copied and never changed")
    parser.add_argument("--lists", metavar="DIR",
                        help="the lists of that repository; they are copied, too")
    arguments = parser.parse_args()
    if arguments.lists and not arguments.repository:
        parser.error("--lists needs --repository: the paths in lists are relative to it")
    for folder in (arguments.repository, arguments.lists):
        if folder and not os.path.isdir(folder):
            parser.error(f"{folder} is no directory")
    os.environ["LOCKSTEP_BUILD"] = os.path.abspath(arguments.build)
    for program in (lockstep_binary(), s3d_binary()):
        if not os.access(program, os.X_OK):
            parser.error(f"{program} is missing: build first (./dev run does)")
    return arguments


def prepare(world, screen, arguments):
    """Trees, server and agent of the world; says what there is. Returns the steps."""
    screen.line("lockstep keeps a tree of images and its lists in step with S3", "bold")
    if arguments.repository:
        world.copy_own(os.path.abspath(arguments.repository),
                       arguments.lists and os.path.abspath(arguments.lists))
        screen.fact("images", f"a copy of {arguments.repository}: the original is only read")
        dropped = world.drop_stale_rows()
        if dropped:
            screen.fact("lists", f"{plural(dropped, 'row')} without an image left out: lockstep "
                        "keeps such a list back until its images are there", "yellow")
    else:
        world.copy_samples()
        screen.fact("images", "Debian's icons (adwaita-icon-theme), in class directories")
    paths, texts = world.image_paths(), world.list_texts()
    rows = ", ".join(f"{name} ({plural(len(text.splitlines()), 'row')})"
                     for name, text in list(texts.items())[:3])
    steps = Steps(world, screen)
    limit = steps.plan()
    world.start_server()
    world.make_agent(limit)
    screen.fact("", f"{plural(len(paths), 'image')} in {world.images}")
    screen.fact("lists", f"{rows} in {world.lists}")
    screen.fact("S3", f"{world.server.endpoint}, bucket {BUCKET}: tests/s3d, as strict as S3")
    screen.fact("guard", f"more than {limit} removals at once are held (max_removals)")
    return steps


def show(steps, screen):
    """All steps; the first that cannot be finished is the last. Returns whether all is right."""
    begun = time.monotonic()
    try:
        for step in steps.all():
            step()
    except TimedOut as late:
        screen.check(False, str(late))
        screen.text("status", steps.world.agent.run("status").stdout.splitlines()[:12])
        screen.text("log", process.tail(steps.world.agent.log_path, 5).splitlines())
    seconds = time.monotonic() - begun
    screen.line()
    if screen.wrong:
        screen.line(f"{plural(len(screen.wrong), 'thing')} went wrong in {seconds:.0f} s:", "red",
                    "bold")
        for text in screen.wrong:
            screen.line(text, "red", indent=3)
    else:
        screen.line(f"All {screen.steps} steps went right: {screen.right} checks in "
                    f"{seconds:.0f} s", "green", "bold")
    return not screen.wrong


def play(world, screen):
    """Stay up until Ctrl-C, and say what can be done now."""
    conf, server = shlex.quote(world.agent.conf), world.server
    lockstep = shlex.quote(lockstep_binary())
    screen.line()
    screen.line("It stays up until Ctrl-C. Change what you like below", "bold")
    screen.line(world.images, indent=3)
    screen.line(world.lists, indent=3)
    screen.line("and look, in another terminal:", "bold")
    for command in (
            f"{lockstep} status -c {conf}",
            f"{lockstep} journal follow -c {conf}",
            f"export AWS_ACCESS_KEY_ID={server.access_key} \\",
            f"       AWS_SECRET_ACCESS_KEY={server.secret_key} AWS_REGION={server.region}",
            f"aws --endpoint-url {server.endpoint} s3 ls s3://{BUCKET}/lists/"):
        print("   " + command) # whole, to be copied
    sys.stdout.flush()
    while world.agent.is_running():
        time.sleep(0.2)
    screen.line("The agent has ended. " + process.tail(world.agent.log_path, 1), "red")


def end_by_signal(number, _frame):
    """SIGTERM unwinds, so that everything is stopped and removed."""
    raise SystemExit(128 + number)


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, end_by_signal)
    screen = Screen()
    folder = tempfile.mkdtemp(prefix="lockstep-demo-")
    world = World(folder)
    try:
        right = show(prepare(world, screen, arguments), screen)
        if arguments.keep:
            play(world, screen)
        status = world.stop()
        if status != 0:
            screen.line(f"the agent ended with {status}", "red")
        return 0 if right and status == 0 else 1
    except Refused as reason:
        print(f"demo: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        screen.line()
        screen.line("Stopped. Nothing is left behind.")
        return 0 if arguments.keep and not screen.wrong else 130
    finally:
        world.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
