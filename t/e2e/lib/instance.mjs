// An instance of its own, for tests that stop it or go without the others.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  mkdtempSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './server.mjs';
import { freePort } from './port.mjs';

const dev = new URL('../../../dev', import.meta.url).pathname;

export class Instance {
  constructor(port) {
    this.port = port;
    this.url = `http://127.0.0.1:${port}`;
    this.runDir = mkdtempSync(join(tmpdir(), 'ws-own.'));
  }

  static async create() {
    const instance = new Instance(await freePort());
    await instance.start();
    return instance;
  }

  // Again on the same port and data, after stop().
  async start() {
    this.process = spawn(dev, ['run'], {
      env: { ...process.env, PORT: this.port, RUN_DIR: this.runDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });

    let output = '';
    await new Promise((resolve, reject) => {
      const read = (text) => {
        output += text;
        if (/^ready /m.test(output)) resolve();
      };
      this.process.stdout.on('data', read);
      this.process.stderr.on('data', read);
      this.process.once('exit', () => reject(new Error(output)));
    });
  }

  // Replaces text in nginx' configuration, and has it read.
  async configure(from, to) {
    const file = join(this.runDir, 'nginx.conf');
    const conf = readFileSync(file, 'utf8');

    assert.ok(conf.includes(from), `${from} is not in ${file}`);
    writeFileSync(file, conf.replace(from, () => to));

    const pid = Number(readFileSync(join(this.runDir, 'nginx.pid'), 'utf8'));
    const before = this.workers(pid);
    process.kill(pid, 'SIGHUP');
    await until(() => this.workers(pid).every((worker) => !before.includes(worker)),
      'the old workers have gone').catch((e) => {
      throw new Error(`${e.message}: ${readFileSync(
        join(this.runDir, 'logs/error.log'), 'utf8').slice(-500)}`);
    });
    await until(async () => /^websocket_redis_up 1$/m.test(await fetch(
      `${this.url}/metrics`).then((answer) => answer.text())), 'Redis is there');
  }

  workers(pid) {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
      .split(' ');
  }

  async stop() {
    this.process.kill('SIGTERM');
    if (this.process.exitCode === null) await once(this.process, 'exit');
  }

  async destroy() {
    await this.stop();
    rmSync(this.runDir, { recursive: true, force: true });
  }
}
