// Death without a word, of a worker and of a whole machine: two instances of
// nginx on one Redis and one MariaDB, one of which dies.

import test, { after, afterEach, before } from 'node:test';
import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { accounts, next, redis, sql, until } from './lib/server.mjs';
import { Nginx } from './lib/nginx.mjs';

const { john, jane, ada } = accounts;

// 15 seconds with the default grace of 5; a machine may be busy
const limit = process.env.TEST_NGINX_STRICT ? 11 : 30;

const options = {
  workers: 1,
  http: 'websocket_presence_grace 1s;',
  locations: `
    location /socket.io/ { websocket_socketio on; }
    location /ws { websocket on; }
    location /api/websocket/ { websocket_api on; }`,
};

const sockets = [];
const run = Date.now();

let here;
let there;

before(async () => {
  [here, there] = await Promise.all([Nginx.start(options), Nginx.start(options)]);
});

after(() => Promise.all([here.stop(), there.stop()]));

afterEach(() => sockets.splice(0).forEach((socket) => socket.disconnect()));

async function login(nginx, account, fields = {}) {
  const socket = io(nginx.url, {
    forceNew: true, transports: ['websocket'], reconnection: false,
    auth: { token: account.token, ...fields },
  });
  sockets.push(socket);
  socket.login = await next(socket, 'authenticated');
  return socket;
}

async function emit(socket, event, data) {
  const ack = await socket.timeout(30000).emitWithAck(event, data);
  assert.equal(ack.status, 'ok');
  return ack;
}

// What the socket hears of a user from now on, as "event" or "event value".
function watch(socket, id) {
  const seen = [];
  for (const event of ['user:online', 'user:offline', 'user:presence']) {
    socket.on(event, ({ userId }) => { if (userId === id) seen.push(event); });
  }
  for (const event of ['channel:user-joined', 'channel:user-left']) {
    socket.on(event, ({ userId, channel }) => {
      if (userId === id) seen.push(`${event} ${channel}`);
    });
  }
  socket.on('user:typing', ({ userId, isTyping, conversationId }) => {
    if (userId === id && conversationId.endsWith(`_${run}`)) {
      seen.push(`user:typing ${isTyping}`);
    }
  });
  return seen;
}

async function offline(account) {
  await until(async () => {
    const res = await fetch(`${here.url}/api/websocket/presence/${account.id}`, {
      headers: { Authorization: `Bearer ${john.token}` },
    });
    return (await res.json()).data.status === 'offline';
  }, `user ${account.id} is offline`, 120);
}

// Everything of connections, channels and workers that is left in Redis.
function left(...ids) {
  return redis('KEYS', 'ws:*').split('\n').filter((key) => (
    /^ws:_:(owned|joined):|members:/.test(key)
    || ids.some((id) => key === `ws:_:conn:${id}` && redis('TTL', key) === '-1')));
}

// Jane sits there, types, is in a channel, and has a message without a word.
async function scene(what) {
  const name = `${what}_${run}`;
  await offline(jane);
  const watcher = await login(here, john);
  const seen = watch(watcher, 2);
  const victim = await login(there, jane, { connectionId: `conn_${name}` });
  await until(() => seen.includes('user:online'), 'Jane is online');
  await emit(watcher, 'subscribe', { channel: name });
  await emit(victim, 'subscribe', { channel: name });
  await emit(victim, 'user:typing', { conversationId: name, isTyping: true, channel: name });
  const { messageId } = await emit(watcher, 'message:direct',
    { recipientId: 2, message: 'are you there?' });
  await until(() => seen.includes('user:typing true'), 'Jane types');
  await until(() => sql(`SELECT status FROM websocket_events
    WHERE id = ${messageId}`)[0]?.[0] === 'delivered', 'the message is delivered');
  assert.deepEqual(seen, ['user:online', `channel:user-joined ${name}`,
    'user:typing true']);
  seen.length = 0;
  return { name, watcher, victim, seen, messageId };
}

// Everybody's view is right in time, and nothing is told twice.
async function departed({ name, watcher, seen, messageId }, since) {
  await until(() => seen.includes('user:offline'), 'Jane is offline', limit);
  assert.ok(Date.now() - since < limit * 1000);
  const all = [`channel:user-left ${name}`, 'user:offline', 'user:typing false'];
  await until(() => seen.length >= all.length, 'all is told', 40);
  assert.deepEqual([...seen].sort(), all);
  assert.equal(redis('HGET', `ws:_:conn:conn_${name}`, 'status'), 'disconnected');
  await until(() => sql(`SELECT COUNT(*) FROM websocket_connections
    WHERE connection_id = 'conn_${name}' AND status = 'disconnected'
      AND disconnected_at >= connected_at AND last_activity_at >= connected_at
      AND subscribed_channels = '["${name}"]'`)[0][0] === '1', 'the record');
  await until(() => sql(`SELECT COUNT(*) FROM websocket_presence
    WHERE tenant_id = 1 AND user_id = 2 AND status = 'offline'
      AND last_seen_at IS NOT NULL`)[0][0] === '1', 'the presence');
  await until(() => sql(`SELECT status FROM websocket_events
    WHERE id = ${messageId}`)[0]?.[0] === 'pending', 'the message waits');
  assert.equal(redis('HLEN', `ws:{1}:typing:${name}`), '0');
  await emit(watcher, 'subscribe', { channel: 'fence' });
  assert.deepEqual([...seen].sort(), all);
  watcher.disconnect();
  await until(() => left(`conn_${name}`).length === 0, 'no key is left');
}

async function redelivered(nginx, messageId, fields) {
  const socket = io(nginx.url, {
    forceNew: true, transports: ['websocket'], auth: { token: jane.token, ...fields },
  });
  sockets.push(socket);
  const got = [];
  socket.on('message:direct', (m) => got.push(m.messageId));
  await until(() => got.includes(messageId), 'the message comes again');
  assert.equal(got.filter((id) => id === messageId).length, 1);
  return socket;
}

test('kill -9 of a worker', async () => {
  const it = await scene('killed');
  const since = Date.now();
  process.kill(there.workers()[0], 'SIGKILL');
  await departed(it, since);
  await until(() => there.workers().length === 1, 'another worker');
  const socket = await redelivered(there, it.messageId);
  await emit(socket, 'subscribe', { channel: 'x' });
  socket.disconnect();
});

test('who comes back at once was never away', async () => {
  const it = await scene('back');
  process.kill(there.workers()[0], 'SIGKILL');
  // another socket takes the connection over, and its channels
  const socket = await redelivered(here, it.messageId, { connectionId: `conn_${it.name}` });
  await until(() => it.seen.includes('user:typing false'), 'the typing ends', 35);
  await new Promise((done) => { setTimeout(done, 3000); });
  assert.deepEqual(it.seen, ['user:typing false']);
  socket.disconnect();
  await until(() => it.seen.length >= 3, 'Jane is offline', limit);
  assert.deepEqual(it.seen, ['user:typing false', `channel:user-left ${it.name}`, 'user:offline']);
  it.watcher.disconnect();
  await until(() => left(`conn_${it.name}`).length === 0, 'no key is left');
});

test('a worker that was stopped for long closes its sockets, and goes on', async () => {
  const it = await scene('stopped');
  const since = Date.now();
  const [pid] = there.workers();
  process.kill(pid, 'SIGSTOP');
  try {
    await departed(it, since);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(() => it.victim.disconnected, 'its socket is closed');
  assert.match(there.log(), /has lost its lease/);
  assert.deepEqual(there.workers(), [pid]);

  const watcher = await login(here, john);
  const seen = watch(watcher, 2);
  const again = await redelivered(there, it.messageId, { connectionId: `conn_${it.name}` });
  await until(() => seen.includes('user:online'), 'Jane is online');
  seen.length = 0;
  again.disconnect();
  await until(() => seen.includes('user:offline'), 'Jane is offline', limit);
  assert.deepEqual(seen, ['user:offline']);
  watcher.disconnect();
});

test('a short stop is no death', async () => {
  const it = await scene('short');
  const [pid] = there.workers();
  process.kill(pid, 'SIGSTOP');
  await new Promise((done) => { setTimeout(done, 3000); });
  process.kill(pid, 'SIGCONT');
  await emit(it.victim, 'subscribe', { channel: 'lives' });
  assert.deepEqual(it.seen, []);
  it.victim.disconnect();
  await until(() => it.seen.includes('user:offline'), 'Jane is offline', limit);
  it.watcher.disconnect();
});

test('a whole machine', async () => {
  const it = await scene('machine');
  const since = Date.now();
  await there.kill();
  await departed(it, since);
  const socket = await redelivered(here, it.messageId);
  socket.disconnect();
});

test('the last one: it is cleared away when somebody comes', async () => {
  const one = await Nginx.start(options);
  const socket = await login(one, ada, { connectionId: 'conn_last' });
  await emit(socket, 'subscribe', { channel: 'last' });
  await one.stop('SIGTERM');
  await until(() => left('conn_last').length === 0, 'no key is left');
  await offline(ada);
});
