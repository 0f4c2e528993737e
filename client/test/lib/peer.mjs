// A server that answers as the test wants, and notes what it was asked.

import http from 'node:http';
import { once } from 'node:events';

const connection = (request) => ({
  connection_id: request.body.connection_id, status: 'connected', user_id: 1,
  connected_at: '2025-10-24T10:00:00Z',
});

// what a healthy server says
const healthy = {
  'POST /connect': (request) => ({ status: 201, data: connection(request) }),
  'POST /disconnect': () => ({ json: { message: 'Disconnected successfully' } }),
  'POST /subscribe': ({ body }) => (
    { json: { message: 'Subscribed to channel', channel: body.channel } }),
  'POST /unsubscribe': ({ body }) => (
    { json: { message: 'Unsubscribed from channel', channel: body.channel } }),
  'GET /online-users': () => (
    { json: { data: [{ user_id: 1, name: 'John Doe' }], total: 1 } }),
  'GET /stats': () => ({ data: { active_connections: 4 } }),
  'POST /presence/update': ({ body }) => ({ data: { status: body.status } }),
  'POST /typing': ({ body }) => ({ data: { is_typing: body.is_typing } }),
};

export class Peer {
  constructor() {
    this.requests = [];
    this.answers = { ...healthy };
    this.server = http.createServer((req, res) => this.handle(req, res));
  }

  async start(port = 0) {
    this.server.listen(port, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = this.server.address().port;
    this.baseUrl = `http://127.0.0.1:${this.port}/api/websocket`;
    return this;
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  async handle(req, res) {
    let text = '';
    for await (const chunk of req) text += chunk;

    const request = {
      method: req.method,
      path: req.url.replace('/api/websocket', ''),
      headers: req.headers,
      body: text && JSON.parse(text),
      at: Date.now(),
    };
    this.requests.push(request);

    const answer = this.answers[`${request.method} ${request.path}`]
      ?? (() => ({ status: 404, json: { message: 'Not Found' } }));
    const { status = 200, json, data, headers = {} } = await answer(request);
    res.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    res.end(JSON.stringify(json ?? { data }));
  }

  // what was asked of one route
  asked(path) {
    return this.requests.filter((request) => request.path === path);
  }
}

// An answer of the throttle for the first calls, then a healthy one.
export function throttled(route, calls, seconds = 1) {
  let left = calls;
  return (request) => {
    left -= 1;
    return left < 0 ? healthy[route](request) : {
      status: 429, json: { message: 'Too Many Attempts.' },
      headers: { 'Retry-After': seconds },
    };
  };
}
