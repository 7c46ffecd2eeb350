#!/usr/bin/env python3
"""Keeps the documents whole: nothing unlisted, no dead link, no pointer out of the repository.

* docs/README.md links every document below docs/;
* every link of README.md and docs/**/*.md to a file of the repository leads to one, and to a heading of it;
* every pointer of the sources to a section (`cloudflare.md#rate-limit`) leads to one;
* every file that docs/development names in backticks exists;
* no source, test or document names a text that lies outside the repository.

usage: tests/docs/whole.py
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve()
INDEX = ROOT / "docs" / "README.md"
# Design papers by their numbers or files: a reader of a clone has none of them.
OUTSIDE = re.compile(r"\b(DESIGN|FACTS|LESSONS|EVIDENCE|TERMS|MODELS|CRATES|HA)(\.md\b|,? (section )?\d)")
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)|<img [^>]*src=\"([^\"]+)\"")
POINTER = re.compile(r"\b((?:docs/)?(?:development/)?[a-z-]+\.md)#([a-z0-9-]+)")
CODE = re.compile(r"`([^`\n]+)`")
# What a person fills in is written in capitals.
FILLED_IN = re.compile(r"[A-Z]{2}|\*")
# A user's files, of which there is none here.
OF_USERS = {"access.yaml"}
NAMED_FILE = re.compile(r"(?:[\w.*-]+/)*[\w*-]+\.(?:rs|py|yml|yaml|html|css|js|txt|json|toml|sql)")

problems = []
checked = 0


def wrong(path, text, at, message):
    line = text.count("\n", 0, at) + 1
    problems.append(f"{path.relative_to(ROOT)}:{line}: {message}")


def without_code(text):
    """The text with fenced blocks blanked, so that offsets and lines stay."""
    return re.sub(r"^```.*?^```$", lambda block: re.sub(r"[^\n]", " ", block[0]), text, flags=re.S | re.M)


def anchors(path):
    """The anchors of a document, as GitHub makes them."""
    found = {}
    for heading in re.findall(r"^#{1,6} +(.+)$", without_code(path.read_text()), re.M):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        count = found.get(slug, 0)
        found[slug] = count + 1
        if count:
            found[f"{slug}-{count}"] = 1
    return set(found)


def files():
    """What git knows, or would: no build products."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        kept = ("README.md", "docs", "src", "tests", "dashboards", "packaging", "rollouts", "templates", "fuzz")
        listed = [str(path.relative_to(ROOT)) for name in kept for path in [ROOT / name, *(ROOT / name).rglob("*")]]
    return sorted({ROOT / name for name in listed if name and (ROOT / name).is_file()})


def check_link(path, text, at, target):
    if re.match(r"[a-z]+:", target):
        return
    name, _, anchor = target.partition("#")
    to = (path.parent / name).resolve() if name else path
    if not to.is_relative_to(ROOT) or not to.exists():
        wrong(path, text, at, f"the link `{target}` leads nowhere")
    elif anchor and to.suffix == ".md" and anchor not in anchors(to):
        wrong(path, text, at, f"`{to.relative_to(ROOT)}` has no heading for `#{anchor}`")


def main():
    global checked
    known = files()
    documents = [path for path in known if path.suffix == ".md" and path.is_relative_to(ROOT / "docs")]
    linked = set()
    for path in [ROOT / "README.md", *documents]:
        text = path.read_text()
        for match in LINK.finditer(without_code(text)):
            target = next(group for group in match.groups() if group)
            check_link(path, text, match.start(), target)
            checked += 1
            if path == INDEX:
                linked.add((INDEX.parent / target.partition("#")[0]).resolve())
    for path in documents:
        checked += 1
        if path != INDEX and path not in linked:
            problems.append(f"docs/README.md does not list {path.relative_to(ROOT)}")

    names = [f"/{path.relative_to(ROOT)}" for path in known]
    folders = {f"/{parent}" for path in known for parent in path.relative_to(ROOT).parents}
    for path in documents:
        if path.parent.name != "development":
            continue
        text = path.read_text()
        for match in CODE.finditer(without_code(text)):
            token = match[1]
            if not NAMED_FILE.fullmatch(token) or FILLED_IN.search(token) or token in OF_USERS:
                continue
            checked += 1
            if not any(name.endswith(f"/{token}") for name in names):
                wrong(path, text, match.start(), f"there is no file `{token}`")
        for match in CODE.finditer(without_code(text)):
            token = match[1].rstrip("/")
            if not FILLED_IN.search(token) and re.fullmatch(r"(src|tests|docs|dashboards|templates)(/[\w.-]+)*/?", match[1]) and "." not in token:
                checked += 1
                if f"/{token}" not in folders and f"/{token}" not in names and f"/{token}.rs" not in names:
                    wrong(path, text, match.start(), f"there is no folder `{token}`")

    for path in known:
        place = path.relative_to(ROOT).parts[0]
        if place not in ("src", "tests", "docs") and path.name != "README.md" or path.resolve() == HERE:
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for match in OUTSIDE.finditer(text):
            wrong(path, text, match.start(), f"`{match[0]}` lies outside the repository: say it in words")
        if place == "docs":
            continue
        for match in POINTER.finditer(text):
            name = match[1].rpartition("/")[2]
            found = [document for document in documents if document.name == name]
            checked += 1
            if not found:
                wrong(path, text, match.start(), f"there is no document `{match[1]}`")
            elif all(match[2] not in anchors(document) for document in found):
                wrong(path, text, match.start(), f"`{match[1]}` has no heading for `#{match[2]}`")

    for problem in problems:
        print(problem)
    failed = len(problems)
    print(f"test result: {'FAILED' if failed else 'ok'}. {checked} passed; {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
