"""Decisions over HTTP: the answer of a dry run, sent back as it is, is what the verb takes."""

import json
import sys
import urllib.error
import urllib.request

address, plan = sys.argv[1:]


def post(verb, body):
    path = f"/api/v1/{verb}" if verb in ("start", "stop") else f"/api/v1/rollouts/{plan}/{verb}"
    data = json.dumps({"reason": "a decision"} | body).encode()
    request = urllib.request.Request(address + path, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


post("start", {})
post("pause", {})
status, now = post("resume", {"dry_run": True})
assert status == 200 and now["seen"]["findings"] and now["lines"], (status, now)
read = {"revision": now["revision"], "seen": now["seen"]}
status, told = post("resume", {})
assert status == 409 and "you have read" in told["detail"], (status, told)
old = read | {"revision": "0" * 64}
status, told = post("resume", old)
assert status == 409 and "revision in force" in told["detail"], (status, told)
status, told = post("resume", read | {"seen": {"rings": {}, "findings": []}})
assert status == 409 and "new since" in told["detail"], (status, told)
status, told = post("resume", read)
assert status == 200, (status, told)
status, told = post("resume", read)
assert status == 409 and "neither paused nor halted" in told["detail"], (status, told)
print("ok: a decision takes what its dry run answers, and nothing else")
