#!/usr/bin/env python3
"""Holds the worked changes of docs/development/changes to what they promise.

Each *.patch is a change as its document tells it. They are applied together to a copy of the crate, which must then
compile. How many source files each touches stands in the table of docs/development/ARCHITECTURE.md, with the most that
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
        check = ["cargo", "check", "--quiet", "--lib", "--manifest-path", str(COPY / "Cargo.toml")]
        checked = subprocess.run(check, env=environment, capture_output=True, text=True)
        if checked.returncode != 0:
            problems.append(f"with all of them the crate does not compile:\n{checked.stderr[-4000:]}")
    for problem in problems:
        print(problem)
    if problems:
        sys.exit(1)
    print(f"ok: {len(patches)} worked changes apply together and compile")


main()
