// What was acknowledged is in MySQL exactly once, whatever dies meanwhile.
// WS_RECORD_MESSAGES=100000 is the full size.

import test from 'node:test';
import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { io } from 'socket.io-client';
import { Instance } from './lib/instance.mjs';
import { accounts, until } from './lib/server.mjs';

const messages = Number(process.env.WS_RECORD_MESSAGES ?? 1000);
const perSecond = Math.min(messages / 12, 2000);
const lock = 'ws:_:lock:record';
const dev = new URL('../../dev', import.meta.url).pathname;

let instance;
let env;

function sql(query) {
  const out = execFileSync(dev, ['sql', '-N', '-B', '-r', '-e', query],
    { encoding: 'utf8', env, maxBuffer: 2 ** 30 });
  return out.split('\n').filter(Boolean).map((line) => line.split('\t'));
}

function redis(...args) {
  return execFileSync(dev, ['redis', ...args], { encoding: 'utf8', env }).trim();
}

function pid(name) {
  return Number(readFileSync(`${instance.runDir}/${name}.pid`, 'utf8'));
}

function workers() {
  return instance.workers(pid('nginx')).filter(Boolean).map(Number);
}

// Whoever writes the record at the moment; the lock of a dead one need not run
// out.
function consumer() {
  return until(() => {
    const worker = Number(/-(\d+)-.{20}$/.exec(redis('GET', lock))?.[1]);
    if (workers().includes(worker)) return worker;
    if (worker) redis('DEL', lock);
    return sleep(100, 0);
  }, 'a worker has the lock');
}

async function restart(name) {
  const old = pid(name);
  process.kill(old, 'SIGKILL');
  await until(() => {
    try { return !process.kill(old, 0); } catch { return true; }
  }, `${name} has gone`);
  await sleep(500);
  await promisify(execFile)(dev, ['start', name], { env });
}

// A session of MariaDB that holds something until release() is called.
async function hold(statements) {
  const client = spawn(dev, ['sql', '-N', '-B', '-n'],
    { env, stdio: ['pipe', 'pipe', 'inherit'] });
  let out = '';
  client.stdout.on('data', (text) => { out += text; });
  client.stdin.write(`${statements}; SELECT 'held';\n`);
  await until(() => out.includes('held'), statements);
  return () => new Promise((done) => {
    client.once('exit', done);
    client.stdin.end();
  });
}

function waiting(statement) {
  return until(() => sql(`SELECT ID FROM information_schema.PROCESSLIST
    WHERE USER = 'websocket' AND STATE LIKE 'Waiting for%'
      AND INFO LIKE '${statement}%'`).length, `${statement} waits`, 30);
}

function rows() {
  return Number(sql('SELECT COUNT(*) FROM websocket_events')[0][0]);
}

// Senders, each with an own socket, who repeat until they are answered.
class Sender {
  constructor(account) {
    this.socket = io(instance.url, {
      forceNew: true, transports: ['websocket'], auth: { token: account.token },
      reconnectionDelay: 100, reconnectionDelayMax: 500,
    });
    const again = () => {
      if (!this.stopped && !this.socket.active) {
        setTimeout(() => this.socket.connect(), 200);
      }
    };
    this.socket.on('connect_error', again);
    this.socket.on('disconnect', again);
  }

  async send(text) {
    for (;;) {
      const ack = await this.socket.timeout(6000).emitWithAck('message:group',
        { channel: 'proof', message: text, clientMessageId: text })
        .catch(() => null);
      if (ack?.status === 'ok') return ack.messageId;
      await sleep(100);
    }
  }

  stop() {
    this.stopped = true;
    this.socket.disconnect();
  }
}

const faults = {
  'a worker before Redis is told': async () => {
    const worker = workers()[0];
    process.kill(worker, 'SIGSTOP');
    await sleep(300);
    process.kill(worker, 'SIGKILL');
  },

  'a worker that does not hear that Redis took it': async () => {
    process.kill(pid('redis'), 'SIGSTOP');
    await sleep(300);
    workers().forEach((worker) => process.kill(worker, 'SIGKILL'));
    process.kill(pid('redis'), 'SIGCONT');
  },

  'the consumer before INSERT': async () => {
    const worker = await consumer();
    const release = await hold('LOCK TABLES websocket_events WRITE');
    await waiting('INSERT');
    process.kill(worker, 'SIGKILL');
    await release();
  },

  'the consumer before COMMIT': async () => {
    const worker = await consumer();
    const release = await hold('BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT');
    await waiting('COMMIT');
    process.kill(worker, 'SIGKILL');
    await release();
  },

  'the consumer after COMMIT, before XACK': async () => {
    for (let more = 0; more === 0;) {
      const worker = await consumer();
      const release = await hold('BACKUP STAGE START; BACKUP STAGE BLOCK_COMMIT');
      await waiting('COMMIT');
      process.kill(worker, 'SIGSTOP');
      const before = rows();
      await release();
      await sleep(100);
      more = rows() - before;
      if (more) process.kill(worker, 'SIGKILL');
      else process.kill(worker, 'SIGCONT');
    }
  },

  'MariaDB': () => restart('mariadb'),
  'Redis': () => restart('redis'),
  'nobody: a reload': async () => {
    const before = workers();
    process.kill(pid('nginx'), 'SIGHUP');
    await until(() => workers().some((w) => !before.includes(w)), 'new workers');
  },
};

test(`${messages} messages, while there dies`, async (t) => {
  process.env.WORKERS = '3';
  instance = await Instance.create();
  env = { ...process.env, RUN_DIR: instance.runDir };
  t.after(() => instance.destroy());

  const senders = [accounts.john, accounts.jane, accounts.ada, accounts.eve]
    .map((account) => new Sender(account));
  const ids = new Map();
  let sent = 0;
  let under = 0;
  let over = false;

  const sending = (async () => {
    while (!over || sent < messages) {
      for (let i = 0; i < perSecond / 20 && under < 4000; i += 1) {
        const text = `m${sent}`;
        sent += 1;
        under += 1;
        senders[sent % senders.length].send(text).then((id) => {
          ids.set(text, id);
          under -= 1;
        });
      }
      await sleep(50);
    }
    await until(() => under === 0, 'all are acknowledged', 60);
  })();

  do {
    for (const [name, fault] of Object.entries(faults)) {
      await t.test(name, async () => {
        const before = ids.size;
        await fault();
        await until(() => ids.size > before + 10, 'messages are taken again', 60);
      });
    }
  } while (sent < messages);
  over = true;

  await t.test('acknowledged messages and rows are the same', async () => {
    await sending;
    senders.forEach((sender) => sender.stop());
    await until(() => / lag 0( |$)/.test(redis('XINFO', 'GROUPS', 'ws:_:events')
      .replaceAll('\n', ' ')) && redis('XPENDING', 'ws:_:events', 'record')
      .startsWith('0'), 'all is written', 120);

    const found = new Map(sql(`SELECT
        JSON_VALUE(payload, '$.data.message'), id FROM websocket_events
      WHERE event_type = 'message_sent'`));
    const count = Number(sql(`SELECT COUNT(*) FROM websocket_events
      WHERE event_type = 'message_sent'`)[0][0]);
    const wrong = [...ids].filter(([text, id]) => Number(found.get(text)) !== id);

    assert.deepEqual(wrong.slice(0, 10), [], `${wrong.length} of ${sent}`);
    assert.equal(count, sent);
    assert.equal(redis('EXISTS', 'ws:_:events:poison'), '0');
    assert.equal(ids.size, sent);
    t.diagnostic(`${sent} messages, ${count} rows`);
  });

  const bad = readFileSync(`${instance.runDir}/logs/error.log`, 'utf8')
    .split('\n').filter((line) => /\[(alert|emerg)\]/.test(line)
      && !/exited on signal 9/.test(line));
  assert.deepEqual(bad, []);
});
