"""Runs the command blocks of the documentation; tests/docs/run says how they are marked.

usage: blocks.py BINARY [FILE...]      without FILE: README.md and docs/*.md, and a proof that a
                                       wrong command is noticed
"""

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What a reader finds in a clone, the sources aside.
CLONE = ["README.md", "Dockerfile", "docs", "dashboards", "packaging", "rollouts"]
EXAMPLE_ADDRESS = "127.0.0.1:8787"
EXAMPLE_ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
# Only a hang reaches it.
LONGEST_FILE_SECONDS = 300

# Blocks are run by this shell. `background` is the process group of what runs on.
PRELUDE = r"""
set -uo pipefail
set -m
background=
log=
say() { printf '%s\n' "$*" >>"$DOCS_STATUS"; }
interrupt() {
  [ -n "$background" ] || return 0
  local group=$background
  background=
  kill -INT -- "-$group" 2>/dev/null
  wait "$group"
}
give_up() { echo "$*" >&2; [ -z "$log" ] || cat "$log" >&2; exit 1; }
# patiently COMMAND...: until it succeeds, as long as what runs in the background lives.
patiently() {
  local tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || return 1
    kill -0 -- "-$background" 2>/dev/null || { "$@" >/dev/null 2>&1; return; }
    sleep 0.2
  done
}
trap 'interrupt || true' EXIT
"""

PLAIN = """
say begin {number}
set -e
{text}
set +e
say done {number}
"""

WITH_EXIT = """
say begin {number}
(
set -e
{text}
)
found=$?
[ "$found" -eq {exit} ] || give_up "it ended with $found, not with {exit}"
say done {number}
"""

BACKGROUND = """
say begin {number}
interrupt || give_up 'what ran before did not end well'
log=$DOCS_SCRATCH/.log-{number}
{{
set -e
{text}
}} >"$log" 2>&1 &
background=$!
"""

DAEMON = BACKGROUND + """
patiently ringward healthcheck || give_up 'the daemon did not become well'
say done {number}
"""

UNTIL = BACKGROUND + """
patiently grep -qF -- {wanted} "$log" || give_up 'it never showed' {wanted}
interrupt || give_up "after Ctrl-C it ended with $?"
log=
say done {number}
"""


@dataclass
class Block:
    file: str
    line: int
    text: str
    marks: str

    @property
    def place(self):
        return f"{self.file}:{self.line}"

    def script(self, number):
        values = {"number": number, "text": self.text}
        if self.marks == "":
            return PLAIN.format(**values)
        if self.marks == "daemon":
            return DAEMON.format(**values)
        if match := re.fullmatch(r"exit=(\d+)", self.marks):
            return WITH_EXIT.format(exit=match[1], **values)
        if match := re.fullmatch(r"until=(\S+)", self.marks):
            return UNTIL.format(wanted="'" + match[1].replace("'", "") + "'", **values)
        raise SystemExit(f"{self.place}: nobody knows the mark `{self.marks}`; tests/docs/run lists them")

    @property
    def reason(self):
        """Why it cannot run here; None when it can."""
        if self.marks != "no-run" and not self.marks.startswith("no-run "):
            return None
        reason = self.marks.removeprefix("no-run").strip()
        if not reason:
            raise SystemExit(f"{self.place}: say why it cannot run: ```sh no-run REASON")
        return reason


def read_blocks(file, text):
    """Every ```sh block; blocks in lists are moved to the left."""
    blocks, fence = [], None
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"^(\s*)(```+)(.*)$", line)
        if fence is None:
            if match:
                indent, ticks, info = match.groups()
                fence = (indent, ticks, info.strip(), number, [])
            continue
        indent, ticks, info, begin, lines = fence
        if match and match[2] == ticks and match[3].strip() == "":
            fence = None
            language, _, marks = info.partition(" ")
            if language in ("bash", "shell", "console", "shell-session"):
                raise SystemExit(f"{file}:{begin}: mark commands with ```sh, so that they are run")
            if language == "sh":
                blocks.append(Block(file, begin, "\n".join(lines), marks.strip()))
            continue
        lines.append(line.removeprefix(indent))
    if fence is not None:
        raise SystemExit(f"{file}:{fence[3]}: this block does not end")
    return blocks


def dead_links(file, text):
    """Links to files of the repository that are not there."""
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'(?:src|srcset|href)="([^"]+)"', prose):
        path = target.split("#")[0]
        if path and not re.match(r"[a-z]+:", path) and not (ROOT / file).parent.joinpath(path).exists():
            dead.append(f"{file}: the link {target} leads nowhere")
    return dead


class Sandbox:
    """`ringward sandbox`, and what it prints for a daemon."""

    def __init__(self, binary):
        command = [binary, "sandbox", "--listen", "127.0.0.1:0", "--devices", "200", "--speed", "2000"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        said = ""
        while "--clock" not in said:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit(f"the sandbox ended: {said}")
            said += line
        after = lambda mark: said.split(mark)[1].split()[0].strip("'")
        self.token = after("CLOUDFLARE_API_TOKEN=")
        self.account = after("--account")
        self.environment = {
            "RINGWARD_API_URL": after("--api-url"),
            "RINGWARD_CLOCK": after("--clock"),
            "CLOUDFLARE_API_TOKEN": self.token,
            "CLOUDFLARE_ACCESS_TOKEN": self.token,
            "CLOUDFLARE_ACCOUNT_ID": self.account,
        }

    def end(self):
        self.process.terminate()
        self.process.wait()


def free_address():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return "127.0.0.1:%d" % listener.getsockname()[1]


def prepare(scratch, binary):
    """A clone without sources, and the programs that the documentation calls by name."""
    for name in CLONE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, scratch / name)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, scratch / name)
    programs = scratch / ".programs"
    programs.mkdir()
    (scratch / ".tmp").mkdir()
    # Somebody at a terminal, who reads what is shown and says yes to it.
    program = programs / "ringward"
    real = shlex.quote(str(Path(binary).resolve()))
    program.write_text(
        f'#!/bin/bash\ncase "${{1:-}}" in\n'
        f'approve|resume|waive|rollback) printf "y\\n" | script -qec "{real} ${{*@Q}}" /dev/null ;;\n'
        f'*) exec {real} "$@" ;;\nesac\n'
    )
    program.chmod(0o755)
    # The suite `release` has built it; this stands for the waiting.
    cargo = programs / "cargo"
    cargo.write_text(
        '#!/bin/sh\n[ "$1 $2 $3" = "run --release --" ] || { echo "no such cargo here: $*" >&2; exit 1; }\n'
        'shift 3\nexec ringward "$@"\n'
    )
    cargo.chmod(0o755)
    return programs


def run_file(binary, blocks):
    """Runs the blocks of one file; the first that failed, with what was said, or None."""
    address = free_address()
    sandbox = Sandbox(binary)
    with tempfile.TemporaryDirectory(prefix="ringward-docs-") as directory:
        scratch = Path(directory)
        programs = prepare(scratch, binary)
        script = PRELUDE + "".join(block.script(number) for number, block in enumerate(blocks))
        script = script.replace(EXAMPLE_ADDRESS, address).replace(EXAMPLE_ACCOUNT, sandbox.account)
        keep = {name: os.environ[name] for name in ("PATH", "LANG", "RINGWARD_SETTLE_SECONDS") if name in os.environ}
        environment = keep | sandbox.environment | {
            "PATH": f"{programs}:{keep.get('PATH', '/usr/bin:/bin')}",
            "HOME": directory,
            "TMPDIR": f"{directory}/.tmp",
            "TERM": "dumb",
            "RINGWARD_LISTEN": address,
            "DOCS_STATUS": f"{directory}/.status",
            "DOCS_SCRATCH": directory,
        }
        status = scratch / ".status"
        status.write_text("")
        (scratch / ".script").write_text(script)
        try:
            ended = subprocess.run(
                ["bash", str(scratch / ".script")], cwd=scratch, env=environment, text=True, timeout=LONGEST_FILE_SECONDS,
                # A block that reads the token from the terminal finds it here.
                input=f"{sandbox.token}\n" * 20, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
            said, code = ended.stdout, ended.returncode
        except subprocess.TimeoutExpired as late:
            said, code = (late.stdout or b"").decode(errors="replace") + "\n(it hangs)", 1
        finally:
            sandbox.end()
        lines = status.read_text().split("\n")
        done = sum(line.startswith("done ") for line in lines)
        if code == 0 and done == len(blocks):
            return None
        return blocks[min(done, len(blocks) - 1)], said


def show_failure(block, said):
    print(f"FAILED {block.place}")
    print("".join(f"  | {line}\n" for line in block.text.splitlines()), end="")
    print("".join(f"    {line}\n" for line in said.splitlines()[-40:]), end="")


def prove(binary):
    """A wrong command, flag, exit or output is noticed: else no block that passes says anything."""
    wrong = {
        "a mistyped command": "```sh\nringwrad status\n```\n",
        "a mistyped flag": "```sh\nringward check --onlien rollouts/examples\n```\n",
        "a command in the middle": "```sh\ntrue\nfalse\ntrue\n```\n",
        "an exit that does not come": "```sh exit=3\nringward --version\n```\n",
        "a text that does not come": "```sh until=nonsense\nringward --version\n```\n",
        "a daemon that does not start": "```sh daemon\nringward run --plans\n```\n",
    }
    for name, text in wrong.items():
        if run_file(binary, read_blocks("proof.md", text)) is None:
            raise SystemExit(f"FAILED: {name} was not noticed")
    for name, text in {"no reason": "```sh no-run\nx\n```", "an unknown mark": "```sh maybe\nx\n```"}.items():
        try:
            block = read_blocks("proof.md", text)[0]
            block.reason or block.script(0)
        except SystemExit:
            continue
        raise SystemExit(f"FAILED: {name} was not noticed")
    print(f"{len(wrong) + 2} wrong blocks were noticed")
    return len(wrong) + 2


def main():
    binary, *files = sys.argv[1:]
    proofs = 0
    if not files:
        proofs = prove(binary)
        files = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]
    passed, failed, left = proofs, 0, []
    for file in files:
        text = (ROOT / file).read_text()
        for dead in dead_links(file, text):
            failed += 1
            print(f"FAILED {dead}")
        blocks = read_blocks(file, text)
        left += [block for block in blocks if block.reason]
        runs = [block for block in blocks if not block.reason]
        if not runs:
            continue
        failure = run_file(binary, runs)
        if failure:
            failed += 1
            show_failure(*failure)
        else:
            passed += len(runs)
            print(f"ok {file}: {len(runs)} blocks")
    for block in left:
        print(f"not run: {block.place}: {block.reason}")
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed")
    sys.exit(1 if failed else 0)


main()
