// What needs a Redis of its own: that nothing is left when everybody has gone,
// and that nobody is given up because Redis was away.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { io } from 'socket.io-client';
import WebSocket from 'ws';
import { accounts, next, until } from './lib/server.mjs';
import { Instance } from './lib/instance.mjs';

const { john, jane, ada } = accounts;
const dev = new URL('../../dev', import.meta.url).pathname;

let instance;

before(async () => {
  instance = await Instance.create();
  await instance.configure('location /api/websocket/ {',
    'websocket_presence_grace 500ms;\n\n        location /api/websocket/ {');
});

after(() => instance.destroy());

function run(...args) {
  return execFileSync(dev, args, { encoding: 'utf8',
    env: { ...process.env, RUN_DIR: instance.runDir } }).trim();
}

const redis = (...args) => run('redis', ...args);
const lines = (text) => text.split('\n').filter(Boolean);
const file = (name) => readFileSync(`${instance.runDir}/${name}`, 'utf8');

async function login(account, options = {}, fields = {}) {
  const socket = io(instance.url, {
    forceNew: true, transports: ['websocket'], reconnection: false,
    auth: { token: account.token, ...fields }, ...options,
  });
  await next(socket, 'authenticated');
  return socket;
}

async function emit(socket, event, data) {
  const ack = await socket.timeout(30000).emitWithAck(event, data);
  assert.equal(ack.status, 'ok', `${event}: ${JSON.stringify(ack)}`);
  return ack;
}

async function rest(method, path, account, body) {
  const answer = await fetch(`${instance.url}/api/websocket/${path}`, {
    method,
    headers: { Authorization: `Bearer ${account.token}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return answer.json();
}

async function plain(account) {
  const ws = new WebSocket(`${instance.url.replace('http', 'ws')}/ws`,
    { headers: { Authorization: `Bearer ${account.token}` } });
  await next(ws, 'message');
  return ws;
}

// Everything once, and all have gone.
async function everything() {
  const id = 'conn_alone';
  const channel = 'group.alone';
  const sockets = await Promise.all([
    login(john, {}, { connectionId: id }), login(jane, { transports: ['polling'] }),
    login(jane, { transports: ['polling', 'websocket'] }), login(ada),
  ]);
  const [a, b, moved, c] = sockets;
  const raw = await plain(ada);
  for (const socket of sockets) await emit(socket, 'subscribe', { channel });
  await emit(c, 'subscribe', { channel: 'presence' });
  raw.send(JSON.stringify({ event: 'subscribe', data: { channel } }));
  await rest('POST', 'subscribe', john, { connection_id: id, channel: 'other' });

  const got = next(b, 'message:direct');
  const again = { recipientId: 2, message: 'x', conversationId: 'alone',
    clientMessageId: `${Date.now()}` };
  const { messageId } = await emit(a, 'message:direct', again);
  await emit(a, 'message:direct', again);
  await got;
  await emit(b, 'message:delivered', { messageId, senderId: 1 });
  await emit(b, 'message:group', { channel, message: 'x' });
  await emit(a, 'notification:send', { recipientIds: [1, 2, 3], title: 'T', body: 'B' });
  await emit(a, 'broadcast:send', { message: 'x' });
  await emit(a, 'user:presence', { status: 'away', lastMessage: 'Lunch' });
  await emit(moved, 'user:typing', { conversationId: 'alone', isTyping: true });
  await emit(b, 'user:typing', { conversationId: channel, channel, isTyping: true });
  await emit(moved, 'unsubscribe', { channel });

  await rest('POST', 'connect', john, { connection_id: 'conn_alone_rest' });
  await rest('POST', 'presence/update', john, { status: 'busy' });
  await rest('POST', 'typing', john, { conversation_id: 'rest', is_typing: true });
  for (const path of ['presence/2', 'online-users', 'typing/rest', 'stats']) {
    await rest('GET', path, john);
  }
  await rest('POST', 'typing', john, { conversation_id: 'rest', is_typing: false });
  await rest('POST', 'disconnect', john, { connection_id: 'conn_alone_rest' });

  // for one who is away: it comes with the next login
  moved.disconnect();
  b.disconnect();
  await until(async () => (await rest('GET', 'presence/2', john)).data.status === 'offline');
  const { messageId: late } = await emit(c, 'message:direct', { recipientId: 2, message: 'late' });
  const back = io(instance.url, { forceNew: true, auth: { token: jane.token } });
  const heard = [];
  back.on('message:direct', (m) => heard.push(m.messageId));
  await until(() => heard.includes(late), 'what waited');
  await emit(back, 'message:delivered', { messageId: late, senderId: 3 });

  await rest('POST', 'disconnect', john, { connection_id: id });
  back.disconnect();
  c.disconnect();
  raw.terminate();
}

// Of a tenant and of all: what stays by itself, and what is kept for a time.
const stays = /^ws:_:(events|flight:text|id|leases|watch)$/;
const kept = /^ws:(_:(conn|lock|sid|sent):|\{1\}:(status|conv|dedup|received|throttle):)/;

// All keys of one moment, the milliseconds that each has left, and what a
// connection is.
const script = `
  local all = {}
  for _, key in ipairs(redis.call('KEYS', 'ws:*')) do
    local is = string.find(key, ':conn:') and redis.call('HGETALL', key) or {}
    all[#all + 1] = key .. ' ' .. redis.call('PTTL', key) .. ' '
                    .. string.gsub(table.concat(is, ' '), '%s', ' ')
  end
  return all`;

function left() {
  return lines(redis('EVAL', script, '0')).filter((line) => {
    const [key, ms] = line.split(' ');
    return !stays.test(key) && !(kept.test(key) && Number(ms) > 0);
  }).sort();
}

function metric(name) {
  return fetch(`${instance.url}/metrics`).then((x) => x.text()).then((text) => lines(text)
    .filter((line) => new RegExp(`^websocket_${name}[{ ]`).test(line))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0));
}

test('when all have gone, nothing is left of them but what is kept for a time', async () => {
  const keys = [];
  for (let i = 0; i < 2; i++) {
    await everything();
    for (const name of ['connections', 'subscriptions', 'send_queue_bytes', 'redis_pending']) {
      await until(async () => await metric(name) === 0, `no ${name} are left`);
    }
    await until(() => left().length === 0, 'no key is left').catch(() => {
      assert.deepEqual(left(), []);
    });
    keys.push(lines(redis('--scan', '--pattern', 'ws:*'))
      .filter((key) => !/:(conn|dedup|lock|sid|sent|throttle):/.test(key)).sort());
  }
  assert.deepEqual(keys[1], keys[0], 'the second time leaves no more');

  const listened = () => lines(redis('PUBSUB', 'CHANNELS', 'ws:*'))
    .filter((name) => !/^ws:_:(w:|heartbeat$)|^ws:revoke$/.test(name));
  await until(() => listened().length === 0, 'no channel is listened to').catch(() => {
    assert.deepEqual(listened(), []);
  });
});

test('one who is away when Redis comes back is not dead', async () => {
  const workerOf = (socket) => until(() => {
    const port = socket.io.engine.transport.ws._socket.localPort;
    const line = lines(file('logs/access.log')).findLast((x) => x.includes(`port=${port} `));
    return line && Number(/pid=(\d+)/.exec(line)[1]);
  });
  const watcher = await login(john);
  const here = await workerOf(watcher);
  let victim = await login(jane);
  while (await workerOf(victim) === here) {
    victim.disconnect();
    victim = await login(jane);
  }
  await until(async () => (await rest('GET', 'presence/2', john)).data.status === 'online');
  const there = await workerOf(victim);
  const heard = [];
  for (const event of ['user:offline', 'user:online']) {
    watcher.on(event, ({ userId }) => userId === 2 && heard.push(event));
  }
  const given = () => /is dead|lost its lease/.test(file('logs/error.log'));

  assert.ok(!given());
  process.kill(there, 'SIGSTOP');
  try {
    process.kill(Number(file('redis.pid')), 'SIGKILL');
    await until(() => /redis.*(closed|lost)/i.test(file('logs/error.log')));
    run('start', 'redis');
    await until(async () => (await watcher.timeout(30000).emitWithAck('subscribe',
      { channel: 'alone' })).status === 'ok', 'Redis is back');
    // a lease is 8 s, and who neither listens nor renews is dead after 2
    await new Promise((done) => { setTimeout(done, 3000); });
    assert.ok(!given());
  } finally {
    process.kill(there, 'SIGCONT');
  }
  await until(async () => (await victim.timeout(30000).emitWithAck('subscribe',
    { channel: 'alone' })).status === 'ok', 'it goes on');
  await new Promise((done) => { setTimeout(done, 2500); });
  assert.deepEqual([heard, given(), victim.connected], [[], false, true]);
  [watcher, victim].forEach((socket) => socket.disconnect());
});
