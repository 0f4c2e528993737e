// Every column of the four tables, after what users really do.

import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  accounts, client, leave, login, next, nextOf, sql, until, url,
} from './lib/server.mjs';

const { john, max, eve } = accounts;
const dev = new URL('../../dev', import.meta.url).pathname;
const time = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

async function call(method, path, body, account = john, headers = {}) {
  const answer = await fetch(`${url}/api/websocket/${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${account.token}`,
      'Content-Type': 'application/json',
      ...headers,
    },
    body: JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
  return (await answer.json()).data;
}

// The only row as an object, once it is as it should be.
async function row(table, where, ready) {
  let found;
  await until(() => {
    const lines = execFileSync(dev, ['sql', '-B', '-r', '-e',
      `SELECT * FROM websocket_${table} WHERE ${where}`], { encoding: 'utf8' })
      .split('\n').filter(Boolean).map((line) => line.split('\t'));
    if (lines.length !== 2) return false;
    found = Object.fromEntries(lines[0].map((name, i) => [name, lines[1][i]]));
    return ready(found);
  }, `a row of ${table}`).catch((e) => assert.fail(
    `${e.message} ${JSON.stringify(found)}`,
  ));
  return found;
}

function check(found, expected) {
  for (const [name, value] of Object.entries(found)) {
    if (expected[name] instanceof RegExp) {
      assert.match(value, expected[name], name);
    } else {
      assert.equal(value, expected[name], name);
    }
  }
  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
}

test('websocket_connections', async () => {
  const id = `columns-${Date.now()}`;
  const where = `connection_id = '${id}'`;
  await call('POST', 'connect', {
    connection_id: id, session_id: 'session-1', browser: 'Chrome', device_type: 'tablet',
  });
  const socket = await login(john, {}, { connectionId: id });
  await call('POST', 'subscribe', { connection_id: id, channel: 'columns' });

  const expected = {
    id: /^\d+$/, tenant_id: '1', user_id: '1', connection_id: id,
    session_id: 'session-1', browser: 'Chrome', device_type: 'tablet',
    ip_address: '127.0.0.1', subscribed_channels: '["columns"]',
    status: 'connected', connected_at: time, last_activity_at: time,
    disconnected_at: 'NULL', created_at: time, updated_at: time,
  };
  check(await row('connections', where,
    (r) => r.subscribed_channels !== '[]'), expected);

  await call('POST', 'disconnect', { connection_id: id });
  const found = await row('connections', where, (r) => r.status !== 'connected');
  assert.equal(found.status, 'disconnected');
  assert.match(found.disconnected_at, time);
  socket.disconnect();
});

// hers, who has no other connections: a status merges all of them
test('a connection by REST alone, and one by polling alone', async () => {
  const id = `alone-${Date.now()}`;
  const where = `connection_id = '${id}'`;
  await call('POST', 'connect', { connection_id: id }, john, {
    'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0',
  });
  const expected = {
    id: /^\d+$/, tenant_id: '1', user_id: '1', connection_id: id,
    session_id: 'NULL', browser: 'Firefox', device_type: 'desktop',
    ip_address: '127.0.0.1', subscribed_channels: '[]',
    status: 'connected', connected_at: time, last_activity_at: time,
    disconnected_at: 'NULL', created_at: time, updated_at: time,
  };
  check(await row('connections', where, () => true), expected);
  await call('POST', 'disconnect', { connection_id: id });
  check(await row('connections', where, (r) => r.status !== 'connected'),
    { ...expected, status: 'disconnected', disconnected_at: time });

  const socket = await login(john, {
    transports: ['polling'],
    extraHeaders: {
      'User-Agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) '
        + 'AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1',
    },
  });
  const other = {
    ...expected, connection_id: socket.connectionId, browser: 'Safari', device_type: 'mobile',
  };
  const whose = `connection_id = '${socket.connectionId}'`;
  check(await row('connections', whose, () => true), other);
  socket.disconnect();
  check(await row('connections', whose, (r) => r.status !== 'connected'),
    { ...other, status: 'disconnected', disconnected_at: time });
});

test('what a connection was before stays when it comes back', async () => {
  const id = `back-${Date.now()}`;
  const where = `connection_id = '${id}'`;
  await call('POST', 'connect', {
    connection_id: id, session_id: 'session-2', browser: 'Edge', device_type: 'tablet',
  });
  const first = await login(john, {}, { connectionId: id });
  await call('POST', 'subscribe', { connection_id: id, channel: 'back' });
  first.disconnect();
  const ended = await row('connections', where, (r) => r.status === 'disconnected');
  // the next second
  await until(() => Date.now() > Date.parse(`${ended.disconnected_at}Z`) + 1000);
  const again = await login(john, {}, { connectionId: id });
  const found = await row('connections', where, (r) => r.status === 'connected');
  const { updated_at: updated, last_activity_at: active, ...rest } = found;
  assert.ok(found.connected_at > ended.disconnected_at);
  assert.ok(active > ended.last_activity_at && updated > ended.updated_at);
  check(rest, {
    id: ended.id, tenant_id: '1', user_id: '1', connection_id: id,
    session_id: 'session-2', browser: 'Edge', device_type: 'tablet',
    ip_address: '127.0.0.1', subscribed_channels: '["back"]',
    status: 'connected', connected_at: time, disconnected_at: 'NULL',
    created_at: ended.created_at,
  });
  again.disconnect();
});

test('websocket_presence', async () => {
  const id = `presence-${Date.now()}`;
  const post = (path, body) => call('POST', path, { connection_id: id, ...body },
    eve);
  await post('connect', { device_type: 'mobile' });
  await post('presence/update',
    { status: 'away', device: 'mobile', last_message: 'At lunch' });
  check(await row('presence', 'tenant_id = 2 AND user_id = 4', (r) => r.status === 'away'), {
    id: /^\d+$/, tenant_id: '2', user_id: '4', status: 'away', device: 'mobile',
    last_message: 'At lunch', away_since: time, last_seen_at: time,
    created_at: time, updated_at: time,
  });
  assert.equal((await post('presence/update', { status: 'busy' })).device, 'mobile');
  const found = await row('presence', 'tenant_id = 2 AND user_id = 4', (r) => r.status === 'busy');
  assert.equal(found.away_since, 'NULL');
  await post('disconnect');
  check(await row('presence', 'tenant_id = 2 AND user_id = 4', (r) => r.status === 'offline'), {
    ...found, status: 'offline', last_seen_at: time, updated_at: time,
  });
});

test('websocket_typing_indicators', async () => {
  const conversation = `columns-${Date.now()}`;
  const where = `conversation_id = '${conversation}'`;
  await call('POST', 'typing', {
    conversation_id: conversation, conversation_type: 'group', is_typing: true,
  });
  const found = await row('typing_indicators', where, () => true);
  check(found, {
    id: /^\d+$/, tenant_id: '1', user_id: '1', conversation_id: conversation,
    conversation_type: 'group', is_typing: '1', started_at: time,
    expires_at: time, created_at: time, updated_at: time,
  });
  assert.ok(found.expires_at > found.started_at);
  await call('POST', 'typing', {
    conversation_id: conversation, conversation_type: 'group', is_typing: false,
  });
  const ended = await row('typing_indicators', where, (r) => r.is_typing === '0');
  check(ended, {
    ...found, is_typing: '0', expires_at: ended.updated_at, updated_at: time,
  });
});

test('typing that nobody ends', async () => {
  for (const end of ['message', 'disconnect']) {
    const name = `columns-${end}-${Date.now()}`;
    const a = await login(john);
    const emit = (event, data) => a.timeout(30000).emitWithAck(event, data);
    await emit('user:typing', { conversationId: name, isTyping: true });
    await row('typing_indicators', `conversation_id = '${name}'`,
      (r) => r.is_typing === '1' && r.conversation_type === 'direct');
    if (end === 'message') {
      await emit('message:direct', { recipientId: 1, message: 'x', conversationId: name });
    } else {
      a.disconnect();
    }
    await row('typing_indicators', `conversation_id = '${name}'`,
      (r) => r.is_typing === '0' && r.expires_at <= r.updated_at);
    a.disconnect();
  }
});

test('websocket_events', async () => {
  const a = await login(john);
  const { messageId } = await a.timeout(30000).emitWithAck('message:direct',
    { recipientId: 5, message: 'columns' });
  const expected = {
    id: String(messageId), tenant_id: '1', user_id: '1',
    event_type: 'message_sent', channel: 'private-user.5',
    payload: /^\{"event":"message:direct","data":\{.*"message":"columns"/,
    status: 'pending', retry_count: '0', error_message: 'NULL',
    created_at: time, updated_at: time,
  };
  const where = `id = ${messageId}`;
  check(await row('events', where, () => true), expected);

  const b = await login(max);
  check(await row('events', where, (r) => r.status === 'delivered'),
    { ...expected, status: 'delivered', retry_count: '1' });
  await leave(a, b);
});

const word = `columns-${Date.now()}`;

// what is sent, and the type, the channel and the event that its row has
const events = [
  ['message:group', { channel: 'group.columns', message: word },
    'message_sent', 'group.columns', 'message:group'],
  ['broadcast:send', { channel: 'broadcast', message: word, messageType: 'info' },
    'broadcast_message', 'broadcast', 'broadcast:message'],
  ['notification:send', { recipientIds: [1], title: word, body: 'b' },
    'notification_received', 'private-user.1', 'notification:received'],
  ['user:typing', { conversationId: word, isTyping: true },
    'typing', word, 'user:typing'],
  ['user:presence', { status: 'busy', device: 'web', lastMessage: word },
    'online_status', 'broadcast', 'user:presence'],
];

test('an event of each kind', async () => {
  const a = await login(john);
  await a.timeout(30000).emitWithAck('subscribe', { channel: 'group.columns' });
  for (const [event, data, type, channel, name] of events) {
    const ack = await a.timeout(30000).emitWithAck(event, data);
    assert.equal(ack.status, 'ok', event);
    const found = await row('events',
      `event_type = '${type}' AND payload LIKE '%${word}%'`,
      (r) => r.status === 'delivered');
    check(found, {
      id: ack.messageId ? String(ack.messageId) : /^\d+$/, tenant_id: '1',
      user_id: '1', event_type: type, channel, payload: /^\{/,
      status: 'delivered', retry_count: '0', error_message: 'NULL',
      created_at: time, updated_at: time,
    });
    const payload = JSON.parse(found.payload);
    assert.equal(payload.event, name);
    assert.equal(payload.data.messageId, ack.messageId);
    assert.ok(payload.data.timestamp);
  }
  a.disconnect();
});

test('more than waits for somebody fails, with the reason', async () => {
  const a = await login(john);
  const acks = await Promise.all(Array.from({ length: 1001 }, (_, i) => a
    .timeout(30000).emitWithAck('message:direct', { recipientId: 5, message: `${i}` })));
  const found = await row('events', `id = ${acks.at(-1).messageId}`,
    (r) => r.status === 'failed');
  assert.equal(found.error_message, 'queue full');
  await until(() => sql(`SELECT COUNT(*) FROM websocket_events
    WHERE tenant_id = 1 AND channel = 'private-user.5' AND status = 'pending'`)[0][0] === '1000');
  a.disconnect();
});

test('a receipt is kept for a sender who is away', async () => {
  const a = await login(john);
  const b = await login(accounts.jane);
  const got = nextOf(b, 'message:direct', (m) => m.message === 'receipt, please');
  const { messageId } = await a.timeout(30000).emitWithAck('message:direct',
    { recipientId: 2, message: 'receipt, please' });
  await got;
  await leave(a);
  const ack = await b.timeout(30000).emitWithAck('message:delivered',
    { messageId, senderId: 1 });
  assert.equal(ack.status, 'ok');

  const back = client({ auth: { token: john.token } });
  await nextOf(back, 'message:delivered', (m) => m.messageId === messageId);
  [back, b].forEach((s) => s.disconnect());
});
