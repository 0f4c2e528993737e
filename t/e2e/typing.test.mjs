// Typing indicators: whom they reach, and that they cannot stick.

import test from 'node:test';
import assert from 'node:assert/strict';
import { accounts, login, nextOf, sql, until, url } from './lib/server.mjs';

const { john, jane, ada, eve } = accounts;

function emit(socket, event, data) {
  return socket.timeout(30000).emitWithAck(event, data);
}

function typing(socket, conversation) {
  return nextOf(socket, 'user:typing', (t) => t.conversationId === conversation);
}

async function rest(method, path, account, body, headers) {
  const answer = await fetch(`${url}/api/websocket/${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${account.token}`,
      'Content-Type': 'application/json',
      ...headers,
    },
    body: body && JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

test('typing reaches those who took part, never the typing socket', async () => {
  const [a, b, c] = await Promise.all([login(john), login(jane), login(ada)]);
  const other = await login(john);
  const conversation = 'conv_typing_1';
  const heard = [];
  for (const [who, socket] of Object.entries({ a, c })) {
    socket.on('user:typing', (t) => t.conversationId === conversation && heard.push(who));
  }

  await emit(b, 'message:direct',
    { recipientId: 1, message: 'x', conversationId: conversation });

  let got = typing(b, conversation);
  const own = typing(other, conversation);
  assert.equal((await emit(a, 'user:typing',
    { conversationId: conversation, isTyping: true })).status, 'ok');
  const { timestamp, ...data } = await got;
  assert.match(timestamp, /^\d{4}-.*\.\d{3}Z$/);
  assert.deepEqual(data,
    { userId: 1, isTyping: true, conversationId: 'conv_typing_1' });
  await own;

  const list = await rest('GET', 'typing/conv_typing_1', jane);
  assert.equal(list.status, 200);
  assert.equal(list.body.count, 1);
  assert.equal(list.body.data[0].user_id, 1);
  assert.equal(list.body.data[0].user_name, 'John Doe');
  assert.equal((await rest('GET', 'typing/conv_typing_1', eve)).body.count, 0,
    'another tenant sees it');

  // a message ends it
  got = typing(b, conversation);
  await emit(a, 'message:direct',
    { recipientId: 2, message: 'done', conversationId: 'conv_typing_1' });
  assert.equal((await got).isTyping, false);
  assert.equal((await rest('GET', 'typing/conv_typing_1', jane)).body.count, 0);

  // and so does the socket's end
  got = typing(b, conversation);
  await emit(a, 'user:typing', { conversationId: conversation, isTyping: true });
  assert.equal((await got).isTyping, true);
  got = typing(b, conversation);
  a.disconnect();
  assert.equal((await got).isTyping, false);

  assert.deepEqual(heard, []);
  [b, c, other].forEach((s) => s.disconnect());
});

test('typing by REST, in a channel and to a recipient', async () => {
  const [b, c] = await Promise.all([login(jane), login(ada)]);
  await emit(c, 'subscribe', { channel: 'room.typing' });

  let got = typing(c, 'room.typing');
  const start = Date.now();
  const answer = await rest('POST', 'typing', john,
    { conversation_id: 'room.typing', conversation_type: 'group', is_typing: true });
  assert.equal(answer.status, 200);
  assert.equal(answer.body.data.conversation_id, 'room.typing');
  assert.equal(answer.body.data.is_typing, true);
  const expires = Date.parse(answer.body.data.expires_at);
  assert.ok(expires > start + 28000 && expires < Date.now() + 31000,
    `expires in ${expires - start} ms`);
  assert.equal((await got).userId, 1);

  got = typing(c, 'room.typing');
  const off = await rest('POST', 'typing', john,
    { conversation_id: 'room.typing', is_typing: 'false' });
  assert.equal(off.status, 422);
  assert.deepEqual((await rest('POST', 'typing', john,
    { conversation_id: 'room.typing', is_typing: 0 })).body.data,
  { conversation_id: 'room.typing', is_typing: false, expires_at: null });
  assert.equal((await got).isTyping, false);

  got = typing(b, 'p');
  await emit(c, 'user:typing', { recipientId: 2, conversationId: 'p', isTyping: true });
  assert.equal((await got).userId, 3);

  const bad = await rest('POST', 'typing', john, {});
  assert.equal(bad.status, 422);
  assert.deepEqual(Object.keys(bad.body.errors).sort(),
    ['conversation_id', 'is_typing']);

  await until(() => sql(`SELECT is_typing FROM websocket_typing_indicators
    WHERE conversation_id = 'room.typing' AND user_id = 1`)[0]?.[0] === '0');
  [b, c].forEach((s) => s.disconnect());
});

test('typing by REST speaks for the linked socket, which hears nothing of it', async () => {
  const conversation = 'conv_typing_linked';
  const [a, other, b] = await Promise.all([
    login(john, {}, { connectionId: 'conn_typing_a' }),
    login(john, {}, { connectionId: 'conn_typing_other' }), login(jane)]);
  await emit(b, 'message:direct',
    { recipientId: 1, message: 'x', conversationId: conversation });
  const heard = { a: [], other: [], b: [] };
  Object.entries({ a, other, b }).forEach(([who, socket]) => socket.on('user:typing',
    (data) => data.conversationId === conversation && heard[who].push(data.isTyping)));

  const type = (isTyping, fields, headers, account = john) => rest('POST', 'typing', account,
    { conversation_id: conversation, is_typing: isTyping, ...fields }, headers);
  const both = async (expected) => {
    await until(() => heard.b.length === expected.length
      && heard.other.length === expected.length);
    await emit(a, 'subscribe', { channel: 'conv_typing_fence' });
    assert.deepEqual(heard, { a: [], other: expected, b: expected });
  };

  // named by the body, by the header
  assert.equal((await type(true, { connection_id: 'conn_typing_a' })).status, 200);
  await both([true]);
  assert.equal((await type(false, {}, { 'X-Connection-Id': 'conn_typing_a' })).status, 200);
  await both([true, false]);

  // a message ends it, by a note
  assert.equal((await type(true, {}, { 'X-Connection-Id': 'conn_typing_a' })).status, 200);
  await both([true, false, true]);
  await emit(other, 'message:direct',
    { recipientId: 2, message: 'done', conversationId: conversation });
  await both([true, false, true, false]);

  // it ends with the socket, wherever that is
  const c = await login(john, {}, { connectionId: 'conn_typing_c' });
  assert.equal((await type(true, { connection_id: 'conn_typing_c' })).status, 200);
  await until(() => heard.a.length === 1 && heard.b.length === 5);
  c.disconnect();
  await until(() => [heard.a.length, heard.b.length, heard.other.length].join() === '2,6,6');
  assert.deepEqual([heard.a, heard.b.slice(4), heard.other.slice(4)],
    [[true, false], [true, false], [true, false]]);

  // whose connection it is not, and none
  assert.equal((await type(true, { connection_id: 'conn_typing_a' }, {}, jane)).status, 200);
  await until(() => heard.a.length === 3 && heard.b.length === 7);
  assert.equal((await type(true, { connection_id: 'conn_typing_none' })).status, 200);
  await until(() => heard.a.length === 4 && heard.b.length === 8);
  assert.equal((await type(true, { connection_id: 7 })).status, 422);
  [a, other, b].forEach((socket) => socket.disconnect());
});
