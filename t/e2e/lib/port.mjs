// Ports to listen at.

import net from 'node:net';
import { once } from 'node:events';

// Below those that the system gives to connections, which could take one
// before its server is up, and apart from those of other processes: two
// servers with "reuseport" would share one without a word.
const FIRST = 16384;
const LAST = 32767;
const EACH = 32;
const share = process.pid % ((LAST + 1 - FIRST) / EACH);

let used = 0;

export async function freePort() {
  for (;;) {
    const port = FIRST + share * EACH + (used % EACH);
    used += 1;
    const server = net.createServer().listen(port, '127.0.0.1');
    if (await once(server, 'listening').then(() => true, () => false)) {
      server.close();
      await once(server, 'close');
      return port;
    }
  }
}
