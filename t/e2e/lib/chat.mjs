// The example page as people use it. A test file calls useBrowser() first.

import { after, afterEach, before } from 'node:test';
import assert from 'node:assert/strict';
import { launch, open } from './browser.mjs';
import { url } from './server.mjs';

const contexts = [];

let browser;

export function useBrowser() {
  before(async () => { browser = await launch(); });

  afterEach(() => Promise.all(
    contexts.splice(0).map((context) => context.close())));

  after(() => browser.close());
}

export async function newContext(options) {
  const context = await browser.newContext(options);
  contexts.push(context);
  return context;
}

// A window of its own, as the person.
export async function enter(account,
  { base = url, prepare, ...options } = {})
{
  const context = await newContext(options);
  if (prepare) await context.addInitScript(prepare);
  return another(context, account, base);
}

// One more tab in the same browser.
export async function another(context, account, base = url) {
  const page = await open(context, `/?as=${account.id}`, base);
  page.setDefaultTimeout(60000);
  await page.getByText('Connected by').waitFor();
  return page;
}

export function clean(...pages) {
  for (const page of pages) assert.deepEqual(page.errors, []);
}

export const user = (page, name) => page.locator('.user', { hasText: name });

export async function talkTo(page, name) {
  await user(page, name).click();
  await page.locator('#talk-title', { hasText: name }).waitFor();
}

export async function say(page, text) {
  await page.locator('#message-input').fill(text);
  await page.locator('#message-input').press('Enter');
}

export const joined = (page) => page.locator('#talk-status',
  { hasText: 'Everybody who joined' }).waitFor();

export const message = (page, text) => page.locator('.message',
  { hasText: text });

export const sent = (page, text) => message(page, text).locator(
  '.icon:is(.sent, .delivered)');
