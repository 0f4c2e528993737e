// Channels by REST: they act on the live socket, and are remembered.

import test from 'node:test';
import assert from 'node:assert/strict';
import { accounts, login, next, url } from './lib/server.mjs';

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
  return socket.timeout(10000).emitWithAck(event, data);
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
