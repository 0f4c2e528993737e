// The client against the real server.

import test, { afterEach } from 'node:test';
import assert from 'node:assert/strict';
import WebSocketClient from '../websocket-client.mjs';
import {
  accounts, client, login, next, sql, until, url,
} from '../../t/e2e/lib/server.mjs';

const { john, jane, eve } = accounts;
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

const clients = [];

afterEach(() => Promise.all(clients.splice(0).map((ws) => ws.disconnect())));

function make(account, options = {}) {
  const ws = new WebSocketClient({
    baseUrl: `${url}/api/websocket`, token: account.token, ...options,
  });
  clients.push(ws);
  return ws;
}

// A promise for an event of the client.
function event(ws, name) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no "${name}"`)), 30000);
    ws.once(name, (data) => {
      clearTimeout(timer);
      resolve(data);
    });
  });
}

const status = (id) => sql(`SELECT status FROM websocket_connections
  WHERE connection_id = '${id}'`)[0]?.[0];

test('a connection from its beginning to its end', async () => {
  const ws = make(john);
  const data = await event(ws, 'connected');
  assert.match(data.connected_at, time);
  delete data.connected_at;
  assert.deepEqual(data,
    { connection_id: ws.connectionId, status: 'connected', user_id: 1 });
  await until(() => status(ws.connectionId) === 'connected',
    'connected in the record');

  const [row] = sql(`SELECT session_id, device_type, user_id
    FROM websocket_connections WHERE connection_id = '${ws.connectionId}'`);
  assert.deepEqual(row, [ws.sessionId, 'desktop', '1']);

  const left = event(ws, 'disconnected');
  await ws.disconnect();
  assert.equal((await left).reason, 'client');
  await until(() => status(ws.connectionId) === 'disconnected',
    'disconnected in the record');

  const again = await ws.connect();
  assert.equal(again.connection_id, data.connection_id);
  await until(() => status(ws.connectionId) === 'connected',
    'connected again in the record');
});

test('who is online', async () => {
  const [a, b, e] = [make(john), make(jane), make(eve)];
  await Promise.all([a.connect(), b.connect(), e.connect()]);

  let users;
  await until(async () => {
    users = await a.getOnlineUsers();
    return users.some((user) => user.user_id === 2);
  }, 'Jane is online');
  const { device, display_status: display, name, ...rest } = users.find(
    (user) => user.user_id === 1);
  assert.deepEqual([device, display, name],
    ['desktop', 'Online', 'John Doe']);
  assert.equal(rest.status, 'online');
  assert.ok(!users.some((user) => user.user_id === 4));
  assert.deepEqual((await e.getOnlineUsers()).map((user) => user.user_id),
    [4]);
});

test('presence', async () => {
  const [a, b] = [make(john), make(jane)];
  const answer = await b.updatePresence('busy',
    { device: 'mobile', lastMessage: 'In a meeting' });
  assert.match(answer.updated_at, time);
  assert.deepEqual([answer.status, answer.device], ['busy', 'mobile']);

  await until(async () => (await a.getPresence(2)).status === 'busy',
    'Jane is busy');
  const presence = await a.getPresence(2);
  assert.deepEqual([presence.user_id, presence.display_status],
    [2, 'Busy on mobile']);
  assert.equal((await b.getPresence('me')).status, 'busy');

  await assert.rejects(a.getPresence(4), { status: 404 });
  await assert.rejects(a.updatePresence('asleep'), (error) => (
    error.status === 422 && error.errors.status[0]
      === 'The selected status is invalid.'));

  await b.updatePresence('offline');
  await until(async () => !(await a.getOnlineUsers()).some(
    (user) => user.user_id === 2), 'Jane has left the list');
});

test('typing', async () => {
  const [a, b] = [make(john), make(jane)];
  const answer = await a.recordTyping('client.typing', true);
  assert.equal(answer.is_typing, true);
  assert.match(answer.expires_at, time);

  const users = await b.getTypingUsers('client.typing');
  assert.deepEqual([users.length, users[0].user_id, users[0].user_name],
    [1, 1, 'John Doe']);
  assert.match(users[0].started_at, time);

  assert.equal((await a.recordTyping('client.typing', false)).expires_at,
    null);
  assert.deepEqual(await b.getTypingUsers('client.typing'), []);
});

test('channels reach the socket that carries the connection', async () => {
  const ws = make(john);
  const subscribed = event(ws, 'subscribed');
  assert.deepEqual(await ws.subscribe('client.before'),
    { message: 'Subscribed to channel', channel: 'client.before' });
  assert.equal((await subscribed).channel, 'client.before');

  const a = await login(john, {}, { connectionId: ws.connectionId });
  const b = await login(jane);
  await ws.subscribe('client.after');

  for (const channel of ['client.before', 'client.after']) {
    const message = next(a, 'message:group');
    b.emit('message:group', { channel, message: 'hello' });
    assert.equal((await message).channel, channel);
  }

  assert.deepEqual(await ws.unsubscribe('client.before'),
    { message: 'Unsubscribed from channel', channel: 'client.before' });
  const message = next(a, 'message:group');
  for (const channel of ['client.before', 'client.after']) {
    await b.timeout(30000).emitWithAck('message:group',
      { channel, message: 'again' });
  }
  assert.equal((await message).channel, 'client.after');

  await assert.rejects(ws.subscribe('user:2'), { status: 403 });
  await assert.rejects(ws.subscribe(''), { status: 422 });
  a.disconnect();
  b.disconnect();
});

test('statistics, and the heartbeat that brings them', async () => {
  const ws = make(eve, { heartbeatInterval: 100 });
  const names = ['active_connections', 'failed_events', 'pending_events',
    'total_connections', 'unique_users'];
  const stats = await event(ws, 'heartbeat');
  assert.deepEqual(Object.keys(stats).sort(), names);
  assert.deepEqual(Object.keys(await ws.getStats()).sort(), names);
  await until(async () => {
    const { active_connections: active, unique_users: users }
      = await ws.getStats();
    return active >= 1 && users === 1;
  }, 'the connection is counted');
});

test('disconnect() closes the socket that carries the connection', async () => {
  const ws = make(john);
  await ws.connect();
  const socket = await login(john, {}, { connectionId: ws.connectionId });
  const closed = new Promise((done) => { socket.once('disconnect', done); });
  await ws.disconnect();
  assert.equal(await closed, 'io server disconnect');
});

test('a bad token is refused', async () => {
  const ws = make({ token: '1|wrong' });
  const error = await event(ws, 'error');
  assert.deepEqual([error.status, error.message], [401, 'Unauthenticated.']);
});

test('the stock client is there beside it', async () => {
  const ws = make(john);
  const socket = client({ transports: ['polling', 'websocket'] });
  await next(socket, 'connect');
  const authenticated = next(socket, 'authenticated');
  socket.emit('auth', {
    token: john.token, userId: 1, clubId: 1, connectionId: ws.connectionId,
  });
  assert.equal((await authenticated).connectionId, ws.connectionId);
  socket.disconnect();
});
