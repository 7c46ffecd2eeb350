"""The shapes of Grafana's panels, with what all panels of a kind have in common.

Grafana's own types check what comes out (tests/dashboards/panels.ts).
"""

SOURCE = {"type": "prometheus", "uid": "${datasource}"}

GREEN, ORANGE, RED, BLUE, GREY, PURPLE, YELLOW = "green", "orange", "red", "blue", "#8e8e8e", "purple", "yellow"


def query(expr, legend="", *, table=False, instant=True, ref="A"):
    target = {"refId": ref, "datasource": SOURCE, "expr": expr, "instant": instant, "range": not instant}
    target["format"] = "table" if table else "time_series"
    if legend:
        target["legendFormat"] = legend
    return target


def queries(*pairs):
    """Queries over time, each with its legend."""
    return [query(expr, legend, instant=False, ref=chr(ord("A") + at)) for at, (expr, legend) in enumerate(pairs)]


def values(words, *, of=None):
    """Words with their colours, as a value mapping; `of` numbers them."""
    options = {
        str(of(at) if of else word): {"text": word, "color": color, "index": at}
        for at, (word, color) in enumerate(words)
    }
    return [{"type": "value", "options": options}]


def steps(first, *rest):
    """Thresholds: the colour from the beginning, then (value, colour)."""
    found = [{"color": first, "value": None}] + [{"color": color, "value": value} for value, color in rest]
    return {"mode": "absolute", "steps": found}


def panel(kind, title, description, targets, options, *, unit=None, size, custom=None, overrides=(), **defaults):
    fields = {"custom": custom or {}, **defaults}
    if unit:
        fields["unit"] = unit
    return {
        "type": kind, "title": title, "description": description, "datasource": SOURCE, "targets": targets,
        "options": options, "fieldConfig": {"defaults": fields, "overrides": list(overrides)},
        "gridPos": {"w": size[0], "h": size[1]},
    }


def stat(title, description, target, *, names=False, size=(3, 4), **rest):
    options = {
        "colorMode": "background" if not names else "value", "graphMode": "none", "justifyMode": "center",
        "textMode": "name" if names else "auto", "wideLayout": False, "orientation": "horizontal",
        "percentChangeColorMode": "standard", "showPercentChange": False,
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    color = {"mode": "thresholds"}
    return panel("stat", title, description, [target], options, size=size, **{"color": color, **rest})


def series(title, description, targets, *, size=(12, 8), stacked=False, **rest):
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
    options = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    custom = {"drawStyle": "line", "lineWidth": 2, "fillOpacity": 60 if stacked else 0, "showPoints": "never"}
    if stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    rest.setdefault("color", {"mode": "palette-classic"})
    return panel("timeseries", title, description, targets, options, size=size, custom=custom, **rest)


def table(title, description, expr, columns, *, size=(12, 8), value=None, colored=(), **rest):
    """A row for each series. `columns` are its labels, in order; `value` names the value's column."""
    hidden = {"Time", "__name__", "instance", "job", "plan"} - set(columns) | (set() if value else {"Value"})
    organize = {
        "excludeByName": {name: True for name in sorted(hidden)},
        "indexByName": {name: at for at, name in enumerate(list(columns) + ["Value"])},
        "renameByName": {"Value": value} if value else {},
        "includeByName": {},
    }
    overrides = [
        {
            "matcher": {"id": "byName", "options": column},
            "properties": [
                {"id": "custom.cellOptions", "value": {"type": "color-background", "mode": "basic"}},
                {"id": "mappings", "value": values(words)},
            ],
        }
        for column, words in colored
    ]
    by_first = [{"displayName": columns[0], "desc": False}]
    options = {"showHeader": True, "cellHeight": "sm", "frameIndex": 0, "sortBy": by_first}
    custom = {"align": "left", "cellOptions": {"type": "auto"}, "inspect": False}
    found = panel(
        "table", title, description, [query(expr, table=True)], options, size=size, custom=custom,
        overrides=overrides, **rest,
    )
    found["transformations"] = [{"id": "organize", "options": organize}]
    return found


def bars(title, description, target, *, size=(6, 8), **rest):
    options = {
        "displayMode": "basic", "orientation": "horizontal", "valueMode": "color", "showUnfilled": True,
        "namePlacement": "auto", "sizing": "auto", "minVizWidth": 8, "minVizHeight": 16, "maxVizHeight": 300,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False, "calcs": []},
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
    return panel("bargauge", title, description, [target], options, size=size, **rest)


def colored(words):
    """Fixed colours for series that are named by these words."""
    return [
        {
            "matcher": {"id": "byName", "options": word},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }
        for word, color in words
    ]


def variable(name, label, expr):
    return {
        "type": "query", "name": name, "label": label, "datasource": SOURCE, "refresh": 2, "sort": 1,
        "query": {"query": expr, "refId": f"variable-{name}"}, "includeAll": True, "multi": True,
        "allValue": ".*", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}, "hide": 0,
    }


def placed(panels, first_id, y):
    """Gives panels their places, from the left to the right and in rows as high as their highest."""
    x = height = 0
    for at, one in enumerate(panels):
        place = one["gridPos"]
        if x + place["w"] > 24:
            x, y, height = 0, y + height, 0
        place["x"], place["y"] = x, y
        one["id"] = first_id + at
        x, height = x + place["w"], max(height, place["h"])
    return y + height
