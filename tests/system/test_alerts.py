"""What the packages bring for monitoring: alert rules, a dashboard. What they name is there, each
alert comes when it should and not before, and the book says what to do about it."""

import json
import os
import re
import shutil
import subprocess

from harness import Skip, on, read, wait_until
from harness.prom import Port
from harness.rivals import begin as rivals_begin, stands_by

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RULES = f"{TOP}/packaging/prometheus/lockstep.rules"
DASHBOARD = f"{TOP}/packaging/grafana/lockstep.json"
NAME = re.compile(r"\blockstep_[a-z0-9_]+")
VARIABLES = {"$__rate_interval": "5m", "$__range": "1h", "$mapping": ".*", "$instance": ".*"}

ALL, MAPPING = '{instance="h:1",job="lockstep"}', '{instance="h:1",job="lockstep",mapping="m"}'
REQUESTS = 'lockstep_s3_requests_total{instance="h:1",job="lockstep",operation="PutObject",result="%s"}'

# An agent that is well, for some hours, a sample a minute: series and their values.
WELL = {
    "up" + ALL: "1x200",
    "lockstep_build_info" + ALL: "1x200",
    "lockstep_snapshot_timestamp_seconds" + ALL: "0+60x200",
    "lockstep_healthy" + ALL: "1x200",
    "lockstep_standing_by" + ALL: "0x200",
    "lockstep_paused" + ALL: "0x200",
    "lockstep_journal_no_room" + ALL: "0x200",
    "lockstep_state_free_bytes" + ALL: "50000000000-1000x200",
    "lockstep_lists_unwritable" + ALL: "0x200",
    "lockstep_credentials_failures" + ALL: "0x200",
    "lockstep_credentials_expiry_timestamp_seconds" + ALL: "3600+60x200",
    "lockstep_journal_segments_given_up_total" + ALL: "0x200",
    "lockstep_journal_signing_failed" + ALL: "0x200",
    "lockstep_journal_segments_not_uploaded" + ALL: "1x200",
    "lockstep_journal_upload_failures" + ALL: "0x200",
    "lockstep_process_open_fds" + ALL: "60x200",
    "lockstep_process_max_fds" + ALL: "65536x200",
    "lockstep_process_start_time_seconds" + ALL: "5x200",
    "lockstep_mapping_reachable" + MAPPING: "1x200",
    "lockstep_mapping_blocked" + MAPPING: "0x200",
    "lockstep_mapping_incomplete" + MAPPING: "0x200",
    "lockstep_mapping_oldest_unsynced_seconds" + MAPPING: "30x200",
    "lockstep_mapping_held_removals" + MAPPING: "0x200",
    "lockstep_mapping_overflows_total" + MAPPING: "1x200",
    "lockstep_mapping_limited_directories" + MAPPING: "0x200",
    "lockstep_mapping_blind_seconds" + MAPPING: "900x200",
    "lockstep_mapping_rescan_interval_seconds" + MAPPING: "900x200",
    "lockstep_mapping_foreign_objects_total" + MAPPING: "2x200",
    REQUESTS % "done": "0+600x200",
    REQUESTS % "failed": "0+1x200",
    REQUESTS % "throttled": "0+1x200",
}

# Each alert: what is otherwise, from minute 60 on, and how many minutes later it
# comes.
NOBODY = {"severity": "critical", "job": "lockstep"}  # of all hosts, so of none
STOPPED = ('lockstep_stopped_files{instance="h:1",job="lockstep",mapping="m",cause="denied",'
           'operation="s3:PutObject"}')
ALERTS = [
    ("LockstepDown", {"up" + ALL: "1x59 0x140"}, 5),
    ("LockstepDown", {"lockstep_build_info" + ALL: "1x59 stale"}, 5),
    ("LockstepFiguresOld", {"lockstep_snapshot_timestamp_seconds" + ALL: "0+60x59 3600x140"}, 5),
    ("LockstepUnhealthy", {"lockstep_healthy" + ALL: "1x59 0x140"}, 2),
    ("LockstepNobodyActs", {"lockstep_standing_by" + ALL: "0x59 1x140"}, 15),
    ("LockstepNoRoom", {"lockstep_journal_no_room" + ALL: "0x59 1x140"}, 1),
    ("LockstepDiskFillsUp", {"lockstep_state_free_bytes" + ALL: "5e10x59 1e9x140"}, 30),
    ("LockstepDiskFillsUp", {"lockstep_state_free_bytes" + ALL: "4e10x59 4e10-1e8x140"}, 60),
    ("LockstepRootAway", {"lockstep_mapping_reachable" + MAPPING: "1x59 0x140"}, 5),
    ("LockstepBehind", {"lockstep_mapping_oldest_unsynced_seconds" + MAPPING: "0x59 0+60x140"}, 71),
    ("LockstepRemovalsHeld", {"lockstep_mapping_held_removals" + MAPPING: "0x59 7x140"}, 5),
    ("LockstepBlocked", {"lockstep_mapping_blocked" + MAPPING: "0x59 1x140"}, 10),
    ("LockstepFilesStopped", {STOPPED: "_x60 3x140"}, 30),
    ("LockstepRequestsFail", {REQUESTS % "failed": "0x59 0+100x140"}, 25),
    ("LockstepThrottled", {REQUESTS % "throttled": "0x59 0+200x140"}, 45),
    ("LockstepCredentials", {"lockstep_credentials_failures" + ALL: "0x59 3x140"}, 10),
    ("LockstepCredentials",
     {"lockstep_credentials_expiry_timestamp_seconds" + ALL: "3600+60x59 7200x140"}, 66),
    ("LockstepEventsLost", {"lockstep_mapping_overflows_total" + MAPPING: "1x59 1+1x140"}, 2),
    ("LockstepOutOfWatches", {"lockstep_mapping_limited_directories" + MAPPING: "0x59 9x140"}, 60),
    ("LockstepBlind", {"lockstep_mapping_blind_seconds" + MAPPING: "900x59 0+60x140"}, 120),
    ("LockstepIncomplete", {"lockstep_mapping_incomplete" + MAPPING: "0x59 1x140"}, 60),
    ("LockstepListsUnwritable", {"lockstep_lists_unwritable" + ALL: "0x59 1x140"}, 15),
    ("LockstepJournalDisk", {"lockstep_journal_segments_given_up_total" + ALL: "0x59 1x140"}, 1),
    ("LockstepNotSigned", {"lockstep_journal_signing_failed" + ALL: "0x59 1x140"}, 15),
    ("LockstepEvidenceBehind", {"lockstep_journal_segments_not_uploaded" + ALL: "1x59 4x140"}, 60),
    ("LockstepEvidenceBehind", {"lockstep_journal_upload_failures" + ALL: "0x59 9x140"}, 60),
    ("LockstepForeignObjects", {"lockstep_mapping_foreign_objects_total" + MAPPING: "2x59 3x140"}, 1),
    ("LockstepPaused", {"lockstep_paused" + ALL: "0x59 1x140"}, 120),
    ("LockstepDescriptors", {"lockstep_process_open_fds" + ALL: "60x59 60000x140"}, 10),
    ("LockstepRestarts", {"lockstep_process_start_time_seconds" + ALL: "5x59 5+600x140"}, 5),
]


def promtool(*words):
    if not shutil.which("promtool"):
        raise Skip("promtool is not there (prometheus)")
    return subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=60, check=False)


def rules_text():
    return read(RULES).decode()


def alerts():
    return re.findall(r"^ +- alert: (\w+)$", rules_text(), re.M)


def expressions():
    """Of all panels of the dashboard, and of its variables."""
    board = json.loads(read(DASHBOARD))
    found = [(panel["title"], target["expr"]) for panel in board["panels"]
             for target in panel.get("targets", [])]
    return found + [(v["name"], v["query"]) for v in board["templating"]["list"]
                    if v["type"] == "query"]


def state_at(minute, wanted, alert, labels):
    """promtool's form of: at that minute the alert is there, or it is not."""
    there = [{"exp_labels": labels}] if wanted else []
    return {"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": there}


@on("s3d")
def test_the_rules_and_the_dashboards_queries_are_prometheuss(ctx):
    done = promtool("check", "rules", RULES)
    assert done.returncode == 0, done
    rules = []
    for i, (_, text) in enumerate(expressions()):
        for name, value in VARIABLES.items():
            text = text.replace(name, value)
        if not text.startswith("label_values("):
            rules.append({"record": f"panel:{i}", "expr": text})
    assert len(rules) > 15
    path = ctx.path("panels.rules")
    with open(path, "w", encoding="utf-8") as file:
        json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
    done = promtool("check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


@on("s3d")
def test_every_figure_that_is_named_is_there(ctx):
    images, port = ctx.folder("images"), Port()
    agent = ctx.agent(images=images, options=port.options).start()
    agent.wait_in_step(20)
    there = port.figures().names()
    there |= {f"{n}_{end}" for n in there for end in ("bucket", "sum", "count")}
    book = read(f"{TOP}/docs/operations.md").decode()
    for where, text in [("the rules", rules_text()), ("the book", book), *expressions()]:
        for name in NAME.findall(text):
            assert name in there, f"{where} names {name}, which the agent does not tell"


@on("s3d")
def test_each_alert_is_in_the_book(ctx):
    book = read(f"{TOP}/docs/operations.md").decode()
    told = re.findall(r"^\| `(Lockstep\w+)` \| (\S.*\S) \| (\S.*\S) \|$", book, re.M)
    assert sorted(name for name, _, _ in told) == sorted(alerts()), (told, alerts())


def check_cases(ctx, cases):
    """Have promtool play them. Words for people are the rules' own business: what is compared is which
    alerts there are."""
    bare = re.sub(r"\n        annotations:\n          summary: .*", "", rules_text())
    with open(ctx.path("bare.rules"), "w", encoding="utf-8") as file:
        file.write(bare)
    with open(ctx.path("alerts.test"), "w", encoding="utf-8") as file:
        json.dump({"rule_files": ["bare.rules"], "evaluation_interval": "1m", "tests": cases}, file)
    done = promtool("test", "rules", ctx.path("alerts.test"))
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


@on("s3d")
def test_each_alert_comes_when_it_should_and_alone(ctx):
    names = alerts()
    assert set(names) == {a for a, _, _ in ALERTS}, "an alert without a test"
    cases = [{"interval": "1m", "name": "well",
              "input_series": [{"series": s, "values": v} for s, v in WELL.items()],
              "alert_rule_test": [state_at(m, False, a, None) for a in names for m in (1, 100, 200)]}]
    severities = dict(re.findall(r"- alert: (\w+)\n(?:.*\n)*?.*severity: (\w+)}", rules_text()))
    for alert, other, minutes in ALERTS:
        series = {**WELL, **other}
        labels = {"severity": severities[alert], "instance": "h:1", "job": "lockstep"}
        first = next(iter(other))
        if "mapping=" in first:
            labels["mapping"] = "m"
        if first == STOPPED:
            labels.update(cause="denied", operation="s3:PutObject")
        if first.startswith("lockstep_build_info"):
            labels = {"severity": labels["severity"]}
        if alert == "LockstepNobodyActs":
            labels = NOBODY
        tests = [state_at(59, False, alert, None)]
        if minutes > 2:
            tests.append(state_at(60 + minutes // 2, False, alert, None))
        tests += [state_at(60 + minutes + 3, a == alert, a, labels) for a in names]
        cases.append({"interval": "1m", "name": f"{alert} {first}",
                      "input_series": [{"series": s, "values": v} for s, v in series.items()],
                      "alert_rule_test": tests})
    check_cases(ctx, cases)


def constant(figures):
    """Series of an agent whose figures stay, but for the clock."""
    series = {}
    for (name, labels), value in figures.samples.items():
        words = ",".join(f'{key}={json.dumps(text)}' for key, text in
                         sorted([*labels, ("instance", "h:2"), ("job", "lockstep")]))
        series[f"{name}{{{words}}}"] = f"{value:.0f}x200"
    now = figures.get("lockstep_snapshot_timestamp_seconds")
    for name, values in series.items():
        if name.startswith(("lockstep_snapshot_timestamp", "lockstep_process_start_time")):
            series[name] = f"{float(values[:-4]) - now:.0f}" + ("+60x200" if "snapshot" in name else "x200")
    return series


@on("s3d")
def test_a_host_that_stands_by_alarms_nobody_unless_all_do(ctx):
    _, _, first, _ = rivals_begin(ctx)
    port = Port()
    second = ctx.agent(images=ctx.path("images"), lists=ctx.path("lists"), name="second",
                       options=port.options).start()
    wait_until(lambda: stands_by(second), 10, second.log)
    alone = {**constant(port.figures()), 'up{instance="h:2",job="lockstep"}': "1x200"}
    first.stop()
    # What an agent was asked to do, or could not, when it was the one that acts.
    left = {'lockstep_paused{instance="h:2",job="lockstep"}': "1x200",
            'lockstep_credentials_failures{instance="h:2",job="lockstep"}': "3x200",
            'lockstep_journal_segments_not_uploaded{instance="h:2",job="lockstep"}': "4x200"}
    cases = []
    for name, series, allowed in (("beside one that acts", {**WELL, **alone}, set()),
                                  ("with what was left", {**WELL, **alone, **left}, set()),
                                  ("nobody acts", alone, {"LockstepNobodyActs"})):
        cases.append({"interval": "1m", "name": name,
                      "input_series": [{"series": s, "values": v} for s, v in series.items()],
                      "alert_rule_test": [
                          state_at(m, a in allowed and m > 20, a, NOBODY) for a in alerts()
                          for m in (1, 100, 200)]})
    check_cases(ctx, cases)
