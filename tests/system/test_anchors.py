"""The journal's closed segments and checkpoints go to S3, and it is held against them."""

import datetime
import glob
import os
import shutil
import subprocess
import time

from harness import deadline, lockstep_binary, on, process, read, wait_until, write

NAME = "audit.example/images"
PREFIX = "evidence/"
FOLDER = f"{PREFIX}{NAME}/"


def key_of(ctx, name="journal.key", log=NAME):
    """A new key in a file of the test's: (the file, its public half)."""
    path = ctx.path(name)
    done = subprocess.run([lockstep_binary(), "journal", "key", "new", path, "--name", log],
                          capture_output=True, text=True, check=True)
    return path, done.stdout.strip()


def anchored(ctx, key, name="agent", server=None, **journal):
    """An agent whose journal goes to S3, and its tree."""
    images = ctx.folder(f"{name}-images")
    write(f"{images}/1.jpg", b"one")
    settings = {"key": key, "checkpoint_ms": 1000, "prefix": PREFIX, **journal}
    agent = ctx.agent(images=images, name=name, options={"journal": settings},
                      repository={"name": "pictures"})
    if server:
        agent.server = server
    return agent, images


def make_segments(agent, key, records=300, segment_bytes=8192):
    """A journal of many closed segments, as an earlier run might have left it."""
    maker = os.path.join(process.build_dir(), "tests", "system", "journal_make")
    os.makedirs(agent.state_dir, 0o700, exist_ok=True)
    subprocess.run([maker, f"{agent.state_dir}/journal", str(records), str(segment_bytes), key],
                   check=True)


def segments(agent):
    """The closed segments on disk, as they are now: name -> bytes."""
    while True:
        names = sorted(glob.glob(f"{agent.state_dir}/journal/*.jsonl") +
                       glob.glob(f"{agent.state_dir}/journal/*.jsonl.zst"))[:-1]
        try:
            return {os.path.basename(name): read(name) for name in names}
        except FileNotFoundError:
            pass # it was compressed meanwhile; each is, once


def newest(agent):
    """The newest checkpoint on disk: (bytes, lines that it covers)."""
    text = read(f"{agent.state_dir}/journal/checkpoint")
    return text, int(text.split(b"\n")[1])


def standing(agent):
    """What `status` says of the signing; {} while it does not answer."""
    try:
        return agent.status()[0].get("signing", {})
    except AssertionError:
        return {}


def is_level(agent):
    """S3 has all that there is."""
    s3 = standing(agent).get("s3", {})
    return s3.get("behind") is False and s3.get("segment", "") == max(segments(agent), default="")


def wait_level(agent, timeout=60):
    wait_until(lambda: is_level(agent), timeout,
               lambda: f"S3 to have the journal: {standing(agent)}\n{agent.log()[-2000:]}")


def stored(ctx, folder=FOLDER):
    """All that S3 has of the log: name below the folder -> bytes."""
    return {key[len(folder):]: ctx.client.get(key)[0] for key in ctx.client.keys(folder)}


def differences(ctx, agent):
    """What S3 has otherwise than the disk: every closed segment and the newest checkpoint must be
    there, byte for byte, and all checkpoints must be what they are called."""
    text, lines = newest(agent)
    wanted = {f"segments/{name}": content for name, content in segments(agent).items()}
    wanted[f"checkpoints/{lines:020}"] = text
    have = stored(ctx)
    found = [f"other or missing: {name}" for name in wanted if have.get(name) != wanted[name]]
    for name, content in have.items():
        kind, last = name.split("/")
        if kind == "segments" and name not in wanted:
            found.append(f"too much: {name}")
        if kind == "checkpoints" and int(content.split(b"\n")[1]) != int(last):
            found.append(f"wrong name: {name}")
    return found


def assert_stored(ctx, agent):
    """The agent has ended: S3 has all of it."""
    assert differences(ctx, agent) == [], (differences(ctx, agent), sorted(stored(ctx)))


def puts(ctx, status=200):
    """The keys that were written below the folder, in order."""
    return [r["key"] for r in ctx.server.requests() if r["op"] == "PutObject"
            and r["key"].startswith(PREFIX) and r["status"] == status]


def verify(agent, *words):
    """`journal verify`: (exit status, what it said)."""
    done = agent.journal("verify", *words)
    return done.returncode, done.stdout + done.stderr


@on("s3d", "ceph")
@deadline(300)
def test_closed_segments_and_checkpoints_arrive(ctx):
    key, public = key_of(ctx)
    agent, images = anchored(ctx, key)
    make_segments(agent, key)
    agent.start()
    agent.wait_in_step(60)
    wait_level(agent)
    assert len(segments(agent)) > 5, segments(agent).keys()
    assert all(name.endswith(".jsonl.zst") for name in segments(agent)), segments(agent).keys()
    wait_until(lambda: differences(ctx, agent) == [], 60, lambda: str(differences(ctx, agent)))
    before = newest(agent)[1]
    write(f"{images}/2.jpg", b"two")
    wait_until(lambda: newest(agent)[1] > before, 60, "one more checkpoint")
    wait_level(agent)
    text = agent.run("status").stdout
    assert f"journal: signed by {NAME}, the last checkpoint " in text, text
    assert f"in S3 below {FOLDER}: the checkpoint over " in text, text
    assert f"segments up to {max(segments(agent))}" in text, text
    agent.stop()  # which signs the end
    assert_stored(ctx, agent)
    anchor = f"s3://{ctx.bucket}/{PREFIX}"
    code, said = verify(agent, "--key", public, "--anchor", anchor)
    assert code == 0 and "and 1 that were kept, by the keys that were given" in said, said


@on("s3d")
@deadline(300)
def test_a_run_with_once_leaves_its_checkpoint_in_s3(ctx):
    key, _ = key_of(ctx)
    agent, images = anchored(ctx, key)
    make_segments(agent, key, records=50)
    agent.once()
    assert_stored(ctx, agent)
    write(f"{images}/2.jpg", b"two")
    agent.once()
    assert_stored(ctx, agent)
    written = puts(ctx)
    assert len(written) == len(set(written)), written


@on("s3d")
@deadline(300)
def test_a_kill_in_between_neither_forgets_nor_repeats(ctx):
    key, _ = key_of(ctx)
    agent, _ = anchored(ctx, key)
    make_segments(agent, key)
    delay_s = 0.3
    ctx.server.fault("delay", op="PutObject", key=f"{FOLDER}segments/*", ms=int(delay_s * 1000),
                     count=0)
    for arrived in (2, 4):
        agent.start()
        wait_until(lambda n=arrived: sum("/segments/" in k for k in puts(ctx)) >= n, 60, "segments")
        agent.kill9()
        time.sleep(2 * delay_s)  # the server ends what it had from the one that was killed
    ctx.server.clear_faults()
    agent.start()
    wait_level(agent)
    agent.stop()
    assert_stored(ctx, agent)
    written = [k for k in puts(ctx) if "/segments/" in k]
    assert len(written) == len(set(written)), written  # nothing was written over
    mark = len(ctx.server.requests())
    agent.start()
    wait_level(agent)
    agent.stop()
    again = [r["key"] for r in ctx.server.requests(mark) if "/segments/" in r.get("key", "")]
    assert again == [], again


@on("s3d")
@deadline(300)
def test_what_is_there_is_not_written_again_where_the_index_was_lost(ctx):
    key, _ = key_of(ctx)
    agent, _ = anchored(ctx, key)
    make_segments(agent, key, records=50)
    agent.once()
    have, mark = stored(ctx), len(ctx.server.requests())
    for path in glob.glob(f"{agent.state_dir}/index*"):
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    agent.once()
    assert_stored(ctx, agent)
    after = stored(ctx)
    assert {name: after[name] for name in have} == have
    asked = [(r["op"], r["status"]) for r in ctx.server.requests(mark)
             if "/segments/" in r.get("key", "")]
    old = [name for name in have if name.startswith("segments/")]
    assert asked.count(("PutObject", 412)) == asked.count(("HeadObject", 200)) == len(old), asked


@on("s3d")
@deadline(300)
def test_a_lost_answer_is_settled(ctx):
    key, _ = key_of(ctx)
    agent, _ = anchored(ctx, key)
    make_segments(agent, key, records=50)
    ctx.server.fault("lost-reply", op="PutObject", key=f"{FOLDER}*", count=2)
    agent.start()
    wait_level(agent)
    agent.stop()
    assert_stored(ctx, agent)
    assert 412 in [r["status"] for r in ctx.server.requests() if r["op"] == "PutObject"]
    assert "cannot be brought" not in agent.log(), agent.log()


@on("s3d")
@deadline(300)
def test_images_do_not_wait_for_anchors_that_s3_refuses(ctx):
    key, _ = key_of(ctx)
    agent, images = anchored(ctx, key)
    make_segments(agent, key, records=50)
    ctx.server.fault("error", op="PutObject", key=f"{PREFIX}*", code="AccessDenied", count=0)
    agent.start()
    agent.wait_in_step(60)
    write(f"{images}/2.jpg", b"two")
    agent.wait_in_step(60)
    wait_until(lambda: "failing_checkpoint" in standing(agent).get("s3", {}), 60, "the failure")
    wait_until(lambda: "failing_segment" in standing(agent).get("s3", {}), 60, "the failure")
    s3 = standing(agent)["s3"]
    assert s3["behind"] and "AccessDenied" in s3["failing_segment"]["why"], s3
    text = agent.run("status")
    assert text.returncode == 0 and "behind since" in text.stdout, text
    assert "AccessDenied" in text.stdout and "; more is on its way" in text.stdout, text
    ctx.server.clear_faults()
    wait_level(agent, 90)
    assert "failing_segment" not in standing(agent)["s3"]
    agent.stop()
    assert_stored(ctx, agent)
    assert "is in S3 after" in agent.log(), agent.log()


@on("s3d")
@deadline(300)
def test_another_object_in_the_place_is_told_and_left(ctx):
    key, _ = key_of(ctx)
    agent, _ = anchored(ctx, key)
    make_segments(agent, key, records=50)
    first = f"{min(segments(agent))}.zst"
    ctx.client.signed.put(f"{FOLDER}segments/{first}", b"something else")
    agent.start()
    agent.wait_in_step(60)
    wait_until(lambda: "another object" in str(standing(agent)), 60, "the conflict to be told")
    assert standing(agent)["s3"]["failing_segment"]["key"] == f"{FOLDER}segments/{first}"
    agent.stop()
    assert ctx.client.get(f"{FOLDER}segments/{first}")[0] == b"something else"


@on("s3d", options=("--no-if-none-match",))
@deadline(300)
def test_a_server_without_conditions_is_asked_first(ctx):
    key, _ = key_of(ctx)
    agent, _ = anchored(ctx, key)
    make_segments(agent, key, records=50)
    agent.start()
    wait_level(agent)
    agent.stop()
    assert_stored(ctx, agent)
    for path in glob.glob(f"{agent.state_dir}/index*"):
        shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
    agent.once()
    written = puts(ctx)
    assert len(written) == len(set(written)), written


@on("s3d", options=("--object-lock",))
def test_what_arrives_is_locked(ctx):
    key, _ = key_of(ctx)
    agent, _ = anchored(ctx, key, lock={"mode": "compliance", "days": 3})
    make_segments(agent, key, records=50)
    now = datetime.datetime.now(datetime.timezone.utc)
    agent.once()
    assert_stored(ctx, agent)
    requests = [r for r in ctx.server.requests() if r["op"] == "PutObject"]
    evidence = [r for r in requests if r["key"].startswith(PREFIX)]
    assert len(evidence) >= 3, evidence
    for request in evidence:
        headers = request["headers"]
        assert headers["x-amz-object-lock-mode"] == "COMPLIANCE", request
        assert "x-amz-checksum-crc64nvme" in headers and headers["if-none-match"] == "*", request
        until = datetime.datetime.fromisoformat(
            headers["x-amz-object-lock-retain-until-date"].replace("Z", "+00:00"))
        days = (until - now) / datetime.timedelta(days=1)
        assert 2.99 < days < 3.1, request
    images = [r for r in requests if r["key"].startswith("images/")]
    assert images and all("x-amz-object-lock-mode" not in r["headers"] for r in images), images
    one = evidence[0]["key"]
    version = ctx.client.signed.head(one).headers["x-amz-version-id"]
    gone = ctx.client.signed.request("DELETE", one, query={"versionId": version})
    assert gone.status == 403, gone.status


@on("s3d")
@deadline(300)
def test_a_bucket_without_locks_is_told(ctx):
    key, _ = key_of(ctx)
    agent, _ = anchored(ctx, key, lock={"mode": "governance", "days": 1})
    agent.start()
    agent.wait_in_step(60)
    wait_until(lambda: "InvalidRequest" in str(standing(agent)), 60, "the refusal to be told")
    agent.stop()
    assert stored(ctx) == {}


# --- journal verify --anchor s3:// ---------------------------------------------------------------


@on("s3d", "ceph")
@deadline(300)
def test_a_history_that_was_rewritten_is_found_by_what_s3_has(ctx):
    key, public = key_of(ctx)
    agent, images = anchored(ctx, key)
    agent.once()
    trust = ("--key", public, "--anchor", f"s3://{ctx.bucket}/{PREFIX}")
    assert verify(agent, *trust)[0] == 0
    shutil.copytree(agent.state_dir, ctx.path("backup"))
    for name in ("2", "3"):
        write(f"{images}/{name}.jpg", name.encode())
        agent.once()
    code, said = verify(agent, *trust)
    assert code == 0, said
    late = newest(agent)[1]
    shutil.rmtree(agent.state_dir)
    shutil.copytree(ctx.path("backup"), agent.state_dir)
    code, said = verify(agent, *trust)
    key_there = f"s3://{ctx.bucket}/{FOLDER}checkpoints/{late:020}"
    assert code == 1 and "truncated" in said and key_there in said, said
    code, said = verify(agent, "--anchor", f"s3://{ctx.bucket}/{FOLDER}")  # by the journal's keys
    assert code == 1 and "truncated" in said, said
    done = subprocess.run([lockstep_binary(), "journal", "key", "show", key], check=True,
                          capture_output=True, text=True)
    assert done.stdout.strip() == public
    offline(agent)
    for name in ("4", "5", "6", "7"):  # another history, signed by the same key
        write(f"{images}/{name}.jpg", name.encode())
        agent.once()
    assert newest(agent)[1] >= late
    assert verify(agent, "--key", public)[0] == 0
    code, said = verify(agent, *trust)
    assert code == 1 and "forked" in said and key_there in said, said


def offline(agent):
    """From here on its journal does not go to S3."""
    with open(agent.conf, encoding="utf-8") as file:
        text = file.read()
    assert f'prefix = "{PREFIX}"; ' in text, text
    with open(agent.conf, "w", encoding="utf-8") as file:
        file.write(text.replace(f'prefix = "{PREFIX}"; ', "").replace(f'prefix = "{PREFIX}";', ""))


@on("s3d")
@deadline(300)
def test_what_verify_needs_to_look_into_s3(ctx):
    key, public = key_of(ctx)
    agent, images = anchored(ctx, key)
    agent.once()
    place = f"s3://{ctx.bucket}/{PREFIX}"
    folder = f"{agent.state_dir}/journal"
    alone = subprocess.run([lockstep_binary(), "journal", "verify", "--dir", folder, "--anchor",
                            place, "-c", ctx.path("none.conf")], capture_output=True, text=True,
                           timeout=60, check=False)
    assert alone.returncode == 2 and "give -c FILE" in alone.stderr, alone
    copy = shutil.copytree(folder, ctx.path("copy"))
    code, said = verify(agent, "--dir", copy, "--key", public, "--anchor", place)
    assert code == 0 and "and 1 that were kept" in said, said
    for where, status, words in (
            (f"s3://{ctx.bucket}/elsewhere/", 4, "no checkpoint is there"),
            (f"s3://{ctx.bucket}-none/{PREFIX}", 4, "NoSuchBucket"),
            ("s3:///x", 2, "no place in S3")):
        code, said = verify(agent, "--key", public, "--anchor", where)
        assert code == status and words in said, (where, code, said)
    _, foreign = key_of(ctx, "other.key")
    code, said = verify(agent, "--key", foreign, "--anchor", place)
    assert code == 1 and "wrong key" in said and f"{place}{NAME}" in said, said
    old = newest(agent)[0]
    write(f"{images}/2.jpg", b"two")
    agent.once()
    ctx.client.signed.put(f"{FOLDER}checkpoints/{10 ** 6:020}", old)
    code, said = verify(agent, "--key", public, "--anchor", place)
    assert code == 1 and "this is a checkpoint over" in said, said
    ctx.server.stop()
    code, said = verify(agent, "--key", public, "--anchor", place)
    assert code == 4, said


@on("s3d")
@deadline(300)
def test_the_newest_of_many_is_found_from_a_guess(ctx):
    key, public = key_of(ctx)
    agent, _ = anchored(ctx, key)
    make_segments(agent, key, records=1500, segment_bytes=1 << 20)
    agent.once()
    lines = newest(agent)[1]
    assert lines > 1500, lines
    older = [f"{FOLDER}checkpoints/{i:020}" for i in range(350, 1400)]  # a page has 1,000
    ctx.client.signed.map(lambda k: ctx.client.signed.put(k, b"not read"), older)
    trust = ("--key", public, "--anchor", f"s3://{ctx.bucket}/{PREFIX}")
    mark = len(ctx.server.requests())
    code, said = verify(agent, *trust)
    assert code == 0 and "and 1 that were kept" in said, said
    lists = [r for r in ctx.server.requests(mark) if r["op"] == "ListObjectsV2"]
    assert len(lists) == 1, lists
    for name in ctx.client.keys(f"{FOLDER}checkpoints/"):  # S3 is behind, by more than a page
        if int(name.rsplit("/", 1)[1]) >= 1400:
            ctx.client.signed.delete(name)
    code, said = verify(agent, *trust)
    assert code == 1 and f"checkpoints/{1399:020}" in said and "no checkpoint" in said, said
