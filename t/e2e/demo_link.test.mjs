// The example page and its connections: presence, polling, what fails.

import test from 'node:test';
import assert from 'node:assert/strict';
import { open, setHidden } from './lib/browser.mjs';
import {
  another, clean, enter, message, newContext, say, talkTo, useBrowser, user,
} from './lib/chat.mjs';
import { accounts, login } from './lib/server.mjs';

const { john, jane } = accounts;

const pollOnly = () => { delete globalThis.WebSocket; };
const socketIo = (address) => address.pathname === '/socket.io/';

// A page whose clock the test moves, and that reaches no Socket.IO.
async function withoutSocketIo(account) {
  const context = await newContext();
  await context.clock.install();
  await context.addInitScript(() => {
    const { WebSocket } = globalThis;
    globalThis.WebSocket = function refused() {
      return new WebSocket(`ws://${location.host}/refused`);
    };
  });
  await context.route(socketIo, (route) => route.abort());
  return [context, await open(context, `/?as=${account.id}`)];
}

// Lets the page's polls through, but once a payload has the first, it waits
// for one with the second and answers with both, as joined.
function gather(context, first, second, join) {
  return context.route(socketIo, async (route) => {
    if (route.request().method() !== 'GET') {
      await route.continue();
      return;
    }
    try {
      const response = await route.fetch({ timeout: 0 });
      let body = await response.text();
      while (body.includes(first) && !body.includes(second)) {
        const behind = await route.fetch({ timeout: 0 });
        body = join(body, await behind.text());
      }
      await route.fulfill({ response, body });
    } catch (error) {
      if (!/closed|disposed|canceled/i.test(error.message)) throw error;
    }
  });
}

useBrowser();

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

test('a browser without WebSocket talks by polling', async () => {
  const a = await enter(john, {
    prepare: pollOnly,
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

test('without Socket.IO the list is asked for every ten seconds', async () => {
  const [context, a] = await withoutSocketIo(john);

  await a.locator('#banner', { hasText: 'The connection is lost' }).waitFor();
  await user(a, 'Jane Smith').getByText('Offline').waitFor();

  const socket = await login(jane);
  await context.clock.fastForward(10000);
  await user(a, 'Jane Smith').getByText('Online').waitFor();
  socket.disconnect();
  clean(a);
});

test('"Try now" does not wait for the next attempt', async () => {
  const [context, a] = await withoutSocketIo(john);
  const banner = a.locator('#banner', { hasText: 'The connection is lost' });

  await banner.waitFor();
  await context.clock.pauseAt(Date.now() + 60000);
  await banner.waitFor();
  await context.unroute(socketIo);
  await a.getByRole('button', { name: 'Try now' }).dispatchEvent('click');
  await a.getByText('Connected by').waitFor();
  await banner.waitFor({ state: 'hidden' });
  clean(a);
});

test('a status that the server refused for now arrives', async () => {
  const a = await enter(john);
  const b = await enter(jane);
  const refusals = [
    { status: 429, headers: { 'Retry-After': '1' } }, { status: 503 },
  ];

  await b.context().route('**/presence/update', (route) => {
    const refusal = refusals.shift();
    return refusal ? route.fulfill({ json: { message: 'No' }, ...refusal })
      : route.fallback();
  });
  await b.getByLabel('My status').selectOption('busy');
  await user(a, 'Jane Smith').getByText('Busy').waitFor();
  assert.equal(refusals.length, 0);
  clean(a, b);
});

test('a message in one poll with the login\'s answer is answered', async () => {
  const a = await enter(john);
  await talkTo(a, 'Jane Smith');
  await say(a, 'in one poll');
  await message(a, 'in one poll').locator('.icon.sent').waitFor();

  const context = await newContext();
  await context.addInitScript(pollOnly);
  await gather(context, '"connectionId"', '"message:direct"',
    (body, behind) => `${body}\x1e${behind}`);
  const b = await another(context, jane);

  await talkTo(b, 'John Doe');
  await message(b, 'in one poll').waitFor();
  await message(a, 'in one poll').locator('.icon.delivered').waitFor();
  clean(a, b);
});

test('a receipt that overtakes the acknowledgement counts', async () => {
  const b = await enter(jane);
  await talkTo(b, 'John Doe');

  const context = await newContext();
  await context.addInitScript(pollOnly);
  await gather(context, '"messageId"', '"message:delivered"',
    (body, behind) => `${behind}\x1e${body}`);
  const a = await another(context, john);

  await talkTo(a, 'Jane Smith');
  await say(a, 'overtaken');
  await message(b, 'overtaken').waitFor();
  await message(a, 'overtaken').locator('.icon.delivered').waitFor();
  clean(a, b);
});
