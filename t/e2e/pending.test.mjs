// Messages to people who are away, receipts, notifications, broadcasts.

import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import {
  accounts, client, leave, login, next, nextOf, redis, sql, until, workerOf,
} from './lib/server.mjs';

const { john, jane, ada, eve, max } = accounts;

function emit(socket, event, data) {
  return socket.timeout(30000).emitWithAck(event, data);
}

function status(id) {
  return sql(`SELECT status FROM websocket_events WHERE id = ${id}`)[0]?.[0];
}

// logs in and collects an event from the first moment on
async function loginAndCollect(account, event) {
  const socket = client({ auth: { token: account.token } });
  const list = [];
  socket.on(event, (data) => list.push(data));
  await next(socket, 'authenticated');
  return [socket, list];
}

// the same, on the worker of another socket or not
async function loginBeside(other, same, account, event) {
  const pid = await workerOf(other);
  for (let i = 0; i < 50; i++) {
    const [socket, list] = await loginAndCollect(account, event);
    if ((await workerOf(socket) === pid) === same) return [socket, list];
    socket.disconnect();
  }
  throw new Error('50 connections have come to the wrong worker');
}

// what waits for him since the tests before
before(async () => {
  const socket = await login(max);
  const none = (what, command) => until(() => redis(command, `ws:{1}:${what}:5`)
    === '0', `nothing is ${what}`);

  await none('pending', 'ZCARD');
  await emit(socket, 'subscribe', { channel: 'has them' });
  await none('taken', 'HLEN');
  await leave(socket);
});

test('a message to one who is away comes at the next login, in order', async () => {
  const a = await login(john);
  const ids = [];
  for (let i = 0; i < 120; i++) {
    const ack = await emit(a, 'message:direct',
      { recipientId: 5, message: `m${i}`, conversationId: 'away' });
    assert.equal(ack.status, 'ok');
    ids.push(ack.messageId);
  }
  await until(() => status(ids.at(-1)) === 'pending');

  const [b, got] = await loginAndCollect(max, 'message:direct');
  const live = await emit(a, 'message:direct', { recipientId: 5, message: 'now' });
  ids.push(live.messageId);
  await until(() => got.length >= 121);
  assert.deepEqual(got.map((m) => m.messageId), ids);
  assert.equal(got[0].message, 'm0');
  await until(() => status(ids[0]) === 'delivered' && status(ids[120]) === 'delivered');
  assert.equal(sql(`SELECT retry_count FROM websocket_events
    WHERE id = ${ids[0]}`)[0][0], '1');
  b.disconnect();

  const [c, again] = await loginAndCollect(max, 'message:direct');
  await emit(c, 'message:direct', { recipientId: 5, message: 'to myself' });
  await until(() => again.length);
  assert.deepEqual(again.map((m) => m.message), ['to myself'], 'some came twice');
  [a, c].forEach((s) => s.disconnect());
});

test('what a dead connection had taken comes again with the same id', async () => {
  const a = await login(john);
  const b = await login(max);
  const got = next(b, 'message:direct');
  const ack = await emit(a, 'message:direct', { recipientId: 5, message: 'half-open' });
  await got;
  await until(() => status(ack.messageId) === 'delivered');
  b.io.engine.transport.ws._socket.destroy();
  await until(() => status(ack.messageId) === 'pending');

  const [c, again] = await loginAndCollect(max, 'message:direct');
  await until(() => again.length);
  assert.equal(again[0].messageId, ack.messageId);
  [a, c].forEach((s) => s.disconnect());
});

for (const [where, same] of [['the same', true], ['another', false]]) {
  test(`a dead connection, and one of ${where} worker that came later`, async () => {
    const a = await login(john);
    const b = await login(max);
    const got = next(b, 'message:direct');
    const ack = await emit(a, 'message:direct', { recipientId: 5, message: 'back' });
    await got;
    await until(() => status(ack.messageId) === 'delivered');

    const [c, later] = await loginBeside(b, same, max, 'message:direct');
    b.io.engine.transport.ws._socket.destroy();
    await until(() => later.length, 'it has come');
    assert.deepEqual(later.map((m) => m.messageId), [ack.messageId]);
    [a, c].forEach((s) => s.disconnect());
  });

  test(`two that have the same, one of ${where} worker, one dies`, async () => {
    const a = await login(john);
    const b = await login(max);
    const [c, got] = await loginBeside(b, same, max, 'message:direct');
    const first = next(b, 'message:direct');
    const ack = await emit(a, 'message:direct', { recipientId: 5, message: 'both' });
    await first;
    await until(() => got.length, 'the other has it, too');
    await until(() => status(ack.messageId) === 'delivered');

    b.io.engine.transport.ws._socket.destroy();
    await emit(a, 'message:direct', { recipientId: 5, message: 'last' });
    await until(() => got.some((m) => m.message === 'last'));
    await emit(c, 'subscribe', { channel: 'end' });
    await until(() => Number(sql(`SELECT COUNT(*) FROM websocket_events
      WHERE status = 'pending' AND channel = 'private-user.5'`)[0][0]) === 0);
    assert.deepEqual(got.map((m) => m.message), ['both', 'last']);
    [a, c].forEach((s) => s.disconnect());
  });
}

test('a clientMessageId that comes again is the same message', async () => {
  const [a, b] = [await login(john), await login(jane)];
  const got = [];
  b.on('message:direct', (m) => got.push(m));
  const message = {
    recipientId: 2, message: 'once', clientMessageId: `c-${Date.now()}`,
  };
  const first = await emit(a, 'message:direct', message);
  const other = await login(john);
  assert.deepEqual(await emit(other, 'message:direct', message), first);
  await emit(a, 'message:direct', { recipientId: 2, message: 'last' });
  await until(() => got.some((m) => m.message === 'last'));
  const own = got.map((m) => m.message).filter((m) => ['once', 'last'].includes(m));
  assert.deepEqual(own, ['once', 'last']);
  [a, b, other].forEach((s) => s.disconnect());
});

test('a receipt reaches the sender, and counts only from the recipient', async () => {
  const [a, b, c] = [await login(john), await login(jane), await login(ada)];
  const ack = await emit(a, 'message:direct', { recipientId: 2, message: 'seen?' });
  assert.equal((await emit(c, 'message:delivered',
    { messageId: ack.messageId, senderId: 1 })).code, 'not_found');

  const receipt = nextOf(a, 'message:delivered',
    ({ messageId }) => messageId === ack.messageId);
  assert.equal((await emit(b, 'message:delivered',
    { messageId: ack.messageId, senderId: 1 })).status, 'ok');
  const { timestamp, ...data } = await receipt;
  assert.match(timestamp, /Z$/);
  assert.deepEqual(data, { messageId: ack.messageId, userId: 2 });
  [a, b, c].forEach((s) => s.disconnect());
});

test('notifications: one row and id a recipient, strangers left out', async () => {
  const [a, b] = [await login(john), await login(jane)];
  const title = `Alert ${Date.now()}`;
  const got = nextOf(b, 'notification:received', (n) => n.title === title);
  const ack = await emit(a, 'notification:send', {
    recipientIds: [2, 4, 3, 2, 999], title, body: 'Important', tag: 'alert',
  });
  assert.equal(ack.status, 'ok');
  assert.equal(ack.messageIds.length, 2);
  const { timestamp, ...data } = await got;
  assert.deepEqual(data, {
    senderId: 1, title, body: 'Important', icon: null, tag: 'alert',
    messageId: ack.messageIds[0],
  });
  await until(() => status(ack.messageIds[1]));
  assert.deepEqual(sql(`SELECT event_type, channel FROM websocket_events
    WHERE id = ${ack.messageIds[1]}`)[0], ['notification_received', 'private-user.3']);
  assert.equal((await emit(a, 'notification:send',
    { recipientIds: [4], title: 'x', body: 'y' })).code, 'not_found');
  assert.deepEqual(Object.keys((await emit(a, 'notification:send', {})).errors).sort(),
    ['body', 'recipientIds', 'title']);

  const limited = await login(max);
  assert.equal((await emit(limited, 'notification:send',
    { recipientIds: [2], title: 'x', body: 'y' })).code, 'forbidden');
  assert.equal((await emit(limited, 'broadcast:send', { message: 'x' })).code, 'forbidden');
  [a, b, limited].forEach((s) => s.disconnect());
});

test('a broadcast reaches the whole tenant and nobody else', async () => {
  const [a, b, e] = [await login(john), await login(jane), await login(eve)];
  const heard = [];
  e.onAny((event) => heard.push(event));
  const got = nextOf(b, 'broadcast:message', (m) => m.message === 'Club announcement');
  const ack = await emit(a, 'broadcast:send',
    { channel: 'broadcast', message: 'Club announcement', messageType: 'info' });
  const { timestamp, ...data } = await got;
  assert.deepEqual(data, {
    senderId: 1, message: 'Club announcement', messageType: 'info',
    channel: 'broadcast', messageId: ack.messageId,
  });
  await emit(e, 'subscribe', { channel: 'x' });
  assert.ok(!heard.includes('broadcast:message'));
  [a, b, e].forEach((s) => s.disconnect());
});
