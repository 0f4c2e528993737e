// Sessions whose requests land on any worker, and which move to the worker
// that gets their WebSocket: with who they are and what they listen to.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { io } from 'socket.io-client';
import {
  accounts, next, redis, runDir, sql, until,
} from './lib/server.mjs';
import { Nginx } from './lib/nginx.mjs';

const { john, jane, ada } = accounts;

let nginx;

before(async () => {
  nginx = await Nginx.start({
    locations: `
      keepalive_timeout 0;
      location /socket.io/ { websocket_socketio on; }
      location /api/websocket/ { websocket_api on; }`,
  });
});

after(() => nginx.stop());

function client(options = {}) {
  return io(nginx.url, { forceNew: true, reconnection: false, ...options });
}

function emit(socket, event, data) {
  return socket.timeout(30000).emitWithAck(event, data);
}

async function login(account, options = {}) {
  const socket = client({ auth: { token: account.token }, ...options });
  socket.login = await next(socket, 'authenticated');
  return socket;
}

function upgraded(socket) {
  return until(() => socket.io.engine.transport.name === 'websocket',
    'the upgrade');
}

function post(path, account, body) {
  return fetch(`${nginx.url}/api/websocket/${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${account.token}`,
      'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function status(user) {
  const res = await fetch(`${nginx.url}/api/websocket/presence/${user}`,
    { headers: { Authorization: `Bearer ${jane.token}` } });
  return (await res.json()).data.status;
}

// The message of a conversation: others may wait from earlier times.
function mine(socket, conversationId) {
  let message;
  socket.on('message:direct', (m) => {
    if (m.conversationId === conversationId) message = m;
  });
  return until(() => message, `a message of ${conversationId}`);
}

// Repeats until some sessions have moved: every second one does, by chance.
async function whileMoving(fn, times = 12) {
  const before = await nginx.metric('moves_total');
  const moved = async () => await nginx.metric('moves_total') > before;
  for (let i = 0; i < times || !await moved(); i++) {
    assert.ok(i < 10 * times, 'none has moved');
    await fn(i);
  }
}

test('polling alone: everything of an application', async () => {
  const a = await login(john, { transports: ['polling'] });
  const b = await login(jane, { transports: ['polling'] });
  assert.equal(a.login.userId, 1);

  for (const socket of [a, b]) {
    assert.equal((await emit(socket, 'subscribe', { channel: 'poll.1' })).status, 'ok');
  }

  const got = [next(a, 'message:group'), next(b, 'message:group')];
  const ack = await emit(a, 'message:group', { channel: 'poll.1', message: 'x' });
  for (const message of await Promise.all(got)) {
    assert.equal(message.messageId, ack.messageId);
  }

  const keys = [a, b].map((s) => `ws:_:sid:${s.io.engine.id}`);
  assert.equal(redis('EXISTS', ...keys), '2');
  a.disconnect();
  b.disconnect();
  await until(() => redis('EXISTS', ...keys) === '0', 'nothing is left in Redis');
});

test('a session that moves keeps who it is and what it listens to', async () => {
  const b = await login(jane, { transports: ['websocket'] });

  await whileMoving(async (i) => {
    const a = client({ auth: { token: john.token, connectionId: `conn_move_${i}` } });
    // before, in or after the upgrade
    const { connectionId } = await next(a, 'authenticated');
    const subscribed = emit(a, 'subscribe', { channel: `moved.${i}` });
    await upgraded(a);
    assert.equal((await subscribed).status, 'ok');

    const got = next(a, 'message:group');
    await emit(b, 'message:group', { channel: `moved.${i}`, message: 'g' });
    assert.equal((await got).message, 'g');

    const direct = mine(a, `d${i}`);
    await emit(b, 'message:direct',
      { recipientId: 1, message: 'd', conversationId: `d${i}` });
    assert.equal((await direct).senderId, 2);

    const back = mine(b, `b${i}`);
    assert.equal((await emit(a, 'message:direct',
      { recipientId: 2, message: 'back', conversationId: `b${i}` })).status, 'ok');
    assert.equal((await back).senderId, 1);

    // REST finds the socket where it is
    const gone = next(a, 'disconnect');
    const res = await post('disconnect', john, { connection_id: connectionId });
    assert.equal(res.status, 200);
    assert.equal(await gone, 'io server disconnect');
  });

  b.disconnect();
});

test('what REST subscribes during the move is heard behind it', async () => {
  const b = await login(jane, { transports: ['websocket'] });

  await whileMoving(async (i) => {
    const a = client({ auth: { token: john.token, connectionId: `conn_rest_${i}` } });
    const { connectionId } = await next(a, 'authenticated');

    // one after the other, until some time behind the upgrade
    const channels = [];
    let left = 3;
    while (left > 0) {
      const channel = `rest.${i}.${channels.length}`;
      const res = await post('subscribe', john,
        { connection_id: connectionId, channel });
      assert.equal(res.status, 200);
      channels.push(channel);
      if (a.io.engine.transport.name === 'websocket') left -= 1;
    }

    const heard = [];
    a.on('message:group', (m) => heard.push(m.channel));
    await Promise.all(channels.map((channel) => emit(b, 'message:group',
      { channel, message: 'x' })));
    await until(() => heard.length === channels.length, 'all channels');
    assert.deepEqual(new Set(heard), new Set(channels));
    a.disconnect();
  });

  b.disconnect();
});

test('what is sent during the move arrives once and in order', async () => {
  const b = await login(jane, { transports: ['websocket'] });
  // another tab that answers first
  const other = await login(john, { transports: ['websocket'] });

  await whileMoving(async (i) => {
    const a = client({ auth: { token: john.token } });
    const seen = [];
    a.on('message:direct', (m) => {
      if (m.conversationId === `in.${i}`) seen.push(m.messageId);
    });
    await next(a, 'authenticated');

    // a stream of messages across the upgrade and some time longer
    const acks = [];
    for (let n = 0; n < 150; n++) {
      acks.push(emit(b, 'message:direct',
        { recipientId: 1, message: `${n}`, conversationId: `in.${i}` }));
      if (n % 3 === 0) await new Promise((done) => { setTimeout(done, 1); });
    }
    const ids = (await Promise.all(acks)).map((x) => x.messageId);
    await upgraded(a);
    await until(() => seen.length >= ids.length, 'all messages');
    assert.deepEqual(seen, ids);
    a.disconnect();
  });

  b.disconnect();
  other.disconnect();
});

test('what the client sends during the move is done once and in order', async () => {
  const b = await login(jane, { transports: ['websocket'] });

  await whileMoving(async (i) => {
    const a = await login(john);
    const seen = [];
    b.on('message:direct', (m) => {
      if (m.conversationId === `out.${i}`) seen.push(m.messageId);
    });

    const acks = [];
    for (let n = 0; n < 150; n++) {
      acks.push(emit(a, 'message:direct',
        { recipientId: 2, message: `${n}`, conversationId: `out.${i}` }));
      if (n % 3 === 0) await new Promise((done) => { setTimeout(done, 1); });
    }
    const ids = (await Promise.all(acks)).map((x) => x.messageId);
    await upgraded(a);
    await until(() => seen.length >= ids.length, 'all messages');
    assert.deepEqual(seen, ids);
    b.off('message:direct');
    a.disconnect();
    // a word of hers tells that she has them
    await emit(b, 'subscribe', { channel: 'heard' });
  });

  b.disconnect();
});

test('two connections of one user, one of each kind', async () => {
  const [a, c] = [await login(john, { transports: ['polling'] }), await login(john)];
  const b = await login(jane);
  const got = [mine(a, 'both'), mine(c, 'both')];
  const ack = await emit(b, 'message:direct',
    { recipientId: 1, message: 'x', conversationId: 'both' });
  for (const m of await Promise.all(got)) assert.equal(m.messageId, ack.messageId);
  [a, b, c].forEach((s) => s.disconnect());
});

test('presence does not flap when a session moves', async () => {
  const b = await login(jane, { transports: ['websocket'] });
  await emit(b, 'subscribe', { channel: 'presence' });

  // she may have been there a moment ago
  await until(async () => await status(ada.id) === 'offline', 'Ada is offline', 120);
  await emit(b, 'subscribe', { channel: 'fence' });

  const seen = [];
  for (const event of ['user:online', 'user:offline']) {
    b.on(event, ({ userId }) => { if (userId === 3) seen.push(event); });
  }

  const a = await login(ada, { transports: ['polling'] });
  await until(() => seen.includes('user:online'), 'Ada is online');
  await whileMoving(async () => {
    const c = await login(ada);
    await upgraded(c);
    c.disconnect();
  });
  assert.deepEqual(seen, ['user:online']);
  a.disconnect();
  b.disconnect();
});

test('the record knows the connection as one', async () => {
  await whileMoving(async (i) => {
    const a = client({ auth: { token: john.token, connectionId: `conn_row_${i}` } });
    await next(a, 'authenticated');
    await upgraded(a);
    const status = () => sql(`SELECT status FROM websocket_connections
      WHERE connection_id = 'conn_row_${i}'`)[0]?.[0];
    await until(() => status() === 'connected', 'connected in the record');
    a.disconnect();
    await until(() => status() === 'disconnected', 'disconnected in the record');
  }, 8);
});

test('a message that is too large is refused with a word', async () => {
  const a = await login(john, { transports: ['websocket'] });
  const heard = [];
  a.on('error', (e) => heard.push(e.code));
  a.on('disconnect', (reason) => heard.push(reason));
  a.emit('message:direct', { recipientId: 2, message: 'x'.repeat(1100000) });
  await until(() => heard.length === 2, 'error and end');
  assert.deepEqual(heard, ['too_large', 'transport close']);

  const c = await login(john, { transports: ['polling'] });
  let status;
  c.io.engine.on('close', (reason, details) => { status = details?.description; });
  c.emit('message:direct', { recipientId: 2, message: 'x'.repeat(1100000) });
  assert.equal(await next(c, 'disconnect'), 'transport error');
  assert.equal(status, 413);
});

test('a client that drops its handshake takes its session along', async () => {
  const sessions = () => nginx.metric('connections\\{transport="polling"\\}');
  const pid = Number(readFileSync(`${runDir}/redis.pid`, 'utf8'));
  const workers = nginx.workers();

  // those of other tests end first
  await until(async () => await sessions() === 0, 'no session', 60);

  // the handshake waits until Redis knows of the session
  process.kill(pid, 'SIGSTOP');
  try {
    const sockets = Array.from({ length: 8 }, () => {
      const socket = net.connect(nginx.port, '127.0.0.1');
      socket.on('error', () => {});
      socket.write('GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n'
        + 'Host: localhost\r\n\r\n');
      return socket;
    });
    await until(async () => await sessions() === 8, '8 sessions');
    sockets.forEach((socket) => socket.resetAndDestroy());
    await until(async () => await sessions() === 0, 'their end');
  } finally {
    process.kill(pid, 'SIGCONT');
  }

  // answers of Redis that nobody waits for any more
  const a = await login(john, { transports: ['polling'] });
  a.disconnect();
  assert.deepEqual(nginx.workers(), workers);
});
