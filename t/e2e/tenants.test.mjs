// Tenants, against a model: random operations by REST and by sockets in several
// tenants at once, whose user ids, channels, conversations and connection ids
// are the same. Each tenant does one thing after the other, so that the model
// knows who must hear what; whatever else is heard is a leak.
//
// WS_TENANT_OPS is how many operations there are, WS_TENANT_SEED repeats a run.

import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { io } from 'socket.io-client';
import { Nginx } from './lib/nginx.mjs';
import { next, until } from './lib/server.mjs';

const OPS = Number(process.env.WS_TENANT_OPS ?? 2000);
const SEED = Number(process.env.WS_TENANT_SEED ?? Date.now() % 2 ** 31);

const TENANTS = [7, 71, 717, 17];      // texts that contain each other
const USERS = [1, 7, 17, 71];          // the same in all of them
const STRANGERS = [1000, 1007];        // user 1000 + tenant exists there alone
const CHANNELS = ['room', '7', 'group.events.7', 'club', 'user'];
const CONNECTIONS = 24;                // ids that all of them ask for
const CONVERSATIONS = 40;

// The token is t{tenant}u{user}.
const auth = `SELECT SUBSTRING_INDEX(SUBSTRING(:token, 2), 'u', 1) AS tenant_id,
  SUBSTRING_INDEX(:token, 'u', -1) AS user_id, :token AS name FROM DUAL
  WHERE :token REGEXP '^t[0-9]+u[0-9]+$'`;
const users = `SELECT CONCAT('t', :tenant_id, 'u', :user_id) AS name FROM DUAL
  WHERE :user_id IN (${USERS}) OR :user_id = 1000 + :tenant_id`;

// A generator of its own for each tenant, from the seed (mulberry32).
function random(seed) {
  let a = seed;
  return (n) => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}

const run = `${SEED.toString(36)}${Date.now().toString(36)}`;
const owners = new Map();              // connection id: "tenant user", of all
const busy = new Set();                // ids that somebody is asking for
const counts = {};
let nginx;

before(async () => {
  nginx = await Nginx.start({
    http: `
      websocket_auth_query "${auth}";
      websocket_user_query "${users}";
      websocket_throttle off;
      websocket_typing_ttl 1h;`,
    locations: `
      location /socket.io/ { websocket_socketio on; }
      location /api/websocket/ { websocket_api on; }`,
  });
});

after(() => nginx.stop());

class Tenant {
  constructor(id) {
    this.id = id;
    this.mark = `<tenant ${id}>`;      // in all text that it sends
    this.rnd = random(SEED + id);
    this.sockets = [];
    this.n = 0;
    this.heard = new Map();            // text: sockets that heard it
    this.said = new Set();             // what may be heard beside texts
    this.typing = new Map();           // conversation: users
    this.errors = [];
  }

  pick(list) {
    return list[this.rnd(list.length)];
  }

  async login(user) {
    const socket = io(nginx.url, {
      forceNew: true, transports: ['websocket'], reconnection: false,
    });
    await next(socket, 'connect');
    this.said.add(`online ${user}`);
    const ack = await socket.timeout(30000).emitWithAck('auth',
      { token: `t${this.id}u${user}` });
    assert.equal(ack.status, 'ok');
    const s = { socket, user, channels: new Set(), id: ack.connectionId };
    socket.onAny((event, data) => this.hear(s, event, data));
    this.sockets.push(s);
    owners.set(s.id, `${this.id} ${user}`);
    return s;
  }

  // Whatever a socket hears must be of its own tenant.
  hear(s, event, data) {
    const text = data.message ?? data.body ?? data.lastMessage;

    if (typeof text === 'string') {
      if (!text.startsWith(this.mark)) this.leak(s, event, data);
      if (!this.heard.has(text)) this.heard.set(text, new Set());
      this.heard.get(text).add(s);
      return;
    }
    const user = data.userId;
    const key = {
      'user:online': `online ${user}`,
      'user:presence': `presence ${user} ${data.status}`,
      'user:typing': `typing ${user} ${data.conversationId}`,
      'channel:user-joined': `joined ${user} ${data.channel}`,
      'channel:user-left': `joined ${user} ${data.channel}`,
    }[event];
    if (!this.said.has(key)) this.leak(s, event, data);
  }

  leak(s, event, data) {
    this.errors.push(`tenant ${this.id}, user ${s.user} heard ${event} ${
      JSON.stringify(data)}`);
  }

  text() {
    this.n += 1;
    return `${this.mark} ${this.n}`;
  }

  // These sockets hear the text, and no other one by then.
  async audience(text, sockets, sender) {
    await until(() => sockets.every((s) => this.heard.get(text)?.has(s)),
      `${text} at ${sockets.length} sockets, seed ${SEED}`);
    for (const s of this.heard.get(text) ?? []) {
      if (s !== sender && !sockets.includes(s)) this.leak(s, 'more', text);
    }
  }

  emit(s, event, data) {
    return s.socket.timeout(30000).emitWithAck(event, data);
  }

  async rest(user, method, path, body) {
    const answer = await fetch(`${nginx.url}/api/websocket/${path}`, {
      method,
      headers: {
        Authorization: `Bearer t${this.id}u${user}`,
        ...(body ? { 'Content-Type': 'application/json' } : {}),
      },
      body: body && JSON.stringify(body),
    });
    const text = await answer.text();
    for (const [, id] of text.matchAll(/<tenant (\d+)>|"name":"t(\d+)u/g)) {
      if (id && Number(id) !== this.id) this.errors.push(`${path}: ${text}`);
    }
    return { status: answer.status, body: JSON.parse(text) };
  }

  // Somebody's, or nobody's, here.
  anybody() {
    const user = this.pick([...USERS, ...STRANGERS, 2]);
    return { user, known: USERS.includes(user) || user === 1000 + this.id };
  }

  async direct() {
    const s = this.pick(this.sockets);
    const { user, known } = this.anybody();
    const message = this.text();
    const ack = await this.emit(s, 'message:direct',
      { recipientId: user, message });
    assert.equal(ack.status, known ? 'ok' : 'error', JSON.stringify(ack));
    await this.audience(message,
      known ? this.sockets.filter((x) => x.user === user) : []);
  }

  async notification() {
    const s = this.pick(this.sockets);
    const [a, b] = [this.anybody(), this.anybody()];
    const body = this.text();
    const ack = await this.emit(s, 'notification:send',
      { recipientIds: [a.user, b.user], title: 'x', body });
    const to = [a, b].filter((x) => x.known).map((x) => x.user);
    assert.equal(ack.status, to.length ? 'ok' : 'error', JSON.stringify(ack));
    await this.audience(body, this.sockets.filter((x) => to.includes(x.user)));
  }

  async group() {
    const s = this.pick(this.sockets);
    const channel = this.pick(CHANNELS);
    const message = this.text();
    const ack = await this.emit(s, 'message:group', { channel, message });
    assert.equal(ack.status, 'ok', JSON.stringify(ack));
    await this.audience(message,
      this.sockets.filter((x) => x.channels.has(channel)));
  }

  async broadcast() {
    const s = this.pick(this.sockets);
    const message = this.text();
    const ack = await this.emit(s, 'broadcast:send',
      { channel: 'broadcast', message });
    assert.equal(ack.status, 'ok', JSON.stringify(ack));
    await this.audience(message, this.sockets.filter((x) => x !== s), s);
  }

  async foreign() {
    const s = this.pick(this.sockets);
    const tenant = this.pick(TENANTS);
    const ack = await this.emit(s, 'subscribe', { channel: `club:${tenant}` });
    assert.equal(ack.status, tenant === this.id ? 'ok' : 'error');
  }

  async subscribe() {
    const s = this.pick(this.sockets);
    const channel = this.pick(CHANNELS);
    const how = s.channels.has(channel) ? 'unsubscribe' : 'subscribe';

    this.said.add(`joined ${s.user} ${channel}`);
    if (this.rnd(2)) {
      assert.equal((await this.emit(s, how, { channel })).status, 'ok');
    } else {
      const { status } = await this.rest(s.user, 'POST', how,
        { connection_id: s.id, channel });
      assert.equal(status, 200);
    }
    s.channels[how === 'subscribe' ? 'add' : 'delete'](channel);
  }

  // Live sockets of all tenants, by somebody of this one.
  async seize() {
    const id = this.pick([...owners.keys()]);
    const user = this.pick(USERS);
    if (owners.get(id) === `${this.id} ${user}`) return;
    const path = this.pick(['subscribe', 'unsubscribe', 'disconnect']);
    const { status } = await this.rest(user, 'POST', path,
      { connection_id: id, channel: 'room' });
    const own = owners.get(id).startsWith(`${this.id} `);
    assert.equal(status, own ? 403 : 404, `${path} of ${owners.get(id)}`);
  }

  async connect() {
    const id = `${run}-${this.rnd(CONNECTIONS)}`;
    const user = this.pick(USERS);
    if (busy.has(id)) return;
    busy.add(id);
    const { status } = await this.rest(user, 'POST', 'connect',
      { connection_id: id });
    busy.delete(id);
    if (!owners.has(id)) owners.set(id, `${this.id} ${user}`);
    this.said.add(`online ${user}`);
    assert.equal(status, owners.get(id) === `${this.id} ${user}` ? 201 : 422);
  }

  async presence() {
    const s = this.pick(this.sockets);
    const status = this.pick(['online', 'away', 'busy']);
    const message = this.text();
    for (const x of ['online', 'away', 'busy']) {
      this.said.add(`presence ${s.user} ${x}`);
    }
    if (this.rnd(2)) {
      const ack = await this.emit(s, 'user:presence',
        { status, lastMessage: message });
      assert.equal(ack.status, 'ok');
    } else {
      const answer = await this.rest(s.user, 'POST', 'presence/update',
        { status, connection_id: s.id, last_message: message });
      assert.equal(answer.status, 200);
    }
  }

  async look() {
    const { user, known } = this.anybody();
    const { status, body } = await this.rest(this.pick(USERS), 'GET',
      `presence/${user}`);
    assert.equal(status, known ? 200 : 404);
    if (USERS.includes(user)) assert.notEqual(body.data.status, 'offline');
    if (user > 1000 && known) assert.equal(body.data.status, 'offline');
  }

  async online() {
    const { body } = await this.rest(this.pick(USERS), 'GET', 'online-users');
    assert.deepEqual(body.data.map((x) => [x.user_id, x.name]),
      USERS.map((u) => [u, `t${this.id}u${u}`]));
    assert.equal(body.total, USERS.length);
  }

  async type() {
    const s = this.pick(this.sockets);
    const conversation = `${run}-${this.rnd(CONVERSATIONS)}`;
    const typing = this.rnd(3) > 0;
    const here = this.typing.get(conversation) ?? new Set();

    this.said.add(`typing ${s.user} ${conversation}`);
    if (this.rnd(2)) {
      const ack = await this.emit(s, 'user:typing',
        { conversationId: conversation, channel: 'room', isTyping: typing });
      assert.equal(ack.status, 'ok', JSON.stringify(ack));
    } else {
      const { status } = await this.rest(s.user, 'POST', 'typing',
        { conversation_id: conversation, is_typing: typing });
      assert.equal(status, 200);
    }
    here[typing ? 'add' : 'delete'](s.user);
    this.typing.set(conversation, here);
  }

  async typists() {
    const conversation = `${run}-${this.rnd(CONVERSATIONS)}`;
    const { body } = await this.rest(this.pick(USERS), 'GET',
      `typing/${conversation}`);
    const here = [...this.typing.get(conversation) ?? []];
    const order = (a, b) => a - b;
    assert.deepEqual(body.data.map((x) => x.user_id).sort(order),
      here.sort(order));
    for (const x of body.data) assert.equal(x.name, `t${this.id}u${x.user_id}`);
  }

  async stats() {
    const { body } = await this.rest(this.pick(USERS), 'GET', 'stats');
    assert.ok(body.data.unique_users <= USERS.length);
  }

  async step() {
    const what = this.pick(['direct', 'direct', 'group', 'group', 'subscribe',
      'subscribe', 'notification', 'broadcast', 'foreign', 'seize', 'connect',
      'presence', 'look', 'online', 'type', 'typists', 'stats']);
    counts[what] = (counts[what] ?? 0) + 1;
    try {
      await this[what]();
    } catch (e) {
      e.message = `tenant ${this.id}, ${what}, seed ${SEED}: ${e.message}`;
      throw e;
    }
    assert.deepEqual(this.errors, [], `seed ${SEED}`);
    if (this.heard.size > 1000) this.forget();
  }

  // Late copies of old texts are none of the model's business.
  forget() {
    for (const text of [...this.heard.keys()].slice(0, 500)) {
      this.heard.delete(text);
    }
  }
}

test(`${OPS} operations in ${TENANTS.length} tenants, seed ${SEED}`, async (t) => {
  const tenants = TENANTS.map((id) => new Tenant(id));

  for (const tenant of tenants) {
    for (const user of [...USERS, ...USERS]) await tenant.login(user);
  }
  await until(async () => {
    const all = await Promise.all(tenants.map((x) => x.rest(1, 'GET', 'online-users')));
    return all.every((x) => x.body.total === USERS.length);
  }, 'everybody is online');

  await Promise.all(tenants.map(async (tenant) => {
    for (let i = 0; i < OPS / TENANTS.length; i++) await tenant.step();
  }));

  t.diagnostic(JSON.stringify(counts));

  // what comes late
  await new Promise((done) => { setTimeout(done, 500); });
  for (const tenant of tenants) {
    assert.deepEqual(tenant.errors, []);
    tenant.sockets.forEach((s) => s.socket.disconnect());
  }
});
