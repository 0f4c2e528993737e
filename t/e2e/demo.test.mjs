// The example page, as people meet it.

import test, { after, afterEach, before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { launch, open, setHidden } from './lib/browser.mjs';
import { Instance } from './lib/instance.mjs';
import { accounts, until, url } from './lib/server.mjs';

const { john, jane, ada, eve, max } = accounts;

let browser;
const contexts = [];

before(async () => { browser = await launch(); });

afterEach(() => Promise.all(
  contexts.splice(0).map((context) => context.close())));

after(() => browser.close());

async function newContext(options) {
  const context = await browser.newContext(options);
  contexts.push(context);
  return context;
}

// A window of its own, as the person.
async function enter(account, { base = url, prepare, ...options } = {}) {
  const context = await newContext(options);
  if (prepare) await context.addInitScript(prepare);
  return another(context, account, base);
}

// One more tab in the same browser.
async function another(context, account, base = url) {
  const page = await open(context, `/?as=${account.id}`, base);
  page.setDefaultTimeout(15000);
  await page.getByText('Connected by').waitFor();
  return page;
}

function clean(...pages) {
  for (const page of pages) assert.deepEqual(page.errors, []);
}

const user = (page, name) => page.locator('.user', { hasText: name });

async function talkTo(page, name) {
  await user(page, name).click();
  await page.locator('#talk-title', { hasText: name }).waitFor();
}

async function say(page, text) {
  await page.locator('#message-input').fill(text);
  await page.locator('#message-input').press('Enter');
}

const joined = (page) => page.locator('#talk-status',
  { hasText: 'Everybody who has joined' }).waitFor();

const message = (page, text) => page.locator('.message', { hasText: text });

const sent = (page, text) => message(page, text).locator(
  '.icon:is(.sent, .delivered)');

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

test('two people write each other; text stays text', async () => {
  const a = await enter(john);
  const b = await enter(jane);
  const text = '<img src=x onerror="document.title=\'broken\'"> <b>& "so"';

  await talkTo(a, 'Jane Smith');
  await say(a, text);
  await sent(a, text).waitFor();

  await user(b, 'John Doe').locator('.badge').waitFor();
  assert.match(await b.title(), /^\(1\) Chat/);
  await talkTo(b, 'John Doe');
  await message(b, text).waitFor();
  assert.equal(await b.locator('.badge').count(), 0);
  assert.equal(await b.locator('.message img, .message b').count(), 0);

  await b.locator('#message-input').fill('two');
  await b.locator('#message-input').press('Shift+Enter');
  await b.locator('#message-input').pressSequentially('lines');
  await b.locator('#send-button').click();
  await message(a, 'two\nlines').waitFor();

  clean(a, b);
});

test('delivery shows', async () => {
  const a = await enter(john);
  await talkTo(a, 'Jane Smith');
  await say(a, 'before you came');
  await message(a, 'before you came').locator('.icon.sent').waitFor();

  const b = await enter(jane);
  await talkTo(b, 'John Doe');
  await message(b, 'before you came').waitFor();
  await message(a, 'before you came').getByRole('img', { name: 'delivered' })
    .waitFor();

  await say(a, 'and now');
  await message(a, 'and now').locator('.icon.delivered').waitFor();
  clean(a, b);
});

test('groups: their members, joining and leaving', async () => {
  const a = await enter(john);
  const b = await enter(jane);
  const c = await enter(ada);

  for (const page of [a, b, c]) {
    await page.locator('#join-input').fill('group.demo');
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await page.locator('#talk-title', { hasText: 'group.demo' }).waitFor();
    await joined(page);
  }
  await c.getByRole('button', { name: 'Leave' }).click();
  await c.getByText('You have left this group').first().waitFor();

  await say(a, 'first');
  await message(b, 'first').waitFor();
  await say(b, 'second');
  await message(a, 'second').waitFor();
  await sent(b, 'second').waitFor();

  assert.equal(await message(a, 'first').count(), 1, 'one\'s own comes once');
  assert.equal(await c.locator('.message').count(), 0);

  await c.locator('#leave-button', { hasText: 'Join' }).click();
  await joined(c);
  await say(c, 'back again');
  await message(a, 'back again').waitFor();
  clean(a, b, c);
});

test('announcements reach the club, from whoever may', async () => {
  const a = await enter(john);
  const b = await enter(max);
  const c = await enter(eve);

  await talkTo(a, 'Everyone');
  await say(a, 'Club announcement');
  await sent(a, 'Club announcement').waitFor();
  await talkTo(b, 'Everyone');
  await message(b, 'Club announcement').waitFor();
  await talkTo(c, 'Everyone');
  assert.equal(await c.locator('.message').count(), 0);

  await say(b, 'me too');
  await message(b, 'me too').getByRole('alert').waitFor();
  clean(a, b, c);
});

test('typing appears and goes, before the first message, too', async () => {
  const a = await enter(john);
  const b = await enter(jane);

  await talkTo(b, 'John Doe');
  await talkTo(a, 'Jane Smith');
  await a.locator('#message-input').pressSequentially('Hm');
  await b.locator('#typing-indicator',
    { hasText: 'John Doe is typing…' }).waitFor();
  await user(b, 'John Doe').getByText('typing…').waitFor();

  // nothing more is typed
  await until(async () => await b.locator('#typing-indicator').textContent()
    === '');

  await a.locator('#message-input').pressSequentially('m');
  await b.getByText('John Doe is typing…').waitFor();
  await a.locator('#message-input').press('Enter');
  await message(b, 'Hmm').waitFor();
  assert.equal(await b.locator('#typing-indicator').textContent(), '');

  await a.locator('#message-input').pressSequentially('and');
  await b.getByText('John Doe is typing…').waitFor();
  await a.context().close();
  await until(async () => await b.locator('#typing-indicator').textContent()
    === '');
  clean(a, b);
});

test('presence follows people and hidden pages', async () => {
  const a = await enter(john);
  await user(a, 'Jane Smith').getByText('Offline').waitFor();

  const b = await enter(jane);
  await user(a, 'Jane Smith').getByText('Online').waitFor();
  await a.locator('.user.online', { hasText: 'Jane Smith' }).waitFor();

  await setHidden(b, true);
  await user(a, 'Jane Smith').getByText('Away').waitFor();

  // another tab that shows counts for more than one that is hidden
  const tab = await another(b.context(), jane);
  await user(a, 'Jane Smith').getByText('Online').waitFor();
  await tab.close();
  await user(a, 'Jane Smith').getByText('Away').waitFor();

  await setHidden(b, false);
  await user(a, 'Jane Smith').getByText('Online').waitFor();

  await b.getByLabel('My status').selectOption('busy');
  await user(a, 'Jane Smith').getByText('Busy').waitFor();
  await b.getByLabel('My status').selectOption('offline');
  await user(a, 'Jane Smith').getByText('Offline').waitFor();
  await b.getByLabel('My status').selectOption('online');
  await user(a, 'Jane Smith').getByText('Online').waitFor();

  await b.context().close();
  await user(a, 'Jane Smith').getByText('Offline').waitFor();
  clean(a, b);
});

test('notifications come as such', async () => {
  const a = await enter(john);
  const b = await enter(jane);

  await talkTo(a, 'Jane Smith');
  await a.getByRole('button', { name: 'Notify' }).click();
  await a.getByLabel('Title').fill('Lunch <b>');
  await a.getByLabel('Text').fill('At noon');
  await a.locator('#notify-dialog').getByRole('button', { name: 'Send' })
    .click();
  await b.locator('.toast', { hasText: 'Lunch <b>' }).getByText('At noon')
    .waitFor();
  await a.getByText('Notification sent').waitFor();
  await b.getByRole('button', { name: 'Dismiss' }).click();
  assert.equal(await b.locator('.toast').count(), 0);
  clean(a, b);
});

test('another tab of the same person', async () => {
  const a = await enter(john);
  const tab = await another(a.context(), john);
  const b = await enter(jane);

  await talkTo(b, 'John Doe');
  await say(b, 'to both');
  for (const page of [a, tab]) {
    await talkTo(page, 'Jane Smith');
    await message(page, 'to both').waitFor();
  }

  await say(tab, 'from the tab');
  await message(a, 'from the tab').waitFor();
  await message(b, 'from the tab').waitFor();

  await talkTo(a, 'group.lunch');
  await talkTo(tab, 'group.lunch');
  await talkTo(b, 'group.lunch');
  await say(tab, 'hungry');
  await message(a, 'hungry').waitFor();
  await message(b, 'hungry').waitFor();

  await tab.close();
  await say(a, 'still here');
  await message(b, 'still here').waitFor();
  for (const page of [a, b]) {
    assert.equal(await message(page, 'hungry').count(), 1);
  }
  clean(a, b);
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
  await a.getByText('-1 characters left').waitFor();
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

test('a browser without WebSocket talks by polling', async () => {
  const a = await enter(john, {
    prepare: () => { delete globalThis.WebSocket; },
  });
  const b = await enter(jane);

  await a.getByText('Connected by polling').waitFor();
  await b.getByText('Connected by WebSocket').waitFor();

  await talkTo(a, 'Jane Smith');
  await talkTo(b, 'John Doe');
  for (let i = 0; i < 5; i += 1) {
    await say(a, `there ${i}`);
    await message(b, `there ${i}`).waitFor();
    await say(b, `and back ${i}`);
    await message(a, `and back ${i}`).waitFor();
  }
  clean(a, b);
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

test('a restart of the server in the middle', async () => {
  const own = await Instance.create();

  try {
    const a = await enter(john, { base: own.url });
    const b = await enter(jane, { base: own.url });

    await talkTo(a, 'Jane Smith');
    await talkTo(b, 'John Doe');
    await say(a, 'before');
    await message(b, 'before').waitFor();

    await own.stop();
    await a.locator('#banner', { hasText: 'The connection is lost' }).waitFor();
    await b.locator('#banner', { hasText: 'The connection is lost' }).waitFor();
    await say(a, 'meanwhile 1');
    await say(a, 'meanwhile 2');
    await message(a, 'meanwhile 1').locator('.icon.waiting').waitFor();
    await b.locator('#message-input').fill('not finis');

    await own.start();
    await sent(a, 'meanwhile 2').waitFor();
    await message(b, 'meanwhile 2').waitFor();
    await a.locator('#banner').waitFor({ state: 'hidden' });
    assert.deepEqual(await b.locator('.message .text').allTextContents(),
      ['before', 'meanwhile 1', 'meanwhile 2']);
    assert.equal(await b.locator('#message-input').inputValue(), 'not finis');

    await b.locator('#message-input').pressSequentially('hed');
    await b.locator('#message-input').press('Enter');
    await message(a, 'not finished').waitFor();
    clean(a, b);
  } finally {
    await own.destroy();
  }
});
