// Further instances of nginx beside the one of ./dev, with its module, Redis
// and MariaDB, a configuration of their own and as many workers as one likes.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { freePort } from './port.mjs';
import { runDir, until } from './server.mjs';

const conf = readFileSync(join(runDir, 'nginx.conf'), 'utf8');

function line(directive) {
  return new RegExp(`^ *${directive} .*;$`, 'm').exec(conf)[0].trim();
}

export class Nginx {
  // locations: the server block; http: more of the http block
  static async start(options) {
    const nginx = new Nginx();
    nginx.dir = mkdtempSync(join(tmpdir(), 'ws-nginx-'));
    mkdirSync(join(nginx.dir, 'logs'));
    nginx.port = await freePort();
    nginx.url = `http://127.0.0.1:${nginx.port}`;
    nginx.options = { workers: 2, http: '', locations: '', ...options };
    nginx.configure();

    const pid = readFileSync(join(runDir, 'nginx.pid'), 'utf8').trim();
    nginx.child = spawn(realpathSync(`/proc/${pid}/exe`),
      ['-p', `${nginx.dir}/`, '-c', 'nginx.conf', '-e', 'logs/error.log'],
      { stdio: 'inherit' });
    await until(() => nginx.workers().length === nginx.options.workers,
      'the workers of nginx');
    await nginx.hasRedis();
    return nginx;
  }

  configure(options = {}) {
    this.options = { ...this.options, ...options };
    const { workers, http, locations } = this.options;
    const user = process.getuid() === 0 ? 'user root;' : '';
    const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((x) => `${x}_temp_path tmp_${x};`).join('\n');
    writeFileSync(join(this.dir, 'nginx.conf'), `
      ${user}
      daemon off;
      worker_processes ${workers};
      pid nginx.pid;
      error_log logs/error.log info;
      ${line('load_module')}
      ${line('thread_pool')}
      events { worker_connections 4096; }
      http {
        access_log off;
        ${temp}
        ${line('websocket_redis')}
        ${line('websocket_mysql')}
        ${http}
        server {
          listen 127.0.0.1:${this.port} reuseport;
          ${locations}
          location = /metrics { websocket_status prometheus; }
        }
      }`);
  }

  // Pids of the workers that are not on their way out.
  workers() {
    const { pid } = this.child;
    let out;
    try {
      out = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    } catch {
      return [];
    }
    return out.split(' ').filter(Boolean).map(Number).filter((p) => {
      try {
        const title = readFileSync(`/proc/${p}/cmdline`, 'utf8');
        return /^nginx: worker process/.test(title) && !/shutting/.test(title);
      } catch {
        return false;
      }
    });
  }

  async reload() {
    const before = this.workers();
    this.child.kill('SIGHUP');
    await until(() => this.workers().filter((p) => !before.includes(p)).length
      === this.options.workers, 'new workers');
    await this.hasRedis();
    return before;
  }

  // A worker that has just begun refuses what it cannot pass on yet.
  hasRedis() {
    return until(() => this.metric('redis_up').catch(() => 0), 'Redis is there');
  }

  async metric(name) {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Number(new RegExp(`^websocket_${name} (\\d+)$`, 'm').exec(text)[1]);
  }

  log() {
    return readFileSync(join(this.dir, 'logs/error.log'), 'utf8');
  }

  // Master and workers at once, as when their machine dies.
  async kill() {
    const exit = once(this.child, 'exit');
    const workers = this.workers();
    this.child.kill('SIGKILL');
    workers.forEach((pid) => process.kill(pid, 'SIGKILL'));
    await exit;
  }

  // Ends it; the log must not hold anything worse than errors.
  async stop(signal = 'SIGQUIT') {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill(signal);
      await exit;
    }
    const bad = this.log().split('\n').filter(
      (x) => /\[(alert|emerg|crit)\]|Sanitizer|runtime error:/.test(x)
        && !/exited on signal 9|^src\/.*runtime error:/.test(x),
    );
    rmSync(this.dir, { recursive: true });
    assert.deepEqual(bad, []);
  }
}

// For http {}: a tenant of its own, any user of which has the token u{user}.
export const users = (tenant) => `
  websocket_auth_query "SELECT ${tenant} AS tenant_id,
    SUBSTRING(:token, 2) AS user_id, :token AS name FROM DUAL
    WHERE :token REGEXP '^u[0-9]+$'";
  websocket_user_query "SELECT CONCAT('u', :user_id) AS name FROM DUAL
    WHERE :tenant_id = ${tenant}";`;

export const echo = `
  keepalive_timeout 0;
  websocket_ping_interval 1s;
  location /socket.io/ { websocket_socketio on; websocket_echo on; }
  location /engine.io/ { websocket_socketio on; websocket_echo engineio; }
`;

// A TCP proxy. Of each connection the first bytes of the client decide:
// pass(head) gives true, or a function (from) that is called with "client" or
// "server" when these send something, and gives true to let it pass, false to
// cut the wire, or anything else to lose it.
export class Proxy {
  static async start(port, pass = () => true) {
    const proxy = new Proxy();
    proxy.pass = pass;
    proxy.sockets = new Set();
    proxy.server = net.createServer((client) => proxy.serve(client, port));
    proxy.server.listen(0, '127.0.0.1');
    await once(proxy.server, 'listening');
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  serve(client, port) {
    const server = net.connect(port, '127.0.0.1');
    const cut = () => { client.destroy(); server.destroy(); };
    let rule;

    for (const socket of [client, server]) {
      this.sockets.add(socket);
      socket.on('error', cut);
      socket.on('close', () => { this.sockets.delete(socket); cut(); });
    }

    const move = (from, data, to) => {
      const verdict = rule === true || rule(from);
      if (verdict === true) to.write(data);
      else if (verdict === false) cut();
    };

    client.on('data', (data) => {
      rule ??= this.pass(data.toString('latin1'));
      move('client', data, server);
    });
    server.on('data', (data) => move('server', data, client));
    client.on('end', () => server.end());
    server.on('end', () => client.end());
  }

  stop() {
    this.sockets.forEach((s) => s.destroy());
    this.server.close();
  }
}
