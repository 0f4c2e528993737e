// Channels by REST: they act on the live socket, and are remembered.

import test from 'node:test';
import assert from 'node:assert/strict';
import { accounts, login, next, redis, until, url } from './lib/server.mjs';

const { john, jane, eve } = accounts;

async function post(path, account, body) {
  const answer = await fetch(`${url}/api/websocket/${path}`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${account.token}`,
      'Content-Type': 'application/json',
      Connection: 'close',
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

function emit(socket, event, data) {
  return socket.timeout(30000).emitWithAck(event, data);
}

test('REST subscribes and unsubscribes a live socket on any worker', async () => {
  const id = `conn_channel_${Date.now()}`;
  const channel = 'group.events.rest';
  const sender = await login(jane);

  for (let i = 0; i < 6; i++) {
    const socket = await login(john, {}, { connectionId: id });
    assert.deepEqual(await post('subscribe', john, { connection_id: id, channel }),
      { status: 200, body: { message: 'Subscribed to channel', channel } });
    const got = next(socket, 'message:group');
    await emit(sender, 'message:group', { channel, message: `${i}` });
    assert.equal((await got).message, `${i}`);

    assert.deepEqual(await post('unsubscribe', john, { connection_id: id, channel }),
      { status: 200, body: { message: 'Unsubscribed from channel', channel } });
    const heard = [];
    socket.on('message:group', (m) => heard.push(m.channel));
    await emit(socket, 'subscribe', { channel: 'own' });
    await emit(sender, 'message:group', { channel, message: 'nobody' });
    const own = next(socket, 'message:group');
    await emit(sender, 'message:group', { channel: 'own', message: 'x' });
    await own;
    assert.deepEqual(heard, ['own']);
    await emit(socket, 'unsubscribe', { channel: 'own' });
    socket.disconnect();
  }
  sender.disconnect();
});

test('a subscription outlives the socket; others are refused', async () => {
  const id = `conn_remember_${Date.now()}`;
  const channel = 'remembered';
  assert.equal((await post('connect', john, { connection_id: id })).status, 201);
  assert.equal((await post('subscribe', john, { connection_id: id, channel })).status, 200);

  const [socket, sender] = [await login(john, {}, { connectionId: id }), await login(jane)];
  const got = next(socket, 'message:group');
  await emit(sender, 'message:group', { channel, message: 'hello' });
  assert.equal((await got).message, 'hello');

  const subscribe = (account, fields) => post('subscribe', account,
    { connection_id: id, channel, ...fields });
  assert.equal((await subscribe(jane)).status, 403);
  assert.equal((await subscribe(eve)).status, 404);
  assert.equal((await subscribe(john, { connection_id: 'no-such' })).status, 404);
  assert.equal((await subscribe(john, { channel: 'user:2' })).status, 403);
  assert.equal((await subscribe(john, { channel: '' })).status, 422);
  [socket, sender].forEach((s) => s.disconnect());
});

test('a channel hears of a user once, not of each tab', async () => {
  const channel = `joined.${Date.now()}`;
  const watcher = await login(john);
  const seen = [];
  for (const event of ['channel:user-joined', 'channel:user-left']) {
    watcher.on(event, ({ timestamp, ...data }) => {
      assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      seen.push([event, data]);
    });
  }
  await emit(watcher, 'subscribe', { channel });

  const tabs = [await login(jane), await login(jane), await login(jane)];
  for (const tab of tabs) await emit(tab, 'subscribe', { channel });
  const joined = ['channel:user-joined', { channel, userId: 2 }];
  const left = ['channel:user-left', { channel, userId: 2 }];
  await until(() => seen.length === 1, 'joined');
  await emit(tabs[0], 'unsubscribe', { channel });
  tabs[1].disconnect();
  await emit(tabs[0], 'message:group', { channel, message: 'still one' });
  assert.deepEqual(seen, [joined]);
  tabs[2].disconnect();
  await until(() => seen.length === 2, 'left');
  await emit(tabs[0], 'subscribe', { channel });
  await until(() => seen.length === 3, 'joined again');
  assert.deepEqual(seen, [joined, left, joined]);

  [watcher, tabs[0]].forEach((s) => s.disconnect());
  await until(() => redis('KEYS', `ws:{1}:members:${channel}`) === '', 'no key is left');
});
