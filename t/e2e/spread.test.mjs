// Two instances of nginx with two workers each on one Redis, and clients whose
// every request is a new connection to either of them: nothing is lost,
// doubled, out of order or unknown. SPREAD_POLLS=100000 SPREAD_UPGRADES=5000
// is the full size; what relaying and moving cost is told beside one worker.

import test from 'node:test';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import WebSocket from 'ws';
import { runDir } from './lib/server.mjs';
import { Nginx } from './lib/nginx.mjs';

const polls = Number(process.env.SPREAD_POLLS ?? 1500);
const upgrades = Number(process.env.SPREAD_UPGRADES ?? 75);
const clients = Number(process.env.SPREAD_CLIENTS ?? 16);

const locations = `
  keepalive_timeout 0;
  location /engine.io/ { websocket_socketio on; websocket_echo engineio; }`;

class Run {
  constructor(instances) {
    this.instances = instances;
    this.polls = 0;
    this.upgrades = 0;
    this.packets = 0;
    this.faults = { unknown: 0, refused: 0, lost: 0, doubled: 0, reordered: 0 };
    this.posts = [];
    this.moves = [];
  }

  somewhere() {
    return this.instances[Math.floor(Math.random() * this.instances.length)].port;
  }

  request(method, path, body) {
    return new Promise((done, failed) => {
      const req = http.request({ port: this.somewhere(), host: '127.0.0.1',
        agent: false, method, path }, (res) => {
        const parts = [];
        res.on('data', (data) => parts.push(data));
        res.on('end', () => done({ status: res.statusCode, body: parts.join('') }));
      });
      req.on('error', failed);
      req.end(body);
    });
  }

  // One of an open session: counts what is not as it should be.
  async ask(session, method, body) {
    const { status, body: answer } = await this.request(method, session.path, body);
    if (status === 200) return answer;
    this.faults[/unknown/.test(answer) ? 'unknown' : 'refused'] += 1;
    session.failed = true;
    return '';
  }

  take(session, packet) {
    if (packet[0] !== '4') return packet[0];
    const n = Number(packet.slice(1));
    this.packets += 1;
    if (session.seen.has(n)) this.faults.doubled += 1;
    else if (n < session.last) this.faults.reordered += 1;
    session.seen.add(n);
    session.last = Math.max(session.last, n);
    return '4';
  }

  async send(session, packets) {
    const body = Array.from({ length: packets }, () => `4${session.sent++}`)
      .join('\x1e');
    const start = performance.now();
    await this.ask(session, 'POST', body);
    this.posts.push(performance.now() - start);
  }

  async poll(session) {
    this.polls += 1;
    const body = await this.ask(session, 'GET');
    if (session.failed) return;
    for (const packet of body.split('\x1e')) {
      if (this.take(session, packet) === '2') await this.ask(session, 'POST', '3');
    }
  }

  // As the stock client goes over: the GET that is held ends first.
  async upgrade(session, held) {
    const ws = new WebSocket(`ws://127.0.0.1:${this.somewhere()}`
      + session.path.replace('polling', 'websocket'));
    const all = session.sent + 20;
    let start;
    await new Promise((done, failed) => {
      ws.on('error', failed);
      ws.on('close', done);
      ws.on('open', () => ws.send('2probe'));
      ws.on('message', async (data) => {
        const text = data.toString();
        if (text === '3probe') {
          session.over = true;
          await held;
          start = performance.now();
          ws.send('5');
          while (session.sent < all) ws.send(`4${session.sent++}`);
          return;
        }
        if (start !== undefined && this.take(session, text) === '4') {
          if (session.seen.size === all - 19 && !session.moved) {
            session.moved = true;
            this.moves.push(performance.now() - start);
          }
          if (session.seen.size === all) ws.close();
        }
      });
      setTimeout(() => ws.terminate(), 60000).unref();
    });
    this.upgrades += 1;
  }

  async session(gets) {
    const { body } = await this.request('GET', '/engine.io/?EIO=4&transport=polling');
    const { sid } = JSON.parse(body.slice(1));
    const session = { sent: 0, last: -1, seen: new Set(),
      path: `/engine.io/?EIO=4&transport=polling&sid=${sid}` };
    let n = 0;

    const polling = (async () => {
      while (!session.over && !session.failed) {
        await this.poll(session);
        n += 1;
      }
    })();

    while (n < gets && !session.failed) {
      await this.send(session, 1 + Math.floor(Math.random() * 3));
    }
    if (!session.failed) await this.upgrade(session, polling);
    await polling;
    this.faults.lost += session.sent - session.seen.size;
  }

  cpu() {
    const pids = this.instances.flatMap((x) => x.workers());
    pids.push(readFileSync(`${runDir}/redis.pid`, 'utf8').trim());
    return pids.map((pid) => {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      return Number(stat[11]) + Number(stat[12]);
    }).reduce((a, b) => a + b) * 10;
  }

  async start() {
    const gets = Math.ceil(polls / upgrades);
    const cpu = this.cpu();
    await Promise.all(Array.from({ length: clients }, async () => {
      while (this.upgrades < upgrades || this.polls < polls) {
        const before = this.upgrades;
        await this.session(gets);
        if (this.upgrades === before && Object.values(this.faults).some(Boolean)) return;
      }
    }));
    this.cpuTime = this.cpu() - cpu;
    this.relayed = await this.metric('polls_relayed_total');
    this.moved = await this.metric('moves_total');
  }

  async metric(name) {
    const all = await Promise.all(this.instances.map((x) => x.metric(name)));
    return all.reduce((a, b) => a + b);
  }

  report(name) {
    const at = (list, q) => list.sort((a, b) => a - b)
      [Math.floor((list.length - 1) * q)].toFixed(2);
    return `${name}: ${this.polls} polls, ${this.posts.length} POSTs, `
      + `${this.relayed} of them relayed, ${this.upgrades} upgrades, `
      + `${this.moved} sessions moved, ${this.packets} packets; `
      + `POST p50 ${at(this.posts, 0.5)} p99 ${at(this.posts, 0.99)} ms, `
      + `upgrade p50 ${at(this.moves, 0.5)} p99 ${at(this.moves, 0.99)} ms, `
      + `CPU ${(this.cpuTime / (this.polls + this.posts.length)).toFixed(3)} ms a request`;
  }
}

async function spread(t, name, number, workers) {
  const far = number * workers > 1;
  const instances = [];
  try {
    for (let i = 0; i < number; i++) {
      instances.push(await Nginx.start({ locations, workers }));
    }
    const run = new Run(instances);
    await run.start();
    t.diagnostic(run.report(name));
    assert.deepEqual(run.faults,
      { unknown: 0, refused: 0, lost: 0, doubled: 0, reordered: 0 });
    assert.ok(run.upgrades >= upgrades && run.polls >= polls);
    assert.equal(run.relayed > polls / 2, far);
    assert.equal(run.moved > upgrades / 2, far);
  } finally {
    for (const nginx of instances) await nginx.stop();
  }
}

test('everything at one worker', (t) => spread(t, '1 x 1', 1, 1));

test('spread over two instances with two workers each',
  (t) => spread(t, '2 x 2', 2, 2));
