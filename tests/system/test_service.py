"""What systemd sees of the agent: the units, the messages, the watchdog."""

import ctypes
import os
import re
import socket
import subprocess
import time

from harness import Skip, deadline, long_test, need, on, process, uml, wait_until, write
from harness.agent import lockstep_binary

EXPOSURE_MAX = 1.5  # a mapping that needs no capability
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)


def units(ctx, program=None):
    """The units of the build, with its binary in them, in a folder."""
    need("systemd-analyze")
    folder = ctx.folder("units")
    for name in ("lockstep.service", "lockstep@.service"):
        with open(f"{process.build_dir()}/packaging/{name}", encoding="utf-8") as file:
            text = file.read()
        assert "@" not in re.sub(r"#.*|@(system-service|privileged|resources|chown)", "", text), name
        text = re.sub(r"^(Exec\w+)=\S+", rf"\1={program or lockstep_binary()}", text, flags=re.M)
        target = name.replace("@.", "@second.")
        with open(f"{folder}/{target}", "w", encoding="utf-8") as file:
            file.write(text)
    return [f"{folder}/lockstep.service", f"{folder}/lockstep@second.service"]


@on("s3d")
def test_the_units_are_sound_and_let_little_through(ctx):
    for unit in units(ctx):
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True,
                              text=True, check=False)
        ours = [line for line in (done.stdout + done.stderr).splitlines() if "lockstep" in line]
        assert done.returncode == 0 and not ours, done
        done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit],
                              capture_output=True, text=True, check=False)
        level = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
        assert level and float(level.group(1)) <= EXPOSURE_MAX, done
    text = open(unit, encoding="utf-8").read()
    assert "-c /etc/lockstep/second.conf" not in text and "-c /etc/lockstep/%i.conf" in text
    assert "StateDirectory=lockstep-%i" in text


class Manager:
    """The other end of sd_notify."""

    def __init__(self, ctx, watchdog_ms=None):
        self.path = ctx.folder("manager") + "/notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        self.lines = []
        self.environment = {"NOTIFY_SOCKET": self.path}
        if watchdog_ms:
            self.environment["WATCHDOG_USEC"] = str(watchdog_ms * 1000)

    def take(self):
        """All lines so far."""
        while True:
            try:
                self.lines += self.socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                return self.lines

    def wait_for(self, line, timeout=20):
        wait_until(lambda: line in self.take(), timeout, lambda: f"{line}: {self.lines}")

    def beats(self, seconds):
        before = self.take().count("WATCHDOG=1")
        time.sleep(seconds)
        return self.take().count("WATCHDOG=1") - before


def begin(ctx, manager):
    images = ctx.folder("images")
    write(f"{images}/a.jpg")
    agent = ctx.agent(images=images)
    agent.environment.update(manager.environment)
    agent.start()
    manager.wait_for("READY=1")
    agent.wait_in_step(20)
    return agent, images


@on("s3d")
def test_what_systemd_is_told(ctx):
    manager = Manager(ctx)
    agent, _ = begin(ctx, manager)
    manager.wait_for("STATUS=in step")
    assert agent.run("pause").returncode == 0
    wait_until(lambda: any(l.startswith("STATUS=transfers are paused") for l in manager.take()), 10,
               lambda: str(manager.lines))
    assert agent.run("resume").returncode == 0
    assert manager.take()[-1] == "STATUS=in step", manager.lines
    ready = manager.take().count("READY=1")
    assert agent.run("reload").returncode == 0
    assert "RELOADING=1" in manager.take() and manager.take().count("READY=1") == ready + 1
    assert agent.stop() == 0
    assert "STOPPING=1" in manager.take()
    assert "WATCHDOG=1" not in manager.lines, "nobody asked for it"


def thread(pid, name):
    """The id of a thread."""
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8") as file:
            if file.read().strip() == name:
                return int(tid)
    raise AssertionError(f"no thread {name}")


def ptrace(request, tid):
    if LIBC.ptrace(request, tid, None, None) != 0:
        raise Skip("no right to trace: " + os.strerror(ctypes.get_errno()))


@on("s3d")
def test_the_watchdog_is_fed_while_the_watchers_move_and_not_longer(ctx):
    manager = Manager(ctx, watchdog_ms=600)
    agent, images = begin(ctx, manager)
    assert 4 <= manager.beats(1.5) <= 9, manager.lines
    tid = thread(agent.process.pid, "watch-tracker")
    ptrace(PTRACE_SEIZE, tid)
    ptrace(PTRACE_INTERRUPT, tid)
    os.waitpid(tid, WALL)
    time.sleep(0.5)  # a beat that was due
    assert manager.beats(1.0) == 0
    assert agent.run("status").returncode in (0, 1), "the loop itself goes on"
    agent.wait_for_log("the watchers' thread has not moved")
    ptrace(PTRACE_DETACH, tid)
    wait_until(lambda: manager.beats(0.5) > 0, 10, "the beats to come again")
    write(f"{images}/after.jpg")
    agent.wait_in_step(20)


@long_test
@on("s3d")
@deadline(180)
def test_a_real_systemd_starts_reloads_restarts_and_brings_it_back(ctx):
    """Where there is a kernel for it: systemd is the first process of one of its own."""
    lost = uml.missing()
    if lost:
        raise Skip("no kernel to run systemd on: " + lost)
    with open(units(ctx, "/run/programs/lockstep")[0], encoding="utf-8") as file:
        service = file.read()
    drive = "/run/tests/harness/guest_systemd.py /mnt/out --drive"
    uml.run_systemd(ctx, {
        "lockstep.service": service.replace(
            "[Service]\n", "[Service]\nLoadCredential=aws:/etc/lockstep/credentials\n"
            "StandardError=append:/run/agent.log\n", 1),
        "test.target": "[Unit]\nDefaultDependencies=no\nWants=drive.service\n",
        "sysinit.target": "[Unit]\nDefaultDependencies=no\n",
        "basic.target": "[Unit]\nDefaultDependencies=no\n",
        "drive.service": "[Unit]\nDefaultDependencies=no\n[Service]\nStandardOutput=null\n"
                         "StandardError=null\n"
                         f"ExecStart=/usr/bin/python3 -B {drive}\n",
    })


def below(pid, name):
    """The child of a process that has this name."""
    for child in proc(pid, f"task/{pid}/children").split():
        if proc(child, "comm").strip() == name:
            return int(child)
    raise AssertionError(f"{pid} has no child {name}")


def proc(pid, name):
    with open(f"/proc/{pid}/{name}", encoding="utf-8", errors="replace") as file:
        return file.read()


class Taken:
    """What a process takes of the host right now."""

    def __init__(self, pid):
        fields = proc(pid, "stat").rsplit(")", 1)[1].split()
        self.pid, self.when = pid, time.monotonic()
        self.cpu_s = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        self.files = sorted(os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
        self.threads = len(os.listdir(f"/proc/{pid}/task"))
        self.resident_kib = int(re.search(r"VmRSS:\s+(\d+)", proc(pid, "status")).group(1))
        self.children = proc(pid, f"task/{pid}/children").split()


def check_cheap(was, now, agent):
    """It has looked some times since: it keeps nothing, starts nothing, and says no secrets to ps."""
    assert now.when - was.when > 4 and now.cpu_s - was.cpu_s < 0.1 * (now.when - was.when), vars(now)
    assert now.files == was.files and now.threads == was.threads == 1, (was.files, now.files)
    assert not now.children and now.resident_kib - was.resident_kib < 1024, (vars(was), vars(now))
    secret = agent.environment["AWS_SECRET_ACCESS_KEY"]
    assert secret not in proc(now.pid, "cmdline") and secret not in proc(agent.process.pid, "cmdline")


def check_last_changes(first, images, screen):
    """The last changes fit below the rest; a name cannot draw; what is cut is cut at the end."""
    def lines():
        now = [line.rstrip() for line in screen()]
        return now[now.index("last changes:") + 1:] if "last changes:" in now else []

    assert "last changes:" in [line.rstrip() for line in first], first
    wait_until(lambda: len(lines()) >= 8, 10, lambda: str(screen()))
    line = re.compile(r" *\d+ (s|min)  put    done   images/\d+\.jpg")
    assert all(line.fullmatch(told) for told in lines() if told), screen()
    write(f"{images}/" + "x" * 70 + ".jpg")
    write(f"{images}/a\x1b[2Jb\nc.jpg")
    wait_until(lambda: any("images/a\\x1b[2Jb\\x0ac.jpg" in told for told in lines()), 15,
               lambda: str(screen()))
    assert any(re.fullmatch(r" *\d+ s  put    done   images/x+\.\.\.", told) and len(told) == 80
               for told in lines()), screen()
    os.rename(f"{images}/1.jpg", f"{images}/1b.jpg")
    os.unlink(f"{images}/2.jpg")
    wait_until(lambda: any(re.fullmatch(r" *\d+ s  rename done   images/1\.jpg to 1b\.jpg", told)
                           for told in lines()) and
               any(re.fullmatch(r" *\d+ s  delete done   images/2\.jpg", told) for told in lines()),
               20, lambda: str(screen()))
    assert "(more lines" not in str(screen()) and len(screen()) <= 25, screen()


@on("s3d")
def test_status_is_watched_on_a_plain_terminal(ctx):
    need("tmux")
    images = ctx.folder("images")
    write(f"{images}/a.jpg")
    agent = ctx.agent(images=images).start()
    agent.wait_in_step(20)
    done = agent.run("status", "--watch")
    assert done.returncode == 2 and "terminal" in done.stderr, done
    tmux = ["tmux", "-S", ctx.folder("tmux") + "/socket", "-f", "/dev/null"]

    def colours():
        return subprocess.run([*tmux, "capture-pane", "-p", "-e"], capture_output=True, text=True,
                              check=True).stdout

    def screen():
        return subprocess.run([*tmux, "capture-pane", "-p"], capture_output=True, text=True,
                              check=True).stdout.split("\n")

    subprocess.run([*tmux, "new-session", "-d", "-x", "80", "-y", "24",
                    f"{lockstep_binary()} status --watch -c {agent.conf}; echo left with $?; cat"],
                   check=True, env={**agent.environment, "TERM": "xterm", "NO_COLOR": ""})
    try:
        wait_until(lambda: screen()[1].startswith("in step since 20"), 10, lambda: str(screen()))
        assert screen()[0].startswith("lockstep status, every 2 s") and len(screen()[2]) <= 80
        watcher = below(int(subprocess.run([*tmux, "display-message", "-p", "#{pane_pid}"], check=True,
                                           capture_output=True, text=True).stdout), "lockstep")
        began = Taken(watcher)
        assert "\033[32min step since 20" in colours(), colours()
        assert agent.run("pause").returncode == 0
        for i in range(40):
            write(f"{images}/{i}.jpg")
        wait_until(lambda: screen()[1].startswith("not in step since 20") and
                   "PAUSED" in screen()[2] and "] " in str(screen()), 10, lambda: str(screen()))
        bar = next(line for line in screen() if line.startswith("["))
        assert re.fullmatch(r"\[[.]{24}\]   0 %: 0 of \d+ changes", bar.rstrip()), bar
        subprocess.run([*tmux, "resize-window", "-x", "40", "-y", "6"], check=True)
        wait_until(lambda: "(more lines" in screen()[5] and screen()[2].startswith("PAUSED"), 10,
                   lambda: str(screen()))
        assert all(len(line) <= 40 for line in screen()) and len(screen()) <= 7, screen()
        subprocess.run([*tmux, "resize-window", "-x", "80", "-y", "24"], check=True)
        assert agent.run("resume").returncode == 0
        wait_until(lambda: screen()[1].startswith("in step since 20") and
                   "PAUSED" not in str(screen()), 15, lambda: str(screen()))
        assert not [line for line in screen() if line.startswith("[")], screen()
        check_last_changes(screen(), images, screen)
        time.sleep(max(0, began.when + 4.5 - time.monotonic()))  # two looks at the least
        check_cheap(began, Taken(watcher), agent)
        agent.stop()
        wait_until(lambda: "not running" in str(screen()) or "no agent" in str(screen()), 10,
                   lambda: str(screen()))
        subprocess.run([*tmux, "send-keys", "C-c"], check=True)
        wait_until(lambda: "left with" in str(screen()), 10, lambda: str(screen()))
        assert "lockstep status" not in str(screen()), "the terminal is as it was"
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
