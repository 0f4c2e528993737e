// The package, as npm would publish it: its files, its three ways in, types.

import test, { after, before } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch, open } from '../../t/e2e/lib/browser.mjs';
import { accounts } from '../../t/e2e/lib/server.mjs';

const name = 'ngx-websocket-client';
const source = new URL('..', import.meta.url).pathname;

let folder;
let packed;

// an application that has installed it
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ws-package.'));
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  [packed] = JSON.parse(execFileSync('npm',
    ['pack', '--json', '--pack-destination', folder],
    { cwd: source, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  execFileSync('tar', ['xzf', join(folder, packed.filename), '-C', modules]);
  cpSync(join(modules, 'package'), join(modules, name), { recursive: true });
});

after(() => rmSync(folder, { recursive: true }));

const run = (file, text) => {
  writeFileSync(join(folder, file), text);
  return execFileSync(process.execPath, [file],
    { cwd: folder, encoding: 'utf8' }).trim();
};

test('the package holds what it needs and no more', () => {
  assert.deepEqual(packed.files.map((file) => file.path).sort(), [
    'LICENSE', 'README.md', 'package.json', 'websocket-client.d.mts',
    'websocket-client.d.ts', 'websocket-client.js', 'websocket-client.mjs',
  ]);
  assert.equal(readFileSync(join(source, 'LICENSE'), 'utf8'),
    readFileSync(join(source, '../LICENSE'), 'utf8'));
});

test('it is required and imported', () => {
  const use = `
    console.log([typeof WebSocketClient, WebSocketClient.name,
      typeof WebSocketClientError, typeof globalThis.WebSocketClient].join());`;

  assert.equal(run('a.cjs', `const WebSocketClient = require('${name}');
    const { WebSocketClientError } = WebSocketClient;${use}`),
  'function,WebSocketClient,function,undefined');
  assert.equal(run('b.mjs', `import WebSocketClient, { WebSocketClientError }
    from '${name}';${use}`),
  'function,WebSocketClient,function,undefined');
  assert.equal(run('c.mjs', `import { WebSocketClient, WebSocketClientError }
    from '${name}';${use}`),
  'function,WebSocketClient,function,undefined');
});

test('its types are right', () => {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');

  cpSync(join(source, 'test/types'), folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {
      strict: true, noEmit: true, module: 'node16', target: 'es2022',
      lib: ['es2022', 'dom'], types: [name],
      typeRoots: [join(folder, 'node_modules')],
      // script.ts has it by a script tag
      allowUmdGlobalAccess: true,
    },
    include: ['*.ts', '*.cts'],
  }));
  try {
    execFileSync(process.execPath, [tsc, '-p', '.'],
      { cwd: folder, encoding: 'utf8' });
  } catch (error) {
    assert.fail(error.stdout);
  }
});

test('a browser has it as a script and as a module', async () => {
  const browser = await launch();
  const page = await open(await browser.newContext(), '/echo');
  const connect = (type) => page.evaluate(`new ${type}(
    { token: '${accounts.john.token}' }).connect().then((c) => c.user_id)`);

  await page.addScriptTag({ url: '/js/websocket-client.js' });
  assert.equal(await connect('WebSocketClient'), 1);

  await page.goto(page.url());
  await page.evaluate(`import('/js/websocket-client.mjs')
    .then((module) => { self.client = module; })`);
  assert.equal(await connect('client.default'), 1);
  assert.equal(await page.evaluate(
    'client.WebSocketClient === client.default'), true);
  assert.equal(await page.evaluate('typeof client.WebSocketClientError'),
    'function');
  await browser.close();
});
