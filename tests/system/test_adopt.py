"""`adopt` takes over what other tools have put into S3 without uploading it, and claims nothing that
it cannot show."""

import json
import os
import subprocess
import time
import xml.sax.saxutils

from harness import on, samples, wait_until
from harness.agent import lockstep_binary

MIB = 1 << 20
WRITES = ("PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy",
          "CompleteMultipartUpload", "DeleteObject", "DeleteObjects")


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def adopt(agent, *options, status=0):
    """(what was not adopted by key as (what, why), sum)."""
    done = agent.run("adopt", "--json", *options)
    assert done.returncode == status, done
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["key"]: (line["not_adopted"], line["why"]) for line in lines[:-1]}, lines[-1]


def writes(ctx, since):
    return [(r["op"], r["key"]) for r in ctx.server.requests()[since:] if r["op"] in WRITES]


def means(agent):
    """How each path was shown to be equal, as the journal has it."""
    if not os.path.exists(f"{agent.state_dir}/journal"):
        return {}
    return {r["p"]: r["why"] for r in agent.journal_records()
            if r["o"] == "put" and "adopted" in r.get("why", "")}


def tree(ctx, count=30, big=(9 * MIB, 20 * MIB + 5)):
    images = ctx.folder("images")
    paths = samples.adwaita(images, count=count)
    for i, size in enumerate(big):
        write(f"{images}/big/{i}", os.urandom(size))
    return images, paths + [f"big/{i}" for i in range(len(big))]


def takes_over(ctx, images, paths):
    """All is adopted, an agent has nothing to do, and S3 was not written to."""
    agent = ctx.agent(images=images)
    ctx.server.fault("no-checksum", op="HeadObject", count=0) # as of objects that have none
    since = len(ctx.server.requests())
    found, total = adopt(agent)
    assert found == {} and total["adopted"] == len(paths), (found, total)
    assert set(means(agent)) == set(paths)
    assert adopt(agent)[1]["known"] == len(paths) # nothing is asked twice
    agent.once()
    assert writes(ctx, since) == []
    heads = [r["key"] for r in ctx.server.requests()[since:] if r["op"] == "HeadObject"]
    assert len(heads) == len(set(heads)) == len(paths), len(heads)
    assert agent.run("plan").returncode == 0 and agent.run("verify").returncode == 0
    agent.verify_journal()
    return agent, total


@on("s3d")
def test_what_aws_s3_sync_wrote(ctx):
    images, paths = tree(ctx)
    ctx.client.aws("s3", "sync", "--quiet", images, f"s3://{ctx.bucket}/images/")
    agent, total = takes_over(ctx, images, paths)
    assert "parts of 8 MiB" in means(agent)["big/1"] and "(MD5)" in means(agent)[paths[0]]
    assert total["without_metadata"] == len(paths), total
    # Metadata is put right only where that is asked for, and by copies within S3.
    done = agent.run("verify", "--metadata", "--repair")
    assert done.returncode == 0, done
    ctx.client.assert_tree(images, "images/")


@on("s3d")
def test_what_rclone_wrote(ctx):
    images, paths = tree(ctx)
    ctx.client.rclone("sync", "--s3-upload-cutoff", "5M", "--s3-chunk-size", "5M", images,
                      ctx.client.remote("images"))
    agent, _ = takes_over(ctx, images, paths)
    assert "parts of 5 MiB" in means(agent)["big/1"], means(agent)


@on("s3d")
def test_what_s3cmd_wrote(ctx):
    images, paths = tree(ctx, count=10, big=(20 * MIB + 5,))
    with open(ctx.path("s3cfg"), "w", encoding="utf-8") as file:
        file.write(f"[default]\naccess_key = {ctx.server.access_key}\n"
                   f"secret_key = {ctx.server.secret_key}\nuse_https = False\n"
                   f"host_base = 127.0.0.1:{ctx.server.port}\n"
                   f"host_bucket = 127.0.0.1:{ctx.server.port}\n"
                   f"bucket_location = {ctx.server.region}\n")
    subprocess.run(["s3cmd", "-c", ctx.path("s3cfg"), "sync", "--quiet", images + "/",
                    f"s3://{ctx.bucket}/images/"], check=True, capture_output=True, timeout=60)
    agent, _ = takes_over(ctx, images, paths)
    assert "parts of 15 MiB" in means(agent)["big/0"], means(agent)


def upload_in_parts(signed, key, pieces, headers=None):
    """An upload in parts of any sizes, without checksums."""
    answer = signed.expect("POST", key, query={"uploads": ""}, headers=headers).body.decode()
    number = answer.split("<UploadId>")[1].split("</UploadId>")[0]
    etags = [signed.expect("PUT", key, query={"partNumber": str(i), "uploadId": number},
                           body=piece).headers["etag"] for i, piece in enumerate(pieces, 1)]
    body = "".join(f"<Part><PartNumber>{i}</PartNumber><ETag>{xml.sax.saxutils.escape(etag)}</ETag>"
                   "</Part>" for i, etag in enumerate(etags, 1))
    signed.expect("POST", key, query={"uploadId": number},
                  body=f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>".encode())


@on("s3d")
def test_what_cannot_be_shown_is_not_claimed(ctx):
    images, paths = tree(ctx, count=8, big=())
    signed = ctx.client.signed
    data = os.urandom(11 * MIB)
    write(f"{images}/odd", data)
    os.utime(f"{images}/odd", (1600000000, 1600000000))  # S3 tells seconds: before any of today
    for path in paths[:4]:
        with open(f"{images}/{path}", "rb") as file:
            signed.put(f"images/{path}", file.read())
    with open(f"{images}/{paths[4]}", "rb") as file:
        body = bytearray(file.read())
    body[-1] ^= 1
    signed.put(f"images/{paths[4]}", bytes(body)) # the same size
    signed.put(f"images/{paths[5]}", b"short")
    signed.put("images/stranger", b"x")
    upload_in_parts(signed, "images/odd", [data[:5 * MIB + 1], data[5 * MIB + 1:]])
    agent = ctx.agent(images=images)
    ctx.server.fault("no-checksum", op="HeadObject", key="images/odd", count=0)
    found, total = adopt(agent, status=1)
    assert {key: what for key, (what, _) in found.items()} == {
        f"images/{paths[4]}": "differs", f"images/{paths[5]}": "differs",
        "images/stranger": "extra", "images/odd": "not compared"}, found
    assert "no usual size" in found["images/odd"][1], found
    assert (total["adopted"], total["missing"], total["differing"], total["not_compared"]) == \
        (4, 2, 2, 1), total
    assert total["not_compared_bytes"] == 11 * MIB
    _, total = adopt(agent, "--trust-size-and-time", status=1)
    assert (total["known"], total["adopted"], total["trusted"]) == (4, 1, 1), total
    assert "trusted for its size and time" in means(agent)["odd"]
    since = len(ctx.server.requests())
    agent.once()
    assert sorted(key for op, key in writes(ctx, since)) == \
        sorted(f"images/{path}" for path in paths[4:8])
    found, _ = adopt(agent, status=1)
    assert list(found) == ["images/stranger"], found


@on("s3d")
def test_metadata_is_given_by_the_next_run(ctx):
    images, paths = tree(ctx, count=12, big=(9 * MIB,))
    ctx.client.aws("s3", "sync", "--quiet", images, f"s3://{ctx.bucket}/images/")
    agent = ctx.agent(images=images)
    assert adopt(agent, "--metadata")[1]["without_metadata"] == len(paths)
    since = len(ctx.server.requests())
    agent.once()
    assert {op for op, _ in writes(ctx, since)} == {"CopyObject"}
    assert len(writes(ctx, since)) == len(paths)
    ctx.client.assert_tree(images, "images/")
    assert agent.run("verify", "--deep", "--metadata").returncode == 0


@on("s3d")
def test_killed_in_the_middle_it_goes_on(ctx):
    """What is in the journal by then is asked for no second time; in the end all is adopted."""
    images, paths = tree(ctx, count=400, big=())
    signed = ctx.client.signed

    def put(path):
        with open(f"{images}/{path}", "rb") as file:
            signed.put(f"images/{path}", file.read())

    signed.map(put, paths)
    agent = ctx.agent(images=images)
    since = len(ctx.server.requests())
    ctx.server.fault("delay", op="HeadObject", ms=300, count=0)

    def heads():
        return [r["key"] for r in ctx.server.requests()[since:] if r["op"] == "HeadObject"]

    child = subprocess.Popen([lockstep_binary(), "adopt", "-c", agent.conf], env=agent.environment,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: len(means(agent)) > 40, 60, "some in the journal", interval=0.02)
    finally:
        child.kill()
        child.wait()
    kept = set(means(agent))
    assert len(kept) < len(paths), "it was through before it could be killed"
    ctx.server.clear_faults()
    time.sleep(0.5) # what is still delayed comes into the log
    before = len(heads())
    found, total = adopt(agent)
    assert found == {} and total["adopted"] + total["known"] == len(paths), total
    again = {key[len("images/"):] for key in heads()[before:]}
    assert not again & kept, sorted(again & kept)[:5]
    assert set(means(agent)) == set(paths)
    agent.once()
    assert writes(ctx, since) == []
    agent.verify_journal()


@on("s3d")
def test_what_adopt_refuses(ctx):
    images, paths = tree(ctx, count=5, big=())
    agent = ctx.agent(images=images)
    agent.start()
    agent.wait_in_step(30)
    done = agent.run("adopt")
    assert done.returncode == 4 and "another lockstep agent" in done.stderr, done
    agent.stop()
    assert agent.run("adopt", "--no-such").returncode == 2
    ctx.server.fault("error", op="ListObjectsV2", code="AccessDenied", count=0)
    done = agent.run("adopt")
    assert done.returncode == 4 and "AccessDenied" in done.stderr, done
