#!/usr/bin/env python3
"""Writes dashboards/ringward.json as TypeScript values with their types (see panels.ts).

After them follow values that are wrong on purpose: `@ts-expect-error` makes the compiler fail on
each that it would let pass.
"""

import copy
import json
import pathlib
import sys

DASHBOARD = pathlib.Path(__file__).parents[2] / "dashboards" / "ringward.json"


def value(name, kind, what, *, wrong=False):
    if wrong:
        print("// @ts-expect-error")
    # On one line, because the comment above speaks for one line.
    print(f"export const {name}: {kind} = {json.dumps(what, ensure_ascii=False)};")


def kind_of(panel):
    return "TypedRow" if panel["type"] == "row" else f"TypedPanel<{json.dumps(panel['type'])}>"


def put(path, new):
    """A change: sets what stands at `path`; `None` takes it away."""

    def change(panel):
        *parents, last = path
        for key in parents:
            panel = panel[key]
        if new is None:
            del panel[last]
        else:
            panel[last] = new

    return change


WRONG = [
    ("stat", "an option's value", put(["options", "colorMode"], "sparkly")),
    ("stat", "an option's name", put(["options", "textmode"], "auto")),
    ("stat", "an option is missing", put(["options", "reduceOptions"], None)),
    ("stat", "a description is missing", put(["description"], None)),
    ("stat", "thresholds", put(["fieldConfig", "defaults", "thresholds", "mode"], "relative")),
    ("stat", "a field that the panel does not have", put(["fieldConfig", "defaults", "custom", "lineWidth"], 2)),
    ("timeseries", "deep in an option", put(["options", "legend", "placement"], "middle")),
    ("timeseries", "a field's value", put(["fieldConfig", "defaults", "custom", "drawStyle"], "crayon")),
    ("timeseries", "a query without a name", put(["targets", 0, "refId"], None)),
    ("timeseries", "a query of no kind", put(["targets", 0, "format"], "matrix")),
    ("table", "a cell", put(["fieldConfig", "defaults", "custom", "cellOptions", "type"], "rainbow")),
    ("table", "a place", put(["gridPos", "w"], "wide")),
    ("state-timeline", "a value's visibility", put(["options", "showValue"], "sometimes")),
    ("bargauge", "a mode", put(["options", "displayMode"], "retro")),
    ("bargauge", "another panel's type", put(["type"], "graph")),
]


def main():
    if sys.argv[1:]:
        sys.exit(__doc__)
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    panels = dashboard.pop("panels")
    print("import type { TypedDashboard, TypedPanel, TypedRow } from './panels';")
    value("dashboard", "TypedDashboard", dashboard)
    for panel in panels:
        value(f"panel{panel['id']}", kind_of(panel), panel)
    for at, (kind, what, change) in enumerate(WRONG):
        panel = copy.deepcopy(next(panel for panel in panels if panel["type"] == kind))
        of = kind_of(panel)
        change(panel)
        print(f"// {kind}: {what}")
        value(f"wrong{at}", of, panel, wrong=True)
    value("wrongDashboard", "TypedDashboard", dashboard | {"time": {"from": 7, "to": "now"}}, wrong=True)
    print(f"{len(panels)} panels, {len(WRONG) + 1} wrong values", file=sys.stderr)


if __name__ == "__main__":
    main()
