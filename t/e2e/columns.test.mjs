// Every column of the four tables, after what users really do.

import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  accounts, client, login, next, sql, until, url,
} from './lib/server.mjs';

const { john, max, eve } = accounts;
const dev = new URL('../../dev', import.meta.url).pathname;
const time = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/;

async function call(method, path, body, account = john) {
  const answer = await fetch(`${url}/api/websocket/${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${account.token}`, 'Content-Type': 'application/json',
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
test('websocket_presence', async () => {
  const id = `presence-${Date.now()}`;
  const post = (path, body) => call('POST', path, { connection_id: id, ...body },
    eve);
  await post('connect', { device_type: 'mobile' });
  await post('presence/update',
    { status: 'away', device: 'mobile', last_message: 'At lunch' });
  check(await row('presence', 'user_id = 4', (r) => r.status === 'away'), {
    id: /^\d+$/, tenant_id: '2', user_id: '4', status: 'away', device: 'mobile',
    last_message: 'At lunch', away_since: time, last_seen_at: time,
    created_at: time, updated_at: time,
  });
  await post('presence/update', { status: 'busy' });
  const found = await row('presence', 'user_id = 4', (r) => r.status === 'busy');
  assert.equal(found.away_since, 'NULL');
  await post('disconnect');
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
  await row('typing_indicators', where, (r) => r.is_typing === '0');
});

test('websocket_events', async () => {
  const a = await login(john);
  const { messageId } = await a.timeout(10000).emitWithAck('message:direct',
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
  [a, b].forEach((s) => s.disconnect());
});

test('more than waits for somebody fails, with the reason', async () => {
  const a = await login(john);
  const acks = await Promise.all(Array.from({ length: 1001 }, (_, i) => a
    .timeout(20000).emitWithAck('message:direct', { recipientId: 5, message: `${i}` })));
  const found = await row('events', `id = ${acks.at(-1).messageId}`,
    (r) => r.status === 'failed');
  assert.equal(found.error_message, 'queue full');
  await until(() => sql(`SELECT COUNT(*) FROM websocket_events
    WHERE id >= ${acks[0].messageId} AND status = 'pending'`)[0][0] === '1000');
  a.disconnect();
});

test('a receipt is kept for a sender who is away', async () => {
  const a = await login(john);
  const b = await login(accounts.jane);
  const got = next(b, 'message:direct');
  const { messageId } = await a.timeout(10000).emitWithAck('message:direct',
    { recipientId: 2, message: 'receipt, please' });
  await got;
  const gone = new Promise((done) => { a.on('disconnect', done); });
  a.disconnect();
  await gone;
  // whoever has gone may still be there for the server for a moment
  await until(() => sql(`SELECT COUNT(*) FROM websocket_connections
    WHERE user_id = 1 AND status = 'connected' AND connection_id =
      '${a.connectionId}'`)[0][0] === '0');
  const ack = await b.timeout(10000).emitWithAck('message:delivered',
    { messageId, senderId: 1 });
  assert.equal(ack.status, 'ok');

  const back = client({ auth: { token: john.token } });
  assert.equal((await next(back, 'message:delivered')).messageId, messageId);
  [back, b].forEach((s) => s.disconnect());
});
