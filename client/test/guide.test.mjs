// The guide's snippets in a real browser, against the real server.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { launch, open } from '../../t/e2e/lib/browser.mjs';
import { accounts, login, next, until, url } from '../../t/e2e/lib/server.mjs';
import { corrections, placeholders } from './guide/corrections.mjs';

const { john, jane } = accounts;

let browser;

before(async () => { browser = await launch(); });
after(() => browser.close());

// A snippet with its placeholders filled in and its mistakes corrected.
function snippet(file) {
  let text = readFileSync(new URL(`./guide/${file}`, import.meta.url), 'utf8');

  for (const { from, to } of corrections.filter((c) => c.file === file)) {
    assert.ok(text.includes(from), `nothing to correct in ${file}: ${from}`);
    text = text.replace(from, () => to);
  }
  for (const [from, to] of Object.entries(placeholders)) {
    text = text.replace(from, () => to);
  }
  return text;
}

const script = (file) => `<script>${snippet(file)}</script>`;

const metas = (account) => `
  <meta name="api-token" content="${account.token}">
  <meta name="user-id" content="${account.id}">
  <meta name="club-id" content="${account.tenant}">`;

// Opens a page that is put together here, at an address of the server.
async function openGuide(account, html) {
  const context = await browser.newContext();

  // a page that the server did not send may not reach this machine otherwise
  await context.grantPermissions(['local-network-access'], { origin: url });
  await context.route(`${url}/guide.html`, (route) => route.fulfill({
    contentType: 'text/html; charset=utf-8',
    body: `<!DOCTYPE html>${metas(account)}${html}`,
  }));
  return open(context, '/guide.html');
}

// What the snippets leave to the application: functions that note their calls.
const application = (...names) => `<script>
  const calls = [];
  ${names.map((name) => `function ${name}(...args) {
    calls.push(['${name}', ...args]);
  }`).join('\n')}
</script>`;

const calls = (page) => page.evaluate('calls');

async function called(page, name, ...args) {
  const wanted = JSON.stringify([name, ...args]);
  await until(async () => (await calls(page)).some(
    (call) => JSON.stringify(call.slice(0, args.length + 1)) === wanted),
  `${wanted} in the page`);
}

const updates = ['updateChatUI', 'updateGroupChat', 'showTypingIndicator',
  'hideTypingIndicator', 'updateUserStatus', 'updateOnlineList'];

test('steps 1 to 4: connection, channels and events', async (t) => {
  const page = await openGuide(john, application(...updates)
    + snippet('step-1.html') + script('step-2.js')
    + `<script>ws.on('subscribed', (data) => {
         calls.push(['subscribed', data.channel]);
       });</script>
       <script type="module">${snippet('step-3.js')}</script>`
    + snippet('step-4.html'));

  for (const channel of ['user:me', 'group.events.2', 'broadcast']) {
    await called(page, 'subscribed', channel);
  }

  const socket = await login(jane);
  t.after(() => socket.disconnect());
  await called(page, 'updateOnlineList');

  socket.emit('message:direct',
    { recipientId: 1, message: 'Hello!', conversationId: 'guide_1' });
  await until(async () => (await calls(page)).some(([name, data]) => (
    name === 'updateChatUI' && data.senderId === 2
      && data.message === 'Hello!')), 'a direct message in the page');

  await socket.timeout(30000).emitWithAck('subscribe',
    { channel: 'group.events.2' });
  socket.emit('message:group', {
    channel: 'group.events.2', message: 'Team message',
    conversationId: 'group_456',
  });
  await until(async () => (await calls(page)).some(([name, data]) => (
    name === 'updateGroupChat' && data.userId === 2)),
  'a group message in the page');

  for (const isTyping of [true, false]) {
    socket.emit('user:typing', {
      channel: 'group.events.2', conversationId: 'group_456', isTyping,
    });
    await called(page,
      isTyping ? 'showTypingIndicator' : 'hideTypingIndicator', 2);
  }

  socket.emit('user:presence', { status: 'busy' });
  await called(page, 'updateUserStatus', 2, 'busy');

  assert.deepEqual(page.errors, []);
  await page.context().close();
});

test('the complete chat example', async (t) => {
  const a = await openGuide(john, snippet('chat.html'));
  const b = await openGuide(jane, snippet('chat.html'));
  const conversation = (userId) => (
    `currentConversation = { userId: ${userId}, id: 'conv_12345' }`);

  await a.locator('.user', { hasText: 'John Doe' }).waitFor();
  await b.locator('.user', { hasText: 'John Doe Online' }).waitFor();
  await Promise.all([a, b].map((page) => page.evaluate(
    'ws.connect().then(() => socket.connected)')));
  await a.evaluate(conversation(2));
  await b.evaluate(conversation(1));

  const say = async (page, text) => {
    await page.locator('#message-input').fill(text);
    await page.locator('#send-button').click();
  };

  await until(async () => {
    await say(b, 'Hi <i>John</i>');
    return a.locator('.message').first().isVisible();
  }, 'a message in John\'s page');
  assert.equal(await a.locator('.message').first().textContent(),
    '2: Hi <i>John</i>');

  await say(a, 'Hi Jane');
  await b.locator('.message', { hasText: '1: Hi Jane' }).waitFor();

  await b.locator('#message-input').pressSequentially('thinking');
  await a.getByText('2 is typing...').waitFor();
  await b.locator('#send-button').click();
  await a.getByText('2 is typing...').waitFor({ state: 'hidden' });

  await a.evaluate("ws.getOnlineUsers().then(renderOnlineUsers)");
  await b.evaluate("ws.updatePresence('busy')");
  await a.locator('.user.busy[data-user-id="2"]').waitFor();

  const socket = await login(accounts.ada);
  t.after(() => socket.disconnect());
  await until(async () => (await a.evaluate('ws.getOnlineUsers()'))
    .some((user) => user.user_id === 2), 'Jane is online');
  const offline = new Promise((resolve) => {
    socket.on('user:offline', ({ userId }) => userId === 2 && resolve());
  });
  await b.close({ runBeforeUnload: true });
  await offline;

  assert.deepEqual([...a.errors, ...b.errors], []);
  await a.context().close();
});

test('the small snippets', async (t) => {
  const page = await openGuide(john,
    `<script src="/js/websocket-client.js"></script>
     <script>
       const calls = [];
       function updateOnlineUsersList(users) {
         calls.push(['updateOnlineUsersList', users.length > 0]);
       }
       const getVisibleUserIds = () => [1, 2];
       const updateUI = (list) => calls.push(
         ['updateUI', ...list.map((user) => user.user_id)]);
       // the guide's ten seconds are long
       const slow = setInterval;
       setInterval = (fn, ms) => slow(fn, ms / 10);
     </script>`
    + ['heartbeat.js', 'presence.js', 'polling.js', 'batching.js', 'lazy.js']
      .map(script).join(''));

  assert.equal(await page.evaluate('ws.heartbeatInterval'), 15000);
  await called(page, 'updateUI', 1, 2);
  await called(page, 'updateOnlineUsersList', true);

  const socket = await login(jane);
  t.after(() => socket.disconnect());
  await socket.timeout(30000).emitWithAck('subscribe',
    { channel: 'guide.batch' });
  const typing = next(socket, 'user:typing');
  await page.evaluate("recordTyping('guide.batch', true)");
  assert.deepEqual([(await typing).userId, (await typing).isTyping],
    [1, true]);

  const away = new Promise((resolve) => {
    socket.on('user:presence', (data) => (
      data.status === 'away' && resolve(data)));
  });
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden',
      { configurable: true, get: () => true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  const { userId, status, lastMessage } = await away;
  assert.deepEqual([userId, status, lastMessage], [1, 'away', 'Away']);

  // without a socket, only the page's last words say that it has gone
  let offline;
  socket.on('user:offline', (data) => { offline ||= data.userId === 1; });
  await page.close({ runBeforeUnload: true });
  await until(() => offline, 'John is offline long before 90 seconds');

  assert.deepEqual(page.errors, []);
  await page.context().close();
});
