import WebSocketClient from './websocket-client.js';

export declare const WebSocketClientError:
  typeof WebSocketClient.WebSocketClientError;
export { WebSocketClient };
export default WebSocketClient;
