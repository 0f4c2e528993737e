// Two people talk through nginx, each on another worker.

import test from 'node:test';
import assert from 'node:assert/strict';
import {
  accounts, client, login, loginOnTwoWorkers, next, nextOf, sql, until, workerOf,
} from './lib/server.mjs';

const { john, jane, ada, eve } = accounts;

const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function emit(socket, event, data) {
  return socket.timeout(30000).emitWithAck(event, data);
}

function row(id) {
  return until(() => sql(`SELECT user_id, tenant_id, event_type, channel,
    status, payload FROM websocket_events WHERE id = ${id}`)[0]);
}

test('a direct message reaches the recipient on the other worker', async () => {
  const [a, b] = await loginOnTwoWorkers(john, jane);
  assert.notEqual(await workerOf(a), await workerOf(b));

  const got = nextOf(b, 'message:direct', (m) => m.conversationId === 'c1');
  const ack = await emit(a, 'message:direct',
    { recipientId: 2, message: 'Hello, Jane! "<b>" \u{1F600}', conversationId: 'c1' });

  assert.equal(ack.status, 'ok');
  assert.ok(Number.isSafeInteger(ack.messageId));

  const message = await got;
  assert.match(message.timestamp, iso);
  delete message.timestamp;
  assert.deepEqual(message, {
    senderId: 1, message: 'Hello, Jane! "<b>" \u{1F600}', conversationId: 'c1',
    messageId: ack.messageId,
  });

  const back = nextOf(a, 'message:direct', (m) => m.message === 'Hi');
  await emit(b, 'message:direct', { recipientId: '1', message: 'Hi' });
  assert.equal((await back).senderId, 2);

  const [user, tenant, type, channel, status, payload] = await row(ack.messageId);
  assert.deepEqual([user, tenant, type, channel],
    ['1', '1', 'message_sent', 'private-user.2']);
  assert.ok(['pending', 'delivered'].includes(status));
  assert.equal(JSON.parse(payload).event, 'message:direct');
  assert.equal(JSON.parse(payload).data.messageId, ack.messageId);

  a.disconnect();
  b.disconnect();
});

test('a group message reaches every member, in one order', async () => {
  const [a, b] = await loginOnTwoWorkers(john, jane);
  const c = await login(ada);
  const channel = 'group.events.2';

  for (const socket of [a, b]) {
    assert.deepEqual(await emit(socket, 'subscribe', { channel }),
      { status: 'ok', channel });
  }

  const seen = new Map([[a, []], [b, []], [c, []]]);
  for (const [socket, list] of seen) {
    socket.on('message:group', (m) => list.push(m.messageId));
  }

  const acks = await Promise.all(Array.from({ length: 100 }, (_, i) => emit(
    i % 2 ? a : b, 'message:group', { channel, message: `m${i}` })));

  await until(() => seen.get(a).length === 100 && seen.get(b).length === 100);
  assert.deepEqual(seen.get(a), seen.get(b));
  assert.equal(new Set(acks.map((x) => x.messageId)).size, 100);
  assert.deepEqual(seen.get(c), [], 'one who has not subscribed got some');

  await emit(b, 'unsubscribe', { channel });
  const last = next(a, 'message:group');
  const ack = await emit(b, 'message:group',
    { channel, message: 'bye', conversationId: 'g' });
  const message = await last;
  assert.match(message.timestamp, iso);
  delete message.timestamp;
  assert.deepEqual(message, {
    userId: 2, message: 'bye', conversationId: 'g', channel,
    messageId: ack.messageId,
  });
  assert.equal(seen.get(b).length, 100, 'one who has left got more');

  assert.deepEqual((await row(ack.messageId)).slice(2, 5),
    ['message_sent', channel, 'delivered']);

  [a, b, c].forEach((s) => s.disconnect());
});

test('authentication by CONNECT, and its refusal', async () => {
  const socket = client({ auth: { token: jane.token } });
  const authenticated = await next(socket, 'authenticated');
  assert.equal(authenticated.status, 'ok');
  assert.equal(authenticated.userId, 2);
  socket.disconnect();

  const bad = client({ auth: { token: '2|wrong' } });
  assert.equal((await next(bad, 'connect_error')).message, 'Unauthenticated.');
  bad.disconnect();

  const header = client({ extraHeaders: { Authorization: `Bearer ${ada.token}` } });
  assert.equal((await next(header, 'authenticated')).userId, 3);
  header.disconnect();
});

test('identity comes from the token only', async () => {
  for (const fields of [{ userId: 2 }, { userId: '2' }, { clubId: 2 }]) {
    const socket = client();
    await next(socket, 'connect');
    const error = next(socket, 'auth:error');
    socket.emit('auth', { token: john.token, ...fields });
    const { code, message } = await error;
    assert.equal(code, 'identity_mismatch');
    assert.equal(message, `The ${Object.keys(fields)[0]} is not the token's.`);
    socket.disconnect();
  }
  const socket = await login(john, {}, { userId: '1', clubId: 1 });
  socket.disconnect();
});

test('the socket is a row in websocket_connections while it lives', async () => {
  const socket = await login(john, {}, { connectionId: 'conn_e2e_1' });
  assert.equal(socket.connectionId, 'conn_e2e_1');
  const status = () => sql(`SELECT status FROM websocket_connections
    WHERE connection_id = 'conn_e2e_1'`)[0]?.[0];
  await until(() => status() === 'connected', 'connected in the record');
  socket.disconnect();
  await until(() => status() === 'disconnected', 'disconnected in the record');
});

test('what is refused says why and changes nothing', async () => {
  const stranger = client();
  await next(stranger, 'connect');
  assert.equal((await emit(stranger, 'subscribe', { channel: 'x' })).code,
    'unauthenticated');
  stranger.disconnect();

  const a = await login(john);
  const refused = async (event, data, code) => {
    const ack = await emit(a, event, data);
    assert.equal(ack.status, 'error');
    assert.equal(ack.code, code, `${event} ${JSON.stringify(data)}`);
    assert.ok(ack.message);
    return ack;
  };

  await refused('no:such', {}, 'unknown_event');
  await refused('subscribe', { channel: 'user:2' }, 'forbidden');
  await refused('subscribe', { channel: 'club:2' }, 'forbidden');
  await refused('subscribe', {}, 'invalid');
  await refused('subscribe', 'x', 'invalid');
  await refused('subscribe', { channel: 'a\nb' }, 'invalid');
  await refused('message:direct', { recipientId: 4, message: 'x' }, 'not_found');
  await refused('message:direct', { recipientId: 99, message: 'x' }, 'not_found');
  await refused('message:direct', { recipientId: 2, message: '' }, 'invalid');
  await refused('message:direct', { recipientId: 2, message: 7 }, 'invalid');
  await refused('message:group', { message: 'x' }, 'invalid');
  await refused('message:direct',
    { recipientId: 2, message: 'x'.repeat(5001) }, 'invalid');

  const both = await refused('message:direct', {}, 'invalid');
  assert.deepEqual(Object.keys(both.errors).sort(), ['message', 'recipientId']);

  const error = next(a, 'error');
  a.emit('subscribe', { channel: 'user:2' });
  const data = await error;
  assert.equal(data.code, 'forbidden');
  assert.equal(data.event, 'subscribe');

  // UTF-16 units
  for (const [message, status] of [['x'.repeat(5000), 'ok'],
    ['\u00e4'.repeat(5000), 'ok'], ['\u{1f600}'.repeat(2500), 'ok'],
    ['x'.repeat(5001), 'error'], [`x${'\u{1f600}'.repeat(2500)}`, 'error']]) {
    for (const [event, fields] of [
      ['message:direct', { recipientId: 1, message }],
      ['message:group', { channel: 'units', message }],
      ['broadcast:send', { channel: 'units', message }],
    ]) {
      assert.equal((await emit(a, event, fields)).status, status, event);
    }
  }
  a.disconnect();
});

test('tenants do not hear each other', async () => {
  const a = await login(john);
  const e = await login(eve);
  const heard = [];
  e.onAny((event) => heard.push(event));

  await emit(a, 'subscribe', { channel: 'same.name' });
  await emit(e, 'subscribe', { channel: 'same.name' });

  const own = next(a, 'message:group');
  await emit(a, 'message:group', { channel: 'same.name', message: 'x' });
  await own;
  await emit(e, 'unsubscribe', { channel: 'same.name' });
  assert.deepEqual(heard.filter((x) => x.startsWith('message')), []);
  a.disconnect();
  e.disconnect();
});
