// Sends what was written: in order, again after the connection came back,
// and never twice, by the clientMessageId.

const RETRY = 2000;
const MAX_TRIES = 5;

export class Outbox {
  constructor(store, talk, hooks) {
    this.store = store;
    this.talk = talk;
    this.hooks = hooks;
    this.running = false;
  }

  post(conversation, text) {
    const message = this.store.add(conversation, {
      key: makeKey(), from: this.store.self.id, text, at: Date.now(),
      state: 'waiting', tries: 0,
    });
    this.flush();
    return message;
  }

  again(message) {
    message.state = 'waiting';
    message.tries = 0;
    delete message.error;
    this.flush();
  }

  async flush() {
    if (this.running) return;
    this.running = true;

    while (this.talk.ready) {
      const [next] = this.store.unsent();
      if (!next) break;
      await this.send(next);
    }
    this.running = false;
  }

  async send({ conversation, message }) {
    const answer = await this.talk.ask(...this.event(conversation, message));

    if (!answer && !this.talk.ready) return;

    if (answer?.status === 'ok') {
      message.id = answer.messageId;
      message.state = 'sent';
      this.hooks.sent(conversation, message);
      return;
    }

    message.tries += 1;
    const later = !answer || ['unavailable', 'throttled'].includes(answer.code);

    if (later && message.tries < MAX_TRIES) {
      await new Promise((done) => { setTimeout(done, RETRY); });
    } else {
      message.state = 'failed';
      message.error = answer?.code === 'unknown_event'
        ? 'This server does not know how to send that yet.'
        : answer?.message ?? 'The server did not answer.';
      this.hooks.failed(conversation, message);
    }
  }

  event(conversation, { text, key }) {
    const { kind, id } = conversation;

    if (kind === 'broadcast') {
      return ['broadcast:send', {
        channel: 'broadcast', message: text, messageType: 'info',
        clientMessageId: key,
      }];
    }

    const data = {
      message: text,
      conversationId: this.store.conversationId(conversation),
      clientMessageId: key,
    };
    return kind === 'direct'
      ? ['message:direct', { recipientId: id, ...data }]
      : ['message:group', { channel: id, ...data }];
  }
}

// randomUUID() isn't there on pages without TLS
function makeKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
