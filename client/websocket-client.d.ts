declare class WebSocketClient {
  /** Connects by itself; `connected` follows, never before this returns. */
  constructor(options?: WebSocketClient.Options);

  readonly baseUrl: string;
  token: string;
  maxReconnectAttempts: number;
  reconnectDelay: number;
  heartbeatInterval: number;

  /** There from the start: the `auth` event of Socket.IO takes it. */
  connectionId: string;
  readonly sessionId: string;
  readonly connected: boolean;

  on<E extends keyof WebSocketClient.Events>(event: E,
    listener: (...args: WebSocketClient.Events[E]) => void): this;
  once<E extends keyof WebSocketClient.Events>(event: E,
    listener: (...args: WebSocketClient.Events[E]) => void): this;

  /** Without a listener: all of the event. */
  off<E extends keyof WebSocketClient.Events>(event: E,
    listener?: (...args: WebSocketClient.Events[E]) => void): this;

  /**
   * Connects again: after `disconnect()`, when all attempts have failed, or
   * right now instead of after a pause.
   */
  connect(): Promise<WebSocketClient.Connection>;

  /** Outlives the page; never fails. */
  disconnect(): Promise<void>;

  /** Waits for the connection, and comes back with it after a loss. */
  subscribe(channel: string): Promise<WebSocketClient.Subscription>;
  unsubscribe(channel: string): Promise<WebSocketClient.Subscription>;

  getOnlineUsers(): Promise<WebSocketClient.OnlineUser[]>;
  getPresence(userId: number | string): Promise<WebSocketClient.Presence>;
  getTypingUsers(conversationId: string):
    Promise<WebSocketClient.TypingUser[]>;
  getStats(): Promise<WebSocketClient.Stats>;

  /** `offline` outlives the page. */
  updatePresence(status: WebSocketClient.Status,
    options?: WebSocketClient.PresenceOptions):
    Promise<WebSocketClient.PresenceUpdate>;

  /** null: the server's limit held it back until it was no news any more. */
  recordTyping(conversationId: string, isTyping?: boolean,
    conversationType?: WebSocketClient.ConversationType):
    Promise<WebSocketClient.Typing | null>;
}

declare namespace WebSocketClient {
  export { WebSocketClient };

  export class WebSocketClientError extends Error {
    /** The HTTP status; 0 where there was no answer. */
    readonly status: number;
    readonly errors?: Record<string, string[]>;
    /** Milliseconds. */
    readonly retryAfter?: number;
  }

  export interface Options {
    /** Default `/api/websocket`. */
    baseUrl?: string;
    /** Default: the page's `<meta name="api-token">`. */
    token?: string;
    /** Default 5; `Infinity` never gives up. */
    maxReconnectAttempts?: number;
    /** Milliseconds before the first attempt, doubled for each; 3000. */
    reconnectDelay?: number;
    /** Milliseconds; 30000. */
    heartbeatInterval?: number;
  }

  export interface Events {
    connected: [connection: Connection];
    disconnected: [how: Disconnected];
    subscribed: [subscription: Subscription];
    unsubscribed: [subscription: Subscription];
    heartbeat: [stats: Stats];
    reconnecting: [attempt: { attempt: number; delay: number }];
    'max-reconnect-attempts-reached': [error: WebSocketClientError];
    error: [error: WebSocketClientError];
  }

  export type Status = 'online' | 'away' | 'busy' | 'offline';
  export type Device = 'mobile' | 'desktop' | 'tablet' | 'web';
  export type ConversationType = 'direct' | 'group' | 'broadcast';

  export interface Connection {
    connection_id: string;
    status: string;
    user_id: number;
    connected_at: string;
  }

  export interface Disconnected {
    reason: 'client' | 'network' | 'unauthenticated';
    error?: WebSocketClientError;
  }

  export interface Subscription {
    message: string;
    channel: string;
  }

  export interface OnlineUser {
    user_id: number;
    name: string;
    user_name: string;
    status: Status;
    device: Device | null;
    display_status: string;
  }

  export interface Presence {
    user_id: number;
    status: Status;
    device: Device | null;
    display_status: string;
    last_seen_at: string | null;
  }

  export interface PresenceOptions {
    /** Default: what the browser says it runs on. */
    device?: Device;
    lastMessage?: string;
  }

  export interface PresenceUpdate {
    status: Status;
    device: Device | null;
    updated_at: string;
  }

  export interface Typing {
    conversation_id: string;
    is_typing: boolean;
    expires_at: string | null;
  }

  export interface TypingUser {
    user_id: number;
    user_name: string;
    name: string;
    started_at: string;
  }

  export interface Stats {
    total_connections: number;
    active_connections: number;
    unique_users: number;
    pending_events: number;
    failed_events: number;
  }
}

export = WebSocketClient;
export as namespace WebSocketClient;
