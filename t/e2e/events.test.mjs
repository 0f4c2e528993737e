// One table of the events to the server: what each is answered, who hears of
// it and how, and what is refused; by Socket.IO, by polling alone, and by plain
// WebSocket.

import test from 'node:test';
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import {
  accounts, client, next, redis, sql, until, url,
} from './lib/server.mjs';

const { john, jane } = accounts;
const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const long = (n) => 'x'.repeat(n);

// A socket by any door: ask() waits for the acknowledgement, tell() wants none,
// and heard is a list of [event, data].
const doors = {
  websocket: (options) => stock(['websocket'], options),
  polling: (options) => stock(['polling'], options),
  plain: async ({ token }) => {
    const ws = new WebSocket(`${url.replace('http', 'ws')}/ws`,
      { headers: token ? { Authorization: `Bearer ${token}` } : {} });
    const heard = [];
    const acks = new Map();
    let id = 0;
    ws.on('message', (text) => {
      const { event, id: of, data } = JSON.parse(text);
      if (event === 'ack') acks.get(of)(data);
      else heard.push([event, data]);
    });
    await new Promise((done, failed) => { ws.on('open', done).on('error', failed); });
    return {
      heard,
      tell: (event, data) => ws.send(JSON.stringify({ event, data })),
      ask: (event, data) => new Promise((done) => {
        id += 1;
        acks.set(id, done);
        ws.send(JSON.stringify({ event, data, id }));
      }),
      close: () => ws.close(),
    };
  },
};

async function stock(transports, { token }) {
  const socket = client({ transports, auth: token ? { token } : {} });
  const heard = [];
  socket.onAny((event, data) => heard.push([event, data]));
  await next(socket, 'connect');
  return {
    heard,
    tell: (event, data) => socket.emit(event, data),
    ask: (event, data) => socket.timeout(30000).emitWithAck(event, data),
    close: () => socket.disconnect(),
  };
}

// What the socket hears of an event, from the nth message on, less its time;
// with an id, of this message: others may wait from earlier times.
async function hears({ heard }, from, event, id) {
  const [, data] = await until(() => heard.slice(from).find(([name, { messageId }]) => (
    name === event && (!id || messageId === id))),
  `"${event}" among ${JSON.stringify(heard)}`);
  const { timestamp, ...rest } = data;
  if (event !== 'authenticated') assert.match(timestamp, iso, event);
  return rest;
}

const message = { message: 'Hello "<b>" \u{1F600}', conversationId: 'ev' };

// John says it, Jane hears it, unless there is "by". ids has the messageId of
// each event that had one. Of what is wrong: the data, the code, the fields.
const table = [
  { event: 'auth',
    data: () => ({ token: john.token, userId: 1, clubId: '1' }),
    ack: { userId: 1, clubId: 1 },
    back: ['authenticated', { status: 'ok', userId: 1, clubId: 1 }],
    wrong: [] },

  { event: 'subscribe',
    data: ({ channel }) => ({ channel }),
    ack: ({ channel }) => ({ channel }),
    heard: ['channel:user-joined', ({ channel }) => ({ channel, userId: 1 })],
    // first what an empty one lacks
    wrong: [[{}, 'invalid', ['channel']], [{ channel: '' }, 'invalid', ['channel']],
      [{ channel: 7 }, 'invalid', ['channel']],
      [{ channel: long(256) }, 'invalid', ['channel']],
      [{ channel: 'a\u0001' }, 'invalid', ['channel']],
      [{ channel: 'private-user.2' }, 'forbidden'], [{ channel: 'club:2' }, 'forbidden']] },

  { event: 'message:group',
    data: ({ channel }) => ({ channel, ...message }),
    id: true,
    heard: ['message:group', ({ channel }) => ({ channel, userId: 1, ...message })],
    wrong: [[{}, 'invalid', ['channel', 'message']],
      [{ channel: 'x', message: long(5001) }, 'invalid', ['message']],
      [{ channel: 'x', message: [] }, 'invalid', ['message']],
      [{ channel: 'x', message: 'x', conversationId: long(256) }, 'invalid', ['conversationId']],
      [{ channel: 'user:2', message: 'x' }, 'forbidden']] },

  { event: 'message:direct',
    data: () => ({ recipientId: 2, ...message }),
    id: true,
    heard: ['message:direct', () => ({ senderId: 1, ...message })],
    wrong: [[{}, 'invalid', ['message', 'recipientId']],
      [{ recipientId: 'x', message: 'x' }, 'invalid', ['recipientId']],
      [{ recipientId: 2, message: '' }, 'invalid', ['message']],
      [{ recipientId: 2, message: 'x', clientMessageId: long(256) }, 'invalid',
        ['clientMessageId']],
      [{ recipientId: 4, message: 'x' }, 'not_found']] },

  { event: 'message:delivered',
    by: 'jane',
    data: ({ ids }) => ({ messageId: ids['message:direct'], senderId: 1 }),
    heard: ['message:delivered', ({ ids }) => ({ messageId: ids['message:direct'], userId: 2 })],
    wrong: [[{}, 'invalid', ['messageId', 'senderId']],
      [{ messageId: 'x', senderId: 1 }, 'invalid', ['messageId']],
      [{ messageId: 1, senderId: 1 }, 'not_found']] },

  { event: 'user:typing',
    data: ({ channel }) => ({ channel, conversationId: 'ev', isTyping: true }),
    heard: ['user:typing', () => ({ userId: 1, isTyping: true, conversationId: 'ev' })],
    wrong: [[{}, 'invalid', ['conversationId', 'isTyping']],
      [{ conversationId: 'x', isTyping: 'yes' }, 'invalid', ['isTyping']],
      [{ conversationId: 'x', isTyping: true, channel: 'user:2' }, 'forbidden'],
      [{ conversationId: 'x', isTyping: true, recipientId: 4 }, 'not_found']] },

  { event: 'user:presence',
    data: ({ device }) => ({ status: 'busy', device, lastMessage: `by ${device}` }),
    heard: ['user:presence', ({ device }) => ({ userId: 1, status: 'busy', device,
      lastMessage: `by ${device}` })],
    wrong: [[{}, 'invalid', ['status']], [{ status: 'asleep' }, 'invalid', ['status']],
      [{ status: 'away', device: 'fridge' }, 'invalid', ['device']],
      [{ status: 'away', lastMessage: long(501) }, 'invalid', ['lastMessage']]] },

  { event: 'notification:send',
    data: () => ({ recipientIds: [2, '2', 4], title: 'T', body: 'B', icon: '/i', tag: 't' }),
    id: true,
    heard: ['notification:received', () => ({ title: 'T', body: 'B', icon: '/i', tag: 't',
      senderId: 1 })],
    wrong: [[{}, 'invalid', ['body', 'recipientIds', 'title']],
      [{ recipientIds: [], title: 'T', body: 'B' }, 'invalid', ['recipientIds']],
      [{ recipientIds: 2, title: 'T', body: 'B' }, 'invalid', ['recipientIds']],
      [{ recipientIds: Array(1001).fill(2), title: 'T', body: 'B' }, 'invalid',
        ['recipientIds']],
      [{ recipientIds: [4, 99], title: 'T', body: 'B' }, 'not_found']] },

  { event: 'broadcast:send',
    data: () => ({ channel: 'broadcast', message: 'To all', messageType: 'info' }),
    id: true,
    heard: ['broadcast:message', () => ({ message: 'To all', messageType: 'info',
      senderId: 1, channel: 'broadcast' })],
    wrong: [[{}, 'invalid', ['message']],
      [{ message: 'x', messageType: long(51) }, 'invalid', ['messageType']],
      [{ message: 'x', channel: 'club:2' }, 'forbidden']] },

  { event: 'unsubscribe',
    data: ({ channel }) => ({ channel }),
    ack: ({ channel }) => ({ channel }),
    heard: ['channel:user-left', ({ channel }) => ({ channel, userId: 1 })],
    wrong: [[{}, 'invalid', ['channel']], [{ channel: 7 }, 'invalid', ['channel']]] },
];

const value = (x, scene) => (typeof x === 'function' ? x(scene) : x);

// The same in an acknowledgement and in an event.
function isRefusal({ message: text, errors, ...rest }, expected, fields) {
  assert.ok(text);
  assert.deepEqual(rest, expected);
  assert.deepEqual(Object.keys(errors ?? {}).sort(), fields ?? []);
}

async function refuses(socket, event, data, code, fields) {
  isRefusal(await socket.ask(event, data), { status: 'error', code }, fields);
  const from = socket.heard.length;
  socket.tell(event, data);
  await until(() => socket.heard.slice(from).some(([name]) => name === 'error'));
  const error = socket.heard.slice(from).find(([name]) => name === 'error')[1];
  isRefusal(error, { code, event }, fields);
}

for (const [door, open] of Object.entries(doors)) {
  test(`${door}: what is said is answered and heard`, async () => {
    const sockets = { john: await open({ token: john.token }),
      jane: await open({ token: jane.token }) };
    const scene = { channel: `ev.${door}.${Date.now()}`, ids: {},
      device: { websocket: 'mobile', polling: 'tablet', plain: 'web' }[door] };
    await until(() => Object.values(sockets).every(({ heard }) => heard.some(
      ([event]) => event === 'authenticated')));
    assert.equal((await sockets.jane.ask('subscribe', { channel: scene.channel })).status, 'ok');
    assert.equal((await sockets.john.ask('user:presence', { status: 'online' })).status, 'ok');

    for (const { event, by = 'john', data, ack, id, heard, back } of table) {
      const speaker = sockets[by];
      const listener = sockets[by === 'john' ? 'jane' : 'john'];
      const from = [speaker.heard.length, listener.heard.length];

      const { status, messageId, messageIds, connectionId, ...rest } = await speaker.ask(
        event, data(scene));
      assert.equal(status, 'ok', event);
      assert.deepEqual(rest, value(ack, scene) ?? {}, event);
      assert.equal(Number.isSafeInteger(messageId), id === true, event);
      scene.ids[event] = messageId;

      if (heard) {
        const expected = heard[1](scene);
        if (id) expected.messageId = messageId;
        assert.deepEqual(await hears(listener, from[1], heard[0], expected.messageId),
          expected, event);
      }
      if (back) {
        const { connectionId: mine, ...got } = await hears(speaker, from[0], back[0]);
        assert.equal(mine, connectionId);
        assert.deepEqual(got, back[1]);
      }
    }

    // in order, also without acknowledgements
    const from = sockets.jane.heard.length;
    for (let i = 0; i < 50; i++) {
      sockets.john.tell(i % 2 ? 'message:group' : 'broadcast:send',
        { channel: scene.channel, message: `${i}` });
    }
    const said = () => sockets.jane.heard.slice(from).filter(
      ([, data]) => data.channel === scene.channel && data.message).map(([, data]) => data.message);
    await until(() => said().length === 50);
    assert.deepEqual(said(), Array.from({ length: 50 }, (_, i) => `${i}`));
    assert.ok(!sockets.john.heard.some(([event]) => event === 'error'));
    Object.values(sockets).forEach((socket) => socket.close());
  });

  test(`${door}: what is wrong is refused, with a word`, async () => {
    const [socket, stranger] = await Promise.all([open({ token: john.token }), open({})]);
    await until(() => socket.heard.some(([event]) => event === 'authenticated'));

    for (const { event, data, wrong } of table) {
      for (const [bad, code, fields] of wrong) {
        await refuses(socket, event, bad, code, fields);
      }
      if (event !== 'auth') {
        // what is no object is an empty one
        const [[, , fields]] = wrong;
        for (const bad of ['x', 7, [{}], null]) {
          await refuses(socket, event, bad, 'invalid', fields);
        }
        await refuses(stranger, event, data({ ids: {} }), 'unauthenticated');
      }
    }
    for (const who of [socket, stranger]) await refuses(who, 'no:such', {}, 'unknown_event');

    // of a long name its beginning, in whole characters
    const from = socket.heard.length;
    socket.tell('ä'.repeat(10000), {});
    await until(() => socket.heard.slice(from).some(([name]) => name === 'error'));
    isRefusal(socket.heard.slice(from).find(([name]) => name === 'error')[1],
      { code: 'unknown_event', event: 'ä'.repeat(127) });

    for (const [bad, code, fields] of [[{}, 'invalid', ['token']], [{ token: 'x' }, 'unauthenticated'],
      [{ token: john.token, userId: 2 }, 'identity_mismatch']]) {
      const from = stranger.heard.length;
      isRefusal(await stranger.ask('auth', bad), { status: 'error', code }, fields);
      await until(() => stranger.heard.slice(from).some(
        ([event, error]) => event === 'auth:error' && error.code === code));
    }

    // nothing has changed
    assert.equal((await socket.ask('unsubscribe', { channel: 'none' })).status, 'ok');
    [socket, stranger].forEach((s) => s.close());
  });
}

// Max with a token that can be taken from him.
function fleeting(name) {
  const text = `fleeting-${name}-${Date.now()}`;
  sql(`INSERT INTO personal_access_tokens
    (tokenable_type, tokenable_id, name, token, abilities)
    VALUES ('App\\\\Models\\\\User', 5, 'test', SHA2('${text}', 256), '["*"]')`);
  const [[id]] = sql(`SELECT id FROM personal_access_tokens
    WHERE token = SHA2('${text}', 256)`);
  return { token: `${id}|${text}`, revoke: () => redis('PUBLISH', 'ws:revoke', id) };
}

for (const transport of ['websocket', 'polling']) {
  test(`${transport}: what is said before a server's end is heard`, async () => {
    const { token, revoke } = fleeting(transport);
    const socket = client({ transports: [transport], auth: { token } });
    const heard = [];
    socket.on('auth:error', ({ code }) => heard.push(code));
    socket.on('disconnect', (reason) => heard.push(reason));
    await next(socket, 'authenticated');

    revoke();
    await until(() => heard.includes('io server disconnect'));
    assert.deepEqual(heard, ['token_expired', 'io server disconnect']);
    assert.equal(socket.active, false);
  });
}

test('polling: the end comes behind all that was said, in an answer of its own', async () => {
  const { token, revoke } = fleeting('raw');
  let sid = '';
  const ask = async (body) => {
    const answer = await fetch(`${url}/socket.io/?EIO=4&transport=polling${sid}`,
      body ? { method: 'POST', body } : {});
    return [answer.status, await answer.text()];
  };
  const heard = async (packet) => {
    for (;;) {
      const [status, text] = await ask();
      assert.equal(status, 200);
      const packets = text.split('\x1e');
      if (packets.includes('2')) await ask('3');
      if (packets.some((p) => p.startsWith(packet))) return packets;
    }
  };

  const [, open] = await ask();
  sid = `&sid=${JSON.parse(open.slice(1)).sid}`;
  assert.deepEqual(await ask(`40${JSON.stringify({ token })}`), [200, 'ok']);
  await heard('42["authenticated"');

  revoke();
  assert.equal((await heard('41')).at(-1), '41');
  assert.deepEqual(await ask('1'), [200, 'ok'], 'the client ends it, too');
  assert.deepEqual(await ask(), [200, '1']);
  assert.equal((await ask())[0], 400);
});
