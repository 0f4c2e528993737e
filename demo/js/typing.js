// Typing: ours, told when it begins, goes on and ends; and theirs.

const IDLE = 3000;        // ms without a key
const REPEAT = 10000;     // the server forgets after 30 s
const FORGET = 35000;     // should the end never come

export class Typing {
  constructor(store, talk, changed) {
    this.store = store;
    this.talk = talk;
    this.changed = changed;
    this.conversation = null;
    this.told = 0;
  }

  typed(conversation) {
    if (conversation.kind === 'broadcast') return;
    if (this.conversation !== conversation) this.stop();

    this.conversation = conversation;
    if (Date.now() - this.told > REPEAT) this.tell(true);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.stop(), IDLE);
  }

  stop() {
    clearTimeout(this.timer);
    if (this.conversation && this.told) this.tell(false);
    this.conversation = null;
  }

  tell(isTyping) {
    const { kind, id } = this.conversation;

    this.told = isTyping ? Date.now() : 0;
    this.talk.tell('user:typing', {
      ...(kind === 'direct' ? { recipientId: id } : { channel: id }),
      conversationId: this.store.conversationId(this.conversation),
      conversationType: kind,
      isTyping,
    });
  }

  received({ userId, isTyping, conversationId }) {
    const conversation = this.store.byConversationId(conversationId, userId);

    if (!conversation || userId === this.store.self.id) return;

    this.forget(conversation, userId);
    if (isTyping) {
      conversation.typing.set(userId, setTimeout(
        () => this.forget(conversation, userId), FORGET));
      this.changed(conversation);
    }
  }

  forget(conversation, userId) {
    clearTimeout(conversation.typing.get(userId));
    if (conversation.typing.delete(userId)) this.changed(conversation);
  }

  forgetAll() {
    for (const conversation of this.store.conversations.values()) {
      for (const userId of [...conversation.typing.keys()]) {
        this.forget(conversation, userId);
      }
    }
  }
}
