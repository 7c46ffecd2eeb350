#!/usr/bin/env python3
"""Holds the worked changes of docs/development/changes to what they promise.

Each *.patch is a change as its document tells it. They are applied together to a copy of the crate, which must then
compile and pass the tests of completeness: those that go over every event, refusal, situation or kind of waiting. How many source files each touches stands in the table of docs/development/ARCHITECTURE.md, with the most that
it may be: both are read off here, so that neither the table nor the code drifts.

usage: tests/docs/changes.py
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHANGES = ROOT / "docs" / "development" / "changes"
ARCHITECTURE = ROOT / "docs" / "development" / "ARCHITECTURE.md"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
COPY = TARGET / "changes"
# What a new gate, verb, event, key, metric or environment is asked for by a test and not by the compiler.
COMPLETENESS = [
    "every_event_has_a_sentence",
    "every_refusal_says_what_would_work_and_every_effect_what_it_does",
    "each_situation_is_in_one_row",
    "each_kind_of_waiting_has_its_time",
]
ROW = re.compile(r"^\| .*?\| (\d+) \| (\d+) \| \[(\w+)\.patch\]\(changes/\3\.patch\)", re.M)

problems = []


def copied():
    """What the library is built of, by another name: cargo never takes it for the real one."""
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
        (COPY / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, COPY / name)
    (COPY / "src/main.rs").unlink()
    for name in ("Cargo.toml", "Cargo.lock"):
        text = (COPY / name).read_text()
        library = '[lib]\nname = "ringward"\n\n' if name == "Cargo.toml" else ""
        text = text.replace('name = "ringward"\n', 'name = "ringward-changes"\n')
        (COPY / name).write_text(text.replace("[dependencies]\n", library + "[dependencies]\n", 1))


def main():
    patches = sorted(CHANGES.glob("*.patch"))
    rows = {name: (int(files), int(most)) for files, most, name in ROW.findall(ARCHITECTURE.read_text())}
    copied()
    for patch in patches:
        touched = set(re.findall(r"^\+\+\+ b/(src/\S+)", patch.read_text(), re.M))
        files, most = rows.pop(patch.stem, (None, 0))
        if files != len(touched):
            problems.append(f"{patch.name} touches {len(touched)} source files; ARCHITECTURE.md says {files}")
        if len(touched) > most:
            problems.append(f"{patch.name} touches {len(touched)} source files, {most} are the most: {sorted(touched)}")
        # Each on top of the others: neighbours in a list are no quarrel.
        applied = subprocess.run(["patch", "-p1", "--forward", "--fuzz=3", "-i", patch], cwd=COPY, capture_output=True, text=True)
        if applied.returncode != 0:
            problems.append(f"{patch.name} does not apply:\n{applied.stdout}{applied.stderr}")
    problems.extend(f"ARCHITECTURE.md names {name}.patch, and there is none" for name in rows)
    if not problems:
        environment = {**os.environ, "CARGO_TARGET_DIR": str(TARGET)}
        test = ["cargo", "test", "--quiet", "--lib", "--manifest-path", str(COPY / "Cargo.toml"), "--", *COMPLETENESS]
        tested = subprocess.run(test, env=environment, capture_output=True, text=True)
        passed = re.search(r"^test result: ok\. (\d+) passed", tested.stdout, re.M)
        if tested.returncode != 0 or not passed:
            problems.append(f"with all of them the crate fails:\n{tested.stdout[-4000:]}{tested.stderr[-4000:]}")
        elif int(passed[1]) != len(COMPLETENESS):
            problems.append(f"{passed[1]} tests of completeness ran, {len(COMPLETENESS)} are named")
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    print(f"ok: {len(patches)} worked changes apply together, compile, and pass {len(COMPLETENESS)} tests of completeness")


main()
