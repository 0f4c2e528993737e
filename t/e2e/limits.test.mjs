// How messages end that can't be delivered, and receipts to who is away: in
// the record, too.

import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { Nginx, users } from './lib/nginx.mjs';
import { leave, next, redis, sql, until } from './lib/server.mjs';

const tenant = 4000000 + (Date.now() % 1000000);
const sockets = [];
let nginx;

const options = {
  workers: 2,
  http: users(tenant),
  locations: 'location /socket.io/ { websocket_socketio on; }',
};

before(async () => { nginx = await Nginx.start(options); });

after(async () => {
  sockets.forEach((socket) => socket.disconnect());
  await nginx.stop();
});

// With all that comes, from the first moment on.
async function login(user) {
  const socket = io(nginx.url, {
    forceNew: true, transports: ['websocket'], reconnection: false,
    auth: { token: `u${user}` },
  });
  sockets.push(socket);
  socket.got = [];
  socket.onAny((event, data) => { if (data.messageId) socket.got.push([event, data]); });
  ({ connectionId: socket.connectionId } = await next(socket, 'authenticated'));
  return socket;
}

const ids = (socket) => socket.got.map(([, data]) => data.messageId);

async function send(socket, recipientId, message = 'x') {
  const ack = await socket.timeout(30000).emitWithAck('message:direct',
    { recipientId, message });
  assert.equal(ack.status, 'ok');
  return ack.messageId;
}

// [status, retry_count, error_message]
const row = (id) => sql(`SELECT status, retry_count, error_message
  FROM websocket_events WHERE id = ${id}`)[0] ?? [];

async function becomes(id, ...expected) {
  await until(() => row(id)[0] === expected[0], `${id} is ${expected[0]}`);
  assert.deepEqual(row(id), expected);
}

test('a thousand wait, what is beyond fails at once', async () => {
  const from = await login(1);
  const sent = [];
  for (let i = 0; i < 10; i += 1) {
    sent.push(...await Promise.all(Array.from({ length: 100 }, () => send(from, 2))));
  }
  const beyond = await send(from, 2);
  await becomes(beyond, 'failed', '0', 'queue full');
  await becomes(sent.at(-1), 'pending', '0', 'NULL');

  const to = await login(2);
  await until(() => to.got.length >= 1000, 'all have come');
  const live = await send(from, 2);
  await until(() => ids(to).includes(live));
  assert.deepEqual(ids(to), [...sent, live]);
  await becomes(sent[999], 'delivered', '1', 'NULL');
});

test('a message that nobody answers is sent again five times', async () => {
  const from = await login(1);
  const id = await send(from, 3, 'again and again');
  await becomes(id, 'pending', '0', 'NULL');
  for (let i = 1; i <= 5; i += 1) {
    const to = await login(3);
    await until(() => to.got.length, `it comes for time ${i}`);
    assert.deepEqual(ids(to), [id]);
    await becomes(id, 'delivered', `${i}`, 'NULL');
    to.io.engine.transport.ws._socket.destroy();
    await becomes(id, 'pending', `${i}`, 'NULL');
  }
  const to = await login(3);
  const last = await send(from, 3, 'last');
  await until(() => to.got.length);
  assert.deepEqual(ids(to), [last]);
  await becomes(id, 'failed', '5', 'too many redeliveries');
});

test('a message that has waited for 30 days', async () => {
  const from = await login(1);
  const id = await send(from, 4, 'old');
  const young = await send(from, 4, 'young');
  const key = `ws:{${tenant}}:pending:4`;
  const member = redis('ZRANGE', key, '0', '0');
  redis('ZADD', key, `${(Date.now() - 30 * 86400 * 1000 - 1000) * 1000}`, member);

  const to = await login(4);
  await until(() => to.got.length);
  assert.deepEqual(ids(to), [young]);
  await becomes(id, 'failed', '0', 'expired');
});

test('a receipt waits for a sender who is away', async () => {
  const from = await login(5);
  const id = await send(from, 6);
  await leave(from);

  const to = await login(6);
  await until(() => to.got.length);
  const ack = await to.timeout(30000).emitWithAck('message:delivered',
    { messageId: id, senderId: 5 });
  assert.equal(ack.status, 'ok');
  const receipt = () => sql(`SELECT status, retry_count, channel FROM websocket_events
    WHERE tenant_id = ${tenant} AND event_type = 'message_delivered'`);
  await until(() => receipt().length);
  assert.deepEqual(receipt(), [['pending', '0', 'private-user.5']]);

  const again = await login(5);
  await until(() => again.got.length);
  const [[event, { messageId, userId }]] = again.got;
  assert.deepEqual([event, messageId, userId], ['message:delivered', id, 6]);
  await until(() => receipt()[0][0] === 'delivered');
  assert.deepEqual(receipt(), [['delivered', '1', 'private-user.5']]);
});
