// The stock client by every transport, against the echo application on two
// workers: each request comes by a connection of its own, to either of them.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { io, Manager } from 'socket.io-client';
import { next, until } from './lib/server.mjs';
import { Nginx, Proxy, echo } from './lib/nginx.mjs';

const modes = {
  polling: ['polling'],
  websocket: ['websocket'],
  upgrade: ['polling', 'websocket'],
};

let nginx;

before(async () => { nginx = await Nginx.start({ locations: echo }); });

after(() => nginx.stop());

async function connect(transports, options = {}) {
  const { url = nginx.url, nsp = '/', ...rest } = options;
  const socket = io(url + nsp,
    { transports, forceNew: true, reconnection: false, ...rest });
  await next(socket, 'connect');
  return socket;
}

function upgraded(socket) {
  return until(() => socket.io.engine.transport.name === 'websocket',
    'the upgrade');
}

// What comes back must be what was sent.
async function echoes(socket, ...args) {
  const back = new Promise((done) => {
    socket.once('message-back', (...got) => done(got));
  });
  socket.emit('message', ...args);
  assert.deepEqual(await back, args);
}

for (const [mode, transports] of Object.entries(modes)) {
  test(`${mode}: text, binary, acknowledgements`, async () => {
    const socket = await connect(transports);

    await echoes(socket, 'one', 2, { three: [4, null, true] }, '\u{1F600}\u001e');
    await echoes(socket);
    await echoes(socket, Buffer.from([0, 1, 30, 255]), { a: Buffer.alloc(0) });

    const ack = await socket.timeout(30000).emitWithAck('message-with-ack', 'x');
    assert.equal(ack, 'x');
    const binary = await socket.timeout(30000)
      .emitWithAck('message-with-ack', Buffer.from('abc'));
    assert.deepEqual(binary, Buffer.from('abc'));

    socket.disconnect();
  });

  test(`${mode}: large messages`, async () => {
    const socket = await connect(transports);

    await echoes(socket, 'x'.repeat(900000));
    await echoes(socket, Buffer.alloc(600000, 'y'));
    await Promise.all(Array.from({ length: 8 }, async (_, i) => {
      const text = String(i).repeat(300000);
      const back = await socket.timeout(30000)
        .emitWithAck('message-with-ack', text);
      assert.equal(back, text);
    }));

    socket.disconnect();
  });

  test(`${mode}: as large as maxPayload, and a byte more`, async () => {
    const res = await fetch(`${nginx.url}/socket.io/?EIO=4&transport=polling`);
    const { maxPayload } = JSON.parse((await res.text()).slice(1));
    const head = '420["message-with-ack",""]'.length;
    const socket = await connect(transports);

    const text = 'x'.repeat(maxPayload - head);
    assert.equal(await socket.timeout(30000)
      .emitWithAck('message-with-ack', text), text);

    // the second packet's id is as long as the first one's
    socket.emit('message-with-ack', `${text}y`, () => {});
    assert.match(await next(socket, 'disconnect'),
      /^transport (close|error)$/);
  });

  test(`${mode}: order of many`, async () => {
    const sockets = await Promise.all(Array.from({ length: 10 },
      () => connect(transports)));
    const n = 500;

    await Promise.all(sockets.map(async (socket) => {
      const seen = [];
      socket.on('message-back', (i) => seen.push(i));
      for (let i = 0; i < n; i++) {
        socket.emit('message', i, i % 10 ? 'text' : Buffer.from('bytes'));
        if (i % 7 === 0) await new Promise((done) => { setTimeout(done, 1); });
      }
      await until(() => seen.length >= n, 'all echoes');
      assert.deepEqual(seen, [...seen.keys()]);
      if (mode === 'upgrade') await upgraded(socket);
    }));

    sockets.forEach((s) => s.disconnect());
  });

  test(`${mode}: namespaces`, async () => {
    const manager = new Manager(nginx.url, { transports, reconnection: false });
    const main = manager.socket('/');
    const custom = manager.socket('/custom', { auth: { some: 'payload' } });
    const payload = next(custom, 'auth');

    await Promise.all([next(main, 'connect'), next(custom, 'connect')]);
    assert.notEqual(main.id, custom.id);
    assert.deepEqual(await payload, { some: 'payload' });

    await Promise.all([echoes(main, 'main'), echoes(custom, 'custom')]);

    await Promise.all(Array.from({ length: 20 }, async (_, i) => {
      const error = await next(manager.socket(`/no-${i}`), 'connect_error');
      assert.equal(error.message, 'Invalid namespace');
    }));

    custom.disconnect();
    await echoes(main, 'still here');
    main.disconnect();
  });

  test(`${mode}: an acknowledgement that does not come`, async () => {
    const socket = await connect(transports);
    await assert.rejects(socket.timeout(300).emitWithAck('nobody listens', 1),
      /timed out/);
    await echoes(socket, 'after');
    socket.disconnect();
  });

  test(`${mode}: volatile`, async () => {
    const socket = await connect(transports);
    const seen = [];
    socket.on('message-back', (i) => seen.push(i));

    // what the client does not drop arrives in order
    let sent = 0;
    await until(() => {
      socket.volatile.emit('message', sent);
      sent += 1;
      return seen.length > 5;
    }, 'some');
    socket.emit('message', sent);

    await until(() => seen.at(-1) === sent, 'the last one');
    assert.deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b));
    socket.disconnect();
  });

  test(`${mode}: reconnection`, async () => {
    const socket = await connect(transports, { reconnection: true, reconnectionDelay: 50 });
    for (let i = 0; i < 3; i++) {
      const { id } = socket;
      socket.io.engine.close();
      await next(socket, 'connect');
      assert.notEqual(socket.id, id);
      await echoes(socket, i);
    }
    socket.disconnect();
  });

  test(`${mode}: forceNew`, async () => {
    const a = await connect(transports);
    const b = await connect(transports);
    assert.notEqual(a.io.engine.id, b.io.engine.id);
    await Promise.all([echoes(a, 'a'), echoes(b, 'b')]);
    a.disconnect();
    await echoes(b, 'b');
    b.disconnect();
  });

  test(`${mode}: heartbeats`, async () => {
    const socket = await connect(transports);
    let pings = 0;
    socket.io.on('ping', () => { pings += 1; });
    await until(() => pings >= 3, 'three pings');
    assert.ok(socket.connected);
    socket.disconnect();
  });
}

test('what upgrades is the session that was', async () => {
  const moves = await nginx.metric('moves_total');
  for (let i = 0; i < 30; i++) {
    const socket = await connect(modes.upgrade);
    const { id } = socket;
    const engine = socket.io.engine.id;
    await upgraded(socket);
    await echoes(socket, i);
    assert.equal(socket.id, id);
    assert.equal(socket.io.engine.id, engine);
    socket.disconnect();
  }
  assert.ok(await nginx.metric('moves_total') > moves, 'none has moved');
});

// The network breaks at each step of the upgrade.

const isWebSocket = (head) => /^GET [^ ]*transport=websocket/.test(head);

async function broken(rule, check) {
  const proxy = await Proxy.start(nginx.port, (head) => (isWebSocket(head)
    ? rule() : true));
  const socket = await connect(modes.upgrade, { url: proxy.url,
    reconnection: true, reconnectionDelay: 50 });
  try {
    await check(socket, proxy);
  } finally {
    socket.disconnect();
    proxy.stop();
  }
}

const steps = {
  'with the handshake': () => () => false,
  'with its answer': () => (from) => from !== 'server',
  'behind the answer': () => {
    let n = 0;
    return (from) => from !== 'server' || n++ === 0;
  },
};

for (const [step, rule] of Object.entries(steps)) {
  test(`the network breaks ${step}: polling goes on`, async () => {
    await broken(rule, async (socket) => {
      const { id } = socket;
      for (let i = 0; i < 20; i++) {
        await echoes(socket, i);
      }
      assert.equal(socket.id, id);
      assert.equal(socket.io.engine.transport.name, 'polling');
    });
  });
}

test('the network goes silent behind the probe: polling goes on', async () => {
  await broken(() => {
    let n = 0;
    // the handshake's answer passes, the probe's does not, nothing is closed
    return (from) => (from !== 'server' || n++ === 0 ? true : 'silent');
  }, async (socket) => {
    const { id } = socket;
    for (let i = 0; i < 20; i++) {
      await echoes(socket, i);
    }
    assert.equal(socket.id, id);
    assert.equal(socket.io.engine.transport.name, 'polling');
  });
});

test('the network breaks when the client has gone over: it comes back', async () => {
  let cut = true;
  await broken(() => {
    let n = 0;
    return (from) => {
      // handshake, probe, upgrade
      if (from === 'client' && ++n === 3 && cut) {
        cut = false;
        return false;
      }
      return true;
    };
  }, async (socket) => {
    const { id } = socket;
    await until(() => !cut, 'the cut');
    await until(() => socket.connected && socket.id !== id, 'a new session');
    await upgraded(socket);
    await echoes(socket, 'back again');
  });
});
