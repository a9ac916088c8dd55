"""lockstep channels: what it prints is what the service's own model takes, and S3 has it."""

import importlib
import json
import os
import re
import subprocess
import time

from harness import Skip, on, wait_until, write
from harness.agent import lockstep_binary
from harness.list_readers import everyone

JOB = {
    "TrainingJobName": "icons-1", "RoleArn": "arn:aws:iam::123456789012:role/training",
    "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/out/"},
    "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50},
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
}
NETWORK = ("--subnets", "subnet-0123456789abcdef0,subnet-1", "--security-groups", "sg-1")


def model():
    """The model of the service and the validator of botocore, from wherever it is installed."""
    for name in ("botocore", "awscli.botocore"):
        try:
            loader = importlib.import_module(f"{name}.loaders").Loader()
            description = loader.load_service_model("sagemaker", "service-2")
            service = importlib.import_module(f"{name}.model").ServiceModel(description)
            validator = importlib.import_module(f"{name}.validate").ParamValidator()
            return service.operation_model("CreateTrainingJob").input_shape, validator
        except ImportError:
            continue
    raise Skip("not installed: botocore, alone or with awscli")


def check_limits(shape, value, where="$"):
    """What botocore leaves to the service: longest, patterns and words of a list."""
    limits = shape.metadata
    if isinstance(value, (str, list, dict)) and "max" in limits:
        assert len(value) <= limits["max"], where
    if isinstance(value, str):
        assert value in limits.get("enum", [value]), (where, value)
        assert re.fullmatch(shape._shape_model.get("pattern", ".*"), value), (where, value)
    elif shape.type_name == "structure":
        for name, member in value.items():
            check_limits(shape.members[name], member, f"{where}.{name}")
    elif shape.type_name == "list":
        for item in value:
            check_limits(shape.member, item, f"{where}[]")
    elif shape.type_name == "map":
        for key, item in value.items():
            check_limits(shape.key, key, f"{where} key")
            check_limits(shape.value, item, f"{where}.{key}")


def accepted(done):
    """What was printed, which the service takes."""
    assert done.returncode == 0 and not done.stderr, done
    printed = json.loads(done.stdout)
    assert set(printed) <= {"HyperParameters", "InputDataConfig", "VpcConfig"}
    shape, validator = model()
    report = validator.validate({**JOB, **printed}, shape)
    assert not report.has_errors(), report.generate_report()
    check_limits(shape, printed)
    return printed


def prepare(ctx, rows=40, **settings):
    """An agent's trees with two lists in directories of their own: the agent and their options."""
    images, lists = ctx.folder("fs", "images"), ctx.folder("fs", "lists")
    names = [f"{n % 4}/{n}.png" for n in range(2 * rows)]
    for name in names:
        write(f"{images}/{name}", name.encode())
    for folder, part in (("t", names[:rows]), ("v", names[rows:])):
        write(f"{lists}/{folder}/x.lst", "".join(
            f"{n}\t{n % 4}\t{name}\n" for n, name in enumerate(part)).encode())
    agent = ctx.agent(images=images, lists=lists, list_=settings)
    return agent, ("--list", f"train={lists}/t/x.lst", "--list", f"validation={lists}/v/x.lst")


def channels(printed):
    """name -> (input mode, content type, source)."""
    return {c["ChannelName"]: (c["InputMode"], c["ContentType"], list(c["DataSource"].values())[0])
            for c in printed["InputDataConfig"]}


@on("s3d")
def test_lists_and_images_in_s3(ctx):
    agent, lists = prepare(ctx)
    agent.start()
    agent.wait_in_step(30)
    printed = accepted(agent.run("channels", *lists))
    assert printed["HyperParameters"] == {"num_classes": "4", "num_training_samples": "40",
                                          "mini_batch_size": "32"}
    found = channels(printed)
    assert list(found) == ["train", "train_lst", "validation", "validation_lst"]
    for name, (mode, content, source) in found.items():
        assert (mode, content) == ("File", "application/x-image")
        assert source["S3DataType"] == "S3Prefix"
        prefix = source["S3Uri"].removeprefix(f"s3://{ctx.bucket}/")
        keys = ctx.client.keys(prefix)
        assert len(keys) == (1 if name.endswith("_lst") else 80), (name, keys)
        if name.endswith("_lst"):
            images = ctx.client.keys("images/")
            for _, _, path in everyone(ctx.client.get(prefix)[0]):
                assert "images/" + path in images
    printed = accepted(agent.run("channels", *lists, "--manifest", "train=s3://b-1/m/t.manifest"))
    found = channels(printed)
    assert found["train"][2]["S3DataType"] == "ManifestFile"
    assert found["validation"][2]["S3DataType"] == "S3Prefix" and len(found) == 4


@on("s3d")
def test_one_channel_a_set(ctx):
    agent, lists = prepare(ctx)
    found = channels(accepted(agent.run(
        "channels", *lists, "--augmented", "train=s3://b-1/t", "--augmented",
        "validation=s3://b-1/v", "--attribute", "kind", "--mini-batch-size", "8")))
    assert list(found) == ["train", "validation"]
    mode, content, source = found["train"]
    assert (mode, content) == ("Pipe", "application/x-recordio")
    assert source == {"S3DataType": "AugmentedManifestFile", "S3Uri": "s3://b-1/t",
                      "S3DataDistributionType": "FullyReplicated",
                      "AttributeNames": ["source-ref", "kind"]}
    records = ("--record", "train=s3://b-1/t.rec", "--record", "validation=s3://b-1/v.rec")
    found = channels(accepted(agent.run("channels", *lists, *records)))
    assert [(mode, content) for mode, content, _ in found.values()] == \
        [("File", "application/x-recordio")] * 2
    found = channels(accepted(agent.run("channels", *lists, *records, "--pipe")))
    assert [mode for mode, _, _ in found.values()] == ["Pipe"] * 2


@on("s3d")
def test_file_systems(ctx):
    agent, lists = prepare(ctx)
    words = ("channels", *lists, *NETWORK, "--file-system", "fs-0123456789abcdef0", "--mount",
             ctx.path("fs"))
    printed = accepted(agent.run(*words, "--type", "efs"))
    assert printed["VpcConfig"] == {"SecurityGroupIds": ["sg-1"],
                                    "Subnets": ["subnet-0123456789abcdef0", "subnet-1"]}
    found = channels(printed)
    assert {name: source["DirectoryPath"] for name, (_, _, source) in found.items()} == {
        "train": "/images", "train_lst": "/lists/t", "validation": "/images",
        "validation_lst": "/lists/v"}
    assert {source["FileSystemAccessMode"] for _, _, source in found.values()} == {"ro"}
    found = channels(accepted(agent.run(*words, "--type", "fsx", "--mount-name", "abc123")))
    assert found["train_lst"][2]["DirectoryPath"] == "/abc123/lists/t"
    assert found["train_lst"][2]["FileSystemType"] == "FSxLustre"
    write(ctx.path("fs/lists/t/y.lst"), b"0\t0\ta\n")
    done = agent.run(*words, "--type", "efs")
    assert done.returncode == 2 and "y.lst would be in its channel" in done.stderr, done
    assert agent.run("channels", *lists).returncode == 0, "in S3 another name does not come along"
    os.rename(ctx.path("fs/lists/t/y.lst"), ctx.path("fs/lists/t/x.lst.old"))
    done = agent.run("channels", *lists)
    assert done.returncode == 2 and "x.lst.old would be in its channel" in done.stderr, done


def waiting(agent, *words):
    """lockstep channels --wait in the background."""
    return subprocess.Popen(
        [lockstep_binary(), "channels", "-c", agent.conf, *words, "--wait"], text=True,
        env=agent.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@on("s3d")
def test_waits_for_the_agent(ctx):
    """With an agent: lists as they are now, their images, and manifests beside them."""
    agent, lists = prepare(ctx, manifest=".manifest")
    ctx.server.fault("error", code="InternalError", op="PutObject", key="lists/v/x.manifest", count=0)
    agent.start()
    agent.wait_until_ready()
    wait_until(lambda: "lists/v/x.lst" in ctx.client.keys("lists/"), 20, "the list")
    done = agent.run("channels", *lists, "--wait", "--timeout", "1")
    assert done.returncode == 1 and not done.stdout and "lists/v/x.lst" in done.stderr, done
    child = waiting(agent, *lists, "--timeout", "60")
    time.sleep(0.5)
    assert child.poll() is None
    ctx.server.clear_faults()
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0 and not err and "InputDataConfig" in json.loads(out), err
    assert {"lists/t/x.manifest", "lists/v/x.manifest"} <= set(ctx.client.keys("lists/"))
    child = waiting(agent, *lists, "--manifest", f"train=s3://{ctx.bucket}/m/t.manifest")
    time.sleep(0.5)
    assert child.poll() is None
    ctx.client.signed.put("m/t.manifest", b"[]")
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0 and not err and "m/t.manifest" in out, err


@on("s3d", "ceph")
def test_looks_where_no_agent_runs(ctx):
    """Without an agent: S3 is looked at."""
    agent, lists = prepare(ctx, manifest=".manifest")
    missing = agent.run("channels", *lists, "--wait", "--timeout", "0")
    assert missing.returncode == 1 and "is not in S3 as it is here" in missing.stderr, missing
    agent.once()
    assert agent.run("channels", *lists, "--wait", "--timeout", "0").returncode == 0
    for key, why in (("images/3/3.png", "images/3/3.png is not in S3; images that are missing: 1"),
                     ("lists/v/x.manifest", "lists/v/x.manifest is not in S3")):
        body = ctx.client.get(key)[0]
        ctx.client.signed.delete(key)
        done = agent.run("channels", *lists, "--wait", "--timeout", "0")
        assert done.returncode == 1 and why in done.stderr and not done.stdout, done
        ctx.client.signed.put(key, body)
        assert agent.run("channels", *lists, "--wait", "--timeout", "0").returncode == 0
    write(ctx.path("fs/lists/v/x.lst"), b"".join(b"%d\t%d\t0/0.png\n" % (n, n % 4) for n in range(40)))
    done = agent.run("channels", *lists, "--wait", "--timeout", "0")
    assert done.returncode == 1 and "lists/v/x.lst is not in S3 as it is here" in done.stderr, done
    records = ("--record", "train=s3://nowhere-1/t.rec", "--record", f"validation=s3://{ctx.bucket}/v")
    done = agent.run("channels", *lists, *records, "--wait", "--timeout", "0")
    assert done.returncode in (1, 4) and "t.rec" in done.stderr and not done.stdout, done


@on("s3d")
def test_what_no_job_can_train_with(ctx):
    agent, lists = prepare(ctx)
    efs = ("--type", "efs", "--file-system", "fs-0123456789abcdef0", "--mount", ctx.path("fs"))
    for words, why in (
            (lists[:2], "are needed"), ((*lists, "--list", "test=x"), "a set is"),
            ((*lists, "--mini-batch-size", "41"), "fewer than a mini-batch"),
            ((*lists, *efs), "--subnets"), ((*lists, "--type", "efs", *NETWORK), "which file system"),
            ((*lists, *efs[:-1], ctx.path("fs/lists"), *NETWORK), "is not below"),
            ((*lists, "--type", "fsx", *efs[2:], *NETWORK), "--mount-name"),
            ((*lists, "--subnets", "subnet-1"), "security groups"),
            ((*lists, "--subnets", ",".join("abcdefghijklmnopq")), "16 at most"),
            ((*lists, *efs, "--file-system", "fs-1", *NETWORK), "no file system's id"),
            ((*lists, "--record", "train=s3://b-1/x"), "both sets"),
            ((*lists, "--manifest", "train=s3://b-1/x/"), "a prefix is no manifest"),
            ((*lists, "--manifest", "train=s3://B/x"), "no such bucket"),
            ((*lists, *efs, *NETWORK, "--wait"), "--wait is of"), ((*lists, "--timeout", "1"), "is of"),
            ((*lists, "--wait", "--timeout", "x"), "wants seconds"),
            ((*lists, "--pipe"), "--pipe is of"), ((*lists, "--mount", "/"), "--type efs")):
        done = agent.run("channels", *words)
        assert done.returncode == 2 and why in done.stderr and not done.stdout, (words, done)
    write(ctx.path("fs/lists/v/x.lst"), b"".join(b"%d\t4\t0/0.png\n" % n for n in range(40)))
    done = agent.run("channels", *lists)
    assert done.returncode == 2 and "labels for 5 classes, not 4" in done.stderr, done
