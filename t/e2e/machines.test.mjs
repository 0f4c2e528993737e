// Two machines: two instances of nginx on one Redis and one MariaDB. What one
// does the other's people see, once.

import test, { after, afterEach, before } from 'node:test';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { accounts, next, redis, sql, until } from './lib/server.mjs';
import { Nginx } from './lib/nginx.mjs';

const { john, jane, ada, max } = accounts;

const options = {
  workers: 2,
  http: 'websocket_presence_grace 500ms; websocket_throttle 10000 1m;',
  locations: `
    location /socket.io/ { websocket_socketio on; }
    location /api/websocket/ { websocket_api on; }`,
};

const sockets = [];
const run = Date.now();

let here;
let there;

before(async () => {
  [here, there] = await Promise.all([Nginx.start(options), Nginx.start(options)]);
});

after(() => Promise.all([here.stop(), there.stop()]));

afterEach(() => sockets.splice(0).forEach((socket) => socket.disconnect()));

async function login(nginx, account, connectionId) {
  const socket = io(nginx.url, {
    forceNew: true, transports: ['websocket'], reconnection: false,
    auth: { token: account.token, connectionId },
  });
  sockets.push(socket);
  await next(socket, 'authenticated');
  return socket;
}

async function emit(socket, event, data) {
  const ack = await socket.timeout(30000).emitWithAck(event, data);
  assert.equal(ack.status, 'ok', JSON.stringify(ack));
  return ack;
}

async function rest(nginx, method, path, account, body, headers) {
  const answer = await fetch(`${nginx.url}/api/websocket/${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${account.token}`,
      'Content-Type': 'application/json',
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  const text = await answer.text();
  assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
  return JSON.parse(text);
}

async function offline(account) {
  await until(async () => (await rest(here, 'GET', `presence/${account.id}`, john))
    .data.status === 'offline', `user ${account.id} is offline`);
}

// All that a socket hears from now on, as [event, data]; fence() comes back
// when what was published before has arrived.
function watch(socket) {
  const seen = [];
  socket.onAny((event, { timestamp, ...data }) => seen.push([event, data]));
  return {
    seen,
    of: (pattern) => seen.filter(([event]) => pattern.test(event)),
    fence: () => emit(socket, 'subscribe', { channel: `fence.${run}` }),
  };
}

test('presence: each sees the other, each event once', async () => {
  await offline(jane);
  const watcher = await login(here, john);
  for (const channel of ['presence', 'club:1', 'broadcast', 'presence']) {
    await emit(watcher, 'subscribe', { channel });
  }
  const heard = watch(watcher);
  const events = () => heard.of(/^user:/).filter(([, data]) => data.userId === 2);

  const socket = await login(there, jane, `conn_machines_${run}`);
  await until(() => events().length === 1);
  await emit(socket, 'user:presence', { status: 'away', device: 'web', lastMessage: 'Lunch' });
  await until(() => events().length === 2);
  assert.equal((await rest(here, 'GET', 'presence/2', john)).data.status, 'away');
  await rest(here, 'POST', 'presence/update', jane, { status: 'busy' },
    { 'X-Connection-Id': `conn_machines_${run}` });
  await until(() => events().length === 3);
  for (const nginx of [here, there]) {
    const { data } = await rest(nginx, 'GET', 'online-users', ada);
    assert.deepEqual(data.filter((u) => [1, 2].includes(u.user_id)).map((u) => u.status),
      ['online', 'busy']);
  }
  const list = async (nginx) => (await rest(nginx, 'GET', 'online-users', ada)).data;
  assert.deepEqual(await list(here), await list(there));

  socket.disconnect();
  await until(() => events().length === 4);
  await heard.fence();
  const of2 = (status, fields = {}) => ({ userId: 2, status, ...fields });
  assert.deepEqual(events(), [
    ['user:online', of2('online')],
    ['user:presence', of2('away', { device: 'web', lastMessage: 'Lunch' })],
    ['user:presence', of2('busy', { device: 'web', lastMessage: 'Lunch' })],
    ['user:offline', of2('offline')],
  ]);
});

test('typing: by a socket here and by REST there', async () => {
  const conversation = `conv_machines_${run}`;
  const id = `conn_typing_${run}`;
  const [a, tab, b] = [await login(here, john), await login(here, jane),
    await login(there, jane, id)];
  await emit(a, 'message:direct', { recipientId: 2, message: 'x', conversationId: conversation });
  await emit(b, 'message:direct', { recipientId: 1, message: 'x', conversationId: conversation });
  const [onTab, onB] = [tab, b].map(watch);
  const typing = ({ of }) => of(/^user:typing$/).map(([, data]) => [data.userId, data.isTyping]);

  await emit(a, 'user:typing', { conversationId: conversation, isTyping: true });
  await until(() => typing(onB).length === 1 && typing(onTab).length === 1);
  const { data } = await rest(there, 'GET', `typing/${conversation}`, jane);
  assert.deepEqual(data.map((x) => [x.user_id, x.user_name]), [[1, 'John Doe']]);
  a.disconnect();
  await until(() => typing(onB).length === 2, 'it ends with the socket');

  const again = await login(here, john);
  const onAgain = watch(again);
  await rest(here, 'POST', 'typing', jane,
    { conversation_id: conversation, is_typing: true, connection_id: id });
  await until(() => typing(onAgain).length === 1 && typing(onTab).length === 3);
  await onB.fence();
  assert.deepEqual(typing(onB), [[1, true], [1, false]]);
  await rest(there, 'POST', 'typing', jane,
    { conversation_id: conversation, is_typing: false }, { 'X-Connection-Id': id });
  await until(() => typing(onAgain).length === 2);
  assert.deepEqual(typing(onAgain), [[2, true], [2, false]]);
  await onB.fence();
  assert.deepEqual(typing(onB), [[1, true], [1, false]]);

  // it ends with the socket, which another machine has
  await rest(here, 'POST', 'typing', jane,
    { conversation_id: conversation, is_typing: true, connection_id: id });
  await until(() => typing(onAgain).length === 3);
  b.disconnect();
  await until(() => typing(onAgain).length === 4);
  assert.deepEqual(typing(onAgain).slice(2), [[2, true], [2, false]]);
});

test('channels by REST at the other machine, and the end of a connection', async () => {
  await offline(jane);
  const id = `conn_channels_${run}`;
  const channel = `channel.machines.${run}`;
  const a = await login(here, john);
  await emit(a, 'subscribe', { channel });
  const [onA, b] = [watch(a), await login(there, jane, id)];
  const onB = watch(b);

  await rest(here, 'POST', 'subscribe', jane, { connection_id: id, channel });
  await until(() => onA.of(/joined$/).length === 1);
  await emit(a, 'message:group', { channel, message: 'one' });
  await until(() => onB.of(/^message:group$/).length === 1);
  await rest(here, 'POST', 'unsubscribe', jane, { connection_id: id, channel });
  await until(() => onA.of(/left$/).length === 1);
  await emit(a, 'message:group', { channel, message: 'two' });
  await onB.fence();
  assert.equal(onB.of(/^message:group$/).length, 1);

  await rest(here, 'POST', 'subscribe', jane, { connection_id: id, channel });
  const closed = next(b, 'disconnect');
  assert.equal((await rest(here, 'POST', 'disconnect', jane, { connection_id: id })).message,
    'Disconnected successfully');
  assert.equal(await closed, 'io server disconnect');
  await until(() => onA.of(/^user:offline$/).some(([, data]) => data.userId === 2));
  await onA.fence();
  assert.deepEqual(onA.of(/^channel:/), ['joined', 'left', 'joined', 'left'].map(
    (what) => [`channel:user-${what}`, { channel, userId: 2 }]));
  await until(() => sql(`SELECT status FROM websocket_connections
    WHERE connection_id = '${id}'`)[0]?.[0] === 'disconnected', 'the record');
});

test('names without MySQL, the list with one question to Redis', async () => {
  const [a] = [await login(here, john), await login(there, jane)];
  const once = async () => {
    await emit(a, 'message:direct', { recipientId: 2, message: 'x', conversationId: 'names' });
    await emit(a, 'user:typing', { conversationId: 'names', isTyping: true });
    const answers = await Promise.all(['presence/2', 'typing/names', 'online-users'].map(
      (path) => rest(here, 'GET', path, jane)));
    assert.equal(answers[1].data[0].user_name, 'John Doe');
    assert.ok(answers[2].data.some((u) => u.name === 'Jane Smith'));
  };
  // less what the workers ask in as much time anyway
  const costOf = async (counter, fn) => {
    const during = async (work) => {
      const first = await counter();
      await work();
      return await counter() - first;
    };
    const start = Date.now();
    const busy = await during(fn);
    return busy - await during(() => sleep(Date.now() - start));
  };

  for (let i = 0; i < 10; i++) await once();
  const selected = await costOf(
    () => Number(sql("SHOW GLOBAL STATUS LIKE 'Com_select'")[0][1]),
    async () => { for (let i = 0; i < 50; i++) await once(); });
  assert.ok(selected < 50, `${selected} SELECTs for 50 rounds`);

  const requests = 200;
  const commands = await costOf(() => here.metric('redis_commands_total'),
    async () => {
      for (let i = 0; i < requests; i++) await rest(here, 'GET', 'online-users', jane);
    });
  assert.ok(commands < 1.5 * requests, `${commands} commands for ${requests} lists`);

  for (const status of ['away', 'busy', 'online', 'offline', 'online', 'away']) {
    await rest(there, 'POST', 'presence/update', jane, { status });
    const { data } = await rest(here, 'GET', 'online-users', john);
    assert.equal(data.find((u) => u.user_id === 2)?.status ?? 'offline', status);
  }
  await rest(there, 'POST', 'presence/update', jane, { status: 'online' });
});

test('calls that carry the connection keep a silent one alive', async () => {
  await offline(max);
  const id = `conn_rest_${run}`;
  const header = { 'X-Connection-Id': id };
  await rest(here, 'POST', 'connect', max, { connection_id: id });
  const ends = () => Number(redis('HGET', 'ws:{1}:status:5', `c:${id}`).split(' ')[2]);
  await until(() => ends() > Date.now() + 80000);

  // most of its 90 seconds are over
  const soon = Date.now() + 10000;
  redis('HSET', 'ws:{1}:status:5', `c:${id}`, `online  ${soon}`);
  redis('ZADD', 'ws:_:presence', `${soon}`, '1 5 ');

  await rest(there, 'GET', 'online-users', max);
  await rest(there, 'GET', 'online-users', jane, undefined, header);
  assert.equal(ends(), soon, 'a call without it, and somebody else\'s');
  await rest(there, 'GET', 'online-users', max, undefined, header);
  await until(() => ends() > soon + 80000);
  await until(() => Date.now() > soon + 1000);
  assert.equal((await rest(here, 'GET', 'presence/5', john)).data.status, 'online');

  await rest(there, 'POST', 'disconnect', max, { connection_id: id });
  await offline(max);
});
