// A page that has the client by a script tag.

const page = new WebSocketClient({ token: 'x' });

page.on('heartbeat', (stats: WebSocketClient.Stats) => stats.unique_users);
