// Users come and go over any transport and worker, workers are killed: every
// message reaches its recipient, again only where it must, and in order.
// WS_DELIVERY_MESSAGES=30000 is the full size.

import test from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { io } from 'socket.io-client';
import { Instance } from './lib/instance.mjs';
import { until } from './lib/server.mjs';

const messages = Number(process.env.WS_DELIVERY_MESSAGES ?? 1500);
const seconds = Math.max(12, messages / 500);
const recipients = [1001, 1002, 1003, 1004, 1005, 1006];
const senders = [1101, 1102, 1103];
const dev = new URL('../../dev', import.meta.url).pathname;

const transports = [['websocket'], ['polling'], ['polling', 'websocket']];
const pick = (list) => list[Math.floor(Math.random() * list.length)];

let instance;
let kills = 0;
let killed = 0;

function sql(query) {
  return execFileSync(dev, ['sql', '-N', '-B', '-r', '-e', query], {
    encoding: 'utf8',
    env: { ...process.env, RUN_DIR: instance.runDir },
    maxBuffer: 2 ** 30,
  }).split('\n').filter(Boolean).map((line) => line.split('\t'));
}

function connect(user, options) {
  return io(instance.url, {
    forceNew: true, auth: { token: `${user}|load-token-${user}` }, ...options,
  });
}

// Sends one message after the other to each recipient until it is told to
// stop; each is repeated until it is acknowledged.
class Sender {
  constructor(user) {
    this.user = user;
    this.sent = [];
    this.socket = connect(user, {
      transports: ['websocket'], reconnectionDelay: 100, reconnectionDelayMax: 500,
    });
    const again = () => {
      if (!this.stopped && !this.socket.active) {
        setTimeout(() => this.socket.connect(), 200);
      }
    };
    this.socket.on('connect_error', again);
    this.socket.on('disconnect', again);
  }

  async lane(recipientId, count, pause) {
    for (let i = 0; i < count; i += 1) {
      const message = `${this.user} ${recipientId} ${i}`;
      const before = kills;
      let ack;
      do {
        ack = await this.socket.timeout(6000).emitWithAck('message:direct',
          { recipientId, message, clientMessageId: message }).catch(() => null);
      } while (ack?.status !== 'ok' && await sleep(100, true));
      this.sent.push({
        id: ack.messageId, from: this.user, to: recipientId,
        epoch: before === kills ? kills : -1, at: Date.now(),
      });
      await sleep(Math.random() * 2 * pause);
    }
  }

  stop() {
    this.stopped = true;
    this.socket.disconnect();
  }
}

// A user with one login after the other.
class Recipient {
  constructor(user) {
    this.user = user;
    this.logins = [];
    this.ids = new Set();
  }

  login(options) {
    const socket = connect(this.user, { reconnection: false, ...options });
    const login = { ids: [], clean: 0, heard: false, socket };
    this.logins.push(login);
    socket.on('message:direct', ({ messageId, senderId }) => {
      login.ids.push(messageId);
      this.ids.add(messageId);
      socket.emit('message:delivered', { messageId, senderId });
    });
    login.over = new Promise((done) => {
      socket.on('connect_error', done);
      socket.on('disconnect', done);
    });
    return login;
  }

  async live(isOver) {
    while (!isOver()) {
      const login = this.login({ transports: pick(transports) });
      await Promise.race([login.over, sleep(200 + Math.random() * 2000)]);
      if (login.socket.connected) {
        const ws = login.socket.io.engine.transport.ws;
        if (ws && Math.random() < 0.5) {
          ws._socket.destroy();
        } else {
          login.clean = Date.now();
          login.socket.disconnect();
          // a worker that is dead by now may not have heard the goodbye
          const before = killed;
          await sleep(500);
          login.heard = killed === before && Date.now() - killed > 1500;
        }
      } else {
        login.socket.disconnect();
      }
      await sleep(Math.random() * 1000);
    }
  }
}

// A client that says goodbye does not look at what is on its way to it, which
// the server can not know.
function crossed(message, recipient) {
  return recipient.logins.some(({ clean }) => Math.abs(clean - message.at) < 500);
}

test(`${messages} messages to users who come and go`, async (t) => {
  process.env.WORKERS = '3';
  process.env.WS_LOAD_USERS = '1';
  instance = await Instance.create();
  t.after(() => instance.destroy());

  const from = senders.map((user) => new Sender(user));
  const to = recipients.map((user) => new Recipient(user));
  const count = Math.ceil(messages / from.length / to.length);
  let over = false;

  const living = to.map((recipient) => recipient.live(() => over));
  const sending = from.flatMap((sender) => to.map((recipient) => sender.lane(
    recipient.user, count, seconds * 1000 / count,
  )));
  const done = Promise.all(sending).then(() => { over = true; });

  while (!over) {
    await Promise.race([done, sleep(3000)]);
    const nginx = Number(readFileSync(`${instance.runDir}/nginx.pid`, 'utf8'));
    if (!over) {
      kills += 1;
      killed = Date.now();
      process.kill(Number(pick(instance.workers(nginx))), 'SIGKILL');
    }
  }
  await Promise.all(living);

  const sent = from.flatMap((sender) => sender.sent);
  const last = to.map((r) => r.login({ transports: ['websocket'] }));
  const missing = () => sent.filter((m) => {
    const recipient = to.find((r) => r.user === m.to);
    return !recipient.ids.has(m.id) && !crossed(m, recipient);
  });
  await until(() => missing().length === 0, 'every message has come', 30)
    .catch(() => {});

  await t.test('every message has come', () => {
    assert.deepEqual(missing(), [], `${missing().length} of ${sent.length}`);
  });

  await t.test('once more only after a login that broke off', () => {
    let again = 0;
    for (const recipient of to) {
      const seen = new Map();
      for (const login of recipient.logins) {
        for (const id of login.ids) {
          const earlier = seen.get(id);
          if (earlier) again += 1;
          assert.ok(!earlier || (earlier !== login && !earlier.heard),
            `${id} came to ${recipient.user} twice`);
          seen.set(id, login);
        }
      }
    }
    t.diagnostic(`${sent.length} messages, ${again} came again, ${kills} kills, ${
      to.reduce((n, r) => n + r.logins.length, 0)} logins`);
  });

  await t.test('in order', () => {
    const messageOf = new Map(sent.map((m) => [m.id, m]));
    const order = new Map(sent.map((m, i) => [m.id, i]));
    for (const recipient of to) {
      const seen = new Set();
      for (const login of recipient.logins) {
        const latest = new Map();
        for (const id of login.ids.filter((x) => !seen.has(x))) {
          const { from: user, epoch } = messageOf.get(id);
          const key = `${user} ${epoch}`;
          if (epoch >= 0) {
            assert.ok((latest.get(key) ?? -1) < order.get(id),
              `${id} came to ${recipient.user} behind a later one`);
            latest.set(key, order.get(id));
          }
        }
        login.ids.forEach((id) => seen.add(id));
      }
    }
  });

  await t.test('the statuses are what was seen', async () => {
    await Promise.all(last.map((login) => login.socket.timeout(10000)
      .emitWithAck('subscribe', { channel: 'end' })));
    const query = `SELECT id, status, retry_count, error_message
      FROM websocket_events WHERE event_type = 'message_sent'`;
    await until(() => sql(query).every((row) => row[1] === 'delivered'),
      'all are delivered', 30).catch(() => {});
    const rows = sql(query);
    assert.deepEqual(rows.filter((row) => row[1] !== 'delivered'), []);
    assert.deepEqual(rows.map((row) => Number(row[0])).sort((a, b) => a - b),
      sent.map((m) => m.id).sort((a, b) => a - b));
  });

  from.forEach((sender) => sender.stop());
  last.forEach((login) => login.socket.disconnect());

  const bad = readFileSync(`${instance.runDir}/logs/error.log`, 'utf8')
    .split('\n').filter((line) => /\[(alert|emerg)\]/.test(line)
      && !/exited on signal 9/.test(line));
  assert.deepEqual(bad, []);
});
