#!/usr/bin/env python3
"""Asks a Prometheus everything that dashboard, documentation and alerts ask.

    ask.py URL healthy    a rollout that walks: each panel shows something, save for those that
                          show trouble, which must show nothing
    ask.py URL troubled   after trouble was made: those show something
    ask.py URL mended     and nothing again
    ask.py URL back       after a rollback: those that tell of one show something
    ask.py URL asking     people are asked: the panel that tells of it shows something

A panel may be asked for a while, since a rollout takes its time; it fails when that is over.
"""

import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).parents[2]
PATIENCE_SECONDS = 40
PLAN = "cloudflare-one-client"

# Panels that stay empty while all is well, and when they show something.
OF_TROUBLE = {
    "Paused and halted plans": "paused and halted",
    "Failing reads": "the account answers 503",
    "Halts": "halted",
    "Drift": "somebody deleted the ring's group",
    "Failed requests by code": "the account answers 503",
    "Plan files with errors": "a broken plan file",
}
# What has happened stays in sight: a counter from the log, and a range of time.
STAYS = {"Halts", "Failed requests by code"}
# Panels that stay empty until a rollback.
OF_ROLLBACK = {"Rollbacks", "Blocked versions"}
# Panels that stay empty until people are asked.
OF_PEOPLE = {"Waiting approvals"}
# Panels that no trouble from outside can fill.
OF_DEFECTS = {"Faults": "a plan that cannot be decided is a defect of ringward"}
# Panels that need days of the fleet, more than this suite walks: asked, whatever the answer.
LATER = {
    "Dark excess against limit": "the first look is taken on the evening after the first arrivals",
    "Superseded offers": "a newer target has to overtake a second ring, after the soak of the first",
}
# Panels that show something only at a certain time, all of which the healthy walk goes through.
PASSING = {"Adoption deadlines", "Next openings", "Earliest move"}


class Prometheus:
    def __init__(self, url):
        self.url = url

    def get(self, path, **arguments):
        query = urllib.parse.urlencode(arguments, doseq=True)
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            sys.exit(f"{path} {arguments}: {json.load(error)['error']}")

    def values(self, expr, *, instant, began):
        """How many numbers come back."""
        now = time.time()
        if instant:
            return sum(sample["value"][1] != "NaN" for sample in self.get("query", query=expr, time=now)["result"])
        found = self.get("query_range", query=expr, start=began, end=now, step="1s")["result"]
        return sum(value != "NaN" for series in found for _, value in series["values"])


def variables(dashboard, prometheus):
    """The values of the template variables, asked for as Grafana asks."""
    found = {}
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "datasource":
            continue
        selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
        found[variable["name"]] = prometheus.get(f"label/{label}/values", **{"match[]": substituted(selector, {})})
    return found


def substituted(expr, chosen):
    """The query with its variables; one that is not chosen is All."""
    expr = expr.replace("$__rate_interval", "10s")
    expr = re.sub(r"\$(instance|plan|ring)\b", lambda name: chosen.get(name[1], ".*"), expr)
    assert "$" not in expr, f"a variable is left in {expr}"
    return expr


def selections(known):
    """All of everything, and each variable's first value by itself."""
    first = {name: re.escape(values[0]).replace("\\", "\\\\") for name, values in known.items()}
    return [{}, first | {"ring": "|".join(known["ring"])}]


def check_variables(known):
    assert len(known["instance"]) == 1, known
    assert known["plan"] == [PLAN], known
    assert known["ring"] == ["Early adopters", "Engineering", "Everyone"], known


def until(prometheus, panels, known, wanted, began):
    """Asks until each query of each panel has, or has no, values. Says what is left in the end."""
    open_questions = [
        (panel["title"], target["expr"], target["instant"], chosen)
        for panel in panels
        for target in panel["targets"]
        for chosen in selections(known)
    ]
    number = len(open_questions)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while open_questions:
        open_questions = [
            (title, expr, instant, chosen)
            for title, expr, instant, chosen in open_questions
            if bool(prometheus.values(substituted(expr, chosen), instant=instant, began=began)) != wanted
        ]
        if open_questions and time.monotonic() > deadline:
            for title, expr, _, chosen in open_questions:
                print(f"{title} has {'nothing' if wanted else 'something'}: {substituted(expr, chosen)}")
            sys.exit(1)
        time.sleep(0.3)
    return number


def taken(prometheus, panels, known, began):
    """Asks each query once: Prometheus takes it."""
    questions = [(target, chosen) for panel in panels for target in panel["targets"] for chosen in selections(known)]
    for target, chosen in questions:
        prometheus.values(substituted(target["expr"], chosen), instant=target["instant"], began=began)
    return len(questions)


def check_examples(prometheus):
    """The examples of the documentation are queries that Prometheus takes."""
    rows = [row for row in (ROOT / "docs" / "metrics.md").read_text().splitlines() if row.startswith("| `")]
    for row in rows:
        prometheus.get("query", query=row.strip("| ").split("|")[-1].strip(" `"))
    return len(rows)


def check_rules(prometheus, firing, quiet):
    """Every rule can be evaluated; some alerts fire by now, others do not."""
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 15, rules
    for rule in rules:
        assert rule["health"] == "ok", f"{rule['name']}: {rule.get('lastError')}"
    state = {rule["name"]: rule["state"] for rule in rules}
    missing = [name for name in firing if state[name] != "firing"]
    loud = [name for name in quiet if state[name] == "firing"]
    return missing + loud


def first_scrape(prometheus):
    """When the first sample was taken. A subquery sees whole seconds only, so it may come a little later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        query = "min_over_time(timestamp(ringward_build_info)[1h:1s])"
        if found := prometheus.get("query", query=query)["result"]:
            return float(found[0]["value"][1])
        time.sleep(0.3)
    sys.exit("nothing was scraped")


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in ("healthy", "troubled", "mended", "back", "asking"):
        sys.exit(__doc__)
    prometheus, phase = Prometheus(sys.argv[1]), sys.argv[2]
    dashboard = json.loads((ROOT / "dashboards" / "ringward.json").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    titles = {panel["title"] for panel in panels}
    for name in [*OF_TROUBLE, *STAYS, *OF_DEFECTS, *LATER, *PASSING, *OF_ROLLBACK, *OF_PEOPLE]:
        assert name in titles, f"there is no panel `{name}`"
    began = first_scrape(prometheus)
    known = variables(dashboard, prometheus)
    check_variables(known)

    troubled = [panel for panel in panels if panel["title"] in OF_TROUBLE]
    defects = [panel for panel in panels if panel["title"] in OF_DEFECTS]
    later = [panel for panel in panels if panel["title"] in LATER]
    back = [panel for panel in panels if panel["title"] in OF_ROLLBACK]
    people = [panel for panel in panels if panel["title"] in OF_PEOPLE]
    apart = [*troubled, *defects, *later, *back, *people]
    calm = [panel for panel in panels if panel not in apart]
    asked = taken(prometheus, later, known, began)
    if phase == "healthy":
        asked += until(prometheus, calm, known, True, began)
        asked += until(prometheus, troubled, known, False, began)
        asked += check_examples(prometheus)
    elif phase == "troubled":
        asked += until(prometheus, troubled, known, True, began)
    elif phase == "mended":
        stays = [panel for panel in troubled if panel["title"] in STAYS]
        asked += until(prometheus, [panel for panel in troubled if panel not in stays], known, False, began)
        asked += until(prometheus, stays, known, True, began)
        asked += until(prometheus, [panel for panel in calm if panel["title"] not in PASSING], known, True, began)
    # What was released, and whose rollout is finished, is out of sight again.
    if phase != "asking":
        asked += until(prometheus, back, known, phase == "back", began)
    asked += until(prometheus, people, known, phase == "asking", began)
    asked += until(prometheus, defects, known, False, began)

    halted = ["RingwardHalted"]
    wrong = ["-"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while wrong and time.monotonic() < deadline:
        wrong = check_rules(prometheus, *((halted, []) if phase == "troubled" else ([], halted)))
        time.sleep(0.3)
    assert not wrong, f"{phase}: not as they should be: {wrong}"
    print(f"{phase}: {asked} queries answered as they should be")


if __name__ == "__main__":
    main()
