// The client against a server that fails on demand.

import test, { afterEach, beforeEach } from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import vm from 'node:vm';
import WebSocketClient, { WebSocketClientError } from '../websocket-client.mjs';
import { Peer, throttled } from './lib/peer.mjs';

const script = new URL('../websocket-client.js', import.meta.url);

let peer;
let clients;

beforeEach(async () => {
  clients = [];
  peer = await new Peer().start();
});

afterEach(async () => {
  await Promise.all(clients.map((ws) => ws.disconnect()));
  await peer.stop();
});

function make(options = {}) {
  const ws = new WebSocketClient({
    baseUrl: peer.baseUrl, token: '1|secret', reconnectDelay: 20, ...options,
  });
  clients.push(ws);
  return ws;
}

function next(ws, event) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no "${event}"`)), 30000);
    ws.once(event, (data) => {
      clearTimeout(timer);
      resolve(data);
    });
  });
}

const turn = (ms) => new Promise((done) => { setTimeout(done, ms); });

// In several turns: when the machine has stood still, what came meanwhile is
// heard before it is over.
async function sleep(ms) {
  for (let i = 0; i < 10; i += 1) await turn(ms / 10);
}

async function until(fn) {
  for (let i = 0; i < 3000; i += 1) {
    if (fn()) return;
    await turn(10);
  }
  throw new Error(`never came true: ${fn}`);
}

// What is thrown next and nobody catches.
function uncaught() {
  const listeners = process.rawListeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  return new Promise((resolve) => {
    process.once('uncaughtException', (error) => {
      listeners.forEach((listener) => process.on('uncaughtException', listener));
      resolve(error);
    });
  });
}

test('script, CommonJS and module are one', () => {
  const context = vm.createContext({});
  const code = readFileSync(script, 'utf8');
  vm.runInContext(code, context);

  const required = createRequire(import.meta.url)('../websocket-client.js');
  const names = (type) => Object.getOwnPropertyNames(type.prototype);

  assert.equal(required, WebSocketClient);
  assert.equal(required.WebSocketClient, WebSocketClient);
  assert.deepEqual([...names(context.WebSocketClient)], names(required));
});

test('the types name every method and property', () => {
  const types = readFileSync(
    new URL('../websocket-client.d.ts', import.meta.url), 'utf8');
  const members = [
    ...Object.getOwnPropertyNames(WebSocketClient.prototype),
    ...Object.keys(make()),
  ];
  for (const name of members) {
    assert.match(types, new RegExp(`^ {2}(readonly )?${name}[(<:]`, 'm'), name);
  }
});

test('connects by itself, after its listeners are there', async () => {
  const ws = make();
  assert.match(ws.connectionId, /^conn_\d+_\w+$/);
  assert.match(ws.sessionId, /^session_\d+_\w+$/);
  assert.equal(ws.connected, false);

  const data = await next(ws, 'connected');
  assert.equal(data.connection_id, ws.connectionId);
  assert.equal(ws.connected, true);
  assert.deepEqual(await ws.connect(), data);

  const [request] = peer.asked('/connect');
  assert.equal(request.headers.authorization, 'Bearer 1|secret');
  assert.equal(request.headers['content-type'], 'application/json');
  assert.equal(request.body.connection_id, ws.connectionId);
  assert.equal(request.body.session_id, ws.sessionId);
  assert.equal(request.body.device_type, 'desktop');
});

test('calls ask what they should and give the data', async () => {
  const ws = make();
  peer.answers['GET /presence/2'] = () => ({ data: { user_id: 2 } });
  peer.answers['GET /typing/a%2Fb'] = () => (
    { json: { data: [{ user_id: 2 }], count: 1 } });

  const subscribed = next(ws, 'subscribed');
  assert.deepEqual(await ws.subscribe('group.events.2'),
    { message: 'Subscribed to channel', channel: 'group.events.2' });
  assert.equal((await subscribed).channel, 'group.events.2');
  assert.equal((await ws.unsubscribe('group.events.2')).channel,
    'group.events.2');

  assert.deepEqual(await ws.getOnlineUsers(),
    [{ user_id: 1, name: 'John Doe' }]);
  assert.deepEqual(await ws.getPresence(2), { user_id: 2 });
  assert.deepEqual(await ws.getTypingUsers('a/b'), [{ user_id: 2 }]);
  assert.deepEqual(await ws.getStats(), { active_connections: 4 });
  assert.deepEqual(
    await ws.updatePresence('away', { device: 'mobile', lastMessage: 'Lunch' }),
    { status: 'away' });
  assert.deepEqual(await ws.recordTyping('c1', false), { is_typing: false });

  assert.deepEqual(peer.asked('/subscribe')[0].body,
    { connection_id: ws.connectionId, channel: 'group.events.2' });
  assert.deepEqual(peer.asked('/presence/update')[0].body, {
    connection_id: ws.connectionId, status: 'away', device: 'mobile',
    last_message: 'Lunch',
  });
  assert.deepEqual(peer.asked('/typing')[0].body, {
    conversation_id: 'c1', conversation_type: 'direct', is_typing: false,
  });
  for (const { headers } of peer.requests) {
    assert.equal(headers['x-connection-id'], ws.connectionId);
  }
});

test('a refused call says why', async () => {
  const ws = make();
  peer.answers['POST /presence/update'] = () => ({
    status: 422,
    json: {
      message: 'The selected status is invalid.',
      errors: { status: ['The selected status is invalid.'] },
    },
  });
  await assert.rejects(ws.updatePresence('asleep'), (error) => (
    error instanceof WebSocketClientError && error.status === 422
      && error.message === 'The selected status is invalid.'
      && error.errors.status.length === 1));
  assert.equal(ws.connected, true);
});

test('listeners: once, off, and one that throws', async () => {
  const ws = make();
  const calls = [];
  const b = () => calls.push('b');
  const broken = () => { throw new Error('theirs'); };
  const thrown = uncaught();

  ws.on('subscribed', broken).once('subscribed', () => calls.push('a'));
  ws.on('subscribed', b);
  await ws.subscribe('x');
  assert.equal((await thrown).message, 'theirs');
  ws.off('subscribed', broken);
  await ws.subscribe('y');
  ws.off('subscribed', b);
  await ws.subscribe('z');
  assert.deepEqual(calls, ['a', 'b', 'b']);
});

test('a server out of reach: bounded attempts, further and further apart',
  async () => {
    const { port } = peer;
    await peer.stop();

    const delays = [];
    const ws = make({ maxReconnectAttempts: 4, reconnectDelay: 40 });
    ws.on('reconnecting', ({ attempt, delay }) => {
      assert.equal(attempt, delays.push(delay));
    });
    const waiting = assert.rejects(ws.getOnlineUsers(), { status: 0 });
    const error = await next(ws, 'max-reconnect-attempts-reached');

    await waiting;
    assert.equal(error.status, 0);
    assert.equal(delays.length, 4);
    delays.forEach((delay, i) => {
      assert.ok(delay >= 20 * 2 ** i && delay <= 40 * 2 ** i, delays.join());
    });
    assert.notEqual(delays[1] / delays[0], 2, 'there is no jitter');
    await assert.rejects(ws.getOnlineUsers(), { message: 'Not connected' });

    peer = await new Peer().start(port);
    assert.equal((await ws.connect()).connection_id, ws.connectionId);
  });

test('a connection that is lost comes back, with its channels', async () => {
  const ws = make({ heartbeatInterval: 30 });
  await ws.subscribe('a');
  await ws.subscribe('b');
  await ws.unsubscribe('a');
  assert.deepEqual(await next(ws, 'heartbeat'), { active_connections: 4 });

  const { port } = peer;
  const lost = next(ws, 'disconnected');
  await peer.stop();
  assert.equal((await lost).reason, 'network');
  assert.equal(ws.connected, false);

  peer = await new Peer().start(port);
  await next(ws, 'subscribed');
  assert.equal(peer.asked('/connect')[0].body.connection_id, ws.connectionId);
  assert.deepEqual(peer.asked('/subscribe').map((r) => r.body.channel), ['b']);
});

test('a server whose back end is away is asked again', async () => {
  peer.answers['POST /connect'] = () => (
    { status: 503, json: { message: 'Service Unavailable' } });
  const ws = make();
  assert.equal((await next(ws, 'error')).status, 503);
  await next(ws, 'reconnecting');
  peer.answers = new Peer().answers;
  await next(ws, 'connected');
});

test('Retry-After of a refused connection is kept', async () => {
  peer.answers['POST /connect'] = throttled('POST /connect', 1);
  const ws = make();
  await next(ws, 'connected');
  const [first, second] = peer.asked('/connect');
  assert.ok(second.at - first.at >= 990, `${second.at - first.at} ms`);
});

test('a bad token is final', async () => {
  const unauthenticated = () => (
    { status: 401, json: { message: 'Unauthenticated.' } });
  peer.answers['POST /connect'] = unauthenticated;

  const ws = make();
  const waiting = assert.rejects(ws.subscribe('x'), { status: 401 });
  assert.equal((await next(ws, 'error')).status, 401);
  await waiting;
  await sleep(100);
  assert.equal(peer.requests.length, 1);

  peer.answers = new Peer().answers;
  ws.token = '1|fresh';
  await ws.connect();
  assert.equal(peer.asked('/connect')[1].headers.authorization,
    'Bearer 1|fresh');

  peer.answers['GET /stats'] = unauthenticated;
  const closed = next(ws, 'disconnected');
  await assert.rejects(ws.getStats(), { status: 401 });
  assert.equal((await closed).reason, 'unauthenticated');
});

test('a connection id that somebody else has is replaced', async () => {
  peer.answers['POST /connect'] = (request) => {
    peer.answers = new Peer().answers;
    assert.ok(request.body.connection_id);
    return {
      status: 422,
      json: { message: 'taken', errors: { connection_id: ['taken'] } },
    };
  };
  const ws = make();
  const before = ws.connectionId;
  const data = await next(ws, 'connected');
  assert.notEqual(ws.connectionId, before);
  assert.equal(data.connection_id, ws.connectionId);
});

test('a connection that the server forgot is registered anew', async () => {
  const ws = make();
  await ws.connect();
  let known = false;
  peer.answers['POST /connect'] = (request) => {
    known = true;
    return new Peer().answers['POST /connect'](request);
  };
  peer.answers['POST /subscribe'] = ({ body }) => (known
    ? { json: { message: 'Subscribed to channel', channel: body.channel } }
    : { status: 404, json: { message: 'Not Found' } });
  assert.equal((await ws.subscribe('x')).channel, 'x');
  assert.equal(peer.asked('/connect').length, 2);
});

test('typing arrives in order, and only the latest waits', async () => {
  const ws = make();
  const open = [];
  await ws.connect();
  peer.answers['POST /typing'] = async ({ body }) => {
    await new Promise((resolve) => { open.push(resolve); });
    return { data: { is_typing: body.is_typing } };
  };

  const calls = [ws.recordTyping('c1', true)];
  await until(() => open.length === 1);
  calls.push(...[false, true, false].map((is) => ws.recordTyping('c1', is)));
  const other = ws.recordTyping('c2', true);

  await until(() => open.length === 2);
  await sleep(50);
  assert.equal(open.length, 2, 'one call of a conversation at a time');
  open.splice(0).forEach((resolve) => resolve());
  await until(() => open.length === 1);
  open[0]();

  assert.deepEqual((await Promise.all(calls)).map((x) => x.is_typing),
    [true, false, false, false]);
  assert.equal((await other).is_typing, true);
  assert.deepEqual(peer.asked('/typing')
    .filter((r) => r.body.conversation_id === 'c1')
    .map((r) => r.body.is_typing), [true, false]);
});

test('429: the latest state goes when the server allows it', async () => {
  const ws = make();
  await ws.connect();
  peer.answers['POST /typing'] = throttled('POST /typing', 1);

  const first = ws.recordTyping('c1', true);
  await until(() => peer.asked('/typing').length === 1);
  await sleep(50);
  const rest = [ws.recordTyping('c1', false), ws.recordTyping('c1', true),
    ws.recordTyping('c1', false)];
  const presence = ws.updatePresence('busy');

  assert.deepEqual(await Promise.all([first, ...rest]),
    Array(4).fill({ is_typing: false }));
  assert.deepEqual(await presence, { status: 'busy' });

  const [refused, ...later] = peer.asked('/typing');
  assert.deepEqual(later.map((r) => r.body.is_typing), [false]);
  for (const { at } of [...later, ...peer.asked('/presence/update')]) {
    assert.ok(at - refused.at >= 990, `${at - refused.at} ms`);
  }
});

test('429: gives up after some attempts, or when told to wait for long',
  async () => {
    const ws = make();
    await ws.connect();
    peer.answers['POST /typing'] = throttled('POST /typing', 10, 0);
    await assert.rejects(ws.recordTyping('c1', true), { status: 429 });
    assert.equal(peer.asked('/typing').length, 3);

    peer.answers['GET /stats'] = throttled('GET /stats', 1, 3600);
    await assert.rejects(ws.getStats(), { status: 429, retryAfter: 3600000 });
    await assert.rejects(ws.getOnlineUsers(), { status: 429 });
    assert.equal(peer.asked('/online-users').length, 0);
  });

test('"is typing" that had to wait for long is dropped', async (t) => {
  const ws = make();
  await ws.connect();
  peer.answers['POST /typing'] = throttled('POST /typing', 1);

  const { now } = Date;
  t.after(() => { Date.now = now; });
  const call = ws.recordTyping('c1', true);
  await until(() => peer.asked('/typing').length === 1);
  await sleep(50);
  Date.now = () => now() + 11000;
  assert.equal(await call, null);
  assert.equal(peer.asked('/typing').length, 1);
});

test('"offline" does not wait, and is the last word', async () => {
  const ws = make();
  await ws.connect();
  const said = () => peer.asked('/presence/update').map((r) => r.body.status);

  peer.answers['POST /presence/update'] = throttled('POST /presence/update', 1);
  const before = ws.updatePresence('away');
  await until(() => said().length === 1);
  await sleep(50);
  assert.deepEqual(await ws.updatePresence('offline'), { status: 'offline' });
  assert.deepEqual(await before, { status: 'offline' });
  await sleep(1200);
  assert.deepEqual(said(), ['away', 'offline']);

  // under way, and then refused
  const open = [];
  peer.answers['POST /presence/update'] = async (request) => {
    if (request.body.status === 'busy') {
      await new Promise((resolve) => { open.push(resolve); });
      return throttled('POST /presence/update', 1)(request);
    }
    return { data: { status: request.body.status } };
  };
  const busy = ws.updatePresence('busy');
  await until(() => open.length === 1);
  assert.deepEqual(await ws.updatePresence('offline'), { status: 'offline' });
  open[0]();
  assert.deepEqual(await busy, { status: 'offline' });

  peer.answers['POST /presence/update'] = throttled('POST /presence/update', 1);
  assert.deepEqual(await ws.updatePresence('offline'), { status: 'offline' });
  assert.deepEqual(said().slice(2), ['busy', 'offline', 'offline', 'offline']);
});

test('what is asked of a channel goes in order', async () => {
  const ws = make();
  await ws.connect();
  const { 'POST /subscribe': subscribe } = peer.answers;
  peer.answers['POST /subscribe'] = async (request) => {
    await sleep(100);
    return subscribe(request);
  };
  await Promise.all([ws.subscribe('x'), ws.unsubscribe('x')]);
  assert.deepEqual(peer.requests.slice(1).map((r) => r.path),
    ['/subscribe', '/unsubscribe']);

  peer.answers['POST /subscribe'] = () => (
    { status: 403, json: { message: 'Unauthorized' } });
  const refused = assert.rejects(ws.subscribe('x'), { status: 403 });
  assert.equal((await ws.unsubscribe('x')).channel, 'x');
  await refused;
});

test('no option makes it ask without a pause', () => {
  const ws = make({ reconnectDelay: 0, heartbeatInterval: NaN });
  assert.deepEqual([ws.reconnectDelay, ws.heartbeatInterval], [3000, 30000]);
  assert.equal(make({ heartbeatInterval: Infinity }).heartbeatInterval,
    2 ** 31 - 1);
});

test('leaving outlives the page', async (t) => {
  const ws = make();
  await ws.connect();

  const kept = [];
  const { fetch } = globalThis;
  t.after(() => { globalThis.fetch = fetch; });
  globalThis.fetch = (url, init) => {
    if (init.keepalive) kept.push(new URL(url).pathname);
    return fetch(url, init);
  };
  const left = next(ws, 'disconnected');

  await ws.getStats();
  await ws.updatePresence('offline');
  await Promise.all([ws.disconnect(), ws.disconnect()]);

  assert.deepEqual(kept,
    ['/api/websocket/presence/update', '/api/websocket/disconnect']);
  assert.equal((await left).reason, 'client');
  assert.deepEqual(peer.asked('/disconnect').map((r) => r.body),
    [{ connection_id: ws.connectionId }]);
  await assert.rejects(ws.getStats(), { message: 'Not connected' });
});

test('disconnect() never fails and ends what waits', async () => {
  const ws = make();
  await ws.connect();
  peer.answers['POST /typing'] = throttled('POST /typing', 9, 30);
  const call = assert.rejects(ws.recordTyping('c1', true),
    { message: 'Not connected' });
  await until(() => peer.asked('/typing').length === 1);
  await sleep(50);

  const { port } = peer;
  await peer.stop();
  await ws.disconnect();
  await call;
  peer = await new Peer().start(port);
});
