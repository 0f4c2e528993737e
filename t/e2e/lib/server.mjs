// The instance that ./dev has started for the end-to-end tests.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { io } from 'socket.io-client';

export const url = process.env.WS_URL;
export const runDir = process.env.RUN_DIR;

const dev = new URL('../../../dev', import.meta.url).pathname;

export const accounts = {
  john: { id: 1, tenant: 1, token: '1|demo-token-john' },
  jane: { id: 2, tenant: 1, token: '2|demo-token-jane' },
  ada: { id: 3, tenant: 1, token: '3|demo-token-ada' },
  eve: { id: 4, tenant: 2, token: '4|demo-token-eve' },
  max: { id: 5, tenant: 1, token: '5|demo-token-max' },
};

// Rows of a query, each an array of strings.
export function sql(query) {
  const out = execFileSync(dev, ['sql', '-N', '-B', '-r', '-e', query],
    { encoding: 'utf8' });
  return out.split('\n').filter(Boolean).map((line) => line.split('\t'));
}

export function redis(...args) {
  return execFileSync(dev, ['redis', ...args], { encoding: 'utf8' }).trim();
}

// Repeats until the function gives something true.
export async function until(fn, what = fn.toString(), seconds = 30) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await fn();
    if (value) return value;
    if (Date.now() > end) throw new Error(`never came true: ${what}`);
    await new Promise((done) => { setTimeout(done, 20); });
  }
}

// A stock client with a connection of its own.
export function client(options = {}) {
  return io(url, {
    forceNew: true, transports: ['websocket'], reconnection: false, ...options,
  });
}

// The next event's payload, or an error after the time.
export async function next(emitter, event, seconds = 30) {
  const signal = AbortSignal.timeout(seconds * 1000);
  try {
    const [data] = await once(emitter, event, { signal });
    return data;
  } catch (e) {
    throw new Error(`no "${event}" within ${seconds} s: ${e.message}`);
  }
}

// The payload of the next one that matches: what waited for a user, or is said
// of somebody else, may come at any time.
export function nextOf(emitter, event, match) {
  let found;
  const listen = (data) => { if (match(data)) found ??= data; };
  emitter.on(event, listen);
  return until(() => found, `a matching "${event}"`)
    .finally(() => emitter.off(event, listen));
}

// A client that is connected and has logged in by the event "auth".
export async function login(account, options = {}, fields = {}) {
  const socket = client(options);
  await next(socket, 'connect');
  const authenticated = next(socket, 'authenticated');
  const ack = await socket.timeout(30000).emitWithAck('auth',
    { token: account.token, ...fields });
  if (ack.status !== 'ok') throw new Error(JSON.stringify(ack));
  await authenticated;
  socket.connectionId = ack.connectionId;
  return socket;
}

// Disconnects those who came by login(), until the server knows: a message
// could still be given to one that is on its way out.
export function leave(...leaving) {
  leaving.forEach((socket) => socket.disconnect());
  return until(() => leaving.every(({ connectionId }) => redis('HGET',
    `ws:_:conn:${connectionId}`, 'status') === 'disconnected'), 'they have left');
}

// The pid of the worker that has the socket: what the access log says of
// the handshake from this port.
export function workerOf(socket) {
  const port = socket.io.engine.transport.ws._socket.localPort;
  return until(() => {
    const log = readFileSync(`${runDir}/logs/access.log`, 'utf8');
    const line = log.split('\n').findLast((l) => l.includes(`port=${port} `));
    return line && /pid=(\d+)/.exec(line)[1];
  }, `a line of port ${port} in the access log`);
}

// Two sockets that sit on different workers.
export async function loginOnTwoWorkers(first, second) {
  const a = await login(first);
  const pid = await workerOf(a);
  for (let i = 0; i < 50; i++) {
    const b = await login(second);
    if (await workerOf(b) !== pid) return [a, b];
    b.disconnect();
  }
  throw new Error('50 connections have come to the same worker');
}
