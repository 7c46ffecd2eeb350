"""Cloudflare's own Python SDK against the sandbox, and ringward's counts against the SDK's.

`tests/sdk/run` calls it for one part after the other, and sets the environment:
  SANDBOX          http://127.0.0.1:PORT
  ACCOUNT, TOKEN   of the sandbox
  RINGWARD         http://127.0.0.1:PORT of a daemon with the plan below (part `counts`)
"""

import collections
import datetime
import json
import os
import re
import sys
import time
import traceback
import urllib.request

import cloudflare

SANDBOX, RINGWARD = os.environ["SANDBOX"], os.environ.get("RINGWARD")
ACCOUNT = os.environ["ACCOUNT"]
PLAN = "counted"
# The rings of the plan in `tests/sdk/run`, and their targets.
RINGS = {"First": ["Engineering"], "Rest": ["IT", "Support", "Sales", "default"]}
TARGET = "2026.8.2100.0"
UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

# No retries: an answer that the SDK would ask for again is a failure here.
client = cloudflare.Cloudflare(api_token=os.environ["TOKEN"], base_url=f"{SANDBOX}/client/v4", max_retries=0)
devices_api = client.zero_trust.devices
groups_api = devices_api.deployment_groups
user_groups_api = client.iam.user_groups


def instant(text):
    """RFC 3339 with up to nine digits; Python reads six."""
    whole, fraction = re.fullmatch(r"([^.Z]+)(?:\.(\d{1,9}))?Z", text).groups()
    nanos = int((fraction or "").ljust(9, "0") or 0)
    seconds = datetime.datetime.fromisoformat(whole + "+00:00").timestamp()
    return int(seconds) * 10**9 + nanos


def ask(url, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def journal():
    return ask(f"{SANDBOX}/sandbox/requests")["requests"]


def all_devices(**query):
    return list(devices_api.devices.list(account_id=ACCOUNT, include="last_seen_registration.policy", **query))


def equal(found, expected, what=""):
    assert found == expected, f"{what}: found {found!r}, expected {expected!r}"


def refused(status, call):
    try:
        call()
    except cloudflare.APIStatusError as error:
        equal(error.status_code, status, str(error))
        body = error.response.json()
        equal((body["success"], body["result"]), (False, None))
        assert body["errors"][0]["message"], body
        return
    raise AssertionError(f"was not refused with {status}")


def the_profiles():
    profiles = list(devices_api.policies.custom.list(account_id=ACCOUNT))
    equal([profile.name for profile in profiles], ["Engineering", "IT", "Support", "Sales"])
    for profile in profiles:
        assert UUID.match(profile.policy_id), profile
        equal((profile.default, profile.enabled, profile.allow_updates), (False, True, False), profile.name)
        equal((profile.profile_type, profile.description), ("warp", ""), profile.name)
        equal(profile.match, f'any(identity.groups.name[*] in {{"{profile.name.lower()}"}})')
    order = [profile.precedence for profile in profiles]
    equal(order, sorted(set(order)), "precedence")
    default = devices_api.policies.default.get(account_id=ACCOUNT)
    equal((default.default, default.enabled), (True, True))


def a_group_lives_and_dies():
    profiles = [profile.policy_id for profile in devices_api.policies.custom.list(account_id=ACCOUNT)]
    mine = profiles[1:3]
    made = groups_api.create(
        account_id=ACCOUNT,
        name="Made by the SDK",
        version_config=[
            {"target_environment": "windows", "version": "2026.7.1376.0"},
            {"target_environment": "macos", "version": "2026.6.880.0"},
        ],
        policy_ids=mine,
    )
    assert UUID.match(made.id), made
    equal(made.name, "Made by the SDK")
    equal(made.policy_ids, mine)
    pairs = [(one.target_environment, one.version) for one in made.version_config]
    equal(pairs, [("windows", "2026.7.1376.0"), ("macos", "2026.6.880.0")])
    equal(instant(made.created_at), instant(made.updated_at))
    equal(groups_api.get(made.id, account_id=ACCOUNT), made, "get after create")

    # A key that is left out is untouched; an array is replaced whole.
    renamed = groups_api.edit(made.id, account_id=ACCOUNT, name="Renamed")
    equal((renamed.name, renamed.policy_ids, renamed.version_config), ("Renamed", mine, made.version_config))
    equal((renamed.id, renamed.created_at), (made.id, made.created_at))
    assert instant(renamed.updated_at) > instant(made.updated_at), renamed
    one = groups_api.edit(
        made.id,
        account_id=ACCOUNT,
        policy_ids=mine[:1],
        version_config=[{"target_environment": "windows", "version": TARGET}],
    )
    equal((one.name, one.policy_ids), ("Renamed", mine[:1]))
    equal([(entry.target_environment, entry.version) for entry in one.version_config], [("windows", TARGET)])
    equal(groups_api.get(made.id, account_id=ACCOUNT), one, "get after edit")

    refused(409, lambda: groups_api.create(
        account_id=ACCOUNT, name="Takes a profile", policy_ids=mine[:1],
        version_config=[{"target_environment": "windows", "version": TARGET}]))
    refused(400, lambda: groups_api.create(account_id=ACCOUNT, name="", version_config=[]))
    equal(groups_api.delete(made.id, account_id=ACCOUNT).id, made.id)
    refused(404, lambda: groups_api.get(made.id, account_id=ACCOUNT))
    refused(404, lambda: groups_api.edit(made.id, account_id=ACCOUNT, name="Gone"))
    refused(404, lambda: groups_api.delete(made.id, account_id=ACCOUNT))


def groups_come_in_pages():
    before = [group.id for group in groups_api.list(account_id=ACCOUNT)]
    made = [
        groups_api.create(
            account_id=ACCOUNT, name=f"Page {number}",
            version_config=[{"target_environment": "macos", "version": f"2026.8.{number}.0"}])
        for number in range(7)
    ]
    try:
        # Without policies an answer may say null (SPEC), which the SDK reads as None.
        assert all(group.policy_ids in (None, []) for group in made), made
        for size in (1, 3, 8, 100):
            listed = list(groups_api.list(account_id=ACCOUNT, per_page=size))
            ours = [group for group in listed if group.id not in before]
            equal(ours, made, f"pages of {size}")
            equal(len({group.id for group in listed}), len(listed), f"pages of {size}")
        page = groups_api.list(account_id=ACCOUNT, page=2, per_page=3)
        info = page.result_info
        equal((info.page, info.per_page, info.count), (2, 3, len(page.result)))
        refused(400, lambda: groups_api.list(account_id=ACCOUNT, per_page=101))
    finally:
        for group in made:
            groups_api.delete(group.id, account_id=ACCOUNT)
    equal([group.id for group in groups_api.list(account_id=ACCOUNT)], before)


def devices_come_in_pages():
    summary = ask(f"{SANDBOX}/sandbox/fleet")
    listed = all_devices(active_registrations="include")
    equal(len(listed), summary["devices"])
    ids = [device.id for device in listed]
    equal(ids, sorted(set(ids)), "each once, by ID")
    for size in (7, 100):
        equal([device.id for device in all_devices(active_registrations="include", per_page=size)], ids, str(size))
    asked = [row for row in journal() if row["operation"] == "list-devices" and "per_page=7&" in row["query"]]
    assert len(asked) > 1 and "cursor=" in asked[-1]["query"], "the SDK followed the cursor"

    profiles = {profile.policy_id: profile.name for profile in devices_api.policies.custom.list(account_id=ACCOUNT)}
    found = collections.Counter()
    for device in listed:
        assert device.name and device.created_at and device.updated_at, device
        assert isinstance(device.tags, dict) and device.active_registrations >= 0, device
        assert device.deleted_at is None, device
        if device.last_seen_at is None:
            assert device.last_seen_registration is None, device
            continue
        policy = device.last_seen_registration.policy
        equal(policy.name, profiles.get(policy.id, "default" if policy.default else None), device.id)
        equal((policy.default, policy.deleted), (policy.id not in profiles, False), device.id)
        instant(policy.updated_at)
        assert instant(device.last_seen_at) >= instant(device.created_at), device
        found[policy.name, device.device_type] += 1
    # The sandbox's own account of its fleet, which also counts devices that were never seen.
    for (profile, kind), count in found.items():
        assert count <= sum(summary["profiles"][profile][kind].values()), (profile, kind, count)
    unseen = sum(device.last_seen_at is None for device in listed)
    equal(sum(found.values()) + unseen, summary["devices"])

    without = list(devices_api.devices.list(account_id=ACCOUNT, per_page=100))
    assert all(device.last_seen_registration is None or device.last_seen_registration.policy is None for device in without)
    one = devices_api.devices.get(ids[0], account_id=ACCOUNT)
    equal((one.id, one.name, one.device_type), (ids[0], listed[0].name, listed[0].device_type))
    refused(404, lambda: devices_api.devices.get("00000000-0000-4000-8000-000000000000", account_id=ACCOUNT))


def devices_are_filtered():
    listed = all_devices()
    two = [listed[0].id, listed[3].id]
    equal([device.id for device in all_devices(id=two)], two)
    cut = sorted(device.last_seen_at for device in listed if device.last_seen_at)[len(listed) // 2]
    later = {device.id for device in listed if device.last_seen_at and instant(device.last_seen_at) > instant(cut)}
    # Devices go on checking in meanwhile: later ones can be more, never fewer.
    assert later <= {device.id for device in all_devices(seen_after=cut)}
    named = all_devices(search=listed[0].name)
    assert listed[0].id in [device.id for device in named]
    email = listed[0].last_seen_user.email
    mailed = all_devices(last_seen_user={"email": email})
    assert listed[0].id in [device.id for device in mailed]
    equal({device.last_seen_user.email for device in mailed}, {email})
    backwards = all_devices(sort_by="id", sort_order="desc")
    equal([device.id for device in backwards], sorted((device.id for device in listed), reverse=True))


def the_sdks_profile_filter_is_ignored():
    """SDK 5.9.0 leaves `.id` out of the parameter's name: the account sees no filter."""
    engineering = next(iter(devices_api.policies.custom.list(account_id=ACCOUNT))).policy_id
    everybody = {device.id for device in all_devices()}
    filtered = {device.id for device in all_devices(last_seen_registration={"policy": engineering})}
    spelt_out = all_devices(extra_query={"last_seen_registration.policy.id": engineering})
    assert 0 < len(spelt_out) < len(everybody), "the name that SPEC has is honoured"
    equal({device.last_seen_registration.policy.id for device in spelt_out}, {engineering})
    query = [row for row in journal() if "registration.policy=" in row["query"]][-1]["query"]
    assert f"last_seen_registration.policy={engineering}" in query, query
    equal(filtered, everybody)


def a_wrong_token_is_refused():
    other = cloudflare.Cloudflare(api_token="cfut_wrong", base_url=client.base_url, max_retries=0)
    refused(403, lambda: other.zero_trust.devices.deployment_groups.list(account_id=ACCOUNT))
    refused(403, lambda: groups_api.list(account_id="0" * 32))


def by_hand(route, body):
    return ask(f"{SANDBOX}/sandbox/user_groups{route}", body)["user_groups"]


def sandbox_groups():
    """What the sandbox itself says of its User Groups."""
    return {group["name"]: group for group in ask(f"{SANDBOX}/sandbox/user_groups")["user_groups"]}


def user_groups_come_in_pages():
    known = sandbox_groups()
    listed = list(user_groups_api.list(account_id=ACCOUNT))
    equal([group.name for group in listed], sorted(known))
    for group in listed:
        equal((group.id, group.created_on.tzinfo is not None), (known[group.name]["id"], True), group.name)
        equal(user_groups_api.get(group.id, account_id=ACCOUNT).name, group.name)
    approvers, team = listed[1], listed[0]
    equal((approvers.name, known[team.name]["scim"], team.policies), ("Release Approvers", True, []))
    (policy,) = approvers.policies
    equal((policy.access, policy.permission_groups[0].name), ("allow", "Cloudflare Zero Trust Read Only"))
    equal(policy.permission_groups[0].meta.editable, "false")
    equal(policy.resource_groups[0].scope.key, f"com.cloudflare.api.account.{ACCOUNT}")
    equal([one.key for one in policy.resource_groups[0].scope.objects], ["*"])
    for number in range(5):
        by_hand("", {"name": f"Page {number}"})
    try:
        names = sorted(sandbox_groups())
        for size in (1, 3, 7, 500):
            found = [group.name for group in user_groups_api.list(account_id=ACCOUNT, per_page=size)]
            equal(found, names, f"pages of {size}")
        down = [group.name for group in user_groups_api.list(account_id=ACCOUNT, direction="desc")]
        equal(down, names[::-1])
        named = user_groups_api.list(account_id=ACCOUNT, name="Endpoint Team")
        equal([group.name for group in named], ["Endpoint Team"])
        refused(400, lambda: user_groups_api.list(account_id=ACCOUNT, per_page=501))
        refused(404, lambda: user_groups_api.get("0" * 32, account_id=ACCOUNT))
    finally:
        for number in range(5):
            by_hand("/remove", {"group": f"Page {number}"})


def members_come_in_pages():
    members = user_groups_api.members
    for name, group in sandbox_groups().items():
        found = list(members.list(group["id"], account_id=ACCOUNT))
        told = {None if one["status"] == "untold" else one["status"] for one in group["members"]}
        equal(sorted(one.email or "" for one in found), sorted(one["email"] or "" for one in group["members"]), name)
        equal({one.status for one in found}, told, name)
        assert all(len(one.id) == 32 for one in found), name
    everybody = [{"email": f"p{number:03}@example.com"} for number in range(230)]
    by_hand("", {"name": "Everybody", "members": everybody})
    group = sandbox_groups()["Everybody"]["id"]
    try:
        for size in (100, 500, 33):
            found = [one.email for one in members.list(group, account_id=ACCOUNT, per_page=size)]
            equal(found, [one["email"] for one in everybody], f"pages of {size}")
        some = [one.email for one in members.list(group, account_id=ACCOUNT, fuzzy_email="P00")]
        equal(some, [f"p{number:03}@example.com" for number in range(10)])
        # Membership that changes between two reads.
        by_hand("/members", {"group": group, "members": everybody[:2]})
        first, _ = members.list(group, account_id=ACCOUNT)
        members.delete(first.id, account_id=ACCOUNT, user_group_id=group)
        equal([one.email for one in members.list(group, account_id=ACCOUNT)], [everybody[1]["email"]])
    finally:
        by_hand("/remove", {"group": group})
    pushed = sandbox_groups()["Endpoint Team"]["id"]
    refused(400, lambda: members.delete(first.id, account_id=ACCOUNT, user_group_id=pushed))
    refused(400, lambda: user_groups_api.update(pushed, account_id=ACCOUNT, name="Mine"))
    refused(400, lambda: user_groups_api.delete(pushed, account_id=ACCOUNT))


def permission_groups_come_in_pages():
    listed = list(client.iam.permission_groups.list(account_id=ACCOUNT))
    equal(len({role.id for role in listed}), len(listed))
    assert len(listed) > 50, "more than the largest page"
    for size in (5, 20, 50):
        found = list(client.iam.permission_groups.list(account_id=ACCOUNT, per_page=size))
        equal([role.id for role in found], [role.id for role in listed], f"pages of {size}")
    (role,) = client.iam.permission_groups.list(account_id=ACCOUNT, name="Cloudflare Zero Trust")
    equal((role.meta.label, role.meta.scopes), ("cloudflare_zero_trust", "com.cloudflare.api.account"))
    equal(client.iam.permission_groups.get(role.id, account_id=ACCOUNT).name, role.name)
    resources = list(client.iam.resource_groups.list(account_id=ACCOUNT))
    equal([one.key for one in resources[0].scope.objects], ["*"])

    # The SDK has the spec's form of a policy alone: it names the policy and a resource group by ID.
    approvers = sandbox_groups()["Release Approvers"]["id"]
    (before,) = user_groups_api.get(approvers, account_id=ACCOUNT).policies
    policy = {"id": before.id, "access": "deny", "permission_groups": [{"id": role.id}],
              "resource_groups": [{"id": resources[0].id}]}
    after = user_groups_api.update(approvers, account_id=ACCOUNT, policies=[policy])
    equal((after.policies[0].access, after.policies[0].permission_groups[0].id), ("deny", role.id))
    equal(user_groups_api.update(approvers, account_id=ACCOUNT, policies=[]).policies, [])


def in_rings(devices):
    """The devices that ringward counts, by ring and environment, and which of them report the target."""
    ring_of = {profile: ring for ring, profiles in RINGS.items() for profile in profiles}
    seen = [device for device in devices if device.last_seen_registration]
    found, arrived = collections.defaultdict(set), collections.defaultdict(set)
    for device in seen:
        policy = device.last_seen_registration.policy
        place = (ring_of["default" if policy.default else policy.name],
                 {"windows": "windows", "mac": "macos"}.get(device.device_type, "other"))
        found[place].add(device.id)
        if device.client_version == TARGET:
            arrived[place].add(device.id)
    return found, arrived


def ringward_counts_right():
    """Every device list of the account ignores its filters, and ringward asks with them: the counts hold."""
    until = time.monotonic() + 120
    while True:
        before, arrived_before = in_rings(all_devices())
        rollout = ask(f"{RINGWARD}/api/v1/rollouts/{PLAN}")
        ignored = [row for row in journal()
                   if row["fault"] == "filter_ignored" and "last_seen_registration.policy.id=" in row["query"]]
        first = rollout["rings"][0]
        arrived = sum(counts["arrived"] for counts in (first["classes"] or {}).values())
        if len(ignored) >= 3 and first["state"] in ("adopting", "soaking") and arrived > 0:
            break
        assert time.monotonic() < until, f"no ignored filter while the ring adopts: {len(ignored)} {first}"
        time.sleep(0.2)
    after, arrived_after = in_rings(all_devices())
    equal(before, after, "no device moved between profiles")
    for ring in rollout["rings"]:
        assert ring["classes"], f"{ring['name']} is not counted"
        for environment, counts in ring["classes"].items():
            place = (ring["name"], environment)
            equal(sum(counts.values()), len(before[place]), place)
            equal(counts["left"], 0, place)
            # A count is as old as the sweep behind it, and a device may have arrived since then.
            assert counts["arrived"] <= len(arrived_after[place]), (place, counts, arrived_after[place])
    page, listed = 0, collections.defaultdict(set)
    while page is not None:
        answer = ask(f"{RINGWARD}/api/v1/rollouts/{PLAN}/devices?limit=1000&offset={page}")
        for device in answer["devices"]:
            listed[device["ring"], device["environment"] or "other"].add(device["id"])
        page = answer["next"]
    equal({place: ids for place, ids in listed.items() if ids}, {place: ids for place, ids in before.items() if ids})
    in_first = sum(len(ids) for (ring, _), ids in before.items() if ring == "First")
    print(f"    {len(ignored)} ignored filters; {arrived} of {in_first} devices of the first ring arrived")


def ignore_filters():
    """From here on no device list honours a filter, whoever asks."""
    fault = {"operation": "list-devices", "kind": "filter_ignored", "times": 1_000_000}
    equal(len(ask(f"{SANDBOX}/sandbox/faults", [fault])), 1)
    everybody, engineering = all_devices(), next(iter(devices_api.policies.custom.list(account_id=ACCOUNT))).policy_id
    spelt_out = all_devices(extra_query={"last_seen_registration.policy.id": engineering})
    equal({device.id for device in spelt_out}, {device.id for device in everybody})


PARTS = {
    "account": [
        the_profiles,
        a_group_lives_and_dies,
        groups_come_in_pages,
        devices_come_in_pages,
        devices_are_filtered,
        the_sdks_profile_filter_is_ignored,
        user_groups_come_in_pages,
        members_come_in_pages,
        permission_groups_come_in_pages,
        a_wrong_token_is_refused,
        ignore_filters,
    ],
    "counts": [ringward_counts_right],
}


def main():
    equal(cloudflare.__version__, "5.9.0", "the SDK")
    (part,) = sys.argv[1:]
    failed = 0
    for check in PARTS[part]:
        try:
            check()
            print(f"passed: {check.__name__}", flush=True)
        except Exception:
            failed += 1
            print(f"FAILED: {check.__name__}\n{traceback.format_exc()}", flush=True)
    word = "FAILED" if failed else "ok"
    print(f"test result: {word}. {len(PARTS[part]) - failed} passed; {failed} failed")
    sys.exit(1 if failed else 0)


main()
