// Pictures of the page at an address: node shots.mjs URL DIR
import { open } from "./browser.mjs";

const [url, directory] = process.argv.slice(2);
const browser = await open();
const shot = async (name, path, options, height) => {
  const context = await browser.newContext({ deviceScaleFactor: 1, ...options });
  const page = await context.newPage();
  await page.goto(new URL(path, url).href, { waitUntil: "load" });
  await page.screenshot({ path: `${directory}/${name}.png`, clip: height && { x: 0, y: 0, width: options.viewport.width, height } , fullPage: true });
  await context.close();
};
await shot("light", "/", { viewport: { width: 1280, height: 900 }, colorScheme: "light" });
await shot("dark-narrow", "/", { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
await shot("dark", "/", { viewport: { width: 1280, height: 900 }, colorScheme: "dark" });
await shot("w320", "/", { viewport: { width: 320, height: 800 }, colorScheme: "light" });
await shot("sheet", "/act/pause?plan=cloudflare-one-client", { viewport: { width: 900, height: 700 }, colorScheme: "light" });
await browser.close();
