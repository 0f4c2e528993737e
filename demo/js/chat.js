// One person's chat: connects what happens to what is shown.

import { channels } from './accounts.js';
import { $ } from './dom.js';
import { Outbox } from './outbox.js';
import { People } from './people.js';
import { Presence } from './presence.js';
import { Store } from './store.js';
import { Talk } from './talk.js';
import { Typing } from './typing.js';
import { View, MAX_LENGTH } from './view.js';

const RETRY = 2000;
const EARLY = 100;      // receipts kept that came before what they are for

export class Chat {
  constructor(account, leave) {
    this.account = account;
    this.leave = leave;
    this.listening = new AbortController();
    this.early = new Set();

    this.store = new Store(account);
    for (const channel of channels) this.store.group(channel);
    this.people = new People(account);
    this.view = new View(this.store, this.people, {
      open: (conversation) => this.open(conversation),
      again: (conversation, message) => this.again(conversation, message),
    });

    this.talk = new Talk(account, {
      state: () => this.talk && this.view.drawState(this.talk),
      connected: () => this.presence.renew(),
      authenticated: () => this.authenticated(),
      refused: (message) => leave(message),
      people: (list) => this.gotPeople(list),
      event: (name, data) => this.received(name, data),
    });
    this.presence = new Presence(this.talk);
    this.typing = new Typing(this.store, this.talk,
      (conversation) => this.typingChanged(conversation));
    this.outbox = new Outbox(this.store, this.talk, {
      sent: (conversation, message) => this.sent(conversation, message),
      failed: (conversation, message) => {
        this.store.save();
        this.view.changed(conversation, message);
      },
    });

    this.openTabs();
    this.listen();
    this.view.drawState(this.talk);
  }

  // What people do.

  listen() {
    const { signal } = this.listening;
    const on = (target, event, listener) => (
      target.addEventListener(event, listener, { signal }));
    const input = $('message-input');

    on($('composer'), 'submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    on(input, 'keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        this.submit();
      }
    });
    on(input, 'input', () => this.typed());
    on(input, 'blur', () => this.typing.stop());

    on($('back-button'), 'click', () => this.back());
    on(document, 'keydown', (event) => {
      if (event.key === 'Escape' && !event.isComposing
          && !$('notify-dialog').open)
      {
        this.back();
      }
    });
    on($('my-status'), 'change', (event) => {
      this.presence.choose(event.target.value);
    });
    on($('switch-button'), 'click', () => this.leave());
    on($('retry-button'), 'click', () => this.talk.retry());
    on($('leave-button'), 'click', () => this.toggleGroup());

    on($('join-form'), 'submit', (event) => {
      event.preventDefault();
      this.join($('join-input').value.trim());
      $('join-input').value = '';
    });

    on($('notify-button'), 'click', () => {
      $('notify-form').reset();
      $('notify-dialog').showModal();
    });
    on($('notify-dialog'), 'close', () => {
      if ($('notify-dialog').returnValue === 'send') this.notify();
      $('notify-dialog').returnValue = '';
    });

    on(document, 'visibilitychange', () => this.seen());
    on(window, 'pagehide', () => {
      this.typing.stop();
      this.store.save();
      this.talk.ws.disconnect();
      this.talk.socket.close();
    });
    on(window, 'online', () => this.talk.retry());
    on(window, 'pageshow', (event) => {
      if (event.persisted) this.talk.retry();
    });

    this.offerAlerts(on);
  }

  open(conversation) {
    this.typing.stop();
    this.view.open(conversation);
    this.store.save();
    this.view.focus();
  }

  back() {
    const { current } = this.view;
    if (!current) return;

    this.typing.stop();
    this.view.close();
    document.querySelector(`li[data-key="${CSS.escape(current.key)}"] button`)
      ?.focus();
  }

  typed() {
    const { current } = this.view;
    const { value } = $('message-input');

    current.draft = value;
    this.store.save();
    this.view.drawLength();
    if (value.trim() === '') {
      this.typing.stop();
    } else {
      this.typing.typed(current);
    }
  }

  submit() {
    const { current } = this.view;
    const input = $('message-input');
    const text = input.value.trim();

    if (text === '' || text.length > MAX_LENGTH) return;

    this.typing.stop();
    input.value = '';
    current.draft = '';
    this.view.drawLength();
    this.view.added(current, this.outbox.post(current, text));
    input.focus();
  }

  again(conversation, message) {
    this.outbox.again(message);
    this.view.changed(conversation, message);
  }

  async join(channel) {
    if (channel === '') return;

    const group = this.store.group(channel);
    group.joined = true;
    this.open(group);
    await this.subscribe(group);
  }

  async toggleGroup() {
    const { current } = this.view;

    current.joined = !current.joined;
    this.store.save();
    if (current.joined) {
      await this.subscribe(current);
    } else {
      this.drawGroup();
      await this.talk.ask('unsubscribe', { channel: current.id });
    }
  }

  async subscribe(group) {
    group.joining = true;
    this.drawGroup();
    const answer = await this.talk.ask('subscribe', { channel: group.id });

    if (!answer || answer.code === 'unavailable') {
      // a new connection subscribes by itself
      setTimeout(() => this.talk.ready && this.subscribe(group), RETRY);
      return;
    }

    group.joining = false;
    if (answer.status !== 'ok') {
      group.joined = false;
      this.store.save();
      this.view.toast({ title: group.id, body: answer.message });
    }
    this.drawGroup();
  }

  drawGroup() {
    this.view.drawHead();
    this.view.drawLists();
  }

  async notify() {
    const { current } = this.view;
    const answer = await this.talk.ask('notification:send', {
      recipientIds: [current.id],
      title: $('notify-subject').value,
      body: $('notify-body').value,
      tag: `from-${this.account.id}`,
    });

    this.view.toast(answer?.status === 'ok'
      ? { title: 'Notification sent', body: $('notify-subject').value }
      : {
        title: 'The notification was not sent',
        body: answer?.message ?? 'The server did not answer.',
      });
  }

  // What the server tells.

  authenticated() {
    for (const group of this.store.groups()) {
      if (group.joined) this.subscribe(group);
    }
    this.typing.forgetAll();
    this.presence.renew();
    this.talk.peopleChanged();
    this.outbox.flush();
  }

  gotPeople(list) {
    this.people.replace(list);
    this.view.drawLists();
    this.view.drawHead();
  }

  received(name, data) {
    const handlers = {
      'message:direct': () => this.gotDirect(data),
      'message:group': () => this.gotMessage(this.store.group(data.channel),
        data.userId, data),
      'broadcast:message': () => this.gotMessage(this.store.broadcast,
        data.senderId, data),
      'message:delivered': () => this.gotReceipt(data),
      'user:typing': () => this.typing.received(data),
      'user:presence': () => this.gotStatus(data),
      'user:online': () => this.gotStatus(data),
      'user:offline': () => this.gotStatus(data),
      'notification:received': () => this.gotNotification(data),
    };
    handlers[name]?.();
  }

  gotDirect(data) {
    this.gotMessage(this.store.direct(data.senderId), data.senderId, data);
    this.talk.tell('message:delivered',
      { messageId: data.messageId, senderId: data.senderId });
  }

  gotMessage(conversation, from, { messageId, message, timestamp }) {
    const entry = { id: messageId, from, text: message,
      at: Date.parse(timestamp) };

    if (from === this.account.id && conversation.kind !== 'direct'
        && this.isSending(conversation))
    {
      // ours, most likely: its acknowledgement will tell
      conversation.echoes.push(entry);
      return;
    }

    this.typing.forget(conversation, from);
    if (!this.store.add(conversation, entry)) return;

    if (from !== this.account.id) {
      if (conversation !== this.view.current || document.hidden) {
        conversation.unread += 1;
        this.store.save();
      }
      this.alert(this.view.title(conversation), message, conversation.key);
    }
    this.view.added(conversation, entry);
    this.view.drawLists();
  }

  isSending(conversation) {
    return conversation.messages.some((m) => m.state === 'waiting');
  }

  sent(conversation, message) {
    this.settle(message);
    this.store.save();
    this.view.changed(conversation, message);
    this.tabs?.postMessage({ key: conversation.key, message });

    if (this.isSending(conversation)) return;
    for (const echo of conversation.echoes.splice(0)) {
      if (this.store.add(conversation, echo)) {
        this.view.added(conversation, echo);
      }
    }
  }

  gotReceipt({ messageId }) {
    const found = this.store.find(messageId);

    if (!found) {
      // it may overtake the acknowledgement, and what another tab tells
      this.early.add(messageId);
      if (this.early.size > EARLY) {
        this.early.delete(this.early.values().next().value);
      }
      return;
    }

    if (found.message.from !== this.account.id) return;
    found.message.state = 'delivered';
    this.store.save();
    this.view.changed(found.conversation, found.message);
  }

  settle(message) {
    if (this.early.delete(message.id)) message.state = 'delivered';
  }

  gotStatus({ userId, status, lastMessage }) {
    this.people.update(userId, status, lastMessage);
    this.view.drawLists();
    this.view.drawHead();
  }

  gotNotification({ title, body, icon, tag, senderId }) {
    this.view.toast({ title, body, icon, tag },
      senderId ? this.people.name(senderId) : undefined);
    this.alert(title, body, tag);
  }

  typingChanged(conversation) {
    if (conversation === this.view.current) this.view.drawTyping();
    this.view.drawLists();
  }

  // The other tabs of the same person in this browser: a direct message goes
  // to its recipient alone, so they tell each other.

  openTabs() {
    if (typeof BroadcastChannel === 'undefined') return;

    this.tabs = new BroadcastChannel(`chat.${this.account.id}`);
    this.tabs.onmessage = ({ data: { key, message } }) => {
      const [kind, ...rest] = key.split(':');
      const id = kind === 'direct' ? Number(rest[0]) : rest.join(':');
      const conversation = this.store.conversation(kind, id);

      this.settle(message);
      if (this.store.add(conversation, message)) {
        this.view.added(conversation, message);
      }
    };
  }

  // Desktop notifications, while the page is hidden.

  offerAlerts(on) {
    const button = $('alerts-button');

    if (typeof Notification === 'undefined') return;
    button.hidden = Notification.permission !== 'default';
    on(button, 'click', async () => {
      await Notification.requestPermission();
      button.hidden = true;
    });
  }

  alert(title, body, tag) {
    if (!document.hidden || typeof Notification === 'undefined'
        || Notification.permission !== 'granted')
    {
      return;
    }
    try {
      const notification = new Notification(title, { body, tag });
      notification.onclick = () => {
        window.focus();
        notification.close();
      };
    } catch {
      // some phones want a service worker for it
    }
  }

  seen() {
    const { current } = this.view;

    if (document.hidden || !current) return;
    current.unread = 0;
    this.store.save();
    this.view.drawLists();
  }

  close() {
    this.listening.abort();
    this.typing.stop();
    this.presence.close();
    this.view.close();
    this.tabs?.close();
    this.store.save();
    this.talk.close();
  }
}
