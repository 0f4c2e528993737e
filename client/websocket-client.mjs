// The same client as a module: Node.js and bundlers give the exports of the
// script as the default, a browser that loads it gets its global.

import * as script from './websocket-client.js';

const WebSocketClient = script.default ?? globalThis.WebSocketClient;

export const { WebSocketClientError } = WebSocketClient;
export { WebSocketClient };
export default WebSocketClient;
