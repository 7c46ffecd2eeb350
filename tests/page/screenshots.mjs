// The pictures of the README: a demo in the middle of its walk. node screenshots.mjs DIR
import { writeFileSync } from "node:fs";
import { open } from "./browser.mjs";
import { api, demo, stopAll, until } from "./harness.mjs";

const [directory] = process.argv.slice(2);
const PLAN = "cloudflare-one-client";
let browser;

const shot = async (one, name, path, height, options) => {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  await page.goto(one.url + path);
  await page.waitForSelector("#live[data-state=live]", { timeout: 5000 }).catch(() => {});
  const { width } = options.viewport;
  const picture = await page.screenshot({ fullPage: true, clip: { x: 0, y: 0, width, height } });
  writeFileSync(`${directory}/${name}.png`, picture);
  console.log(`${name}.png: ${Math.round(picture.length / 1024)} KiB`);
  await context.close();
};

try {
  browser = await open();
  const one = await demo();
  // The second ring with devices on their way: something of everything.
  await until("the second ring on its way", async () => {
    const ring = (await api(one, `rollouts/${PLAN}`)).rings[1];
    const windows = ring.classes?.windows;
    return ring.state === "adopting" && windows.arrived > 10;
  }, 600_000);
  await shot(one, "page-light", "/", 780, { viewport: { width: 1120, height: 780 }, colorScheme: "light" });
  await shot(one, "page-dark-narrow", "/", 900, { viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  await shot(one, "confirm", `/act/pause?plan=${PLAN}`, 640, { viewport: { width: 820, height: 640 }, colorScheme: "light" });
} finally {
  await browser?.close();
  await stopAll();
}
