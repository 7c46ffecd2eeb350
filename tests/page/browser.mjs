// The browser that the page is driven in: Debian's Chromium, talking to nobody but the page.
import { createRequire } from "node:module";

const modules = process.env.NODE_MODULES;
if (!modules) throw new Error("NODE_MODULES must name the directory that holds node_modules");
const require = createRequire(`${modules}/package.json`);
const { chromium } = require("playwright-core");

/** The source of the accessibility checker, to be evaluated in a page. */
export const axeSource = require("axe-core").source;

export const open = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ],
  });
