// WebSocketClient: the REST side of ngx_http_websocket_module for browsers
// and Node.js. A classic script defines the global WebSocketClient, CommonJS
// requires this very file, websocket-client.mjs makes it a module.

(function define(root) {
  'use strict';

  const REQUEST_TIMEOUT = 10000;    // ms for one answer, or for a connection
  const MAX_RECONNECT_DELAY = 30000;
  const MAX_THROTTLE_WAIT = 60000;  // what is throttled longer is refused
  const MAX_TRIES = 3;              // of one call that is throttled
  const MAX_WAITING = 100;          // calls, and conversations typed in
  const STALE_TYPING = 10000;       // ms after which "is typing" is no news
  const STALE_CONNECTION = 60000;   // ms of silence: the server may forget us
  const MAX_TIMER = 2 ** 31 - 1;    // a longer one would fire at once

  class WebSocketClientError extends Error {
    constructor(message, status = 0, details = {}) {
      super(message);
      this.name = 'WebSocketClientError';
      this.status = status;
      Object.assign(this, details);
    }
  }

  class WebSocketClient {
    // idle, connecting, connected, waiting (to connect again), closed
    #state = 'idle';

    // what the server said of the connection
    #connection = null;

    #attempts = 0;

    #lastAnswer = 0;

    #listeners = new Map();

    #channels = new Set();

    // calls that wait for the connection
    #waiting = new Set();

    // one per conversation typed in, and one for presence
    #lanes = new Map();

    // the last call under way of each channel
    #turns = new Map();

    // when throttled calls may go again: typing and presence share a limit
    #pauses = { throttled: 0, other: 0 };

    #reconnectTimer = null;

    #heartbeatTimer = null;

    #wakers = new Set();

    #online = () => this.#connectNow();

    constructor(options = {}) {
      this.baseUrl = String(options.baseUrl ?? '/api/websocket')
        .replace(/\/+$/, '');
      this.token = options.token ?? tokenOfPage();
      this.maxReconnectAttempts = options.maxReconnectAttempts ?? 5;
      this.reconnectDelay = duration(options.reconnectDelay, 3000);
      this.heartbeatInterval = duration(options.heartbeatInterval, 30000);

      this.connectionId = makeId('conn');
      this.sessionId = makeId('session');

      // whoever made us attaches listeners first
      this.connect().catch(() => {});
    }

    get connected() {
      return this.#state === 'connected';
    }

    on(event, listener) {
      const list = this.#listeners.get(event) ?? [];
      this.#listeners.set(event, [...list, { listener, once: false }]);
      return this;
    }

    once(event, listener) {
      const list = this.#listeners.get(event) ?? [];
      this.#listeners.set(event, [...list, { listener, once: true }]);
      return this;
    }

    off(event, listener) {
      const list = this.#listeners.get(event) ?? [];
      this.#listeners.set(event, listener === undefined
        ? []
        : list.filter((entry) => entry.listener !== listener));
      return this;
    }

    // Connects again: after disconnect(), when all attempts have failed, or
    // right now instead of after a pause.
    connect() {
      if (this.#state === 'waiting') this.#connectNow();
      if (this.#state === 'idle' || this.#state === 'closed') {
        this.#state = 'connecting';
        this.#attempts = 0;
        root.addEventListener?.('online', this.#online);
        Promise.resolve().then(() => this.#register());
      }
      return this.#whenConnected();
    }

    async disconnect() {
      const registered = this.#state !== 'idle' && this.#state !== 'closed';

      this.#close('client');
      if (!registered) return;

      try {
        await this.#fetch('POST', '/disconnect',
          { connection_id: this.connectionId }, true);
      } catch {
        // the server notices by itself that we have left
      }
    }

    async subscribe(channel) {
      return this.#inTurn(channel, async () => {
        const answer = await this.#channelCall('/subscribe', channel);
        this.#channels.add(channel);
        this.#emit('subscribed', answer);
        return answer;
      });
    }

    async unsubscribe(channel) {
      return this.#inTurn(channel, async () => {
        this.#channels.delete(channel);
        const answer = await this.#channelCall('/unsubscribe', channel);
        this.#emit('unsubscribed', answer);
        return answer;
      });
    }

    async getOnlineUsers() {
      return (await this.#call('GET', '/online-users')).data;
    }

    async getPresence(userId) {
      return (await this.#call('GET',
        `/presence/${encodeURIComponent(userId)}`)).data;
    }

    async getTypingUsers(conversationId) {
      return (await this.#call('GET',
        `/typing/${encodeURIComponent(conversationId)}`)).data;
    }

    async getStats() {
      return (await this.#call('GET', '/stats')).data;
    }

    // While throttled only the latest status waits.
    async updatePresence(status, options = {}) {
      const body = {
        connection_id: this.connectionId,
        status,
        device: options.device ?? deviceType(),
        last_message: options.lastMessage ?? options.last_message,
      };

      return status === 'offline'
        ? this.#atOnce('presence', '/presence/update', body)
        : this.#latest('presence', '/presence/update', body);
    }

    // While throttled only the latest state of a conversation waits. null: it
    // waited for so long that nobody needs to know any more.
    async recordTyping(conversationId, isTyping = true,
      conversationType = 'direct') {
      return this.#latest(`typing ${conversationId}`, '/typing', {
        conversation_id: conversationId,
        conversation_type: conversationType,
        is_typing: Boolean(isTyping),
      });
    }

    #emit(event, ...args) {
      const list = this.#listeners.get(event) ?? [];

      for (const entry of list) {
        if (entry.once) {
          this.#listeners.set(event,
            this.#listeners.get(event).filter((other) => other !== entry));
        }
        try {
          entry.listener.apply(this, args);
        } catch (error) {
          // theirs, not ours: it shows up in the console
          setTimeout(() => { throw error; });
        }
      }
    }

    // The connection.

    async #register() {
      if (this.#state !== 'connecting') return;

      const body = {
        connection_id: this.connectionId,
        session_id: this.sessionId,
        browser: browserName(),
        device_type: deviceType(),
      };

      let answer;
      try {
        answer = await this.#fetch('POST', '/connect', body);
      } catch (error) {
        if (this.#state === 'connecting') this.#connectFailed(error);
        return;
      }

      if (this.#state !== 'connecting') return;

      this.#state = 'connected';
      this.#connection = answer.data;
      this.#attempts = 0;
      this.#settleWaiting((call) => call.resolve(answer.data));
      this.#scheduleHeartbeat(this.heartbeatInterval);
      this.#emit('connected', answer.data);
      this.#resubscribe();
    }

    #connectFailed(error) {
      if (error.status === 422 && error.errors?.connection_id) {
        // somebody else has it, maybe we with another token
        this.connectionId = makeId('conn');
      }

      this.#emit('error', error);
      if (error.status === 401) {
        this.#close('unauthenticated', error);
      } else {
        this.#reconnect(error);
      }
    }

    async #resubscribe() {
      for (const channel of [...this.#channels]) {
        if (!this.connected) return;
        if (!this.#channels.has(channel)) continue;
        try {
          await this.subscribe(channel);
        } catch (error) {
          this.#emit('error', error);
        }
      }
    }

    // The server doesn't answer, or not as it should.
    #lost(error) {
      if (this.#state !== 'connected') return;

      clearTimeout(this.#heartbeatTimer);
      this.#state = 'waiting';
      this.#emit('disconnected', { reason: 'network', error });
      if (this.#state === 'waiting') this.#reconnect(error);
    }

    #reconnect(error) {
      if (this.#attempts >= this.maxReconnectAttempts) {
        this.#close('network', error);
        this.#emit('max-reconnect-attempts-reached', error);
        return;
      }

      const backoff = Math.min(this.reconnectDelay * 2 ** this.#attempts,
        Math.max(MAX_RECONNECT_DELAY, this.reconnectDelay));
      const delay = Math.min(MAX_TIMER, (error.retryAfter ?? 0)
        + backoff * (0.5 + Math.random() / 2));

      this.#attempts += 1;
      this.#state = 'waiting';
      this.#reconnectTimer = setTimeout(() => this.#connectNow(), delay);
      this.#emit('reconnecting', { attempt: this.#attempts, delay });
    }

    #connectNow() {
      if (this.#state !== 'waiting') return;

      clearTimeout(this.#reconnectTimer);
      this.#state = 'connecting';
      this.#register();
    }

    #close(reason, error) {
      const was = this.#state;

      clearTimeout(this.#heartbeatTimer);
      clearTimeout(this.#reconnectTimer);
      root.removeEventListener?.('online', this.#online);
      this.#state = 'closed';
      this.#pauses = { throttled: 0, other: 0 };
      for (const wake of [...this.#wakers]) wake();
      this.#settleWaiting((call) => call.reject(error ?? notConnected()));

      if (was === 'connected') this.#emit('disconnected', { reason, error });
    }

    #scheduleHeartbeat(delay) {
      clearTimeout(this.#heartbeatTimer);
      this.#heartbeatTimer = setTimeout(() => this.#heartbeat(), delay);
    }

    async #heartbeat() {
      if (Date.now() - this.#lastAnswer > STALE_CONNECTION
                                        + this.heartbeatInterval) {
        // the machine slept
        this.#lost(new WebSocketClientError('The connection was asleep'));
        this.#connectNow();
        return;
      }

      let wait = this.heartbeatInterval;
      try {
        const stats = (await this.#fetch('GET', '/stats')).data;
        if (this.connected) this.#emit('heartbeat', stats);
      } catch (error) {
        if (error.status >= 500) this.#lost(error);
        wait = Math.max(wait, error.retryAfter ?? 0);
      }
      if (this.connected) this.#scheduleHeartbeat(wait);
    }

    // Calls.

    #whenConnected() {
      if (this.#state === 'connected') return Promise.resolve(this.#connection);

      if (this.#state === 'closed' || this.#waiting.size >= MAX_WAITING) {
        return Promise.reject(notConnected());
      }

      return new Promise((resolve, reject) => {
        const call = {};
        const timer = setTimeout(() => call.reject(notConnected()),
          REQUEST_TIMEOUT);
        const end = (settle) => (value) => {
          clearTimeout(timer);
          this.#waiting.delete(call);
          settle(value);
        };
        call.resolve = end(resolve);
        call.reject = end(reject);
        this.#waiting.add(call);
      });
    }

    #settleWaiting(settle) {
      for (const call of [...this.#waiting]) settle(call);
    }

    async #call(method, path, body) {
      for (let tries = 1; ; tries += 1) {
        await this.#pause('other');
        await this.#whenConnected();
        try {
          return await this.#fetch(method, path, body);
        } catch (error) {
          if (!this.#throttle('other', error) || tries === MAX_TRIES) {
            throw error;
          }
        }
      }
    }

    async #channelCall(path, channel) {
      const call = () => this.#call('POST', path,
        { connection_id: this.connectionId, channel });

      try {
        return await call();
      } catch (error) {
        if (error.status !== 404 || !this.connected) throw error;
        // it may have forgotten the connection
        await this.#fetch('POST', '/connect',
          { connection_id: this.connectionId, session_id: this.sessionId });
        return call();
      }
    }

    // What is asked of one channel goes in order.
    #inTurn(channel, call) {
      const before = this.#turns.get(channel) ?? Promise.resolve();
      const turn = before.catch(() => {}).then(call);
      const end = () => {
        if (this.#turns.get(channel) === turn) this.#turns.delete(channel);
      };

      this.#turns.set(channel, turn);
      turn.then(end, end);
      return turn;
    }

    // One call of a key is under way at a time, so that they arrive in order;
    // of those that wait only the latest is made.
    #latest(key, path, body) {
      const lane = this.#lanes.get(key)
        ?? { next: null, current: null, running: false };

      if (!this.#lanes.has(key)) {
        if (this.#lanes.size >= MAX_WAITING) {
          return Promise.reject(
            new WebSocketClientError('Too many calls are waiting', 429));
        }
        this.#lanes.set(key, lane);
      }

      lane.next ??= deferred();
      lane.next.body = body;
      lane.next.since = Date.now();

      const { promise } = lane.next;
      if (!lane.running) this.#drain(key, path, lane);
      return promise;
    }

    async #drain(key, path, lane) {
      lane.running = true;

      while (lane.next) {
        let job = lane.next;
        try {
          await this.#pause('throttled');
          await this.#whenConnected();
          if (!lane.next) break;
          job = lane.next;
          lane.current = job;
          lane.next = null;
          job.resolve(isStale(job) ? null
            : (await this.#fetch('POST', path, job.body)).data);
        } catch (error) {
          if (lane.next === job) lane.next = null;
          this.#retryLatest(lane, job, error);
        }
        lane.current = null;
      }

      lane.running = false;
      this.#lanes.delete(key);
    }

    #retryLatest(lane, job, error) {
      if (job.overtaken) {
        job.overtaken.then(job.resolve, job.reject);

      } else if (!this.#throttle('throttled', error) || job.tries === MAX_TRIES) {
        job.reject(error);

      } else if (lane.next) {
        lane.next.promise.then(job.resolve, job.reject);

      } else {
        job.tries += 1;
        lane.next = job;
      }
    }

    // The page may be leaving: now or never. It overtakes what waits, and what
    // is under way isn't tried again; only the server's limit holds it up.
    #atOnce(key, path, body) {
      const lane = this.#lanes.get(key);
      const call = this.#fetch('POST', path, body, true).then(
        (answer) => answer.data,
        (error) => {
          if (!this.#throttle('throttled', error)) throw error;
          return this.#lanes.get(key)?.next?.promise
            ?? this.#latest(key, path, body);
        });

      if (lane?.current) lane.current.overtaken = call;
      if (lane?.next) {
        call.then(lane.next.resolve, lane.next.reject);
        lane.next = null;
      }
      return call;
    }

    // Whether it is worth waiting for the server's limit.
    #throttle(bucket, error) {
      if (error.status !== 429 || this.#state === 'closed') return false;

      const wait = error.retryAfter ?? 1000;
      this.#pauses[bucket] = Math.max(this.#pauses[bucket], Date.now() + wait);
      return wait <= MAX_THROTTLE_WAIT;
    }

    async #pause(bucket) {
      const wait = this.#pauses[bucket] - Date.now();

      if (wait > MAX_THROTTLE_WAIT) {
        throw new WebSocketClientError('Too Many Attempts.', 429,
          { retryAfter: wait });
      }
      if (wait <= 0) return;

      await new Promise((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#wakers.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, wait);
        this.#wakers.add(wake);
      });
    }

    async #fetch(method, path, body, keepalive = false) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), REQUEST_TIMEOUT);
      const headers = {
        Accept: 'application/json',
        Authorization: `Bearer ${this.token}`,
        'X-Connection-Id': this.connectionId,
      };

      if (body) headers['Content-Type'] = 'application/json';

      try {
        const response = await fetch(this.baseUrl + path, {
          method,
          headers,
          body: body && JSON.stringify(body),
          cache: 'no-store',
          keepalive,
          signal: abort.signal,
        });
        const text = await response.text();
        this.#lastAnswer = Date.now();
        return answerOf(response, text);
      } catch (cause) {
        const error = cause instanceof WebSocketClientError ? cause
          : new WebSocketClientError('The server is out of reach', 0,
            { cause });
        if (error.status === 0) this.#lost(error);
        if (error.status === 401 && this.connected) {
          this.#close('unauthenticated', error);
          this.#emit('error', error);
        }
        throw error;
      } finally {
        clearTimeout(timer);
      }
    }
  }

  function answerOf(response, text) {
    let json = null;
    try {
      json = JSON.parse(text);
    } catch {
      // a proxy's page, or nothing
    }

    if (response.ok && json !== null) return json;

    const status = response.ok ? 502 : response.status;
    throw new WebSocketClientError(
      json?.message ?? `The server answered ${response.status}`, status,
      { errors: json?.errors, retryAfter: retryAfter(response.headers) });
  }

  // in ms
  function retryAfter(headers) {
    const value = headers.get('Retry-After');
    if (value === null) return undefined;

    const wait = /^\d+$/.test(value) ? value * 1000
      : Date.parse(value) - Date.now();
    return Number.isNaN(wait) ? undefined
      : Math.min(Math.max(wait, 0), MAX_TIMER);
  }

  // ms; nothing that would ask the server without a pause
  function duration(value, usual) {
    return value > 0 ? Math.min(value, MAX_TIMER) : usual;
  }

  function isStale(job) {
    return job.body.is_typing && Date.now() - job.since > STALE_TYPING;
  }

  function notConnected() {
    return new WebSocketClientError('Not connected');
  }

  function deferred() {
    const job = { tries: 1 };
    job.promise = new Promise((resolve, reject) => {
      Object.assign(job, { resolve, reject });
    });
    return job;
  }

  function makeId(prefix) {
    const bytes = root.crypto?.getRandomValues?.(new Uint8Array(12))
      ?? Array.from({ length: 12 }, () => Math.floor(Math.random() * 256));
    const random = Array.from(bytes, (b) => b.toString(16).padStart(2, '0'));
    return `${prefix}_${Date.now()}_${random.join('')}`;
  }

  function tokenOfPage() {
    return root.document?.querySelector('meta[name="api-token"]')?.content
      ?? '';
  }

  function browserName() {
    const agent = root.navigator?.userAgent ?? '';
    if (/Edg/.test(agent)) return 'Edge';
    if (/OPR\//.test(agent)) return 'Opera';
    if (/Firefox|FxiOS/.test(agent)) return 'Firefox';
    if (/Chrome|Chromium|CriOS/.test(agent)) return 'Chrome';
    if (/Safari/.test(agent)) return 'Safari';
    return undefined;
  }

  function deviceType() {
    const agent = root.navigator?.userAgent ?? '';
    if (/iPad|Tablet|Android(?!.*Mobile)/.test(agent)) return 'tablet';
    if (/Mobi|iPhone|iPod/.test(agent)) return 'mobile';
    return 'desktop';
  }

  WebSocketClient.WebSocketClient = WebSocketClient;
  WebSocketClient.WebSocketClientError = WebSocketClientError;

  if (typeof module === 'object' && module.exports) {
    module.exports = WebSocketClient;
  } else {
    root.WebSocketClient = WebSocketClient;
  }
}(typeof globalThis === 'object' ? globalThis : self));
