// The link to Redis breaks between a message and its answer: the message is
// sent again, and taken once. What was published meanwhile is made up for.

import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { io } from 'socket.io-client';
import WebSocket from 'ws';
import { Instance } from './lib/instance.mjs';
import { accounts, next, until } from './lib/server.mjs';

const dev = new URL('../../dev', import.meta.url).pathname;
const { john, jane, ada, max } = accounts;

// Stands between the workers and Redis; away lets nobody in.
class Proxy {
  constructor(path) {
    this.path = path;
    this.server = net.createServer((down) => this.accept(down));
  }

  async listen() {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this.server.address().port;
  }

  accept(down) {
    if (this.away) {
      down.destroy();
      return;
    }
    const up = net.connect(this.path);
    const link = { down, up, deaf: false };
    up.on('error', () => down.destroy());
    down.on('error', () => {});
    up.on('close', () => down.destroy());
    down.on('close', () => { if (!link.kept) up.end(); });
    up.on('data', (data) => {
      if (!link.deaf) down.write(data);
      else link.heard?.();
    });
    down.on('data', (data) => {
      if (data.includes('SUBSCRIBE\r\n')) this.subscriber = link;
      if (this.waits && (link.held || data.includes(this.waits.first))) {
        link.held = Buffer.concat([link.held ?? Buffer.alloc(0), data]);
        const { fn, last } = this.waits;
        if (link.held.includes(last)) {
          this.waits = undefined;
          fn(link, link.held);
        }
      } else if (!link.deaf) {
        up.write(data);
      }
    });
  }

  // What becomes of all from the first text on, when the last one is there;
  // resolves when it has happened.
  next(fn, last, first = last) {
    return new Promise((done) => {
      this.waits = { first, last, fn: (link, data) => done(fn(link, data)) };
    });
  }
}

let instance;
let env;
let proxy;
let from;
let to;
const got = [];

function redis(...args) {
  return execFileSync(dev, ['redis', ...args], { encoding: 'utf8', env }).trim();
}

function connect(account) {
  return io(instance.url, {
    forceNew: true, transports: ['websocket'], auth: account && { token: account.token },
  });
}

function emit(event, data) {
  return from.timeout(30000).emitWithAck(event, data);
}

// A message that comes when the link is lost already is refused, and was not
// taken: then another time.
async function send(event, data) {
  let ack;
  do {
    ack = await emit(event, data);
  } while (ack.code === 'unavailable' && !/may have been taken/.test(ack.message)
    && await sleep(50, true));
  return ack;
}

// Each kind of message, of which only the second has a clientMessageId.
function messages(name) {
  const text = (n) => `again-${name}-${n}`;
  return [
    send('message:direct', { recipientId: 2, message: text(0) }),
    send('message:direct',
      { recipientId: 2, message: text(1), clientMessageId: text(1) }),
    send('message:group', { channel: 'again', message: text(2) }),
    send('broadcast:send', { channel: 'again', message: text(3) }),
    send('notification:send', { recipientIds: [2], title: text(4), body: 'x' }),
  ];
}

async function takenOnce(name, acks) {
  const texts = acks.map((_, n) => `again-${name}-${n}`);
  acks.forEach((ack) => assert.equal(ack.status, 'ok', JSON.stringify(ack)));

  const mine = () => got.filter(([text]) => text.startsWith(`again-${name}-`));
  await until(() => mine().length >= texts.length, 'all have come');
  // whatever would come twice is ahead of this one, which is lost where the
  // subscriptions are not back yet
  const last = `end-${name}`;
  await until(async () => {
    await emit('message:group', { channel: 'again', message: last });
    await sleep(100);
    return got.some(([text]) => text === last);
  }, 'the last has come');
  assert.deepEqual(mine().sort(), texts.map((text, n) => [text, acks[n].messageId]));

  const entries = redis('XRANGE', 'ws:_:events', '-', '+').split('\n')
    .filter((line) => line.includes(`again-${name}-`));
  assert.equal(entries.length, texts.length, entries.join('\n'));
}

async function metric(name) {
  const text = await (await fetch(`${instance.url}/metrics`)).text();
  return text.split('\n').filter((line) => new RegExp(`^websocket_${name}[{ ]`).test(line))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

before(async () => {
  process.env.WORKERS = '1';
  instance = await Instance.create();
  env = { ...process.env, RUN_DIR: instance.runDir };
  proxy = new Proxy(join(instance.runDir, 'redis.sock'));
  const port = await proxy.listen();
  await instance.configure(`"unix:${instance.runDir}/redis.sock"`,
    `redis://127.0.0.1:${port}`);

  to = connect(jane);
  for (const event of ['message:direct', 'message:group', 'broadcast:message',
    'notification:received']) {
    to.on(event, (data) => got.push([data.message ?? data.title, data.messageId]));
  }
  await once(to, 'connect');
  assert.equal((await to.timeout(30000).emitWithAck('subscribe',
    { channel: 'again' })).status, 'ok');

  from = connect(john);
  await once(from, 'connect');
  // the recipient is known from here on: no message waits for MySQL
  assert.equal((await emit('message:direct', { recipientId: 2, message: 'first' }))
    .status, 'ok');
});

after(async () => {
  from?.disconnect();
  to?.disconnect();
  proxy?.server.close();
  await instance?.destroy();
});

test('the message does not reach Redis', async () => {
  const cut = proxy.next((link) => { link.deaf = true; link.down.destroy(); },
    'again-lost-4', 'again-');
  const acks = messages('lost');
  await cut;
  await takenOnce('lost', await Promise.all(acks));
});

test('the answer does not come back', async () => {
  const cut = proxy.next(async (link, data) => {
    link.deaf = true;
    const heard = new Promise((done) => { link.heard = done; });
    link.up.write(data);
    await heard;
    link.down.destroy();
  }, 'again-taken-4', 'again-');
  const acks = messages('taken');
  await cut;
  await takenOnce('taken', await Promise.all(acks));
});

test('the message comes late, behind its repeat', async () => {
  const cut = proxy.next((link, data) => {
    link.kept = true;
    link.deaf = true;
    link.down.destroy();
    return () => link.up.write(data);
  }, 'again-late-4', 'again-');
  const acks = messages('late');
  const deliver = await cut;
  const answers = await Promise.all(acks);
  deliver();
  await takenOnce('late', answers);
});

test('Redis dies when it has taken the message', async () => {
  const pid = Number(readFileSync(`${instance.runDir}/redis.pid`, 'utf8'));
  const cut = proxy.next(async (link, data) => {
    link.deaf = true;
    const heard = new Promise((done) => { link.heard = done; });
    link.up.write(data);
    await heard;
    process.kill(pid, 'SIGKILL');
  }, 'again-died-0');
  const ack = emit('message:direct', { recipientId: 2, message: 'again-died-0' });
  await cut;
  await until(() => {
    try { return !process.kill(pid, 0); } catch { return true; }
  }, 'Redis has gone');
  execFileSync(dev, ['start', 'redis'], { env, stdio: 'ignore' });
  const answer = await ack;
  if (answer.status === 'error') {
    // a slow machine: it was away for more than 5 seconds
    assert.match(answer.message, /may have been taken/);
    return;
  }
  await takenOnce('died', [answer]);
});

test('messages are not heard while the link for them is lost', async () => {
  proxy.subscriber.deaf = true;
  const acks = await Promise.all([
    emit('message:direct', { recipientId: 2, message: 'again-deaf-0' }),
    emit('notification:send', { recipientIds: [2], title: 'again-deaf-1', body: 'x' }),
  ]);
  proxy.subscriber.down.destroy();
  await takenOnce('deaf', acks);
});

test('what was fetched does not come back from Redis', async () => {
  const texts = [0, 1, 2].map((n) => `again-fetch-${n}`);
  const acks = await Promise.all(texts.map((message) => emit('message:direct',
    { recipientId: ada.id, message })));
  const cut = proxy.next((link, data) => {
    link.deaf = true;
    link.kept = true;
    link.heard = () => link.down.destroy();
    link.up.write(data);
  }, `:taken:${ada.id}`);
  const socket = connect(ada);
  const came = [];
  socket.on('message:direct', (data) => came.push([data.message, data.messageId]));
  await cut;
  await until(() => came.length >= 3, 'they come');
  assert.deepEqual(came, texts.map((text, n) => [text, acks[n].messageId]));
  socket.disconnect();
});

for (const [name, early] of [['before the link breaks', true],
  ['before it is back', false]]) {
  test(`the client has gone ${name}, what it was given comes again`, async () => {
    const message = `again-gone-${early}`;
    const { messageId } = await emit('message:direct', { recipientId: ada.id, message });
    const cut = proxy.next((link, data) => {
      link.deaf = true;
      link.kept = true;
      link.up.write(data);
      return new Promise((done) => { link.heard = () => done(link); });
    }, `:taken:${ada.id}`);

    const socket = connect(ada);
    await once(socket, 'connect');
    const link = await cut;
    const breaks = () => { proxy.away = true; link.down.destroy(); };
    if (!early) breaks();
    await sleep(100);
    socket.disconnect();
    await sleep(100);
    if (early) breaks();
    proxy.away = false;

    const came = [];
    let again;
    await until(async () => {
      again = connect(ada);
      again.on('message:direct', (data) => came.push([data.message, data.messageId]));
      return Promise.race([once(again, 'connect').then(() => true),
        once(again, 'connect_error').then(() => again.disconnect() && false)]);
    }, 'the user is back');
    await until(() => came.length, 'the message comes');
    assert.deepEqual(came, [[message, messageId]]);
    again.disconnect();
  });
}

// Both that stay are there, and nobody else.
const alone = () => until(async () => await metric('connections') === 2, 'others have gone');

test('a fetch that comes late, when its client has gone, fetches nothing', async () => {
  const message = 'again-late-fetch';
  const { messageId } = await send('message:direct', { recipientId: ada.id, message });
  const cut = proxy.next((link, data) => {
    link.kept = true;
    link.deaf = true;
    link.down.destroy();
    return () => new Promise((done) => { link.heard = done; link.up.write(data); });
  }, `:taken:${ada.id}`);

  const socket = connect(ada);
  const deliver = await cut;
  socket.disconnect();
  await alone();

  // who answers this one does so behind all that was not told meanwhile
  await send('message:direct', { recipientId: 2, message: 'again-late-told' });
  await until(() => got.some(([text]) => text === 'again-late-told'), 'it has come');
  await until(async () => {
    await to.timeout(10000).emitWithAck('subscribe', { channel: 'again' }).catch(() => {});
    return !redis('ZRANGE', 'ws:_:flight', '0', '-1').includes(':2 ');
  }, 'it is answered');
  await deliver();

  const came = [];
  const again = connect(ada);
  again.on('message:direct', (data) => came.push([data.message, data.messageId]));
  await until(() => came.length, 'the message comes', 20);
  assert.deepEqual(came, [[message, messageId]]);
  again.disconnect();
});

test('whoever is refused since the answer is lost is not there', async () => {
  const socket = connect(null);
  await once(socket, 'connect');
  const fields = { token: max.token, connectionId: 'again-login' };
  const cut = proxy.next((link, data) => {
    link.deaf = true;
    link.heard = () => link.down.destroy();
    link.up.write(data);
  }, 'again-login');
  const refused = socket.timeout(30000).emitWithAck('auth', fields);
  await cut;
  assert.equal((await refused).code, 'unavailable');
  await until(() => redis('HGET', 'ws:_:conn:again-login', 'status')
    === 'disconnected', 'the connection has ended');
  assert.equal(redis('HGET', 'ws:_:conn:again-login', 'owner'), '');
  await until(() => redis('HEXISTS', 'ws:{1}:online', max.id) === '0',
    'the user is offline');

  // the same socket, by the same connection
  let ack;
  await until(async () => {
    ack = await socket.timeout(30000).emitWithAck('auth', fields);
    return ack.status === 'ok';
  }, 'it logs in');
  assert.equal(ack.connectionId, 'again-login');
  assert.equal(redis('HGET', 'ws:_:conn:again-login', 'status'), 'connected');
  socket.disconnect();
});

// Of the connections.
const connected = (ids) => Number(redis('EVAL', `
  local n = 0
  for _, id in ipairs(ARGV) do
    if redis.call('HGET', 'ws:_:conn:' .. id, 'status') == 'connected' then n = n + 1 end
  end
  return n`, '0', ...ids));

test('whoever logs out and in again in a crowd that leaves is there', async () => {
  await alone();
  const crowd = await Promise.all(Array.from({ length: 300 }, async (_, n) => {
    const ws = new WebSocket(`${instance.url.replace('http', 'ws')}/ws`);
    await once(ws, 'open');
    ws.send(JSON.stringify({ event: 'auth',
      data: { token: max.token, connectionId: `again-crowd-${n}` } }));
    await next(ws, 'message');
    return ws;
  }));
  const ids = crowd.map((_, n) => `again-crowd-${n}`);
  await until(() => connected(ids) === 300, 'the crowd is there');

  const ws = new WebSocket(`${instance.url.replace('http', 'ws')
  }/socket.io/?EIO=4&transport=websocket`);
  let logins = 0;
  ws.on('message', (data) => { logins += String(data).includes('"authenticated"'); });
  await once(ws, 'open');
  const login = `40{"token":"${ada.token}","connectionId":"again-back"}`;
  ws.send(login);
  await until(() => logins === 1, 'the first login');

  const received = await metric('messages_received_total');
  const pid = Number(readFileSync(`${instance.runDir}/redis.pid`, 'utf8'));
  process.kill(pid, 'SIGSTOP');
  try {
    crowd.forEach((each) => each.terminate());
    await until(async () => await metric('connections') === 3, 'the crowd leaves');
    ws.send('41');
    ws.send(login);
    await until(async () => await metric('messages_received_total') >= received + 2);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await until(() => logins === 2, 'the second login');
  await until(() => connected(ids) === 0, 'the crowd has gone');
  assert.equal(connected(['again-back']), 1);
  ws.terminate();
});

test('Redis does not come back in time', async () => {
  const cut = proxy.next((link) => {
    proxy.away = true;
    link.deaf = true;
    link.down.destroy();
  }, 'again-away-0');
  const start = Date.now();
  const ack = emit('message:direct', { recipientId: 2, message: 'again-away-0' });
  await cut;
  await until(async () => await metric('redis_up') === 0, 'the worker has noticed');
  const late = await emit('message:direct',
    { recipientId: 2, message: 'again-away-1' });
  assert.equal(late.code, 'unavailable');
  assert.doesNotMatch(late.message, /may have been taken/);

  const answer = await ack;
  const waited = Date.now() - start;
  proxy.away = false;
  assert.equal(answer.code, 'unavailable');
  assert.match(answer.message, /may have been taken/);
  assert.ok(waited > 4000, `${waited} ms`);
  await until(async () => (await emit('message:group',
    { channel: 'again', message: 'back' })).status === 'ok', 'Redis is back');
  assert.ok(!redis('XRANGE', 'ws:_:events', '-', '+').includes('again-away-'));
});

test('no alerts', () => {
  const bad = readFileSync(`${instance.runDir}/logs/error.log`, 'utf8')
    .split('\n').filter((line) => /\[(alert|emerg)\]|exited on signal/.test(line));
  assert.deepEqual(bad, []);
});
