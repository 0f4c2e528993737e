// CommonJS, as TypeScript writes it.

import WebSocketClient = require('ngx-websocket-client');

const ws: WebSocketClient = new WebSocketClient({ token: 'x' });
const status: WebSocketClient.Status = 'online';

export const error = new WebSocketClient.WebSocketClientError('x');
export const done: Promise<unknown> = ws.updatePresence(status);
