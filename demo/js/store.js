// What this window knows: conversations with their messages and drafts. It
// outlives a reload of the page, not the window.

const KEPT = 200;    // messages of a conversation

export const directId = (a, b) => `direct.${Math.min(a, b)}.${Math.max(a, b)}`;

export class Store {
  constructor(self) {
    this.self = self;
    this.conversations = new Map();
    this.key = `chat.${self.id}`;
    this.load();
  }

  // kind: direct (with user), group (a channel), broadcast (everybody)
  conversation(kind, id) {
    const key = `${kind}:${id}`;
    let found = this.conversations.get(key);

    if (!found) {
      found = {
        key, kind, id, messages: [], unread: 0, draft: '', joined: true,
        typing: new Map(), echoes: [],
      };
      this.conversations.set(key, found);
    }
    return found;
  }

  direct(user) {
    return this.conversation('direct', user);
  }

  group(channel) {
    return this.conversation('group', channel);
  }

  get broadcast() {
    return this.conversation('broadcast', 'everyone');
  }

  groups() {
    return [...this.conversations.values()].filter((c) => c.kind === 'group');
  }

  conversationId(conversation) {
    return conversation.kind === 'direct'
      ? directId(this.self.id, conversation.id) : conversation.id;
  }

  // the conversation that a typing event is about
  byConversationId(id, user) {
    return id === directId(this.self.id, user) ? this.direct(user)
      : this.conversations.get(`group:${id}`);
  }

  // null: it is here already
  add(conversation, message) {
    const { messages } = conversation;

    if (message.id && messages.some((other) => other.id === message.id)) {
      return null;
    }
    messages.push(message);
    if (messages.length > KEPT) messages.splice(0, messages.length - KEPT);
    this.save();
    return message;
  }

  find(id) {
    for (const conversation of this.conversations.values()) {
      const message = conversation.messages.find((m) => m.id === id);
      if (message) return { conversation, message };
    }
    return null;
  }

  // what waits to be sent, oldest first
  unsent() {
    const list = [];
    for (const conversation of this.conversations.values()) {
      for (const message of conversation.messages) {
        if (message.state === 'waiting') list.push({ conversation, message });
      }
    }
    return list.sort((a, b) => a.message.at - b.message.at);
  }

  unread() {
    let sum = 0;
    for (const { unread } of this.conversations.values()) sum += unread;
    return sum;
  }

  save() {
    const list = [...this.conversations.values()].map(
      ({ kind, id, messages, unread, draft, joined }) => (
        { kind, id, messages, unread, draft, joined }));
    try {
      sessionStorage.setItem(this.key, JSON.stringify(list));
    } catch {
      // no storage, or no room: the window itself still knows
    }
  }

  load() {
    let list = [];
    try {
      list = JSON.parse(sessionStorage.getItem(this.key)) ?? [];
    } catch {
      // nothing of ours
    }
    for (const { kind, id, ...kept } of list) {
      Object.assign(this.conversation(kind, id), kept);
    }
  }
}
