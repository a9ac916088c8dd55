"""Credentials from every source, kept fresh: a real agent, endpoints that speak the protocols, and an
s3d that refuses what has expired."""

import os
import stat
import time

from harness import deadline, long_test, on, wait_until
from harness.aws_endpoints import Container, Keys, Metadata, Sts

ROLE = "arn:aws:iam::111122223333:role/lockstep"
INNER = "arn:aws:iam::111122223333:role/inner"
LONG_TERM = Keys("AKIALONGTERM", "long/term+secret=", None, 2**40)
UNSET = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}


def make_agent(ctx, name="agent", s3=None, **environment):
    """An agent without keys of its own; `environment` says where it finds some."""
    images = ctx.folder("images")
    return ctx.agent(images, name=name, s3=s3, environment={**UNSET, **environment})


def write(path, text, mode=0o600):
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path + ".new", mode)
    os.rename(path + ".new", path)
    return path


def add(ctx, name):
    with open(os.path.join(ctx.folder("images"), name), "wb") as file:
        file.write(os.urandom(2000))


def once(ctx, name="agent", **environment):
    """`agent --once` puts a new file into S3 with these credentials."""
    agent = make_agent(ctx, name, **environment)
    add(ctx, name + ".png")
    agent.once()
    assert agent.is_in_step() or agent.differences() == [], agent.differences()
    assert f"images/{name}.png" in ctx.client.keys()
    return agent


def refused(ctx, *words, name="agent", status=4, **environment):
    """`agent --once` ends with this status, and says so; no secret is in what it says."""
    agent = make_agent(ctx, name, **environment)
    begun = time.monotonic()
    done = agent.once(check=False)
    took = time.monotonic() - begun
    assert done.returncode == status, (done.returncode, done.stderr)
    for word in words:
        assert word in done.stderr, (word, done.stderr)
    return took, done.stderr


def s3_statuses(ctx):
    """Statuses and keys of S3's answers to agents (the test's own client lists, they put)."""
    return [(line["op"], line["status"]) for line in ctx.server.requests() if line["op"] == "PutObject"]


def assert_no_secret(agent, *endpoints):
    """Nothing that was handed out is in the log, the status or the state folder."""
    secrets = [LONG_TERM.secret_key] + [s for e in endpoints for k in e.issued
                                        for s in (k.secret_key, k.token)]
    texts = {agent.log_path: agent.log()}
    for folder, _, names in os.walk(agent.state_dir):
        for name in names:
            full = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(full).st_mode):
                with open(full, "rb") as file:
                    texts[full] = file.read().decode("latin-1")
    for path, text in texts.items():
        found = [s for s in secrets if s in text]
        assert not found, (path, found)


# --- each source -----------------------------------------------------------------------------------


@on("s3d")
def test_instance_metadata(ctx):
    with Metadata(ctx.server) as metadata:
        once(ctx, AWS_EC2_METADATA_DISABLED="", AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
        assert [(m, p) for _, m, p in metadata.asked] == [
            ("PUT", "/latest/api/token"),
            ("GET", "/latest/meta-data/iam/security-credentials/"),
            ("GET", "/latest/meta-data/iam/security-credentials/data-prep-role")]


@on("s3d")
def test_metadata_are_asked_past_a_proxy(ctx):
    with Metadata(ctx.server) as metadata:
        agent = make_agent(ctx, AWS_EC2_METADATA_DISABLED="",
                           AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url,
                           http_proxy="http://127.0.0.1:9")
        agent.once(check=False) # S3 itself cannot be reached by that proxy
        assert len(metadata.asked) == 3, metadata.asked


@on("s3d")
def test_container_with_a_token_that_is_read_anew(ctx):
    token = write(ctx.path("token"), "Basic first\n")
    with Container(ctx.server, authorization="Basic first") as container:
        how = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + container.path,
               "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": token}
        once(ctx, **how)
        container.authorization = "Basic second"
        _, said = refused(ctx, "container endpoint", "401", "bad token", name="b", **how)
        assert "Basic" not in said
        write(token, "Basic second\n")
        once(ctx, "c", **how)
        container.authorization = "Basic direct"
        del how["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"]
        once(ctx, "d", AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic direct", **how)
        # what is set up is final, whatever else there is
        refused(ctx, "container endpoint", "404", name="e", AWS_EC2_METADATA_DISABLED="",
                AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + "/nothing")


@on("s3d")
def test_container_elsewhere_gets_no_token(ctx):
    for url in ("http://192.0.2.1/x", "http://127.0.0.1@192.0.2.1/x", "http://169.254.169.254/"):
        took, _ = refused(ctx, "container endpoint", AWS_CONTAINER_CREDENTIALS_FULL_URI=url)
        assert took < 5, took


@on("s3d")
def test_web_identity(ctx):
    token = write(ctx.path("token"), "eyJ.one.sig")
    with Sts(ctx.server, tokens={"eyJ.one.sig": ROLE}) as sts:
        how = {"AWS_WEB_IDENTITY_TOKEN_FILE": token, "AWS_ROLE_ARN": ROLE,
               "AWS_ENDPOINT_URL_STS": sts.url}
        once(ctx, **how, AWS_ROLE_SESSION_NAME="me@here")
        assert sts.forms[-1]["RoleSessionName"] == "me@here"
        sts.tokens = {"eyJ.two.sig": ROLE}
        _, said = refused(ctx, "web identity", "InvalidIdentityToken", name="b", **how)
        assert "eyJ" not in said
        write(token, "eyJ.two.sig\n")
        once(ctx, "c", **how)
        assert sts.forms[-1]["RoleSessionName"].startswith("lockstep-")
        refused(ctx, "AccessDenied", name="d", **{**how, "AWS_ROLE_ARN": INNER})
        refused(ctx, "AWS_ROLE_ARN", name="e", **{**how, "AWS_ROLE_ARN": ""})
        refused(ctx, token + "-", "No such file", name="f",
                **{**how, "AWS_WEB_IDENTITY_TOKEN_FILE": token + "-"})


def role_files(ctx, sts, outer="", name="config"):
    """A chain: outer -> inner role -> keys, with STS's address in a services section."""
    config = write(ctx.path(name), f"""
[profile outer]
role_arn = {ROLE}
source_profile = inner
role_session_name = auditor
services = local
{outer}

[profile inner]
role_arn = {INNER}
source_profile = keys
external_id = 4711/x

[services local]
sts =
  endpoint_url = {sts.url}
s3 =
  max_attempts = 3
""")
    keys = write(ctx.path("keys"), f"""[keys]
aws_access_key_id = {LONG_TERM.access_key}
aws_secret_access_key = {LONG_TERM.secret_key}
""")
    return {"AWS_CONFIG_FILE": config, "AWS_SHARED_CREDENTIALS_FILE": keys}


ROLES = {INNER: {"by": [LONG_TERM.access_key], "external_id": "4711/x"}, ROLE: {"by": [INNER]}}


@on("s3d")
def test_chain_of_roles(ctx):
    with Sts(ctx.server, keys=[LONG_TERM], roles=ROLES) as sts:
        files = role_files(ctx, sts, "duration_seconds = 1800")
        once(ctx, AWS_PROFILE="outer", **files)
        inner, outer = sts.forms
        assert (inner["RoleArn"], inner["ExternalId"]) == (INNER, "4711/x"), inner
        assert (outer["RoleArn"], outer["RoleSessionName"]) == (ROLE, "auditor"), outer
        assert outer["DurationSeconds"] == "1800" and "DurationSeconds" not in inner
        agent = once(ctx, "b", s3={"profile": "outer"}, AWS_ACCESS_KEY_ID="AKIAIGNORED",
                     AWS_SECRET_ACCESS_KEY="passed over", **files)
        assert_no_secret(agent, sts)
        sts.roles = {**ROLES, ROLE: {"by": ["somebody else"]}}
        refused(ctx, "AccessDenied", ROLE, name="c", AWS_PROFILE="outer", **files)
        refused(ctx, "duration_seconds", name="d", AWS_PROFILE="outer",
                **role_files(ctx, sts, "duration_seconds = 5"))


@on("s3d")
def test_a_wrong_clock_does_not_keep_roles_away(ctx):
    with Sts(ctx.server, keys=[LONG_TERM], roles=ROLES) as sts:
        sts.clock_offset = 5400
        once(ctx, AWS_PROFILE="outer", **role_files(ctx, sts))
        assert [f["RoleArn"] for f in sts.forms] == [INNER, INNER, ROLE], sts.forms


@on("s3d")
def test_role_by_the_container(ctx):
    with Sts(ctx.server) as sts, Container(life=300) as container:
        config = write(ctx.path("config"), f"[default]\nrole_arn = {ROLE}\n"
                                           "credential_source = EcsContainer\n")
        issue = container.issue

        def known_to_sts(life=None):
            keys = issue(life)
            sts.keys[keys.access_key] = keys
            sts.roles = {ROLE: {"by": [keys.access_key]}}
            return keys

        container.issue = known_to_sts
        once(ctx, AWS_CONFIG_FILE=config, AWS_ENDPOINT_URL_STS=sts.url,
             AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + container.path)


@on("s3d")
def test_credential_process(ctx):
    keys = Keys("ASIAPROCESS", "process/secret", "process/token", int(time.time()) + 300)
    ctx.server.hand_out(keys)
    program = write(ctx.path("a program"), "#!/bin/sh\n"
                    'test "$1 $2" = "--for a b" || exit 3\n'
                    f'echo \'{{"Version": 1, "AccessKeyId": "{keys.access_key}", '
                    f'"SecretAccessKey": "{keys.secret_key}", "SessionToken": "{keys.token}", '
                    f'"Expiration": "{keys.expiration}"}}\'\n', 0o700)
    config = ctx.path("config")
    for name, line, words in (
            ("a", f'"{program}" --for "a b"', None),
            ("b", f'"{program}" --for a', ("status 3",)),
            ("c", "/nonexistent/program", ("/nonexistent/program", "No such file")),
            ("d", "/bin/echo '{\"Version\": 2}'", ("Version",)),
            ("e", "/bin/sh -c 'kill -9 $$'", ("signal 9",)),
            ("f", '"open', ("quotes",))):
        write(config, f"[default]\ncredential_process = {line}\n")
        if words is None:
            once(ctx, name, AWS_CONFIG_FILE=config)
        else:
            refused(ctx, "credential_process", *words, name=name, AWS_CONFIG_FILE=config)


@on("s3d")
def test_a_file_from_systemd(ctx):
    folder = ctx.folder("credentials")
    write(os.path.join(folder, "aws"), f"[default]\naws_access_key_id = {ctx.server.access_key}\n"
          f"aws_secret_access_key = {ctx.server.secret_key}\n", 0o400)
    once(ctx, CREDENTIALS_DIRECTORY=folder, AWS_SHARED_CREDENTIALS_FILE="", HOME="/nonexistent")
    refused(ctx, "no credentials", name="b", CREDENTIALS_DIRECTORY=folder, HOME="/nonexistent")


@on("s3d")
def test_a_choice_in_the_configuration(ctx):
    with Container(ctx.server) as container, Metadata(ctx.server) as metadata:
        how = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url + container.path,
               "AWS_EC2_METADATA_DISABLED": "",
               "AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.url}
        once(ctx, s3={"credentials": "instance"}, **how)
        assert metadata.issued and not container.issued
        once(ctx, "b", s3={"credentials": "container"}, AWS_ACCESS_KEY_ID="AKIAIGNORED",
             AWS_SECRET_ACCESS_KEY="passed over", **how)
        assert container.issued
        refused(ctx, "no credentials", "AWS_ACCESS_KEY_ID", name="c",
                s3={"credentials": "environment"}, **how)


# --- keeping them fresh ----------------------------------------------------------------------------


def upload_for(ctx, agent, seconds, meddle):
    """A file every 0.2 s; meddle(second) in between."""
    begun, n = time.monotonic(), 0
    while (now := time.monotonic() - begun) < seconds:
        add(ctx, f"f{n}.png")
        n += 1
        meddle(now)
        time.sleep(0.2)
    agent.wait_in_step(30)
    return n


def long_run(ctx, endpoint, agent, outage):
    """Four lives with an outage in the middle: no upload fails, and the log tells of it once."""
    agent.start()
    agent.wait_until_ready()

    def meddle(second):
        endpoint.mode = outage if 10 < second < 14.5 else None

    count = upload_for(ctx, agent, 4 * endpoint.life, meddle)
    agent.stop()
    statuses = s3_statuses(ctx)
    assert len(statuses) == count and {status for _, status in statuses} == {200}, statuses
    assert len(endpoint.issued) >= 5, endpoint.issued
    log = agent.log()
    assert log.count("asking again") == 1 and log.count("renewed from") == 1, log
    assert_no_secret(agent, endpoint)


@on("s3d")
@deadline(150)
def test_metadata_over_many_lives_and_an_outage(ctx):
    with Metadata(ctx.server, life=10) as metadata:
        agent = make_agent(ctx, AWS_EC2_METADATA_DISABLED="", AWS_METADATA_SERVICE_NUM_ATTEMPTS="1",
                           AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url,
                           AWS_METADATA_SERVICE_TIMEOUT="1")
        long_run(ctx, metadata, agent, "hang")


@on("s3d")
@long_test
@deadline(150)
def test_web_identity_over_many_lives_and_an_outage(ctx):
    token = write(ctx.path("token"), "eyJ.one.sig")
    with Sts(ctx.server, life=10, tokens={"eyJ.one.sig": ROLE}) as sts:
        agent = make_agent(ctx, AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ROLE_ARN=ROLE,
                           AWS_ENDPOINT_URL_STS=sts.url)
        long_run(ctx, sts, agent, "503")


@on("s3d")
@long_test
@deadline(150)
def test_container_over_many_lives_and_an_outage(ctx):
    with Container(ctx.server, life=12) as container:
        agent = make_agent(ctx, AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + container.path)
        long_run(ctx, container, agent, "garbage")


@on("s3d")
def test_keys_that_s3_refuses_are_replaced_at_once(ctx):
    with Container(ctx.server, life=3600) as container:
        agent = make_agent(ctx, AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + container.path)
        add(ctx, "a.png")
        agent.start()
        agent.wait_in_step(30)
        for n in range(2):
            old = container.issued[-1]
            ctx.server.hand_out(Keys(old.access_key, old.secret_key, old.token, 0))
            for i in range(20):
                add(ctx, f"b{n}-{i}.png")
            agent.wait_in_step(30)
            if n == 0:
                assert len(container.issued) == 2, "one renewal, however many uploads ask"
                time.sleep(1.1) # a second one within a second would be held off
        agent.stop()
        statuses = [status for _, status in s3_statuses(ctx)]
        assert statuses.count(200) == 41 and set(statuses) == {200, 400}, statuses
        assert len(container.issued) == 3


@on("s3d")
def test_one_refusal_is_tried_again_with_other_keys(ctx):
    with Container(ctx.server, life=3600) as container:
        agent = make_agent(ctx, AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + container.path)
        for code in ("ExpiredToken", "InvalidToken"):
            ctx.server.fault("error", code=code, op="PutObject")
            add(ctx, code + ".png")
            agent.once()
            assert len(container.issued) == (2 if code == "ExpiredToken" else 4)


@on("s3d")
@deadline(120)
def test_an_outage_beyond_expiry_is_told_and_mends_itself(ctx):
    with Container(ctx.server, life=4) as container:
        agent = make_agent(ctx, AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + container.path)
        add(ctx, "a.png")
        agent.start()
        agent.wait_in_step(30)
        container.mode = "reset"
        last = container.issued[-1]
        wait_until(lambda: time.time() > last.expires and container.issued[-1] is last, 10,
                   "the last keys to expire")
        add(ctx, "b.png")

        def told():
            status, _ = agent.status()
            keys = status.get("credentials", {})
            return (keys.get("failures", 0) > 0 and container.url in keys["why"]
                    and not status["in_step"])

        wait_until(told, 20, agent.status)
        text = agent.run("status").stdout
        assert "credentials: container endpoint" in text and "cannot be renewed" in text, text
        container.mode = None
        agent.wait_in_step(60)
        assert agent.log().count("asking again") == 1
        status, _ = agent.status()
        assert "why" not in status["credentials"], status
        assert_no_secret(agent, container)


@on("s3d")
def test_expired_metadata_are_used_on(ctx):
    with Metadata(ctx.server, life=-60) as metadata:
        metadata.expired = True
        keys = metadata.issue()
        ctx.server.hand_out(Keys(keys.access_key, keys.secret_key, keys.token,
                                 time.time() + 600)) # S3 is told of the outage
        agent = make_agent(ctx, AWS_EC2_METADATA_DISABLED="",
                           AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
        add(ctx, "a.png")
        agent.start()
        agent.wait_in_step(30)
        status, _ = agent.status()
        assert status["credentials"]["extended"] is True, status
        assert agent.log().count("they are used on") == 1, agent.log()
        assert len(metadata.asked) == 3, "it is not asked again at once"


# --- what goes wrong -------------------------------------------------------------------------------


@on("s3d")
def test_answers_that_make_no_sense(ctx):
    with Metadata(ctx.server) as metadata, Container() as container, Sts(tokens={"t": ROLE}) as sts:
        token = write(ctx.path("token"), "t")
        for mode, words in (("garbage", ()), ("503", ("503",)), ("reset", ())):
            metadata.mode = container.mode = sts.mode = mode
            refused(ctx, "instance metadata", *words, name="m" + mode,
                    AWS_EC2_METADATA_DISABLED="",
                    AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
            refused(ctx, "container endpoint", *words, name="c" + mode,
                    AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + container.path)
            refused(ctx, "web identity", *words, name="s" + mode, AWS_ROLE_ARN=ROLE,
                    AWS_WEB_IDENTITY_TOKEN_FILE=token, AWS_ENDPOINT_URL_STS=sts.url)
        metadata.mode, metadata.role = None, None
        refused(ctx, "instance has no role", AWS_EC2_METADATA_DISABLED="",
                AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)


@on("s3d")
def test_endpoints_that_hang_cost_seconds(ctx):
    with Metadata() as metadata, Container() as container:
        metadata.mode = container.mode = "hang"
        took, said = refused(ctx, "no answer in time", "no credentials",
                             "AWS_ACCESS_KEY_ID is not set", "AWS_WEB_IDENTITY_TOKEN_FILE",
                             AWS_EC2_METADATA_DISABLED="",
                             AWS_EC2_METADATA_SERVICE_ENDPOINT=metadata.url)
        assert took < 9, (took, said)
        took, said = refused(ctx, "no answer in time", name="b",
                             AWS_CONTAINER_CREDENTIALS_FULL_URI=container.url + container.path)
        assert took < 12, (took, said)


@on("s3d")
def test_profiles_that_lead_nowhere(ctx):
    config = write(ctx.path("config"), f"""
[profile a]
role_arn = {ROLE}
source_profile = b
[profile b]
role_arn = {INNER}
source_profile = a
[profile alone]
role_arn = {ROLE}
[profile gone]
role_arn = {ROLE}
source_profile = nobody
[profile login]
sso_session = company
[profile code]
role_arn = {ROLE}
credential_source = Environment
mfa_serial = arn:aws:iam::1:mfa/me
""")
    for profile, words in (("a", ("source_profile", "leads back")),
                           ("alone", ("nothing to assume",)),
                           ("gone", ("nobody",)),
                           ("login", ("sso_session", "login of a person")),
                           ("code", ("mfa_serial",)),
                           ("missing", ("no profile",))):
        refused(ctx, *words, name=profile, AWS_CONFIG_FILE=config, AWS_PROFILE=profile)


@on("s3d")
def test_a_file_that_all_can_read_is_told(ctx):
    text = (f"[default]\naws_access_key_id = {ctx.server.access_key}\n"
            f"aws_secret_access_key = {ctx.server.secret_key}\n")
    for mode, told in ((0o644, True), (0o600, False)):
        keys = write(ctx.path("keys"), text, mode)
        agent = once(ctx, f"m{mode:o}", AWS_SHARED_CREDENTIALS_FILE=keys)
        assert ("every user of this host can read" in agent.log()) == told, agent.log()
