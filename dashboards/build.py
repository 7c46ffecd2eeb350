#!/usr/bin/env python3
"""Writes ringward.json, the Grafana dashboard, from the panels below.

    dashboards/build.py            writes it
    dashboards/build.py --check    fails when it is not what this script writes

Instants and ages are by the daemon's clock (`ringward_time_seconds`), so they are also right for a
demo, whose clock runs fast.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True

from grafana import (  # noqa: E402
    BLUE, GREEN, GREY, ORANGE, PURPLE, RED, YELLOW, bars, colored, panel, placed, queries, query, series,
    stat, steps, table, values, variable,
)

FILE = pathlib.Path(__file__).with_name("ringward.json")
DAEMON = 'instance=~"$instance"'
PLAN = 'instance=~"$instance", plan=~"$plan"'
RING = 'instance=~"$instance", plan=~"$plan", ring=~"$ring"'

STATES = [
    ("pending", GREY), ("entering", BLUE), ("deploying", PURPLE), ("adopting", YELLOW), ("soaking", ORANGE),
    ("verified", GREEN), ("rolling_back", RED), ("rolled_back", "#8f3b3b"),
]
CLASSES = [
    ("arrived", GREEN), ("due", YELLOW), ("stalled", RED), ("unseen", BLUE), ("too_old", PURPLE),
    ("untargeted", GREY), ("left", "#5f5f5f"),
]
VERDICTS = [("pass", GREEN), ("exempt", GREEN), ("wait", BLUE), ("unknown", ORANGE), ("fail", RED)]


def now():
    running = f'(ringward_rollout_phase{{{DAEMON}, phase="running"}} == 1)'
    return [
        stat(
            "Version", "The ringward that answers. Not answering: look at `systemctl status ringward` and its log; "
            "`ringward stop` works without it.",
            query(f"ringward_build_info{{{DAEMON}}}", "{{version}}"), names=True, noValue="not answering",
            thresholds=steps(GREEN),
        ),
        stat(
            "Writes", "Whether ringward may change anything at Cloudflare. Stopped: `ringward status` says by whom "
            "and why; `ringward start --paused --reason …` allows writes again with every plan paused.",
            query(f"max(ringward_stopped{{{DAEMON}}})", "writes"), size=(3, 4), thresholds=steps(GREEN, (1, RED)),
            mappings=[{"type": "value", "options": {"0": {"text": "allowed"}, "1": {"text": "STOPPED"}}}],
        ),
        stat(
            "Paused and halted plans", "Paused by a person or halted by ringward. `ringward explain PLAN` names cause and remedy; "
            "`ringward resume PLAN --reason …` lifts both.",
            query(f"ringward_rollout_hold{{{PLAN}}} == 1", "{{plan}}: {{hold}}"), names=True, noValue="none",
            thresholds=steps(RED),
        ),
        stat(
            "Phase", "Where the latest rollout of each plan is. Withdrawn: its file is gone.",
            query(f"ringward_rollout_phase{{{PLAN}}} == 1", "{{plan}}: {{phase}}"), names=True, noValue="no plan",
            thresholds=steps(BLUE),
        ),
        stat(
            "Last decision", "Age of the newest decision. It is at most a minute old; above ten minutes the daemon "
            "hangs: `ringward stop` works all the same, then restart it.",
            query(
                f"max(ringward_time_seconds{{{DAEMON}}} - ringward_last_decision_timestamp_seconds{{{DAEMON}}})", "age",
            ),
            unit="s", thresholds=steps(GREEN, (180, ORANGE), (600, RED)),
        ),
        stat(
            "Last sweep", "Age of the newest look at the devices while a rollout runs. Above 90 minutes the gates "
            "are unknown: look at Failing reads, and at the token's rights.",
            query(f"max(ringward_sweep_age_seconds{{{DAEMON}}} and on (job, instance) {running})", "age"), unit="s",
            noValue="nothing runs", thresholds=steps(GREEN, (5400, ORANGE), (7200, RED)),
        ),
        stat(
            "Request budget", "Requests to Cloudflare left of the budget for five minutes. Near zero: reads are put "
            "off. Give the daemon more with `--requests`, or find who else uses the token's user.",
            query(f"min(ringward_cloudflare_budget_remaining{{{DAEMON}}})", "left"),
            thresholds=steps(RED, (20, ORANGE), (100, GREEN)),
        ),
        stat(
            "Plan file errors", "A file with an error does not run; the last good revision goes on. "
            "`ringward check` on the plans directory names every error with its place.",
            query(f"sum(ringward_plan_errors{{{DAEMON}}}) or vector(0)", "errors"), thresholds=steps(GREEN, (1, RED)),
        ),
        table(
            "Why it does not move", "Everything in the way of each plan's next move. `gate` is the ordinary case: "
            "see Gates below. For the sentence with value, threshold and remedy: `ringward explain PLAN`.",
            f"ringward_rollout_blocker{{{PLAN}}} == 1", ["plan", "code"], size=(9, 6), noValue="nothing",
        ),
        table(
            "Earliest move", "When the rollout can move, where the clock alone decides: an opening, the end of a "
            "freeze or of a soak. A plan that waits for devices or people has none.",
            f"1000 * ringward_rollout_earliest_move_timestamp_seconds{{{PLAN}}}", ["plan"], value="at",
            unit="dateTimeAsIso", size=(8, 6), noValue="the clock alone cannot tell",
        ),
        stat(
            "Failing reads", "For how long each kind of read fails. While it does, gates turn unknown and the "
            "rollout stands, then halts. `ringward status` shows the errors.",
            query(
                f"ringward_time_seconds{{{DAEMON}}} - on (job, instance) group_right() "
                f"ringward_read_failing_since_timestamp_seconds{{{DAEMON}}}", "{{read}}",
            ),
            unit="s", size=(7, 6), noValue="none", thresholds=steps(ORANGE, (1800, RED)),
        ),
    ]


def rings():
    numbered = " or ".join(
        f'{at} * (ringward_ring_state{{{RING}, state="{state}"}} == 1)' for at, (state, _) in enumerate(STATES, 1)
    )
    timeline = panel(
        "state-timeline", "Ring states", "One line for each ring. At most one ring is deploying or adopting. A ring "
        "that stays in a state: `ringward explain PLAN`.",
        [query(f"max by (plan, ring) ({numbered})", "{{ring}}", instant=False)],
        {
            "alignValue": "left", "mergeValues": True, "rowHeight": 0.8, "showValue": "auto",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
            "tooltip": {"mode": "single", "sort": "none"},
        },
        size=(24, 7), custom={"fillOpacity": 70, "lineWidth": 0}, color={"mode": "thresholds"},
        mappings=values(STATES, of=lambda at: at + 1), thresholds=steps(GREY),
    )
    dashed = {
        "matcher": {"id": "byRegexp", "options": "/^threshold/"},
        "properties": [{"id": "custom.lineStyle", "value": {"fill": "dash", "dash": [8, 8]}}],
    }
    limit = dashed | {"matcher": {"id": "byRegexp", "options": "/^at most/"}}
    return [
        timeline,
        series(
            "Adoption against threshold", "Arrived devices as a share of those seen; dashed: what the ring needs "
            "to leave. Flat below the dashed line: `ringward devices PLAN --class due` and `--class stalled` list "
            "the laptops.",
            queries(
                (f"ringward_ring_adoption_ratio{{{RING}}}", "{{ring}} {{environment}}"),
                (f"ringward_ring_adoption_threshold_ratio{{{RING}}}", "threshold: {{ring}} {{environment}}"),
            ),
            unit="percentunit", min=0, max=1, overrides=[dashed],
        ),
        series(
            "Devices by class", "Every device of the chosen rings. Stalled ones did not move a day after their "
            "turn: the client says nothing about why, so look at the laptop (`warp-cli settings`). Too old ones need "
            "a client of 2026.6 by another way first.",
            queries((f"sum by (class) (ringward_ring_devices{{{RING}}})", "{{class}}")), stacked=True,
            overrides=colored(CLASSES), unit="short", min=0,
        ),
        series(
            "Stalled share against limit", "Laptops that are online and stay on their old version, as a share of those "
            "seen, without the acknowledged ones; dashed: above it the rollout halts. Rising: "
            "`ringward devices PLAN --class stalled` lists them.",
            queries(
                (f"ringward_ring_stalled_ratio{{{RING}}}", "{{ring}} {{environment}}"),
                (
                    f'ringward_ring_health_threshold_ratio{{{RING}, gate="stalled"}}',
                    "at most: {{ring}} {{environment}}",
                ),
            ),
            unit="percentunit", min=0, noValue="no ring is entered", overrides=[limit],
        ),
        series(
            "Dark excess against limit", "By how much more laptops fell silent after they arrived than in the rings "
            "not entered, at the newest look (one each evening); dashed: above it the rollout halts, if chance is "
            "ruled out. Rising: `ringward devices PLAN --dark` lists them.",
            queries(
                (f"ringward_ring_dark_excess_ratio{{{RING}}}", "{{ring}} {{environment}}"),
                (f'ringward_ring_health_threshold_ratio{{{RING}, gate="dark"}}', "at most: {{ring}} {{environment}}"),
            ),
            unit="percentunit", noValue="not evaluated yet, or too few laptops to compare with", overrides=[limit],
        ),
        table(
            "Gates", "What each gate of the current ring says. Only pass and exempt let it go on. Unknown for too "
            "long (6 h unless the plan says otherwise) halts. Values and thresholds: `ringward explain PLAN`.",
            f"ringward_gate_verdict{{{RING}}} == 1", ["ring", "gate", "verdict"],
            colored=[("verdict", VERDICTS)], noValue="no gate judges now",
        ),
        bars(
            "Adoption now", "The newest adoption of each ring and environment.",
            query(f"ringward_ring_adoption_ratio{{{RING}}}", "{{ring}} {{environment}}"),
            unit="percentunit", min=0, max=1, noValue="nobody seen yet",
            color={"mode": "thresholds"}, thresholds=steps(RED, (0.5, ORANGE), (0.9, GREEN)),
        ),
        bars(
            "What the time went to", "How long the plan's rollouts waited for people, machines, openings and "
            "freezes, from the log. Much `human`: approvals and pauses; much `opening`: the schedule is narrow.",
            query(f"sum by (kind) (ringward_wait_seconds_total{{{PLAN}}})", "{{kind}}"), unit="s", min=0,
            color={"mode": "palette-classic"},
        ),
        table(
            "Next openings", "When each ring that is not entered may be written for next. A ring without a row may "
            "be entered now, or is entered.",
            f"1000 * ringward_next_opening_timestamp_seconds{{{RING}}}", ["ring"], value="opens",
            unit="dateTimeAsIso", size=(8, 6), noValue="open now",
        ),
        table(
            "Adoption deadlines", "A ring that is not adopted by then halts the rollout; freezes, pauses and halts move the "
            "deadline. `ringward waive PLAN --gate adoption --reason …` goes on without it.",
            f"1000 * ringward_ring_adoption_deadline_timestamp_seconds{{{RING}}}", ["ring", "environment"],
            value="deadline", unit="dateTimeAsIso", size=(8, 6), noValue="no ring adopts",
        ),
        table(
            "Targets", "The client version that each ring shall have.",
            f"ringward_ring_target_info{{{RING}}}", ["ring", "environment", "version"], size=(8, 6),
        ),
        table(
            "Halts", "How often ringward halted each plan, by cause, counted from the log.",
            f"ringward_halts_total{{{PLAN}}}", ["cause"], value="halts", size=(12, 5), noValue="never",
        ),
        table(
            "Drift", "What somebody else did to the groups or laptops of a ring, and that halts the rollout or is to be "
            "written back. `ringward explain PLAN` shows what differs; `ringward resume PLAN --reason …` accepts it.",
            f"ringward_drift{{{RING}}} == 1", ["ring", "kind"], size=(12, 5), noValue="none",
        ),
        table(
            "Superseded offers", "What a rollout that was never completed still offers, until the ring is entered with "
            "what replaced it. `ringward rollback PLAN --ring R --reason …` takes it back now.",
            f"ringward_superseded_offer_devices{{{RING}}}", ["plan", "ring", "environment", "version"],
            value="devices", size=(12, 5), noValue="none",
        ),
        table(
            "Waiting approvals", "Rings that are ready but for people, and since when those are asked. Who is asked and "
            "who said what: `ringward explain PLAN`, or the plan's page.",
            f"ringward_approval_age_seconds{{{RING}}}", ["plan", "ring"], value="asked for", unit="s", size=(12, 5),
            noValue="nobody is waited for",
        ),
        table(
            "Rollbacks", "How often each plan was taken back, by what set it off, counted from the log. Who and why: "
            "`ringward history PLAN`.",
            f"ringward_rollbacks_total{{{PLAN}}} > 0", ["plan", "trigger"], value="rollbacks", size=(12, 5),
            noValue="never",
        ),
        table(
            "Blocked versions", "Versions that a rollback took back, and that no ring gets again until a person unblocks them: "
            "`ringward unblock PLAN --version V --reason …`.",
            f"ringward_held_out_info{{{RING}}}", ["ring", "environment", "version"], size=(12, 5), noValue="none",
        ),
    ]


def cloudflare():
    requests = "ringward_cloudflare_requests_total"
    bucket = "ringward_cloudflare_request_duration_seconds_bucket"
    latency = [
        (f"histogram_quantile({q}, sum by (le) (rate({bucket}{{{DAEMON}}}[$__rate_interval])))", f"p{int(q * 100)}")
        for q in (0.5, 0.95)
    ]
    return [
        series(
            "Requests by operation", "What is asked of Cloudflare. Sweeps dominate; they grow with the fleet.",
            queries((f"sum by (operation) (rate({requests}{{{DAEMON}}}[$__rate_interval]))", "{{operation}}")),
            unit="reqps", size=(8, 7), min=0,
        ),
        series(
            "Failed requests by code", "Answers that are not 2xx, and requests without an answer. 401 and 403: the "
            "token lost a right or was revoked. 429: somebody else spends the limit too. 5xx: Cloudflare; it is "
            "tried again by itself.",
            queries((f'sum by (code) (rate({requests}{{{DAEMON}, code!~"2.."}}[$__rate_interval]))', "{{code}}")),
            unit="reqps", size=(8, 7), min=0, noValue="none",
        ),
        series(
            "Latency", "Wall time of requests. The client gives up after 30 s.",
            queries(*latency), unit="s", size=(8, 7), min=0,
        ),
        series(
            "Budget left", "Requests left for five minutes. Writes keep a reserve; reads wait.",
            queries((f"ringward_cloudflare_budget_remaining{{{DAEMON}}}", "{{instance}}")), size=(8, 7), min=0,
        ),
        series(
            "Sweep age", "Age of the last look at the devices, and of the last look at all of them. While a rollout "
            "runs, the first stays below half an hour and the second below six.",
            queries(
                (f"ringward_sweep_age_seconds{{{DAEMON}}}", "any {{instance}}"),
                (f"ringward_full_sweep_age_seconds{{{DAEMON}}}", "full {{instance}}"),
            ),
            unit="s", size=(16, 7), min=0,
        ),
    ]


def daemon():
    return [
        series(
            "Records in the log", "The log only grows: some hundred records for a rollout. Steep growth is a fault; "
            "`ringward history PLAN` shows what repeats.",
            queries((f"ringward_events_total{{{DAEMON}}}", "{{instance}}")), size=(8, 7), unit="short",
        ),
        series(
            "Age of tick and decision", "The scheduler ticks every second and the daemon decides at least every "
            "minute. Ticks alone growing: plan files are not read again; restart the daemon.",
            queries(
                (
                    f"ringward_time_seconds{{{DAEMON}}} - ringward_scheduler_last_tick_timestamp_seconds{{{DAEMON}}}",
                    "tick {{instance}}",
                ),
                (
                    f"ringward_time_seconds{{{DAEMON}}} - ringward_last_decision_timestamp_seconds{{{DAEMON}}}",
                    "decision {{instance}}",
                ),
            ),
            unit="s", size=(8, 7), min=0,
        ),
        series(
            "Memory", "Memory in RAM. It follows the number of devices.",
            queries(
                (
                    f"process_resident_memory_bytes{{{DAEMON}}} and on (job, instance) ringward_build_info",
                    "{{instance}}",
                ),
            ),
            unit="bytes", size=(4, 7), min=0,
        ),
        series(
            "CPU", "Processor seconds per second.",
            queries(
                (
                    f"rate(process_cpu_seconds_total{{{DAEMON}}}[$__rate_interval]) and on (job, instance) "
                    "ringward_build_info", "{{instance}}",
                ),
            ),
            size=(4, 7), min=0,
        ),
        table(
            "Plan files with errors", "Errors in each file. `ringward check` on the plans directory shows them.",
            f"ringward_plan_errors{{{DAEMON}}}", ["file"], value="errors", size=(12, 5), noValue="none",
        ),
        table(
            "Faults", "Plans that a fault in ringward keeps from being decided. Nothing is written for them. Keep "
            "the database and the daemon's log, and report it.",
            f"ringward_plan_fault{{{DAEMON}}} == 1", ["plan"], size=(12, 5), noValue="none",
        ),
    ]


def dashboard():
    panels, y = [], 0
    rows = [(None, now()), ("Plan $plan", rings()), ("Cloudflare", cloudflare()), ("The daemon", daemon())]
    for title, group in rows:
        if title:
            row = {"type": "row", "title": title, "collapsed": False, "panels": [], "id": len(panels) + 1}
            repeat = {"repeat": "plan"} if "$plan" in title else {}
            panels.append(row | repeat | {"gridPos": {"h": 1, "w": 24, "x": 0, "y": y}})
            y += 1
        y = placed(group, len(panels) + 1, y)
        panels += group
    source = {
        "type": "datasource", "name": "datasource", "label": "Prometheus", "query": "prometheus", "refresh": 1,
        "hide": 0,
    }
    variables = [
        source,
        variable("instance", "Daemon", "label_values(ringward_build_info, instance)"),
        variable("plan", "Plan", f"label_values(ringward_rollout_phase{{{DAEMON}}}, plan)"),
        variable("ring", "Ring", f"label_values(ringward_ring_state{{{PLAN}}}, ring)"),
    ]
    return {
        "uid": "ringward", "title": "ringward", "tags": ["ringward"], "schemaVersion": 39, "version": 1,
        "editable": True,
        "description": "Rollouts of the Cloudflare One Client: is it healthy, is it moving, and why not.",
        "time": {"from": "now-7d", "to": "now"}, "refresh": "30s", "timezone": "browser", "graphTooltip": 1,
        "templating": {"list": variables}, "annotations": {"list": []}, "links": [], "panels": panels,
    }


def main():
    text = json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"
    if sys.argv[1:] == ["--check"]:
        if FILE.read_text(encoding="utf-8") != text:
            sys.exit(f"{FILE} is not what build.py writes; run dashboards/build.py")
    elif sys.argv[1:]:
        sys.exit(__doc__)
    else:
        FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
