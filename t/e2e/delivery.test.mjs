// Users come and go over any transport, worker and instance, senders repeat
// what they got no answer to, connections die in every way, workers are killed:
// every message reaches its recipient, again only where it must, and in order.
// WS_DELIVERY_MESSAGES=30000 is the full size.

import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import http from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { io } from 'socket.io-client';
import WebSocket from 'ws';
import { Nginx, users } from './lib/nginx.mjs';
import { next, redis, sql, until } from './lib/server.mjs';

const messages = Number(process.env.WS_DELIVERY_MESSAGES ?? 1500);
const seconds = Math.max(12, messages / 500);
const tenant = 1000 + (Date.now() % 1000000);
const recipients = [1, 2, 3, 4, 5, 6];
const senders = [11, 12, 13];

// What a worker knew of its sockets is in Redis after this, ms.
const TOLD = 1000;
// A connection that has died is noticed within this: at once, by its pings,
// by the other workers.
const NOTICED = { cut: 3000, silent: 12000, killed: 15000 };

const transports = [['websocket'], ['polling'], ['polling', 'websocket']];
const random = (n) => Math.floor(Math.random() * n);
const pick = (list) => list[random(list.length)];

const options = {
  workers: 2,
  http: `
    websocket_ping_interval 3s;
    websocket_ping_timeout 5s;
    websocket_max_message_size 8k;
    ${users(tenant)}`,
  locations: 'location /socket.io/ { websocket_socketio on; }',
};

const kills = [];
let instances;

function connect(user, more) {
  return io(pick(instances).url, {
    forceNew: true, reconnection: false, auth: { token: `u${user}` }, ...more,
  });
}

// Whether a worker was killed before all it knew at a moment was in Redis.
const untold = (from, to = from) => kills.some(
  (at) => at >= from - 50 && at <= to + TOLD);

// The goodbye of a polling client breaks off its poll, and the answer may be
// unread in the kernel then: it was acknowledged no longer before, ms.
const CROSSED = 100;

// All that came to this machine, also where the client did not look at it any
// more: what crosses the end of a login is delivered by the rules.
const arrived = new Set();

function note(text) {
  for (const [, id] of text.matchAll(/"messageId":(\d+)/g)) arrived.add(Number(id));
}

const { request } = http;
http.request = (...args) => request(...args).on('response', (res) => {
  let text = '';
  res.on('data', (data) => { text += data; note(text); });
});

// Sends one message after the other in each lane; each is repeated until it is
// acknowledged, under the same clientMessageId.
class Sender {
  constructor(user) {
    this.user = user;
    this.sent = [];
    this.repeats = 0;
  }

  async connection() {
    while (!this.socket?.connected) {
      this.connecting ??= (async () => {
        this.socket?.disconnect();
        this.socket = connect(this.user, { transports: ['websocket'] });
        await next(this.socket, 'authenticated', 5).catch(() => sleep(100));
        this.connecting = undefined;
      })();
      await this.connecting;
    }
    return this.socket;
  }

  async send(event, data) {
    const from = Date.now();
    const same = { clientMessageId: `${from} ${Math.random()}`, ...data };
    for (;; this.repeats += 1) {
      const socket = await this.connection();
      const answer = socket.timeout(6000).emitWithAck(event, same).catch(() => null);
      if (random(200) === 0) {
        // the acknowledgement may get lost
        await sleep(random(4));
        socket.io.engine?.transport.ws?._socket?.destroy();
      }
      const ack = await answer;
      if (ack?.status === 'ok') return { from, ids: ack.messageIds ?? [ack.messageId] };
      await sleep(50);
    }
  }

  async lane(name, count, pause, make) {
    for (let n = 0; n < count; n += 1) {
      const text = `${name} ${n}`;
      const [event, to, data] = make(text);
      const { from, ids } = await this.send(event, { ...data, clientMessageId: text });
      to.forEach((user, i) => this.sent.push({
        id: ids[i], to: user, lane: name, n, from, until: Date.now(),
      }));
      await sleep(Math.random() * 2 * pause);
    }
  }
}

// A user with one login after the other; those that die linger on at the
// server, which does not know it yet.
class Recipient {
  constructor(user) {
    this.user = user;
    this.logins = [];
    this.seen = new Map();           // text: id
    this.twice = [];                 // texts with two ids
  }

  login(more) {
    const socket = connect(this.user, more);
    const login = {
      socket, ids: [], asked: 0, answered: new Map(), began: Date.now(),
    };
    this.logins.push(login);

    for (const event of ['message:direct', 'notification:received']) {
      socket.on(event, ({ messageId, senderId, message, title }) => {
        const text = message ?? title;
        login.ids.push(messageId);
        if ((this.seen.get(text) ?? messageId) !== messageId) this.twice.push(text);
        this.seen.set(text, messageId);
        if (login.mute) return;
        login.asked += 1;
        socket.emit('message:delivered', { messageId, senderId }, () => {
          login.answered.set(messageId, Date.now());
        });
      });
    }

    // who is mute sends no pong
    const tap = (transport) => {
      const { onData } = transport;
      transport.onData = (data) => {
        note(data);
        onData.call(transport, !login.mute ? data
          : data.split('\x1e').map((p) => (p === '2' ? '6' : p)).join('\x1e'));
      };
    };
    tap(socket.io.engine.transport);
    socket.io.engine.on('upgrading', tap);

    login.over = new Promise((done) => {
      socket.on('connect_error', done);
      socket.on('disconnect', done);
    });
    login.over.then(() => login.left ?? login.died ?? this.dies(login, 'killed'));
    return login;
  }

  dies(login, how) {
    login.died = Date.now();
    login.noticed = login.died + NOTICED[how];
    if (how === 'killed') login.killed = kills.at(-1);
  }

  // Says goodbye, and waits until it was heard.
  async leave(login) {
    const { engine } = login.socket.io;
    const { ws } = engine.transport;
    const heard = ws
      ? once(ws, 'close').then(([code]) => code !== 1006, () => false)
      : new Promise((done) => {
        engine.once('close', (reason) => done(reason === 'forced close'
          && engine.transport.name === 'polling'));
      });
    login.left = Date.now();
    login.polled = !ws;
    login.socket.disconnect();
    if (await Promise.race([heard, sleep(5000)])) {
      login.heard = Date.now();
    }
    login.noticed = login.left + NOTICED.killed;
  }

  async end(login) {
    const { engine } = login.socket.io;
    const way = random(10);

    if (!login.socket.connected || way < 5) return this.leave(login);

    // a packet of the client that crosses a message counts as an answer to it:
    // what the client has not seen may come again only without such packets
    login.mute = true;
    while (login.answered.size < login.asked || engine.upgrading) {
      await sleep(20);
      if (!login.socket.connected) return undefined;
    }

    const { transport } = engine;
    if (way < 8 && transport.ws) {
      this.dies(login, 'cut');
      transport.ws._socket.destroy();
    } else if (transport.ws) {
      // not a byte more from it, although the connection stands
      this.dies(login, 'silent');
      transport.ws._socket.pause();
      transport.ws.close = () => {};
    } else {
      this.dies(login, 'silent');
      transport._poll = () => {};
      transport.doWrite = () => {};
    }
    return undefined;
  }

  async live(isOver) {
    while (!isOver()) {
      const login = this.login({ transports: pick(transports) });
      await Promise.race([login.over, sleep(200 + random(2000))]);
      if (!login.died) await this.end(login);
      await sleep(random(1000));
    }
  }

  // Whether the answer of a poll that a goodbye broke off may have had it.
  crossed(m) {
    return this.logins.some((login) => login.polled
      && m.until >= login.left - CROSSED
      && m.from <= (login.heard ?? login.noticed));
  }

  // Of those that came for the first time by each login: what is behind a
  // later one of its lane, but for what another login had and did not answer.
  disordered(byId, tries) {
    const seen = new Set();
    const bad = [];
    for (const login of this.logins) {
      const last = new Map();
      for (const id of login.ids.filter((x) => !seen.has(x))) {
        const m = byId.get(id);
        const givenBack = tries.get(id) > 1 || (tries.get(id) === 1
          && this.logins.some((other) => other !== login && !other.heard
            && m.until >= other.began && m.from <= (other.noticed ?? Infinity)));
        if (!givenBack) {
          if ((last.get(m.lane) ?? -1) > m.n) bad.push(m);
          last.set(m.lane, m.n);
        }
      }
      login.ids.forEach((id) => seen.add(id));
    }
    return bad;
  }

  // What came once more, although the client had answered, or said goodbye.
  repeated() {
    const bad = [];
    const seen = new Map();
    for (const login of this.logins) {
      for (const id of login.ids) {
        const earlier = seen.get(id) ?? [];
        seen.set(id, [...earlier, login]);
        for (const other of earlier) {
          const at = other.answered.get(id);
          // what the worker had said before it was killed is read later
          const late = at >= other.killed;
          if (other === login
              || (at && at < login.began && !untold(at) && !late)
              || (other.heard && other.heard < login.began
                && !untold(other.left, other.heard))) {
            bad.push({ id, user: this.user, at, left: other.left, heard: other.heard });
          }
        }
      }
    }
    return bad;
  }
}

const direct = (to) => (message) => ['message:direct', [to],
  { recipientId: to, message }];

const notification = (title) => {
  const to = recipients.filter(() => random(2));
  if (!to.length) to.push(pick(recipients));
  return ['notification:send', to, { recipientIds: to, title, body: 'x' }];
};

before(async () => {
  instances = await Promise.all([Nginx.start(options), Nginx.start(options)]);
});

after(() => Promise.all(instances.map((instance) => instance.stop())));

// A request of a polling client to the instance, and what it answers.
function poll(instance, sid, body) {
  return fetch(`${instance.url}/socket.io/?EIO=4&transport=polling${
    sid ? `&sid=${sid}` : ''}`, body ? { method: 'POST', body } : {})
    .then((res) => res.text());
}

// Polls until this has come.
async function polled(instance, sid, text) {
  for (let got = ''; !got.includes(text);) {
    got = await poll(instance, sid);
    assert.doesNotMatch(got, /^\{/);
  }
}

// A user who polls, and is logged in.
async function pollingLogin(instance, user) {
  const { sid } = JSON.parse((await poll(instance)).slice(1));
  assert.equal(await poll(instance, sid, `40{"token":"u${user}"}`), 'ok');
  await polled(instance, sid, 'authenticated');
  return sid;
}

test('a goodbye of a polling client that has not fetched all', async () => {
  const [here] = instances;
  const from = new Sender(21);
  const sid = await pollingLogin(here, 23);
  const send = (letter) => from.send('message:direct',
    { recipientId: 23, message: letter.repeat(5000) });
  const [first, second] = [await send('a'), await send('b')];

  // a part of what waits, as far as maxPayload goes
  const part = await poll(here, sid);
  assert.ok(part.includes('aaa') && !part.includes('bbb'));
  assert.equal(await poll(here, sid, '41'), 'ok');

  const came = [];
  const again = connect(23, { transports: ['websocket'] });
  again.on('message:direct', (m) => came.push(m.messageId));
  await until(() => came.length, 'it has come');
  const last = await send('c');
  await until(() => came.includes(last.ids[0]), 'the last has come');
  assert.deepEqual(came, [...second.ids, ...last.ids], `not ${first.ids}`);
  [again, from.socket].forEach((socket) => socket.disconnect());
});

// The worker that holds a client's poll dies with the answer; what the client
// says then does not mean that it has it.
async function lostAnswer(t, says) {
  const [here, there] = instances;
  const from = new Sender(21);
  instances = [here];
  t.after(() => { instances = [here, there]; });
  await from.connection();

  // what others' presence answers is not the poll to hold
  const sid = await pollingLogin(here, 22);
  let held;
  do {
    held = poll(there, sid).catch(() => 'broken');
  } while (await Promise.race([held, sleep(300).then(() => 'held')]) !== 'held');

  const holders = there.workers();
  holders.forEach((pid) => process.kill(pid, 'SIGSTOP'));
  const { ids } = await from.send('message:direct', { recipientId: 22, message: 'x' });
  await sleep(100);                  // the owner has answered
  assert.equal(await poll(here, sid, says), 'ok');
  holders.forEach((pid) => process.kill(pid, 'SIGKILL'));
  assert.equal(await held, 'broken');

  const came = [];
  const again = connect(22, { transports: ['websocket'] });
  again.on('message:direct', (m) => came.push(m.messageId));
  await until(() => came.length, 'it has come', 20);
  assert.deepEqual(came, ids);
  [again, from.socket].forEach((socket) => socket.disconnect());
  await until(() => there.workers().length === 2, 'new workers');
}

test('a worker dies with the answer to a poll that it held for another',
  (t) => lostAnswer(t, '42["subscribe",{"channel":"x"}]'));

test('the same, and the client closes its session at once',
  (t) => lostAnswer(t, '1'));

// A WebSocket to the instance that becomes the session's transport, when it has
// brought this.
async function upgraded(instance, sid, brings) {
  const ws = new WebSocket(`${instance.url.replace('http', 'ws')
  }/socket.io/?EIO=4&transport=websocket&sid=${sid}`);
  ws.on('open', () => ws.send('2probe'));
  await new Promise((done, fail) => {
    ws.on('close', () => fail(new Error('the WebSocket was closed')));
    ws.on('message', (data) => {
      if (String(data) === '3probe') ws.send('5');
      if (String(data).includes(brings)) done();
    });
  });
  return ws;
}

// What a new login of the user is given, until the last of them has come.
async function comesAgain(instance, user, last) {
  const came = [];
  const again = connect(user, { transports: ['websocket'] });
  again.on('message:direct', (m) => came.push(m.messageId));
  await until(() => came.includes(last), 'it has come', 20);
  again.disconnect();
  return came;
}

test('a session moves with what it was given, and ends at once', async () => {
  const [here, there] = instances;
  const from = new Sender(21);
  const send = (letter) => from.send('message:direct',
    { recipientId: 24, message: letter.repeat(5000) });
  await send('a');
  const { ids } = await send('b');
  const sid = await pollingLogin(here, 24);
  await until(() => redis('HLEN', `ws:{${tenant}}:taken:24`) === '4', 'both are given');

  // the second is too much for the answer that the login was in
  const ws = await upgraded(there, sid, 'bbb');
  ws.terminate();
  await comesAgain(here, 24, ids[0]);
  from.socket.disconnect();
});

test('who says goodbye has what it polled, whoever held the poll', async () => {
  const [here, there] = instances;
  const from = new Sender(21);
  const sid = await pollingLogin(here, 26);
  const send = (message) => from.send('message:direct', { recipientId: 26, message });
  await send('first');
  await polled(there, sid, 'first');
  assert.equal(await poll(here, sid, '41'), 'ok');
  const { ids } = await send('second');

  assert.deepEqual(await comesAgain(here, 26, ids[0]), ids);
  from.socket.disconnect();
});

test('who goes over to a WebSocket has what it polled', async () => {
  const [here, there] = instances;
  const from = new Sender(21);
  const sid = await pollingLogin(here, 25);
  const send = (message) => from.send('message:direct', { recipientId: 25, message });
  await send('first');
  await polled(there, sid, 'first');
  const { ids } = await send('second');

  const ws = await upgraded(there, sid, 'second');
  ws.terminate();
  assert.deepEqual(await comesAgain(here, 25, ids[0]), ids);
  from.socket.disconnect();
});

test(`${messages} messages to users who come and go`, async (t) => {
  const from = senders.map((user) => new Sender(user));
  const to = recipients.map((user) => new Recipient(user));
  const count = Math.ceil(messages / senders.length / (recipients.length + 1));
  const pause = seconds * 1000 / count;
  let over = false;

  const living = to.map((recipient) => recipient.live(() => over));
  const sending = Promise.all(from.flatMap((sender) => [
    ...recipients.map((user) => sender.lane(`${sender.user} ${user}`, count, pause,
      direct(user))),
    sender.lane(`${sender.user} all`, Math.ceil(count / 3), 3 * pause, notification),
  ])).then(() => { over = true; });

  while (!over) {
    await Promise.race([sending, sleep(2000 + random(2000))]);
    const pid = pick(pick(instances).workers());
    if (!over && pid) {
      kills.push(Date.now());
      process.kill(pid, 'SIGKILL');
    }
  }
  await Promise.all(living);

  const sent = from.flatMap((sender) => sender.sent);
  const byId = new Map(sent.map((m) => [m.id, m]));
  const last = to.map((r) => r.login({ transports: ['websocket'] }));
  await Promise.all(last.map((login) => next(login.socket, 'connect')));

  const query = () => sql(`SELECT id, status, retry_count, error_message
    FROM websocket_events WHERE tenant_id = ${tenant} AND user_id IN (${senders})
    AND event_type IN ('message_sent', 'notification_received')`);

  const keys = recipients.flatMap((user) => ['pending', 'taken'].map(
    (key) => `ws:{${tenant}}:${key}:${user}`));

  // the last answer of each shows that it has all before it
  const settled = async () => {
    await sleep(500);
    await Promise.all(last.map((login) => login.socket.timeout(10000)
      .emitWithAck('subscribe', { channel: 'end' })));
    return redis('EXISTS', ...keys) === '0'
      && query().every((row) => row[1] !== 'pending');
  };
  await until(settled, 'nothing is pending', 45).catch(() => {});

  const rows = query();
  const tries = new Map(rows.map((row) => [Number(row[0]), Number(row[2])]));
  const failed = new Set(rows.filter((row) => row[1] === 'failed'
    && row[2] === '5' && row[3] === 'too many redeliveries')
    .map((row) => Number(row[0])));
  const recipientOf = (m) => to.find((r) => r.user === m.to);
  const seen = (m) => recipientOf(m).logins.some((login) => login.ids.includes(m.id));

  t.diagnostic(`${sent.length} messages, ${
    from.reduce((n, s) => n + s.repeats, 0)} repeated by senders, ${
    [...tries.values()].filter((n) => n).length} had to wait, ${
    sent.filter((m) => !seen(m)).length} crossed an end, ${failed.size} failed, ${
    kills.length} kills, ${to.reduce((n, r) => n + r.logins.length, 0)} logins`);

  await t.test('every message has come, but where it crossed the end of a login', () => {
    assert.deepEqual(sent.filter((m) => !seen(m) && !arrived.has(m.id)
      && !failed.has(m.id) && !recipientOf(m).crossed(m)), []);
  });

  await t.test('repeats of senders are the same message', () => {
    assert.deepEqual(to.flatMap((recipient) => recipient.twice), []);
  });

  await t.test('once more only what the client had not answered', () => {
    assert.deepEqual(to.flatMap((recipient) => recipient.repeated()), []);
  });

  await t.test('in order', () => {
    assert.deepEqual(to.flatMap((recipient) => recipient.disordered(byId, tries)), []);
  });

  await t.test('the statuses are what was seen', () => {
    assert.deepEqual(rows.filter((row) => row[1] !== 'delivered'
      && !failed.has(Number(row[0]))), []);
    assert.deepEqual(rows.filter((row) => !byId.has(Number(row[0]))), []);
    assert.deepEqual(sent.filter((m) => !tries.has(m.id)), []);
  });

  await t.test('nothing is left in Redis', () => {
    assert.equal(redis('EXISTS', ...keys), '0');
  });

  from.forEach((sender) => sender.socket.disconnect());
  to.forEach((r) => r.logins.forEach((login) => {
    login.socket.io.engine?.transport.ws?._socket?.destroy();
    login.socket.disconnect();
  }));
});
