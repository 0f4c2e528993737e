// The connection to the server: WebSocketClient for the REST calls, the stock
// Socket.IO client for what happens live. Hooks: state(), authenticated(),
// refused(message), people(list), event(name, data).

/* global io, WebSocketClient */

const ANSWER_TIMEOUT = 10000;
const AUTH_RETRY = 2000;
const PEOPLE_DELAY = 300;       // several changes at once are one request,
const PEOPLE_PAUSE = 3000;      // and one after another not one each
const PEOPLE_INTERVAL = 60000;  // "Away for 5m" grows older
const PEOPLE_POLLING = 10000;   // while the socket is away
const STATS_DELAY = 2000;       // they count the record, which comes behind

const events = [
  'message:direct', 'message:group', 'broadcast:message', 'message:delivered',
  'user:typing', 'user:presence', 'user:online', 'user:offline',
  'notification:received',
];

export class Talk {
  constructor(account, hooks) {
    this.account = account;
    this.hooks = hooks;
    this.ready = false;
    // connecting, online, retrying, stopped (by the server)
    this.state = 'connecting';
    this.stats = null;
    this.missing = new Set();
    this.peopleAsked = 0;

    this.openRest();
    this.openSocket();
    this.pollPeople();
  }

  get transport() {
    return this.socket.io.engine?.transport?.name;
  }

  openRest() {
    const ws = new WebSocketClient({
      baseUrl: '/api/websocket',
      token: this.account.token,
      maxReconnectAttempts: Infinity,
    });

    ws.on('connected', async () => {
      await this.refreshPeople();
      await this.optional('presence feed', () => ws.subscribe('presence'));
      this.hooks.connected();
      clearTimeout(this.statsTimer);
      this.statsTimer = setTimeout(() => this.refreshStats(), STATS_DELAY);
    });
    ws.on('heartbeat', (stats) => this.gotStats(stats));
    ws.on('disconnected', () => this.hooks.state());
    ws.on('error', (error) => {
      if (error.status === 401) this.refuse(error.message);
    });
    this.ws = ws;
  }

  openSocket() {
    const socket = io({
      transports: ['polling', 'websocket'],
      tryAllTransports: true,
    });

    socket.on('connect', () => this.authenticate());
    socket.on('disconnect', () => {
      this.ready = false;
      this.setState(socket.active ? 'retrying' : 'stopped');
    });
    socket.on('connect_error', () => {
      this.setState(socket.active ? 'retrying' : 'stopped');
    });
    socket.on('auth:error', (error) => this.refuse(error.message));
    socket.io.on('open', () => {
      socket.io.engine.on('upgrade', () => this.hooks.state());
    });
    for (const name of events) {
      socket.on(name, (data) => {
        if (name.startsWith('user:o') || name === 'user:presence') {
          this.peopleChanged();
        }
        this.hooks.event(name, data);
      });
    }
    this.socket = socket;
  }

  authenticate() {
    const { account, socket, ws } = this;

    // no promise: what comes with the answer is heard by who is logged in
    socket.timeout(ANSWER_TIMEOUT).emit('auth', {
      token: account.token,
      userId: account.id,
      clubId: account.tenant,
      connectionId: ws.connectionId,
    }, (error, answer) => this.gotAuthenticated(error ? null : answer));
  }

  gotAuthenticated(answer) {
    const { socket } = this;

    if (this.closed || !socket.connected) return;

    if (answer?.status === 'ok') {
      this.ready = true;
      this.setState('online');
      this.hooks.authenticated();

    } else if (!answer || answer.code === 'unavailable') {
      setTimeout(() => socket.connected && this.authenticate(), AUTH_RETRY);

    } else {
      this.refuse(answer.message);
    }
  }

  // The server's answer to an event, null if there is none.
  ask(event, data) {
    return new Promise((resolve) => {
      this.socket.timeout(ANSWER_TIMEOUT).emit(event, data,
        (error, answer) => resolve(error ? null : answer));
    });
  }

  // For what the next one replaces anyway.
  tell(event, data) {
    if (this.ready) this.socket.emit(event, data);
  }

  // right now: a client that waits to reconnect does not hear connect()
  retry() {
    if (!this.socket.connected) {
      this.setState('connecting');
      this.socket.disconnect().connect();
    }
    this.ws.connect().catch(() => {});
  }

  async refreshStats() {
    const stats = await this.optional('statistics', () => this.ws.getStats());
    if (!this.closed) this.gotStats(stats);
  }

  gotStats(stats) {
    this.stats = stats;
    this.hooks.state();
  }

  // Everybody hears of a change: not all shall ask in the same moment.
  peopleChanged() {
    if (this.peopleTimer) return;

    const pause = PEOPLE_PAUSE * (1 + Math.random());
    const delay = Math.max(PEOPLE_DELAY,
      this.peopleAsked + pause - Date.now());
    this.peopleTimer = setTimeout(() => this.refreshPeople(), delay);
  }

  async refreshPeople() {
    clearTimeout(this.peopleTimer);
    this.peopleTimer = null;
    this.peopleAsked = Date.now();
    const people = await this.optional('list of who is online',
      () => this.ws.getOnlineUsers());
    if (people && !this.closed) this.hooks.people(people);
  }

  async pollPeople() {
    while (!this.closed) {
      await new Promise((done) => {
        this.pollTimer = setTimeout(done,
          this.ready ? PEOPLE_INTERVAL : PEOPLE_POLLING);
      });
      if (this.ws.connected && !document.hidden) await this.refreshPeople();
    }
  }

  setPresence(status, options) {
    return this.optional('presence',
      () => this.ws.updatePresence(status, options));
  }

  // A call that the page can do without: what the server doesn't have is
  // said once, what fails for now is tried again by whoever called.
  async optional(what, call) {
    try {
      const answer = await call();
      if (this.missing.delete(what)) this.hooks.state();
      return answer;
    } catch (error) {
      if (error.status === 404 && !this.missing.has(what)) {
        this.missing.add(what);
        this.hooks.state();
      }
      return undefined;
    }
  }

  setState(state) {
    this.state = state;
    this.hooks.state();
    if (state === 'online') this.ws.connect().catch(() => {});
  }

  refuse(message) {
    if (!this.closed) this.hooks.refused(message);
  }

  close() {
    this.closed = true;
    this.ready = false;
    clearTimeout(this.peopleTimer);
    clearTimeout(this.pollTimer);
    clearTimeout(this.statsTimer);
    this.ws.disconnect();
    this.socket.close();
  }
}
