"""The clients that bring one tree into a bucket, each as cheaply as its options allow: a command
and its environment."""

import configparser
import hashlib
import os
import shutil

from harness import Agent, lockstep_binary, process

BUCKET = "bench"
PARALLEL = 16  # transfers at once of those that are told


def files_below(tree):
    for base, _, names in os.walk(tree):
        for name in names:
            yield os.path.relpath(os.path.join(base, name), tree)


def lockstep(folder, tree, client, **settings):
    """One pass with everything that it always does: index, journal, checksums, and over plain HTTP
    the SHA-256 of bodies."""
    if client.server.ca_file:
        settings["ca_file"] = client.server.ca_file
    agent = Agent(os.path.join(folder, "agent"), client.server, client, tree, s3=settings)
    return [lockstep_binary(), "agent", "--once", "-c", agent.conf], agent.environment


def unsigned(folder, tree, client):
    """lockstep, with unsigned bodies, as curl sends them here; their CRC-64 is signed."""
    return lockstep(folder, tree, client, payload_signing="never")


def rclone(_folder, tree, client):
    """A bare copy: nothing is looked up, listed or checked."""
    server = client.server
    environment = server.environment(
        RCLONE_CONFIG="/dev/null", RCLONE_CONFIG_S_TYPE="s3",
        RCLONE_CONFIG_S_PROVIDER="Ceph" if server.kind == "ceph" else "Other",
        RCLONE_CONFIG_S_ENDPOINT=server.endpoint, RCLONE_CONFIG_S_ENV_AUTH="true",
        RCLONE_CONFIG_S_REGION=server.region)
    command = ["rclone", "copy", "--transfers", str(PARALLEL), "--no-traverse", "--no-check-dest",
               "--s3-no-check-bucket", "--s3-no-head", tree, client.remote("images")]
    return command + (["--ca-cert", server.ca_file] if server.ca_file else []), environment


def curl_terms(server, payload):
    """What curl is told of requests whose body is signed as this."""
    return (f'aws-sigv4 = "aws:amz:{server.region}:s3"\n'
            f'user = "{server.access_key}:{server.secret_key}"\n'
            f'header = "x-amz-content-sha256: {payload}"\nfail\n'
            + (f'cacert = "{server.ca_file}"\n' if server.ca_file else ""))


def curl_file(server, tree, path):
    """And of one file."""
    return (f'url = "{server.endpoint}/{BUCKET}/images/{path}"\n'
            f'upload-file = "{os.path.join(tree, path)}"\noutput = "/dev/null"\n')


def curl_command(folder, text):
    config = os.path.join(folder, "curl.conf")
    with open(config, "w", encoding="utf-8") as file:
        file.write(text)
    return ["curl", "-Z", "--parallel-max", str(PARALLEL), "-sS", "-K", config], \
        process.clean_environment()


def curl(folder, tree, client):
    """The least that can be done: no checksum, no listing of the tree, unsigned bodies."""
    return curl_command(folder, curl_terms(client.server, "UNSIGNED-PAYLOAD") + "".join(
        curl_file(client.server, tree, path) for path in files_below(tree)))


def signed_curl(folder, tree, client):
    """The same with bodies signed as lockstep's, so that the server has as much to do; their hashes
    are given to it."""
    text = []
    for path in files_below(tree):
        with open(os.path.join(tree, path), "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        text.append(curl_terms(client.server, digest) + curl_file(client.server, tree, path))
    return curl_command(folder, "next\n".join(text))


def s3cmd(folder, tree, client):
    """One file after the other, as it always does."""
    server, config = client.server, os.path.join(folder, "s3cmd.conf")
    parser = configparser.RawConfigParser()
    host = f"{server.host}:{server.port}"
    parser["default"] = {
        "access_key": server.access_key, "secret_key": server.secret_key, "host_base": host,
        "host_bucket": host, "use_https": "False", "bucket_location": server.region,
        "progress_meter": "False", "preserve_attrs": "False"}
    with open(config, "w", encoding="utf-8") as file:
        parser.write(file)
    return ["s3cmd", "-c", config, "--quiet", "--no-check-md5", "--recursive", "put", tree + "/",
            f"s3://{BUCKET}/images/"], process.clean_environment()


def aws(_folder, tree, client):
    """The AWS CLI as it comes."""
    environment = client.server.environment(AWS_CA_BUNDLE=client.server.ca_file or "")
    return ["aws", "--endpoint-url", client.server.endpoint, "s3", "cp", "--recursive",
            "--only-show-errors", tree, f"s3://{BUCKET}/images"], environment


def s5cmd(_folder, tree, client):
    """The fastest of the peers, where somebody has installed it: Debian has no package."""
    environment = client.server.environment(AWS_CA_BUNDLE=client.server.ca_file or "")
    return ["s5cmd", "--endpoint-url", client.server.endpoint, "--log", "error", "--numworkers",
            str(PARALLEL), "cp", tree + "/", f"s3://{BUCKET}/images/"], environment


ALL = {f.__name__: f for f in (lockstep, unsigned, rclone, s3cmd, aws, curl, signed_curl, s5cmd)}
OURS = ("lockstep", "unsigned")
PROGRAM = {"signed_curl": "curl"}  # else it has the client's name
# To a sink goes who asks it nothing: it lists nothing. Over TLS s3cmd is left out: it takes no file
# of certificates by an option of its own.
BY_SERVER = {"sink": ("lockstep", "unsigned", "curl"), "s3d": tuple(ALL),
             "s3d-tls": ("lockstep", "rclone", "curl"), "ceph": tuple(ALL)}


def installed(server, wanted=None):
    """Those for this kind of server that are here, lockstep first."""
    return [name for name in BY_SERVER[server] if (wanted is None or name in wanted)
            and (name in OURS or shutil.which(PROGRAM.get(name, name)))]
