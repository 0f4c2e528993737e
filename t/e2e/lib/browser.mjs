// Chromium, and what the tests do with pages.

import { chromium } from 'playwright-core';
import { url } from './server.mjs';

// A browser of its own with a fresh profile.
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
      '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });
}

// A page whose errors are kept in page.errors: exceptions, and whatever the
// page's policy has refused.
export async function open(context, path, base = url) {
  const page = await context.newPage();

  page.errors = [];
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('console', (message) => {
    if (/Security Policy|Trusted/i.test(message.text())) {
      page.errors.push(message.text());
    }
  });
  await page.goto(`${base}${path}`);
  return page;
}

// A headless browser shows every page: it is hidden as the browser would
// tell the page.
export function setHidden(page, hidden) {
  return page.evaluate((value) => {
    Object.defineProperty(document, 'hidden',
      { configurable: true, get: () => value });
    Object.defineProperty(document, 'visibilityState',
      { configurable: true, get: () => (value ? 'hidden' : 'visible') });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  }, hidden);
}
