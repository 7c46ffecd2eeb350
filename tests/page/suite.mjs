// The page in a browser. Every check is a named row; the last line counts them.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { approvals } from "./approvals.mjs";
import { axeSource, open } from "./browser.mjs";
import { api, daemon, demo, sandbox, stopAll, until } from "./harness.mjs";

const PLAN = "cloudflare-one-client";
const SHEET = `/act/pause?plan=${PLAN}`;
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
// The plan decoder refuses it in a name; its message quotes it, and the page shows that message.
const REVERSED = "Ring \u202egnir";
const HOSTILE = [
  // A plan takes no whole tag for a name (those of old logs are in tests/web); one that the page would close it does.
  `"><img src=x onerror=window.hacked=1 autofocus onfocus=window.hacked=1 x="`,
  `حلقة المهندسين 🚀 環`,
  `Averylongringnamewithoutanyspaceinit`.repeat(6),
  `Ring 4 & "co" 'x'`,
];

let browser;
let passed = 0;
const failures = [];

async function check(name, body) {
  const from = performance.now();
  try {
    await body();
    passed += 1;
    console.log(`ok ${name} (${Math.round((performance.now() - from) / 100) / 10} s)`);
  } catch (error) {
    failures.push(name);
    console.log(`not ok ${name}\n${error.stack}`);
  }
}

/** A page that notes everything that should not happen. */
async function visit(one, path = "/", options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const wrong = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && wrong.push(message.text()));
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("dialog", (dialog) => wrong.push(`dialog: ${dialog.message()}`));
  page.on("requestfailed", (request) => {
    // Leaving a page ends its stream and whatever it was fetching.
    const left = request.failure().errorText === "net::ERR_ABORTED";
    if (!left) wrong.push(`${request.url()}: ${request.failure().errorText}`);
  });
  page.on("response", (answer) => answer.status() >= 400 && wrong.push(`${answer.status()} ${answer.url()}`));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== one.url) wrong.push(`it asked ${request.url()}`);
  });
  await page.goto(one.url + path);
  page.finish = async (expected = []) => {
    await context.close();
    const surprises = wrong.filter((line) => !expected.some((pattern) => pattern.test(line)));
    assert.deepEqual(surprises, []);
  };
  return page;
}

const main = (page) => page.locator("main");
const text = (page) => main(page).innerText();
const kinds = async (one, plan = PLAN) =>
  (await api(one, `rollouts/${plan}/events?limit=1000`)).events.map((event) => event.kind);

async function confirm(page, link, reason) {
  await page.click(link);
  await page.fill("#reason", reason);
  await page.click("#confirm");
}

/** No violation of WCAG A or AA, in light and dark. */
async function accessible(one, path, state, options = {}) {
  for (const colorScheme of ["light", "dark"]) {
    const context = await browser.newContext({ colorScheme, bypassCSP: true, ...options });
    const page = await context.newPage();
    await page.goto(one.url + path);
    await page.evaluate(axeSource);
    const found = await page.evaluate((values) => axe.run(document, { runOnly: { type: "tag", values } }), RULES);
    const told = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join("\n")}`);
    assert.deepEqual(told, [], `${state}, ${colorScheme}`);
    assert.ok(found.passes.length > 10, `${state}: the checker looked at the page`);
    await context.close();
  }
}

async function fits(one, path, width, options = {}) {
  const page = await visit(one, path, { viewport: { width, height: 700 }, ...options });
  await page.evaluate(() => document.querySelectorAll("details").forEach((ring) => (ring.open = true)));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.ok(wide <= width, `${path} is ${wide} px wide at ${width} px`);
  await page.finish([/40[0-9]/]);
}

async function walk() {
  const one = await demo();
  await check("live: the content changes, the page is never loaded again", async () => {
    const page = await visit(one);
    await page.evaluate(() => (window.marker = "still here"));
    await page.click(`#ring-${PLAN}-3 summary`);
    await page.focus("#stop");
    const foot = page.locator(".foot");
    const before = await foot.innerText();
    await until("a new record on the page", async () => (await foot.innerText()) !== before);
    await until("a ring that adopts or soaks", async () => /adopting|soaking/.test(await text(page)));
    assert.equal(await page.evaluate(() => window.marker), "still here");
    assert.ok(await page.locator(`#ring-${PLAN}-3`).evaluate((ring) => ring.open), "what was opened stays open");
    assert.equal(await page.evaluate(() => document.activeElement.id), "stop", "the focus stays");
    assert.equal(await page.locator("#live").innerText(), "Live");
    await page.finish();
  });
  await check("the page names what runs, its gates, and what it waits for", async () => {
    const page = await visit(one);
    const shown = await text(page);
    for (const word of [`${PLAN}#1`, "Engineering", "Early adopters", "Everyone", "arrived", "threshold:", "verified"]) {
      assert.ok(shown.includes(word), `${word} in ${shown}`);
    }
    assert.ok((await page.locator("svg.track[aria-label]").count()) >= 2, "bars have a text");
    await page.finish();
  });
  await check("the page says when it will likely be done", async () => {
    const page = await visit(one);
    const told = /likely done\s+(no date|20[0-9]{2}-)/i;
    await until("a forecast", async () => told.test((await page.reload(), await text(page))));
    await page.finish();
  });
  await check("accessible: running", () => accessible(one, "/", "running"));
  await check("accessible: one plan", () => accessible(one, `/plans/${PLAN}`, "one plan"));
  await check("accessible: the confirmation", () => accessible(one, SHEET, "confirmation"));
  await check("pause, with confirmation", async () => {
    const page = await visit(one);
    await confirm(page, `#pause-${PLAN}`, "a look at the <b>desk</b>");
    await page.waitForURL(`${one.url}/`);
    assert.match(await page.locator("#done").innerText(), /Done: the plan was paused.*a look at the <b>desk<\/b>/s);
    assert.match(await text(page), /Paused at ring \d of 3/);
    assert.match(await page.title(), /^1 paused/);
    const events = (await api(one, `rollouts/${PLAN}/events?limit=1000`)).events;
    const pauses = events.filter((event) => event.kind === "paused");
    assert.deepEqual(pauses.map(({ actor, reason }) => [actor, reason]), [["loopback", "a look at the <b>desk</b>"]]);
    await page.finish();
  });
  await check("a refused verb shows why, what would work, and keeps the reason", async () => {
    const page = await visit(one, SHEET);
    await page.fill("#reason", "once more");
    await page.click("#confirm");
    const refusal = await page.locator("[role=alert]").innerText();
    assert.match(refusal, /It was not done\. plan cloudflare-one-client is paused already by loopback.*ringward resume/s);
    assert.equal(await page.inputValue("#reason"), "once more");
    assert.equal((await kinds(one)).filter((kind) => kind === "paused").length, 1);
    await page.finish([/409/]);
  });
  await check("no reason, no verb", async () => {
    const page = await visit(one, SHEET);
    await page.click("#confirm");
    assert.equal(page.url(), one.url + SHEET, "the browser asks for it");
    await page.locator("form").evaluate((form) => (form.noValidate = true));
    await page.click("#confirm");
    assert.match(await page.locator("[role=alert]").innerText(), /`reason` is missing/);
    await page.finish([/422/]);
  });
  await check("accessible: paused", () => accessible(one, "/", "paused"));
  await check("resume, with confirmation", async () => {
    const page = await visit(one);
    await confirm(page, `#resume-${PLAN}`, "seen enough");
    await page.waitForURL(`${one.url}/`);
    assert.match(await page.locator("#done").innerText(), /Done: the pause was lifted/);
    assert.ok((await kinds(one)).includes("pause_lifted"));
    await page.finish();
  });
  await check("seven windows share one stream, and the seventh can stop", () => sevenWindows(one));
  await check("a hidden window holds no stream, and one that comes back is live", () => hiddenWindow(one));
  await check("without locks each window has its own stream", () => withoutLocks(one));
  await check("without JavaScript: the content, a stop and a start", () => withoutScript(one));
  await check("another site's form changes nothing", () => foreignForm(one));
  for (const width of [320, 375, 768, 1920]) {
    await check(`fits ${width} px`, async () => {
      for (const path of ["/", `/plans/${PLAN}`, SHEET, "/nowhere/else"]) await fits(one, path, width);
    });
  }
  await check("dark: the page follows the reader's choice", async () => {
    const ground = async (colorScheme) => {
      const page = await visit(one, "/", { colorScheme });
      const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      await page.finish();
      return colour.match(/\d+/g).slice(0, 3).map(Number);
    };
    assert.ok((await ground("dark")).every((part) => part < 50) && (await ground("light")).every((part) => part > 200));
  });
  await check("the end of the daemon shows, and an open page does not hold it up", async () => {
    const page = await visit(one);
    await until("a stream", async () => (await page.locator("#live").innerText()) === "Live");
    assert.equal(await one.end(), 0);
    await until("a word of it", async () => /Connection lost/.test(await page.locator("#live").innerText()));
    assert.match(await text(page), new RegExp(PLAN), "what was known stays");
    await page.finish([/ERR_|Failed to load/]);
  });
}

async function withoutScript(one) {
  const page = await visit(one, "/", { javaScriptEnabled: false });
  assert.match(await text(page), /Everyone/);
  assert.match(await page.locator("header").innerText(), /As of 2026-.*Reload/s);
  await page.click("header noscript a, header a:has-text('Reload')");
  await confirm(page, "#stop", "call from the desk");
  assert.match(await page.locator("#done").innerText(), /Done: all writes were stopped/);
  assert.match(await text(page), /All writes are stopped\s+By loopback since .*: call from the desk/);
  assert.ok((await api(one, "rollouts")).stopped);
  await accessible(one, "/", "stopped");
  await accessible(one, "/act/start", "start");
  await page.click("#start");
  await page.check("[name=paused]");
  await page.fill("#reason", "all clear");
  await page.click("#confirm");
  assert.match(await page.locator("#done").innerText(), /writes were allowed again/);
  assert.match(await text(page), /Paused at ring/);
  await confirm(page, `#resume-${PLAN}`, "and on");
  const now = await api(one, "rollouts");
  assert.deepEqual([now.stopped, now.rollouts[0].paused], [null, null]);
  await page.finish();
}

/** Windows of one browser, and how many of its streams are open. */
async function windows(one, count, script) {
  const context = await browser.newContext();
  if (script) await context.addInitScript(script);
  const asked = new Set();
  const isStream = (request) => new URL(request.url()).pathname === "/api/v1/events";
  context.on("request", (request) => isStream(request) && asked.add(request));
  for (const end of ["requestfinished", "requestfailed"]) context.on(end, (request) => asked.delete(request));
  // Of a window that was closed no end of its requests is told.
  const streams = () => [...asked].filter((request) => !request.frame().page().isClosed()).length;
  const pages = [];
  for (let index = 0; index < count; index += 1) {
    const page = await context.newPage();
    await page.goto(one.url, { timeout: 15_000 });
    pages.push(page);
  }
  const state = (page) => page.locator("#live").getAttribute("data-state");
  const live = (page) => until("a live window", async () => (await state(page)) === "live");
  return { context, pages, streams, live };
}

/** More windows than the six connections that a browser opens to one server. */
async function sevenWindows(one) {
  const { context, pages, streams, live } = await windows(one, 7);
  for (const page of pages) await live(page);
  assert.equal(streams(), 1, "one stream for all");
  const [first, ...others] = pages;
  for (const page of others) await page.evaluate(() => (window.marker = "still here"));
  // The one that holds the stream goes: another takes it over.
  await first.close();
  await until("one stream again", () => streams() === 1);
  const seventh = others.pop();
  await confirm(seventh, "#stop", "from the seventh window");
  assert.match(await seventh.locator("#done").innerText(), /Done: all writes were stopped/);
  for (const page of others) {
    await until("the stop in every window", async () => /All writes are stopped/.test(await text(page)));
    assert.equal(await page.evaluate(() => window.marker), "still here", "without loading it again");
  }
  await confirm(seventh, "#start", "and on");
  assert.match(await seventh.locator("#done").innerText(), /writes were allowed again/);
  assert.equal(streams(), 1);
  await context.close();
}

/** A page that a window can be told to hide: the headless browser shows all of its windows. */
const HIDEABLE = () => {
  let hidden = false;
  Object.defineProperty(Document.prototype, "hidden", { get: () => hidden });
  window.hide = (value) => {
    hidden = value;
    document.dispatchEvent(new Event("visibilitychange"));
  };
};

async function hiddenWindow(one) {
  const { context, pages, streams, live } = await windows(one, 2, HIDEABLE);
  const [first, second] = pages;
  await live(first);
  await live(second);
  await first.evaluate(() => hide(true));
  await until("the stream in the other window", () => streams() === 1);
  await second.evaluate(() => hide(true));
  await until("no stream", () => streams() === 0);
  const [before, unseen] = [await first.locator(".foot").innerText(), await text(second)];
  await until("a record that nobody sees", async () => {
    const { head } = await api(one, "rollouts");
    return !before.includes(`#${head.seq}`);
  });
  assert.equal(await text(second), unseen, "a hidden window stays as it was");
  await first.evaluate(() => hide(false));
  await until("what happened meanwhile", async () => (await first.locator(".foot").innerText()) !== before);
  await live(first);
  assert.equal(streams(), 1);
  await context.close();
}

/** As on an address of the network without TLS. */
async function withoutLocks(one) {
  const script = () => Object.defineProperty(Navigator.prototype, "locks", { value: undefined });
  const { context, pages, streams, live } = await windows(one, 2, script);
  for (const page of pages) await live(page);
  assert.equal(streams(), 2);
  await context.close();
}

/** Pages of other origins on this machine, which the browser lets send forms anywhere. */
async function foreignForm(one) {
  const before = await kinds(one);
  const form = `<form method="post" action="${one.url}/act/stop"><input name="reason" value="x"><input name="seen" value=""></form>`;
  const server = createServer((_, answer) => answer.setHeader("Content-Type", "text/html").end(form));
  await new Promise((resume) => server.listen(0, "127.0.0.1", resume));
  try {
    for (const [host, site] of [["localhost", "cross-site"], ["127.0.0.1", "same-site"]]) {
      const context = await browser.newContext();
      const page = await context.newPage();
      await page.goto(`http://${host}:${server.address().port}/`);
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url().endsWith("/act/stop")),
        page.locator("form").evaluate((form) => form.submit()),
      ]);
      const sent = await answer.request().allHeaders();
      assert.deepEqual([sent["sec-fetch-site"], sent["sec-fetch-mode"]], [site, "navigate"], "the browser tells");
      assert.equal(answer.status(), 403);
      assert.match(await text(page), new RegExp(`${site}.*another site asks`));
      await context.close();
    }
  } finally {
    server.close();
  }
  assert.equal((await api(one, "rollouts")).stopped, null);
  assert.deepEqual(await kinds(one), before);
}

const hostilePlan = () =>
  JSON.stringify({
    plan: "hostile",
    description: `</p><script>window.hacked = 1</script>`,
    versions: { windows: "2026.8.2100.0", macos: "2026.8.2100.0" },
    rings: [
      { name: HOSTILE[0], profiles: ["Engineering"] },
      { name: HOSTILE[1], profiles: ["IT"] },
      { name: HOSTILE[2], profiles: ["Support"] },
      { name: HOSTILE[3], profiles: ["default"] },
    ],
  });

const strictPlan = () =>
  JSON.stringify({
    plan: "strict",
    versions: { windows: "2026.8.2100.0", macos: "2026.8.2100.0" },
    defaults: { health: { stalled: { at_most: "0.1%", after: "12h" }, min_devices: 1 } },
    rings: [
      { name: "Sales", profiles: ["Sales"] },
      { name: "Everyone", profiles: ["default"] },
    ],
  });

/** A halt for laptops that do not move. `one` runs since the beginning: its fleet needs some hours. */
async function ailing(one) {
  const halted = async () => (await api(one, "rollouts")).rollouts[0]?.halted;
  const halt = await until("a halt", halted);
  await check("halted for health: shares, limits, laptops, what resuming accepts", async () => {
    assert.deepEqual([halt.cause, halt.ring, halt.gate.gate], ["unhealthy", "Sales", "stalled"]);
    assert.ok(halt.devices > 0 && halt.gate.stalled.stalled === halt.devices, JSON.stringify(halt));
    const page = await visit(one);
    const shown = await text(page);
    for (const words of ["% stalled, at most 0.1 %", `It failed for ${halt.devices} devices.`, "stalled/", "dark/"]) {
      assert.ok(shown.includes(words), `${words} in ${shown}`);
    }
    assert.ok((await page.locator(".gauge.over").count()) >= 1, "what is above its limit stands out");
    const list = await page.getByRole("link", { name: "Whom it finds now" }).getAttribute("href");
    const found = await (await fetch(one.url + list)).json();
    assert.ok(found.total > 0 && found.devices.every((device) => device.class === "stalled"), JSON.stringify(found));
    await page.click("#resume-strict");
    assert.match(await text(page), /It acknowledges [0-9]+ stalled (windows|macos) devices of ring Sales/);
    await page.finish();
  });
  await check("accessible: halted for health", () => accessible(one, "/", "halted for health"));
  await check("a halt for health fits 320 px", async () => {
    for (const path of ["/", "/plans/strict", "/act/resume?plan=strict"]) await fits(one, path, 320);
  });
}

async function hostile() {
  const account = await sandbox();
  await account.faults([{ operation: "create-deployment-group", kind: "forbidden", times: 100 }]);
  const plans = { "hostile.yaml": hostilePlan(), "broken <b>.yaml": `plan: broken\nrings: [{name: "${REVERSED}"}]\nfoo: <script>1</script>\n` };
  let one = await daemon(account, "hostile", plans);
  await until("a halt", async () => (await api(one, "rollouts")).rollouts[0]?.halted);
  await check("hostile names are text", async () => {
    const page = await visit(one);
    const names = await page.locator(".ring-name bdi").allInnerTexts();
    assert.deepEqual(names, HOSTILE);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    const shown = await text(page);
    assert.ok(shown.includes("</p><script>window.hacked = 1</script>"), shown);
    assert.ok(shown.includes("broken <b>.yaml"), shown);
    assert.ok(!(await page.content()).includes("\u202e"));
    await page.finish();
  });
  await check("halted: why, and the way on", async () => {
    const page = await visit(one);
    assert.match(await text(page), /Halted at ring 1 of 4/);
    assert.match(await text(page), /Cloudflare refused the write .* with 403/);
    await page.click("#resume-hostile");
    assert.match(await text(page), /its cause counts as seen by you/);
    await page.finish();
  });
  await check("accessible: halted, with a broken file", () => accessible(one, "/", "halted"));
  await check("hostile names fit 320 px", async () => {
    for (const path of ["/", "/plans/hostile", "/act/resume?plan=hostile"]) await fits(one, path, 320);
  });
  await check("a page comes back to life with the daemon", async () => {
    const page = await visit(one);
    await page.evaluate(() => (window.marker = "still here"));
    const state = () => page.locator("#live").getAttribute("data-state");
    await until("a stream", async () => (await state()) === "live");
    assert.equal(await one.end(), 0);
    await until("its end", async () => (await state()) === "lost");
    one = await daemon(account, "hostile", {}, { listen: new URL(one.url).host });
    await until("a stream again", async () => (await state()) === "live");
    assert.match(await text(page), /ringward .* started/);
    assert.equal(await page.evaluate(() => window.marker), "still here");
    await page.finish([/ERR_|Failed to load/]);
  });
  const empty = await daemon(account, "empty", {});
  await check("accessible: empty", () => accessible(empty, "/", "empty"));
  await check("empty: what to do next", async () => {
    const page = await visit(empty);
    assert.match(await text(page), /No plan yet[\s\S]*ringward check/);
    await page.finish();
  });
}

try {
  browser = await open();
  const ill = await daemon(await sandbox(), "strict", { "strict.yaml": strictPlan() });
  await walk();
  await approvals({ check, visit, accessible, fits, text });
  await hostile();
  await ailing(ill);
} finally {
  await browser?.close();
  await stopAll();
}
console.log(`test result: ${failures.length ? "FAILED" : "ok"}. ${passed} passed; ${failures.length} failed`);
process.exitCode = failures.length ? 1 : 0;
