"""How fast it goes: an operator's limits and their timetable, and small files that pass large ones."""

import datetime
import os
import time

from harness import on, samples, wait_until, write

MIB = 1 << 20


def moment(line):
    return datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00")).timestamp()


def puts(ctx, *ops):
    """(time, bytes) of what s3d took of these operations, in order."""
    return [(moment(line), line["in"]) for line in ctx.server.requests()
            if line["op"] in (ops or ("PutObject",)) and line["status"] == 200]


def flow(agent):
    return agent.status()[0].get("flow", {})


# --- limits -----------------------------------------------------------------------------------------


@on("s3d")
def test_requests_are_limited(ctx):
    images = ctx.folder("images")
    for i in range(90):
        write(f"{images}/{i:03}.jpg", b"%d" % i)
    agent = ctx.agent(images=images, options={"limits": {"requests": 30}}).start()
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    times = [at for at, _ in puts(ctx)]
    assert len(times) == 90
    took = times[-1] - times[0]
    assert 2.5 < took < 20, took  # 90 at 30 a second, a tenth of a second's worth at once
    assert flow(agent)["limit_requests"] == 30, agent.status()
    assert ", 30 requests/s" in agent.run("status").stdout
    # Smooth: no second saw many more than its share, though the machine may stand still now and then.
    worst = max(sum(1 for other in times if at <= other < at + 0.5) for at in times)
    assert worst <= 45, worst


@on("s3d")
def test_bytes_are_limited_of_small_and_large_bodies_together(ctx):
    images = ctx.folder("images")
    for i in range(40):
        write(f"{images}/small/{i:03}.jpg", os.urandom(50000))
    write(f"{images}/medium.rec", os.urandom(3 * MIB))
    write(f"{images}/large.rec", os.urandom(11 * MIB))
    agent = ctx.agent(images=images, options={"limits": {"mbit": 48}},
                      s3={"part_size": "5M", "multipart_size": "5M"})
    agent.start()
    began = time.monotonic()
    agent.wait_in_step(90)
    took = time.monotonic() - began
    ctx.client.assert_tree(images, "images/")
    sent = sum(n for _, n in puts(ctx, "PutObject", "UploadPart"))
    assert sent == 40 * 50000 + 14 * MIB, sent
    least = sent / 6e6 - 0.3  # 48 Mbit are 6 MB
    assert least < took < 4 * least + 10, (took, least)
    # The small ones did not wait until the large one was through.
    ends = [at for at, n in puts(ctx) if n == 50000]
    last_part = puts(ctx, "UploadPart")[-1][0]
    assert ends[-1] < last_part, (ends[-1], last_part)


@on("s3d")
def test_limits_change_at_the_hour(ctx):
    images = ctx.folder("images")
    now = datetime.datetime.now(datetime.timezone.utc)
    # A time zone where it will be 9 o'clock in some seconds; POSIX writes what is to be added.
    ahead = datetime.timedelta(seconds=6)
    since_midnight = now - now.replace(hour=0, minute=0, second=0, microsecond=0)
    shift = since_midnight - (datetime.timedelta(hours=9) - ahead)
    sign = "-" if shift < datetime.timedelta(0) else ""
    seconds = int(abs(shift).total_seconds())
    zone = f"TST{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    agent = ctx.agent(images=images, environment={"TZ": zone}, options={
        "limits": {"mbit": 7}, "timetable": [{"hours": "09-10", "requests": 500}]}).start()
    agent.wait_in_step(20)
    first = flow(agent)
    if "limit_hours" not in first:  # else starting took too long for a look at what was before
        assert first["limit_mbit"] == 7 and first["limit_requests"] == 0, first
    wait_until(lambda: flow(agent).get("limit_hours") == "09-10", 30, lambda: str(flow(agent)))
    assert flow(agent)["limit_mbit"] == 0 and flow(agent)["limit_requests"] == 500, flow(agent)
    assert "limits from 09-10, 500 requests/s" in agent.run("status").stdout


# --- fairness ---------------------------------------------------------------------------------------


@on("s3d")
def test_small_files_and_lists_pass_large_ones(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    write(f"{images}/first.jpg", b"first")
    samples.write_lists(lists, ["first.jpg"])
    agent = ctx.agent(images=images, lists=lists,
                      s3={"part_size": "5M", "multipart_size": "5M", "in_flight": 4}).start()
    agent.wait_in_step(20)
    ctx.server.fault("delay", ms=2000, op="UploadPart", count=0)
    ctx.server.fault("delay", ms=2000, op="PutObject", key="*.mid", count=0)
    for i in range(4):
        with open(f"{images}/{i}.rec", "wb") as file:
            file.truncate(20 * MIB)
        with open(f"{images}/{i}.mid", "wb") as file:
            file.truncate(2 * MIB)
    wait_until(lambda: puts(ctx, "UploadPart"), 30, "the first part")
    before = len(puts(ctx, "UploadPart"))
    write(f"{images}/small.jpg", b"small")
    for name in sorted(os.listdir(lists)):
        with open(f"{lists}/{name}", "a", encoding="utf-8") as file:
            file.write("1\t0\tsmall.jpg\n")
    names = [f"lists/{name}" for name in sorted(os.listdir(lists))]

    def there():
        return ("images/small.jpg" in ctx.client.keys("images/") and
                all(b"small.jpg" in ctx.client.signed.get(name).body for name in names))

    wait_until(there, 20, lambda: str(agent.status()))
    meanwhile = len(puts(ctx, "UploadPart")) - before
    assert meanwhile < 8, meanwhile  # of 16: at four requests at once these are eight seconds
    ctx.server.clear_faults()
    agent.wait_in_step(60)
    ctx.client.assert_tree(images, "images/")
    agent.verify_journal()
