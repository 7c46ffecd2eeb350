// Real processes for the browser to look at: the demo, and a daemon on a simulated account.
import { spawn } from "node:child_process";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ringward = process.env.RINGWARD_BIN;
if (!ringward) throw new Error("RINGWARD_BIN must name the binary");
/** Simulated seconds per second: slow enough that a busy machine keeps up. */
const SPEED = "1000";
const PATIENCE = 60_000;
const children = new Set();

export const scratch = mkdtempSync(join(tmpdir(), "ringward-page-"));

/** Waits until `ask` gives something, or says what never came. */
export async function until(what, ask, patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await ask();
    if (found) return found;
    if (Date.now() > end) throw new Error(`gave up waiting for: ${what}`);
    await new Promise((resume) => setTimeout(resume, 100));
  }
}

/** Starts the binary; `said` waits for a line and gives its first group. */
function start(args, env = {}) {
  const child = spawn(ringward, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  const ended = new Promise((resume) => child.once("exit", (code) => resume(code)));
  ended.then(() => children.delete(child));
  const one = { text: "", ended };
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (one.text += data));
  one.said = (pattern) =>
    until(`${pattern} from ringward ${args[0]}; it said:\n${one.text}`, () => one.text.match(pattern)?.[1]);
  one.end = () => (child.kill("SIGTERM"), ended);
  return one;
}

export async function stopAll() {
  for (const child of children) child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
}

const ready = (url) =>
  until(`${url}/readyz`, () => fetch(`${url}/readyz`).then((answer) => answer.ok, () => false));

/** The first thing a newcomer runs. */
export async function demo() {
  const one = start(["demo", "--listen", "127.0.0.1:0", "--speed", SPEED, "--dir", join(scratch, "demo")]);
  one.url = await one.said(/page +(http:\/\/[0-9.:]+)\//);
  await ready(one.url);
  return one;
}

/** A simulated account alone. */
export async function sandbox() {
  const one = start(["sandbox", "--listen", "127.0.0.1:0", "--speed", SPEED]);
  one.token = await one.said(/CLOUDFLARE_API_TOKEN=(\S+)/);
  one.api = await one.said(/--api-url (\S+)/);
  one.account = await one.said(/--account (\S+)/);
  one.clock = await one.said(/--clock '([^']+)'/);
  one.faults = async (list) => {
    const answer = await fetch(new URL("/sandbox/faults", one.api), { method: "POST", body: JSON.stringify(list) });
    if (!answer.ok) throw new Error(await answer.text());
  };
  return one;
}

/** A daemon on that account, with these plan files, and this text of ringward.yaml. */
export async function daemon(account, name, plans, { listen = "127.0.0.1:0", config } = {}) {
  const directory = join(scratch, name);
  mkdirSync(join(directory, "plans"), { recursive: true });
  if (config) writeFileSync(join(directory, "ringward.yaml"), config);
  // Without a line end a file might be cut off, and is not followed.
  for (const [file, text] of Object.entries(plans)) writeFileSync(join(directory, "plans", file), `${text}\n`);
  const one = start(
    [
      "run", "--plans", join(directory, "plans"), "--db", join(directory, "ringward.db"), "--listen", listen,
      "--api-url", account.api, "--account", account.account, "--clock", account.clock,
    ],
    { CLOUDFLARE_API_TOKEN: account.token, RUST_LOG: "info" },
  );
  one.plans = join(directory, "plans");
  one.url = await one.said(/(http:\/\/127\.0\.0\.1:[0-9]+)\//);
  await ready(one.url);
  return one;
}

/** An answer of the API. */
export async function api(one, path) {
  const answer = await fetch(`${one.url}/api/v1/${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
