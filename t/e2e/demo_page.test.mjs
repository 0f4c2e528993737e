// The example page itself: accounts, what it refuses, who can use it.

import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { open } from './lib/browser.mjs';
import {
  another, clean, enter, message, newContext, say, sent, talkTo, useBrowser,
  user,
} from './lib/chat.mjs';
import { accounts, url } from './lib/server.mjs';

const { john, jane } = accounts;

useBrowser();

test('an account is chosen, by hand or by the address', async () => {
  const context = await newContext();
  const page = await open(context, '/');

  await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
  await page.getByRole('button', { name: /^Jane Smith/ }).click();
  await page.getByRole('heading', { name: 'Jane Smith' }).waitFor();
  await page.getByText('Connected by').waitFor();

  await page.reload();
  await page.getByRole('heading', { name: 'Jane Smith' }).waitFor();

  const popup = context.waitForEvent('page');
  await page.getByRole('button', { name: 'Change account' }).click();
  await page.getByRole('link', { name: 'Ada Park in a new window' }).click();
  const other = await popup;
  await other.getByRole('heading', { name: 'Ada Park' }).waitFor();
  // a page that goes before leaves a connection by REST alone
  await other.getByText('Connected by').waitFor();
  clean(page);
});

test('a policy keeps what is not ours out of the page', async () => {
  const answer = await fetch(url);
  const policy = answer.headers.get('Content-Security-Policy');

  assert.match(policy, /default-src 'none'; script-src 'self';/);
  assert.doesNotMatch(policy, /unsafe/);
  assert.match(policy, /require-trusted-types-for 'script'/);
  assert.doesNotMatch(await answer.text(), /<script>|\son\w+=|\sstyle=/);
});

test('names and statuses are text, whatever they hold', async () => {
  const bad = '<img src=x onerror="document.title=1">';
  const context = await newContext();
  await context.route('**/online-users', (route) => route.fulfill({
    json: {
      data: [
        { user_id: 2, name: bad, status: '"><b>', display_status: bad },
        { user_id: 9, name: null, status: 'online', display_status: 'Online' },
      ],
      total: 2,
    },
  }));
  const a = await another(context, john);

  await a.locator('.user-name', { hasText: bad }).click();
  await a.locator('#talk-title', { hasText: bad }).waitFor();
  await user(a, 'User 9').waitFor();
  await a.locator('#join-input').fill(bad);
  await a.locator('#join-input').press('Enter');
  await user(a, `${bad}Everybody`).waitFor();

  assert.equal(await a.locator('#app :is(img, b)').count(), 0);
  assert.match(await a.title(), /Chat – John Doe/);
  clean(a);
});

test('no token is in an address', async () => {
  const context = await newContext();
  const addresses = [];
  context.on('request', (request) => addresses.push(request.url()));
  context.on('page', (page) => page.on('websocket',
    (socket) => addresses.push(socket.url())));

  const a = await another(context, john);
  await a.getByText('Connected by WebSocket').waitFor();
  assert.ok(addresses.some((address) => address.startsWith('ws://')));
  assert.ok(addresses.some((address) => address.endsWith('/connect')));
  assert.deepEqual(addresses.filter((address) => /token|Bearer|1(\||%7C)/i
    .test(address)), []);
  clean(a);
});

test('the session survives a reload of the page', async () => {
  const a = await enter(john);
  await talkTo(a, 'Jane Smith');
  await say(a, 'written before');
  await sent(a, 'written before').waitFor();
  await a.locator('#message-input').fill('half a senten');
  await a.reload();
  await a.getByText('Connected by').waitFor();
  await talkTo(a, 'Jane Smith');
  await message(a, 'written before').waitFor();
  assert.equal(await a.locator('#message-input').inputValue(),
    'half a senten');
  clean(a);
});

test('what cannot be sent says so', async () => {
  const a = await enter(john);
  await talkTo(a, 'Jane Smith');
  await a.locator('#message-input').fill('x'.repeat(4990));
  await a.getByText('10 characters left').waitFor();
  await a.locator('#message-input').fill('x'.repeat(5001));
  await a.getByText('1 characters too many').waitFor();
  assert.ok(await a.locator('#send-button').isDisabled());
  clean(a);
});

test('a bad token leads back to the accounts', async () => {
  const context = await newContext();
  await context.route('**/accounts.js', async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('demo-token-john', 'wrong');
    await route.fulfill({ response, body });
  });
  const page = await open(context, '/?as=1');
  await page.getByRole('heading', { name: 'Who are you?' }).waitFor();
  await page.getByRole('alert').getByText('Unauthenticated.').waitFor();
  clean(page);
});

test('a phone shows the list or the talk; the keyboard does it all',
  async () => {
    const a = await enter(john, { viewport: { width: 390, height: 700 } });

    assert.ok(await a.locator('.talk').isHidden());
    await user(a, 'Jane Smith').focus();
    await a.keyboard.press('Enter');
    await a.locator('#message-input:focus').waitFor();
    assert.ok(await a.locator('.side').isHidden());
    await a.keyboard.type('by keyboard');
    await a.keyboard.press('Enter');
    await message(a, 'by keyboard').waitFor();

    await a.keyboard.press('Escape');
    await a.locator('.user:focus', { hasText: 'Jane Smith' }).waitFor();
    assert.ok(await a.locator('.talk').isHidden());

    const width = await a.evaluate('document.documentElement.scrollWidth');
    assert.equal(width, 390, 'scrolls sideways');
    clean(a);
  });

test('nothing stands in the way of assistive technology', async () => {
  const axe = readFileSync(
    createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  const check = async (page, what) => {
    await page.evaluate(axe);
    const { violations } = await page.evaluate('axe.run()');
    assert.deepEqual(violations.map(({ id, nodes }) => (
      [what, id, ...nodes.map((node) => node.html)])), []);
  };

  const b = await enter(jane);
  await talkTo(b, 'John Doe');
  for (const colorScheme of ['light', 'dark']) {
    const context = await newContext({ colorScheme, bypassCSP: true });
    await check(await open(context, '/'), 'the accounts');

    const a = await another(context, john);
    await say(b, 'Hello');
    await user(a, 'Jane Smith').locator('.badge').waitFor();
    await check(a, 'the lists');

    await talkTo(a, 'Jane Smith');
    await say(a, 'Hi');
    await sent(a, 'Hi').waitFor();
    await b.locator('#message-input').pressSequentially('and');
    await a.getByText('Jane Smith is typing…').waitFor();
    await check(a, 'a talk');

    await a.getByRole('button', { name: 'Notify' }).click();
    await check(a, 'the dialog');
    await context.close();
  }
  clean(b);
});
