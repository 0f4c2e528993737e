// What the types allow, and what they refuse.

import WebSocketClient, {
  WebSocketClient as Named, WebSocketClientError,
} from 'ngx-websocket-client';

const ws = new WebSocketClient({
  baseUrl: '/api/websocket', token: 'x', maxReconnectAttempts: Infinity,
  reconnectDelay: 3000, heartbeatInterval: 15000,
});
const same: Named = ws;

same.on('connected', ({ connection_id: id, user_id: user }) => {
  const line: string = `${id} ${user.toFixed()}`;
  return line;
})
  .once('disconnected', ({ reason, error }) => [reason, error?.status])
  .on('subscribed', ({ channel }) => channel.length)
  .on('heartbeat', (stats) => stats.active_connections.toFixed())
  .on('reconnecting', ({ attempt, delay }) => attempt + delay)
  .on('max-reconnect-attempts-reached', (error) => error.message)
  .on('error', (error) => error.errors?.status[0])
  .off('error');

export async function use(): Promise<string[]> {
  await ws.connect();
  await ws.subscribe('group.events.2');
  await ws.updatePresence('away', { device: 'mobile', lastMessage: 'Away' });
  const typing: WebSocketClient.Typing | null
    = await ws.recordTyping('conv_12345', true, 'group');
  const users = await ws.getOnlineUsers();
  const me = await ws.getPresence('me');
  await ws.unsubscribe('group.events.2');
  await ws.disconnect();
  return [typing?.conversation_id ?? '', me.display_status,
    ...users.map((user) => user.name),
    ...(await ws.getTypingUsers('x')).map((user) => user.user_name)];
}

export const isOurs = (error: unknown): boolean => (
  error instanceof WebSocketClientError && error.status === 0);

// @ts-expect-error: there is no such status
ws.updatePresence('asleep');

// @ts-expect-error: there is no such event
ws.on('conected', () => {});

// @ts-expect-error: there is no such option
new WebSocketClient({ url: '/' });
