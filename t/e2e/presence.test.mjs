// Presence: edges, merging of a user's connections, lists, REST.

import test from 'node:test';
import assert from 'node:assert/strict';
import { accounts, login, nextOf, redis, sql, until, url } from './lib/server.mjs';

const { john, jane, ada, eve, max } = accounts;

function emit(socket, event, data) {
  return socket.timeout(30000).emitWithAck(event, data);
}

async function rest(method, path, account, body, headers) {
  const answer = await fetch(`${url}/api/websocket/${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${account.token}`,
      'Content-Type': 'application/json',
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

async function statusOf(account, by = john) {
  return (await rest('GET', `presence/${account.id}`, by)).body.data.status;
}

function gone(account) {
  return until(async () => await statusOf(account) === 'offline',
    `user ${account.id} goes offline`, 120);
}

// Events of one user as the watcher sees them, from now on: what was published
// before comes in front of the answer.
async function watch(socket, id) {
  await emit(socket, 'subscribe', { channel: `watch-${Date.now()}` });
  const seen = [];
  for (const event of ['user:online', 'user:offline', 'user:presence']) {
    socket.on(event, (data) => {
      if (data.userId === id) seen.push([event, data.status]);
    });
  }
  return seen;
}

test('online at the first connection, offline after the last', async () => {
  const watcher = await login(john);
  await gone(ada);
  const seen = await watch(watcher, 3);

  const [a, b] = [await login(ada), await login(ada)];
  await until(() => seen.length === 1);
  const list = (await rest('GET', 'online-users', john)).body;
  assert.equal(list.total, list.data.length);
  const item = list.data.find((u) => u.user_id === 3);
  assert.deepEqual([item.name, item.user_name, item.status, item.display_status],
    ['Ada Park', 'Ada Park', 'online', 'Online']);
  assert.ok(list.data.some((u) => u.user_id === 1), 'the caller is missing');
  assert.deepEqual(list.data.map((u) => u.user_id),
    list.data.map((u) => u.user_id).sort((x, y) => x - y));

  a.disconnect();
  assert.equal(await statusOf(ada), 'online', 'one tab is enough');
  const left = Date.now();
  b.disconnect();
  await until(() => seen.length === 2);
  const grace = Date.now() - left;
  assert.ok(grace > 4000 && grace < 25000, `offline after ${grace} ms`);
  assert.deepEqual(seen, [['user:online', 'online'], ['user:offline', 'offline']]);

  await until(() => sql(`SELECT status FROM websocket_presence
    WHERE tenant_id = 1 AND user_id = 3`)[0]?.[0] === 'offline');
  watcher.disconnect();
});

test('a reconnect within the grace is no edge', async () => {
  const watcher = await login(john);
  await gone(ada);
  const seen = await watch(watcher, 3);
  for (let i = 0; i < 3; i++) {
    const tab = await login(ada);
    tab.disconnect();
  }
  await until(() => seen.some(([event]) => event === 'user:offline'));
  assert.deepEqual(seen.map(([event]) => event), ['user:online', 'user:offline']);
  watcher.disconnect();
});

test('busy beats online beats away; offline leaves the lists', async () => {
  const watcher = await login(john);
  const [a, b] = [await login(jane), await login(jane)];
  const seen = await watch(watcher, 2);

  const event = nextOf(watcher, 'user:presence', ({ userId }) => userId === 2);
  assert.equal((await emit(a, 'user:presence',
    { status: 'busy', device: 'mobile', lastMessage: 'Lunch "break"' })).status, 'ok');
  const { timestamp, ...data } = await event;
  assert.deepEqual(data, {
    userId: 2, status: 'busy', device: 'mobile', lastMessage: 'Lunch "break"',
  });
  const busy = (await rest('GET', 'presence/2', john)).body.data;
  assert.equal(busy.display_status, 'Busy on mobile');
  assert.match(busy.last_seen_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);

  await emit(a, 'user:presence', { status: 'away' });
  await until(async () => await statusOf(jane) === 'online');
  await emit(b, 'user:presence', { status: 'away' });
  await until(async () => await statusOf(jane) === 'away');
  assert.equal((await rest('GET', 'presence/2', john)).body.data.display_status, 'Away');

  await emit(a, 'user:presence', { status: 'offline' });
  await emit(b, 'user:presence', { status: 'offline' });
  await until(() => seen.at(-1)[0] === 'user:offline');
  const list = (await rest('GET', 'online-users', john)).body.data;
  assert.ok(!list.some((u) => u.user_id === 2));
  const message = nextOf(a, 'message:direct', (m) => m.message === 'still there?');
  await emit(watcher, 'message:direct', { recipientId: 2, message: 'still there?' });
  await message;

  for (const bad of [{}, { status: 'gone' }, { status: 'away', device: 'toaster' },
    { status: 'away', lastMessage: 'x'.repeat(501) }]) {
    assert.equal((await emit(a, 'user:presence', bad)).code, 'invalid');
  }
  [watcher, a, b].forEach((s) => s.disconnect());
});

test('presence by REST alone', async () => {
  await gone(max);
  const id = `conn_rest_${Date.now()}`;
  assert.equal((await rest('POST', 'connect', max,
    { connection_id: id, device_type: 'tablet' })).status, 201);
  await until(async () => await statusOf(max) === 'online');
  const update = await rest('POST', 'presence/update', max,
    { status: 'away', device: 'mobile', last_message: 'In a meeting' },
    { 'X-Connection-Id': id });
  assert.equal(update.status, 200);
  assert.deepEqual(Object.keys(update.body.data), ['status', 'device', 'updated_at']);
  assert.equal(await statusOf(max), 'away');
  assert.equal((await rest('GET', 'presence/me', max)).body.data.status, 'away');

  assert.equal((await rest('GET', 'presence/4', john)).status, 404);
  assert.equal((await rest('GET', 'presence/abc', john)).status, 404);
  assert.equal((await rest('GET', 'presence/5', eve)).status, 404);
  assert.equal((await rest('POST', 'presence/update', max, { status: 'x' })).status, 422);

  assert.equal((await rest('POST', 'disconnect', max, { connection_id: id })).status, 200);
  await gone(max);
});

test('a connection without a socket ends when it is silent for long', async () => {
  await gone(max);
  const id = `conn_silent_${Date.now()}`;
  assert.equal((await rest('POST', 'connect', max, { connection_id: id })).status, 201);
  await until(async () => await statusOf(max) === 'online');

  // its 90 seconds are over
  redis('HSET', 'ws:{1}:status:5', `c:${id}`, 'online  1');
  redis('ZADD', 'ws:_:presence', '1', '1 5 ');
  await gone(max);
  assert.equal(redis('HGET', `ws:_:conn:${id}`, 'status'), 'disconnected');
  await until(() => sql(`SELECT COUNT(*) FROM websocket_connections
    WHERE connection_id = '${id}' AND status = 'disconnected'
      AND disconnected_at >= last_activity_at`)[0][0] === '1', 'the record');
});

test('in a crowd, edges come together, by every transport', async () => {
  const coming = [jane, ada, max];
  for (const account of coming) await gone(account);

  const crowd = Array.from({ length: 16 }, (_, i) => `${9001 + i}`);
  redis('HSET', 'ws:{1}:online', ...crowd.flatMap((id) => [id, '{}']));
  const watchers = await Promise.all(['websocket', 'polling'].map(
    (transport) => login(john, { transports: [transport] })));
  const seen = await Promise.all(watchers.map((socket) => Promise.all(
    coming.map(({ id }) => watch(socket, id)))));

  const sockets = await Promise.all(coming.map((account) => login(account)));
  const online = coming.map(() => [['user:online', 'online']]);
  await until(() => seen.flat().every((events) => events.length > 0));
  assert.deepEqual(seen, [online, online]);

  sockets.forEach((socket) => socket.disconnect());
  await until(() => seen.flat().every((events) => events.length > 1));
  const both = coming.map(() => [['user:online', 'online'], ['user:offline', 'offline']]);
  assert.deepEqual(seen, [both, both]);

  redis('HDEL', 'ws:{1}:online', ...crowd);
  assert.equal(redis('EXISTS', 'ws:{1}:edges'), '0');
  await until(() => redis('ZSCORE', 'ws:_:presence', '1 0 ') === '');
  watchers.forEach((socket) => socket.disconnect());
});
