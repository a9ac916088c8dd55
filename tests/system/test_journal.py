"""What people ask the journal, and whether it is whole: by two verifiers that share no code."""

import collections
import json
import os
import random
import re
import shutil
import subprocess
import time

import journal_verifier
from harness import deadline, lockstep_binary, long_test, on, process, wait_until, write
from harness.seeds import seed


def shown(agent, *arguments):
    """The records that `journal show` prints, as dicts."""
    done = agent.journal("show", "--json", *arguments)
    assert done.returncode == 0, done
    return [json.loads(line) for line in done.stdout.splitlines()]


@on("s3d")
def test_show_has_the_life_of_an_image_under_all_its_names(ctx):
    images = ctx.folder("images")
    write(f"{images}/cats/1.jpg", b"one")
    write(f"{images}/cats/2.jpg", b"two")
    agent = ctx.agent(images=images, repository={"max_removals": 100}).start()
    agent.wait_in_step(20)
    for old, new in (("cats/1.jpg", "cats/first.jpg"), ("cats", "animals"),
                     ("animals/first.jpg", "top.jpg")):
        os.rename(f"{images}/{old}", f"{images}/{new}")
        agent.wait_in_step(20)
    write(f"{images}/top.jpg", b"edited")
    write(f"{images}/cats/1.jpg", b"another one under the first name")
    agent.wait_in_step(20)
    lives = [shown(agent, name) for name in ("top.jpg", "animals/first.jpg", "cats/first.jpg")]
    assert lives[0] == lives[1] == lives[2], lives
    deeds = [(r["o"], r["p"]) for r in lives[0] if r["st"] == "intent"]
    assert deeds == [("add", "cats/1.jpg"), ("rename", "cats/1.jpg"), ("rename", "cats"),
                     ("rename", "animals/first.jpg"), ("edit", "top.jpg")], deeds
    deeds = [(r["o"], r["p"]) for r in shown(agent, "cats/1.jpg") if r["st"] == "intent"]
    assert deeds.count(("add", "cats/1.jpg")) == 2 and ("edit", "top.jpg") in deeds, deeds
    assert not [r for r in lives[0] if r.get("p") in ("cats/2.jpg", "animals/2.jpg")], lives[0]
    assert {r["p"] for r in shown(agent, "animals/2.jpg", "--op", "add")} == {"cats/2.jpg"}
    assert shown(agent, "nowhere.jpg") == []


@on("s3d")
def test_follow_prints_what_comes(ctx):
    maker = os.path.join(process.build_dir(), "tests", "system", "journal_make")
    folder = ctx.path("made")
    subprocess.run([maker, folder, "20", "1000000"], check=True)
    words = [lockstep_binary(), "journal", "follow", "--json", "--dir", folder]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as following:
        first = [json.loads(following.stdout.readline())["q"] for _ in range(20)]
        subprocess.run([maker, folder, "5", "1000000"], check=True)
        then = [json.loads(following.stdout.readline())["q"] for _ in range(5)]
        following.kill()
    assert first + then == list(range(1, 26)), (first, then)


@on("s3d")
def test_what_happened_to_the_images_of_a_list(ctx):
    """show, follow and stat of the images that a list names, under these names."""
    images = ctx.folder("images")
    for name in ("cats/1.jpg", "cats/2.jpg", "dogs/3.jpg", "4.jpg"):
        write(f"{images}/{name}", name.encode())
    agent = ctx.agent(images=images, repository={"max_removals": 100}).start()
    agent.wait_in_step(20)
    os.rename(f"{images}/dogs", f"{images}/hounds")
    os.unlink(f"{images}/4.jpg")
    agent.wait_in_step(20)
    agent.stop()
    chosen = ctx.path("chosen.lst")
    write(chosen, b"0\t1\t./cats/1.jpg\n1\t0\thounds//3.jpg\n\nno row\n2\t0\t../outside.jpg\n")
    found = shown(agent, "--list", chosen)
    assert found == [r for r in agent.journal_records()
                     if {r.get("p"), r.get("d")} & {"cats/1.jpg", "hounds/3.jpg", "hounds"}], found
    assert {"add", "rename", "put", "copy"} == {r["o"] for r in found}, found
    assert shown(agent, "--list", chosen, "--op", "rename") == \
        [r for r in found if r["o"] == "rename"] != []
    told = json.loads(agent.journal("stat", "--json", "--list", chosen).stdout)
    assert told["records"] == len(found), told
    write(ctx.path("empty.lst"), b"nothing\n")
    for words, reason in ((("show", "--list", ctx.path("empty.lst")), "names no image"),
                          (("show", "--list", ctx.path("missing.lst")), "No such file"),
                          (("show", "cats", "--list", chosen), "a path or --list"),
                          (("at", "0s", "--list", chosen), "goes with")):
        done = agent.journal(*words)
        assert done.returncode == 2 and reason in done.stderr, done


@on("s3d")
def test_stat_counts_what_is_in_the_journal(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for i in range(30):
        write(f"{images}/{i}.jpg", b"x" * i)
    write(f"{lists}/train.lst", b"".join(b"%d\t0\t%d.jpg\n" % (i, i) for i in range(30)))
    agent = ctx.agent(images=images, lists=lists).start()
    agent.wait_in_step(30)
    ctx.server.fault("error", op="PutObject", key="images/refused.jpg", code="AccessDenied",
                     status=403, count=0)
    write(f"{images}/refused.jpg", b"nobody wants it")
    os.rename(f"{images}/3.jpg", f"{images}/three.jpg")
    os.unlink(f"{images}/4.jpg")
    wait_until(lambda: shown(agent, "--failed"), 20, "a failure")
    wait_until(lambda: b"three.jpg" in ctx.client.get("lists/train.lst")[0], 20, "the list")
    agent.stop()
    records = agent.journal_records()
    done = agent.journal("stat", "--json")
    assert done.returncode == 0, done
    told, expected = json.loads(done.stdout), collections.defaultdict(collections.Counter)
    for record in records:
        expected[record["o"]][record["st"]] += 1
    assert told["records"] == len(records), told
    assert told["counts"] == expected, (told, expected)
    assert told["bytes_put"] == sum(r["s"] for r in records if r["o"] == "put"
                                    and r["st"] == "done"), told
    assert sum(day["records"] for day in told["days"]) == len(records), told
    failed = [r for r in records if r["st"] == "failed"]
    assert sum(f["count"] for f in told["failures"]) == len(failed) > 0, told
    assert "AccessDenied" in told["failures"][0]["why"], told
    assert shown(agent, "--failed") == failed
    times = told["intent_to_done_ms"]
    assert 30 <= times["count"] and times["p50"] <= times["p99"] <= times["max"], told
    of = told["intent_to_done_ms_of"]
    assert of["add"]["count"] >= 31 and {"lst", "rename", "remove"} <= set(of), told
    assert sum(t["count"] for t in of.values()) == times["count"], told
    assert max(t["max"] for t in of.values()) == times["max"], told
    text = agent.journal("stat").stdout
    assert f"{len(records)} records" in text and "AccessDenied" in text, text
    assert re.search(rf"^add +{of['add']['count']} +{of['add']['p50']} ", text, re.MULTILINE), text
    assert agent.journal("stat", "--since", "2999-01-01").stdout.count("\n") == 4


@on("s3d")
def test_at_and_diff_tell_what_s3_had(ctx):
    images, lists = ctx.folder("images"), ctx.folder("lists")
    for name in ("a.jpg", "b.jpg", "d/c.jpg", "d/e.jpg"):
        write(f"{images}/{name}", name.encode())
    write(f"{lists}/train.lst", b"0\t0\ta.jpg\n1\t0\td/c.jpg\n")
    agent = ctx.agent(images=images, lists=lists, repository={"max_removals": 100}).start()
    agent.wait_in_step(20)

    def had(*arguments):
        done = agent.journal("at", *arguments, "--json")
        assert done.returncode == 0, done
        return [json.loads(line) for line in done.stdout.splitlines()]

    def in_s3():
        """What the bucket has, by an independent client."""
        listed = ctx.client.aws_json("s3api", "list-objects-v2", "--bucket", ctx.bucket)
        return sorted((item["Key"], item["Size"], item["ETag"].strip('"'))
                      for item in listed["Contents"])

    def told(rows):
        return sorted((f"{row['w']}/{row['p']}", row["s"], row["e"]) for row in rows)

    before, moment = in_s3(), agent.journal_records()[-1]["t"] + 1
    assert told(had("0s")) == before
    time.sleep(0.01)
    write(f"{images}/a.jpg", b"edited")
    os.rename(f"{images}/d", f"{images}/f")
    os.unlink(f"{images}/b.jpg")
    os.chmod(f"{images}/f/e.jpg", 0o600)
    write(f"{images}/g.jpg", b"new")
    wait_until(lambda: agent.journal_records()[-1]["t"] > moment, 20, "something new")
    agent.wait_in_step(30)
    then = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 1000000)) \
        + f".{moment % 1000000:06}Z"
    assert told(had(then)) == before
    assert told(had("0s")) == in_s3() != before
    assert {row["p"] for row in had("0s", "f", "--mapping", "images")} == {"f/c.jpg", "f/e.jpg"}
    lines = agent.journal("diff", then, "0s").stdout.splitlines()
    assert sorted(line.split() for line in lines) == sorted(
        [["added", "images:f/c.jpg"], ["added", "images:f/e.jpg"], ["added", "images:g.jpg"],
         ["edited", "images:a.jpg"], ["edited", "lists:train.lst"], ["removed", "images:b.jpg"],
         ["removed", "images:d/c.jpg"], ["removed", "images:d/e.jpg"]]), lines
    assert agent.journal("diff", "0s", "0s").stdout == ""
    manifest = json.loads(agent.journal("at", "0s", "--manifest", "--mapping", "images").stdout)
    assert manifest[0] == {"prefix": f"s3://{ctx.bucket}/"}
    assert sorted(manifest[1:]) == sorted(ctx.client.keys("images/"))
    assert agent.journal("at").returncode == 2 and agent.journal("at", "soon").returncode == 2
    assert agent.journal("diff", "0s").returncode == 2


# --- two verifiers -------------------------------------------------------------------------------


def made(ctx, name, records, segment_bytes):
    """A signed journal of several segments: (folder, its segments in order, the public key)."""
    folder, key = ctx.path(name), ctx.path("key")
    maker = os.path.join(process.build_dir(), "tests", "system", "journal_make")
    if not os.path.exists(key):
        subprocess.run([lockstep_binary(), "journal", "key", "new", key], check=True,
                       capture_output=True)
    subprocess.run([maker, folder, str(records), str(segment_bytes), key], check=True)
    public = subprocess.run([lockstep_binary(), "journal", "key", "show", key], check=True,
                            capture_output=True, text=True).stdout.strip()
    return folder, sorted(name for name in os.listdir(folder) if name.endswith(".jsonl")), public


def verdicts(folder, *keys, anchor=None):
    """What ours and the other one say: (good, why), each."""
    words = [word for key in keys for word in ("--key", key)]
    ours = subprocess.run([lockstep_binary(), "journal", "verify", "--dir", folder, *words,
                           *(["--anchor", anchor] if anchor else [])], check=False,
                          capture_output=True, timeout=60)
    assert ours.returncode in (0, 1), ours
    anchors = []
    if anchor:
        with open(anchor, "rb") as file:
            anchors.append(file.read())
    try:
        theirs = True, f"{journal_verifier.Verifier(folder, keys, anchors).verify()} records"
    except (journal_verifier.Bad, KeyError, ValueError, TypeError) as reason:
        theirs = False, str(reason)
    return (ours.returncode == 0, ours.stdout), theirs


def framed(body, chain):
    """A batch whose commit line is right, and the chain value after it."""
    numbers = journal_verifier.numbers_of(body)
    after = journal_verifier.hashlib.sha256(chain + body).hexdigest()
    return (f'{{"k":"c","q":{max(numbers, default=0)},"n":{len(numbers)},"b":{len(body)},'
            f'"x":"{journal_verifier.crc32c(body):08x}","h":"{after}"}}\n').encode()


def mutated(dice, data):
    """Other bytes, and what was done."""
    lines = data.split(b"\n")[:-1]
    found, _ = journal_verifier.batches(data)
    at, line = dice.randrange(len(data)), dice.randrange(len(lines))
    first, second = sorted(dice.sample(range(len(found) + 1), 2)) if len(found) > 1 else (0, 0)
    parts = [data[found[i][0]:found[i + 1][0] if i + 1 < len(found) else len(data)]
             for i in range(len(found))]
    kind = dice.choice(("flip", "cut", "insert", "delete", "drop line", "double line", "swap lines",
                        "drop batches", "double batch", "swap batches", "reframe", "zeroes"))
    if kind == "flip":
        data = data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1:]
    elif kind == "cut":
        data = data[:at]
    elif kind == "insert":
        data = data[:at] + dice.choice((b"x", b"\n", b"\0", b"0", b" ")) + data[at:]
    elif kind == "delete":
        data = data[:at] + data[at + dice.randint(1, 20):]
    elif kind == "zeroes":
        data = data[:at] + bytes(min(64, len(data) - at)) + data[at + 64:]
    elif kind == "drop line":
        del lines[line]
    elif kind == "double line":
        lines.insert(line, lines[line])
    elif kind == "swap lines":
        other = dice.randrange(len(lines))
        lines[line], lines[other] = lines[other], lines[line]
    elif kind == "drop batches":
        del parts[first:second]
    elif kind == "double batch" and first < len(parts):
        parts.insert(first, parts[first])
    elif kind == "swap batches" and second < len(parts):
        parts[first], parts[second] = parts[second], parts[first]
    elif kind == "reframe" and first < len(parts):  # a record is edited, its batch made good again
        offset, body, _ = found[first]
        chain = bytes.fromhex(found[first - 1][2]["h"]) if first else bytes(32)
        body = body.replace(b'"p":"a.jpg"', b'"p":"b.jpg"').replace(b'"rc":200', b'"rc":403')
        parts[first] = body + framed(body, chain)
    if "line" in kind:
        data = b"".join(text + b"\n" for text in lines)
    elif "batch" in kind or kind == "reframe":
        data = b"".join(parts)
    return data, kind


def mutated_notes(dice, data, others):
    """Other bytes of a file of checkpoints, and what was done. others: the notes of another
    journal that the same key has signed."""
    notes = data.split(b"\n\n")[:-1]
    notes = [b"\n\n".join(pair) + b"\n\n" for pair in zip(notes[::2], notes[1::2])]
    at, note = dice.randrange(len(data)), dice.randrange(len(notes)) if notes else 0
    kind = dice.choice(("flip", "cut", "insert", "delete", "drop note", "double note", "swap notes",
                        "other note", "other root", "empty"))
    if kind == "flip":
        data = data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1:]
    elif kind == "cut":
        data = data[:at]
    elif kind == "insert":
        data = data[:at] + dice.choice((b"x", b"\n", b"\0", b"0", b" ", b"\n\n")) + data[at:]
    elif kind == "delete":
        data = data[:at] + data[at + dice.randint(1, 20):]
    elif kind == "empty":
        data = b""
    elif notes:
        if kind == "drop note":
            del notes[note]
        elif kind == "double note":
            notes.insert(note, notes[note])
        elif kind == "swap notes":
            other = dice.randrange(len(notes))
            notes[note], notes[other] = notes[other], notes[note]
        elif kind == "other note":
            notes[note] = dice.choice(others)
        elif kind == "other root":  # of another journal of as many lines, signed by the same key
            lines, root = notes[note].split(b"\n"), dice.choice(others).split(b"\n")[2]
            notes[note] = b"\n".join(lines[:2] + [root] + lines[3:])
        data = b"".join(notes)
    return data, kind


def agree(ctx, times, number):
    """Both say the same of so many damaged journals, and most of them are found out."""
    folder, names, public = made(ctx, "made", 150, 3000)
    assert len(names) >= 6, names
    ours, theirs = verdicts(folder, public)
    assert ours[0] and theirs == (True, "151 records"), (ours, theirs)
    assert b", by the keys that were given" in ours[1], ours
    other = made(ctx, "other", 150, 3000)[0]
    ours, theirs = verdicts(folder, public, anchor=f"{other}/checkpoint")
    assert not ours[0] and not theirs[0], (ours, theirs)
    ours, theirs = verdicts(folder, public, anchor=f"{folder}/checkpoint")
    assert ours[0] and theirs[0], (ours, theirs)
    others = []
    for name in os.listdir(other):
        if name.endswith(".checkpoints"):
            with open(f"{other}/{name}", "rb") as file:
                parts = file.read().split(b"\n\n")[:-1]
            others += [b"\n\n".join(pair) + b"\n\n" for pair in zip(parts[::2], parts[1::2])]
    assert len(others) > 10, others
    notes = [name[:-len("jsonl")] + "checkpoints" for name in names] + ["checkpoint"]
    assert all(os.path.exists(f"{folder}/{name}") for name in notes), notes
    dice, found, kinds = random.Random(number), 0, collections.Counter()
    for number in range(times):
        copy = ctx.path("copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy)
        of_notes = dice.random() < 0.4
        keys = [public] if dice.random() < 0.7 else []
        name = dice.choice(notes if of_notes else names)
        path = os.path.join(copy, name)
        before = after = b""
        if dice.random() < 0.05:
            os.unlink(path)
            kind = "removed"
        else:
            with open(path, "rb") as file:
                before = file.read()
            after, kind = mutated_notes(dice, before, others) if of_notes else mutated(dice, before)
            if after == before:
                continue
            with open(path, "wb") as file:
                file.write(after)
        ours, theirs = verdicts(copy, *keys)
        assert ours[0] == theirs[0], (number, kind, name, ours, theirs)
        # Of the end of the last segment nobody can tell whether it was written; what stands behind
        # the end of another does not count; nor can they of checkpoints that are not there.
        harmless = name == names[-1] or of_notes or (before and after.startswith(before))
        assert not ours[0] or harmless, (number, kind, name, ours)
        found += not ours[0]
        kinds[kind] += 1
    assert found > times / 2, (found, kinds)


@on("s3d")
def test_two_verifiers_agree_on_damaged_journals(ctx):
    agree(ctx, 100, 7)


@long_test
@deadline(600)
@on("s3d")
def test_two_verifiers_agree_on_two_thousand_damaged_journals(ctx):
    agree(ctx, 2000, seed())


@on("s3d")
def test_the_other_verifier_takes_the_agents_journal(ctx):
    images = ctx.folder("images")
    for i in range(50):
        write(f"{images}/{i}.jpg", b"%d" % i)
    agent = ctx.agent(images=images).start()
    agent.wait_in_step(20)
    agent.kill9()
    agent.start()
    os.rename(f"{images}/7.jpg", f"{images}/seven.jpg")
    agent.wait_in_step(20)
    agent.stop()
    records = journal_verifier.Verifier(f"{agent.state_dir}/journal").verify()
    assert records == len(agent.journal_records()) > 100, records
