// clientMessageId: what a client sends once more is the same message, whatever
// became of the first acknowledgement, and wherever the client is by now.

import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { Nginx, users } from './lib/nginx.mjs';
import { next, sql, until } from './lib/server.mjs';

const tenant = 2000000 + (Date.now() % 1000000);
const sender = 1;
const recipients = [2, 3];
const events = ['message:direct', 'notification:received', 'message:group',
  'broadcast:message'];

const options = {
  workers: 1,
  http: users(tenant),
  locations: 'location /socket.io/ { websocket_socketio on; }',
};

const kinds = {
  'message:direct': (text) => ({ recipientId: 2, message: text }),
  'notification:send': (text) => ({ recipientIds: recipients, title: text, body: 'x' }),
  'message:group': (text) => ({ channel: 'room', message: text }),
  'broadcast:send': (text) => ({ channel: 'room', message: text }),
};

const got = [];
const sockets = [];
let here;
let there;

async function login(nginx, user) {
  const socket = io(nginx.url, {
    forceNew: true, transports: ['websocket'], reconnection: false,
    auth: { token: `u${user}` },
  });
  sockets.push(socket);
  for (const event of events) {
    socket.on(event, ({ message, title, messageId }) => {
      if (recipients.includes(user)) got.push([message ?? title, messageId]);
    });
  }
  await next(socket, 'authenticated');
  return socket;
}

function emit(socket, event, data) {
  return socket.timeout(30000).emitWithAck(event, data);
}

// The ids that came with the text, and how many rows there are of it.
const idsOf = (text) => got.filter(([t]) => t === text).map(([, id]) => id)
  .sort((a, b) => a - b);

const rowsOf = (text) => Number(sql(`SELECT COUNT(*) FROM websocket_events
  WHERE tenant_id = ${tenant} AND payload LIKE '%"${text}"%'`)[0][0]);

// Whatever would come twice is ahead of these.
async function settle(text) {
  const socket = await login(there, sender);
  for (const message of ['direct 2', 'direct 3']) {
    await emit(socket, 'message:direct',
      { recipientId: Number(message.at(-1)), message: `${text} ${message}` });
    await until(() => idsOf(`${text} ${message}`).length);
  }
  await until(() => rowsOf(`${text} direct 3`) === 1);
  socket.disconnect();
}

before(async () => {
  [here, there] = await Promise.all([Nginx.start(options), Nginx.start(options)]);
  for (const user of recipients) {
    const socket = await login(there, user);
    assert.equal((await emit(socket, 'subscribe', { channel: 'room' })).status, 'ok');
  }
});

after(async () => {
  sockets.forEach((socket) => socket.disconnect());
  await Promise.all([here.stop(), there.stop()]);
});

for (const [event, make] of Object.entries(kinds)) {
  test(`${event}: the acknowledgement got lost`, async () => {
    const text = `${event} lost`;
    const data = { ...make(text), clientMessageId: text };

    const first = await login(here, sender);
    const lost = emit(first, event, data).catch(() => 'lost');
    await until(() => idsOf(text).length, 'it has come');
    first.io.engine.transport.ws._socket.destroy();
    await lost;

    const acks = [
      await emit(await login(here, sender), event, data),
      await emit(await login(there, sender), event, data),
    ];

    const [pid] = here.workers();
    process.kill(pid, 'SIGKILL');
    await until(() => here.workers().length === 1 && here.workers()[0] !== pid,
      'another worker');
    acks.push(await emit(await login(here, sender), event, data));

    await settle(text);
    for (const ack of acks) {
      assert.equal(ack.status, 'ok');
      assert.deepEqual(ack, acks[0]);
    }
    const ids = acks[0].messageIds ?? [acks[0].messageId];
    assert.deepEqual(idsOf(text), event === 'message:direct'
      || event === 'notification:send' ? ids : [...ids, ...ids]);
    assert.equal(rowsOf(text), ids.length);
  });

  test(`${event}: twice at once, and by another user`, async () => {
    const text = `${event} twice`;
    const data = { ...make(text), clientMessageId: text };
    const [a, b, other] = await Promise.all([
      login(here, sender), login(there, sender), login(here, 4),
    ]);
    const [first, second, third] = await Promise.all([
      emit(a, event, data), emit(b, event, data), emit(other, event, data),
    ]);

    await settle(text);
    assert.equal(first.status, 'ok');
    assert.deepEqual(second, first);
    assert.equal(third.status, 'ok');
    assert.notEqual(third.messageId ?? third.messageIds[0],
      first.messageId ?? first.messageIds[0]);
    assert.equal(rowsOf(text), 2 * (first.messageIds ?? [1]).length);
  });
}
