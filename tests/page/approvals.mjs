// Approving and refusing, by the keyboard alone: no row here clicks, and none fills in a field.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { api, daemon, sandbox, until } from "./harness.mjs";
import { team } from "./people.mjs";

const APPROVE = "/act/approve?plan=asks&ring=First";
const REJECT = "/act/reject?plan=asks&ring=First";
const NOTE = `no "cases" in <b>support</b> & none at the desk`;

const plan = (expires) =>
  // Without a line end it might be a file that was cut off.
  `${JSON.stringify({
    plan: "asks",
    author: "dana@example.com",
    versions: { windows: "2026.8.2100.0", macos: "2026.8.2100.0" },
    rings: [
      { name: "First", profiles: ["Engineering", "IT"], approval: { user_group: "Release Approvers", count: 2, expires } },
      { name: "Everyone", profiles: ["default"] },
    ],
  })}\n`;

/** Tabs on until the element of this name has the focus, which must be seen. */
async function tabTo(page, id, within = 120) {
  for (let step = 0; step < within; step += 1) {
    await page.keyboard.press("Tab");
    const held = await page.evaluate(() => {
      const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
      return { id: document.activeElement.id, outlineStyle, width: parseFloat(outlineWidth) };
    });
    if (held.id !== id) continue;
    assert.ok(held.outlineStyle !== "none" && held.width >= 2, `the focus on ${id} is not seen: ${JSON.stringify(held)}`);
    return;
  }
  assert.fail(`no ${within} steps lead to ${id}`);
}

/** Writes a note on the confirmation that is open, and confirms it. */
async function say(page, note) {
  await tabTo(page, "reason", 10);
  await page.keyboard.type(note);
  await tabTo(page, "confirm", 1);
  await page.keyboard.press("Enter");
}

export async function approvals({ check, visit, accessible, fits, text }) {
  const access = await team();
  const account = await sandbox();
  const one = await daemon(account, "asks", { "asks.yaml": plan("60d") }, { config: access.config });
  const asked = async () => (await api(one, "rollouts/asks")).rings[0].approval;
  const words = async () => {
    const { events } = await api(one, "rollouts/asks/events?limit=1000");
    // They come newest first.
    return events
      .reverse()
      .filter(({ kind }) => kind === "approval_given" || kind === "approval_refused")
      .map(({ kind, actor, reason }) => [kind, actor, reason]);
  };
  const ring = (page) => page.locator("#approval-asks-1").innerText();
  await until("people who are asked", async () => (await asked())?.asked_at);

  await check("approvals: who is missing, and since when, on top of the page", async () => {
    const page = await visit(one, "/", access.as("bruno@example.com"));
    const waiting = await page.locator("#waiting").innerText();
    assert.match(waiting, /1 approval waits\s+asks, ring First: 0 of 2 of `Release Approvers` approved; asked (now|.* ago), on 20/);
    assert.match(await ring(page), /Missing: ana@example.com, bruno@example.com, chen.wei@example.com\n/);
    assert.match(await ring(page), /2 of `Release Approvers`: 0 approved so far, of 3 who can/);
    await page.finish();
  });
  await check("approvals: from the list to the ring to the confirmation, and approved with a note", async () => {
    const page = await visit(one, "/", access.as("ana@example.com"));
    await tabTo(page, "to-approval-asks-1");
    await page.keyboard.press("Enter");
    await tabTo(page, "approve-asks-1", 3);
    await page.keyboard.press("Enter");
    await page.waitForURL(one.url + APPROVE);
    const sheet = await text(page);
    for (const words of [
      "Approve First in asks?", "ring First may be entered with windows 2026.8.2100.0, macos 2026.8.2100.0",
      "It counts until 20", "One rejection outweighs any number of approvals", "Missing: ana@example.com",
      "The log will name you access:ana@example.com", "ringward approve asks --ring First --reason '…'",
    ]) {
      assert.ok(sheet.includes(words), `${words} in ${sheet}`);
    }
    const label = await page.locator("#reason").evaluate((area) => area.labels[0].innerText);
    assert.match(label, /^Note/);
    await say(page, NOTE);
    await page.waitForURL(`${one.url}/`);
    const done = await page.locator("#done").innerText();
    assert.ok(done.includes("Done: ") && done.includes(NOTE), done);
    assert.deepEqual(await words(), [["approval_given", "access:ana@example.com", NOTE]]);
    const shown = await ring(page);
    assert.match(shown, /ana@example.com approved, which counts until 20/);
    assert.ok(shown.includes(NOTE), shown);
    assert.match(shown, /Missing: bruno@example.com, chen.wei@example.com\n/);
    assert.match(shown, /You approved ring `First` already: one person counts once/);
    assert.equal(await page.locator("#approve-asks-1").count(), 0, "nobody counts twice");
    await page.finish();
  });
  await check("approvals: no note, no word", async () => {
    const page = await visit(one, APPROVE, access.as("bruno@example.com"));
    await say(page, "");
    assert.equal(page.url(), one.url + APPROVE, "the browser asks for it");
    assert.equal(await page.evaluate(() => document.activeElement.id), "reason", "and leads there");
    assert.equal((await words()).length, 1);
    await page.finish();
  });
  await check("approvals: rejected with a note, without JavaScript", async () => {
    const page = await visit(one, "/", { ...access.as("bruno@example.com"), javaScriptEnabled: false });
    await tabTo(page, "reject-asks-1");
    await page.keyboard.press("Enter");
    await page.waitForURL(one.url + REJECT);
    assert.match(await text(page), /Ring First is not entered with windows 2026\.8\.2100\.0, .*whoever approves it/);
    assert.match(await text(page), /ana@example.com on .*approved/);
    await say(page, "not before the fair");
    await page.locator("#done").waitFor();
    assert.match(await page.locator("#done").innerText(), /Done: .*not before the fair/s);
    assert.deepEqual((await words()).at(-1), ["approval_refused", "access:bruno@example.com", "not before the fair"]);
    assert.match(await ring(page), /Rejected by bruno@example.com/);
    assert.match(await page.locator("#waiting").innerText(), /1 of 2 of `Release Approvers` approved, bruno@example.com rejected it/);
    await page.finish();
  });
  for (const [who, email, why] of [
    ["the author", "dana@example.com", /You wrote the plan, and nobody approves their own; ask another member/i],
    ["no member", "eve@example.com", /You are no accepted member of `Release Approvers`; ask a member/i],
    ["who was only invited", "erin@example.com", /no accepted member .*an invitation counts once it is taken/i],
  ]) {
    await check(`approvals: why one cannot: ${who}`, async () => {
      const page = await visit(one, "/", access.as(email));
      assert.match(await ring(page), why);
      assert.equal(await page.locator("[id^=approve-], [id^=reject-]").count(), 0, "nothing is offered");
      await page.goto(one.url + APPROVE);
      assert.match(await text(page), /Nothing: asking for it will be refused, because you /);
      await say(page, "all the same");
      const alert = page.locator("[role=alert]");
      await alert.waitFor();
      assert.match(await alert.innerText(), why);
      assert.equal(await page.inputValue("#reason"), "all the same", "what was written stays");
      assert.equal((await words()).length, 2);
      await page.finish([/409/]);
    });
  }
  await check("approvals: nobody is told how to be somebody", async () => {
    const page = await visit(one);
    assert.match(await ring(page), /Nobody is known by this request; sign in through Cloudflare Access/);
    assert.match(await ring(page), /with a token of your own in RINGWARD_BEARER_TOKEN:\s+Approve: ringward approve asks --ring First/);
    await page.goto(one.url + APPROVE);
    assert.equal(await page.locator("form").count(), 0);
    assert.match(await text(page), /You cannot say this here: nobody is known/);
    await page.finish();
  });
  const reader = access.as("chen.wei@example.com");
  await check("accessible: a ring with approvals", () => accessible(one, "/", "asking", reader));
  await check("accessible: the confirmation of an approval", () => accessible(one, APPROVE, "approval", reader));
  await check("accessible: the confirmation of somebody who may not", () => accessible(one, REJECT, "a stranger"));
  for (const width of [320, 375]) {
    await check(`approvals fit ${width} px`, async () => {
      for (const path of ["/", "/plans/asks", APPROVE, REJECT]) await fits(one, path, width, reader);
      for (const path of ["/", APPROVE]) await fits(one, path, width);
    });
  }
  await check("approvals: a plan that changed under the confirmation is read anew", async () => {
    const page = await visit(one, APPROVE, reader);
    const { digest } = await api(one, "rollouts/asks");
    writeFileSync(`${one.plans}/asks.yaml`, plan("50d"));
    await until("the other revision", async () => (await api(one, "rollouts/asks")).digest !== digest);
    await say(page, "for the version above");
    const alert = page.locator("[role=alert]");
    await alert.waitFor();
    assert.match(await alert.innerText(), /it is not what you have read: the plan.s revision in force is/);
    assert.match(await text(page), /ana@example.com on .*: approved, voided on .* by other values of the plan/, "what it is now");
    assert.equal(await page.inputValue("#reason"), "for the version above");
    assert.equal((await words()).length, 2);
    await page.finish([/409/]);
  });
  await check("approvals: enough of them let the ring in, and nothing waits any more", async () => {
    for (const email of ["bruno@example.com", "chen.wei@example.com"]) {
      const page = await visit(one, "/", access.as(email));
      await tabTo(page, "approve-asks-1");
      await page.keyboard.press("Enter");
      await page.waitForURL(one.url + APPROVE);
      await say(page, `${email} has looked`);
      await page.waitForURL(`${one.url}/`);
      await page.finish();
    }
    await until("a ring that is let in", async () => (await asked()) === null);
    const page = await visit(one);
    assert.equal(await page.locator("#waiting").count(), 0);
    await page.finish();
  });
  access.close();
}
