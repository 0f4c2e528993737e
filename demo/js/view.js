// Draws what the store knows. Nothing here talks to the server.

import { $, h, icon, avatar, time, dayOf } from './dom.js';

export const MAX_LENGTH = 5000;    // UTF-16 units, as the server counts

const tickNames = {
  waiting: 'waiting to be sent', sent: 'sent', delivered: 'delivered',
  failed: 'not sent',
};

export class View {
  constructor(store, people, actions) {
    this.store = store;
    this.people = people;
    this.actions = actions;
    this.current = null;

    this.drawMe();
    this.drawLists();
  }

  drawMe() {
    const { id, name } = this.store.self;

    $('my-avatar').replaceChildren(avatar(name, id));
    $('my-name').textContent = name;
  }

  name(userId) {
    return userId === this.store.self.id ? 'You' : this.people.name(userId);
  }

  title(conversation) {
    const { kind, id } = conversation;
    if (kind === 'direct') return this.people.name(id);
    return kind === 'group' ? id : 'Everyone';
  }

  face(conversation) {
    const { kind, id } = conversation;
    if (kind === 'direct') {
      return avatar(this.people.name(id), id, this.people.status(id));
    }
    return h('span', { class: `avatar ${kind}`, 'aria-hidden': 'true' },
      icon(kind));
  }

  // "Jane Smith is typing…", or nothing
  typing(conversation) {
    const names = [...conversation.typing.keys()].map((id) => this.name(id));
    if (names.length === 0) return '';
    return names.length === 1 ? `${names[0]} is typing…`
      : `${names.join(', ')} are typing…`;
  }

  subtitle(conversation) {
    const { kind, id, joined, joining } = conversation;
    if (kind === 'direct') return this.people.display(id);
    if (kind === 'broadcast') return 'Announcements to the whole club';
    if (joining) return 'Joining…';
    return joined ? 'Everybody who joined' : 'You have left this group';
  }

  // The lists on the left.

  drawLists() {
    this.drawList($('online-users'), this.people.others().map(
      (id) => this.store.direct(id)));
    this.drawList($('groups'), [this.store.broadcast, ...this.store.groups()]);
    this.drawTitle();
  }

  // what is there stays: the focus, too
  drawList(list, conversations) {
    const old = new Map([...list.children].map((li) => [li.dataset.key, li]));

    conversations.forEach((conversation, i) => {
      const item = old.get(conversation.key) ?? h('li',
        { 'data-key': conversation.key },
        h('button', {
          type: 'button', class: 'user',
          onclick: () => this.actions.open(conversation),
        }));

      old.delete(conversation.key);
      this.drawItem(item.firstChild, conversation);
      if (list.children[i] !== item) {
        list.insertBefore(item, list.children[i] ?? null);
      }
    });
    for (const item of old.values()) item.remove();
  }

  drawItem(button, conversation) {
    const { kind, id, unread } = conversation;
    const title = this.title(conversation);
    const typing = this.typing(conversation) !== '';
    const line = typing ? 'typing…' : this.subtitle(conversation);
    const status = kind === 'direct' ? this.people.status(id) : kind;

    if (conversation === this.current) {
      button.setAttribute('aria-current', 'true');
    } else {
      button.removeAttribute('aria-current');
    }

    const drawn = JSON.stringify([title, line, status, unread]);
    if (button.drawn === drawn) return;
    button.drawn = drawn;

    button.className = `user ${status}`;
    if (kind === 'direct') button.dataset.userId = id;
    button.replaceChildren(
      this.face(conversation),
      h('span', { class: 'user-text' },
        h('span', { class: 'user-name' }, title),
        h('span', { class: typing ? 'status live' : 'status' }, line)),
      ...(unread > 0 ? [h('span', { class: 'badge' }, String(unread),
        h('span', { class: 'unseen' }, ' unread'))] : []));
  }

  drawTitle() {
    const unread = this.store.unread();
    const { name } = this.store.self;
    document.title = `${unread ? `(${unread}) ` : ''}Chat – ${name}`;
  }

  // The conversation.

  open(conversation) {
    this.current = conversation;
    conversation.unread = 0;

    $('nobody').hidden = true;
    $('chat-container').hidden = false;
    $('app').classList.add('talking');

    $('message-input').value = conversation.draft;
    this.drawLists();
    this.drawHead();
    this.drawMessages();
    this.drawTyping();
    this.drawLength();
  }

  // where one goes on: not into the field where that brings up a keyboard
  focus() {
    const hovers = matchMedia('(hover: hover)').matches;
    $(hovers && !$('composer').hidden ? 'message-input' : 'talk-title').focus();
  }

  close() {
    this.current = null;
    $('nobody').hidden = false;
    $('chat-container').hidden = true;
    $('app').classList.remove('talking');
    this.drawLists();
  }

  drawHead() {
    const { current } = this;
    if (!current) return;

    $('talk-avatar').replaceChildren(this.face(current));
    $('talk-title').textContent = this.title(current);
    $('talk-status').textContent = this.subtitle(current);
    $('notify-button').hidden = current.kind !== 'direct';
    $('leave-button').hidden = current.kind !== 'group';
    $('leave-button').textContent = current.joined ? 'Leave' : 'Join';
    $('composer').hidden = current.kind === 'group' && !current.joined;
  }

  drawMessages() {
    const log = $('chat-messages');

    // a screen reader shall not read all of it
    log.setAttribute('aria-live', 'off');
    log.replaceChildren();
    log.className = `messages ${this.current.kind}`;
    this.lastDay = null;
    this.lastFrom = null;
    for (const message of this.current.messages) this.append(message);
    log.scrollTop = log.scrollHeight;
    requestAnimationFrame(() => log.setAttribute('aria-live', 'polite'));
  }

  added(conversation, message) {
    if (conversation !== this.current) {
      this.drawLists();
      return;
    }

    const log = $('chat-messages');
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;

    this.append(message);
    if (atEnd || message.from === this.store.self.id) {
      log.scrollTop = log.scrollHeight;
    }
  }

  append(message) {
    const log = $('chat-messages');
    const date = dayOf(message.at);
    const own = message.from === this.store.self.id;
    const first = date !== this.lastDay || message.from !== this.lastFrom;

    if (date !== this.lastDay) {
      log.append(h('div', { class: 'day' }, date));
    }
    this.lastDay = date;
    this.lastFrom = message.from;

    log.append(this.message(message, own, first));
  }

  message(message, own, first) {
    const item = h('div', {
      class: `message${own ? ' own' : ''}${first ? ' first' : ''}`,
      'data-key': message.key ?? String(message.id),
    }, h('div', { class: 'bubble' },
      h('strong', { class: own ? 'unseen' : 'from' }, this.name(message.from)),
      h('span', { class: 'unseen' }, ': '),
      h('span', { class: 'text' }, message.text),
      // whose changes need not be read aloud, but for a failure
      h('span', { class: 'when', 'aria-live': 'off' }),
      h('span', { class: 'failure', role: 'alert' })));

    this.drawMessage(item, message);
    return item;
  }

  // what changes: how far it has come
  drawMessage(item, message) {
    const { state } = message;

    item.querySelector('.when').replaceChildren(time(message.at),
      ...(state ? [icon(state, tickNames[state])] : []));
    item.querySelector('.failure').replaceChildren(
      ...(state === 'failed' ? [message.error, h('button', {
        type: 'button', class: 'plain-button',
        onclick: () => this.actions.again(this.current, message),
      }, 'Try again')] : []));
  }

  changed(conversation, message) {
    if (conversation !== this.current) return;

    const key = message.key ?? String(message.id);
    for (const item of $('chat-messages').children) {
      if (item.dataset.key === key) this.drawMessage(item, message);
    }
  }

  drawTyping() {
    const { current } = this;
    const text = current ? this.typing(current) : '';
    const place = $('typing-indicator');

    if (place.textContent === text) return;
    place.replaceChildren();
    if (text) {
      place.append(h('span', { class: 'dots', 'aria-hidden': 'true' },
        h('i'), h('i'), h('i')), text);
    }
  }

  drawLength() {
    const input = $('message-input');
    const left = MAX_LENGTH - input.value.length;
    const place = $('message-length');

    place.textContent = left < 0 ? `${-left} characters too many`
      : left < 500 ? `${left} characters left` : '';
    place.classList.toggle('wrong', left < 0);
    $('send-button').disabled = left < 0 || input.value.trim() === '';

    input.style.height = 'auto';
    input.style.height = `${Math.min(input.scrollHeight + 2, 160)}px`;
  }

  // The connection.

  drawState(talk) {
    const names = {
      connecting: 'Connecting…',
      online: `Connected by ${talk.transport === 'polling' ? 'polling'
        : 'WebSocket'}`,
      retrying: 'Reconnecting…',
      stopped: 'Disconnected',
    };
    const banners = {
      retrying: 'The connection is lost. What you write is kept, and sent '
        + 'once it is back.',
      stopped: 'The server has ended this connection.',
    };
    const n = talk.state === 'online' ? talk.stats?.active_connections : 0;

    $('state').textContent = names[talk.state];
    $('state-dot').className = `dot ${talk.state}`;
    $('stats').textContent = n ? `${n} connection${n === 1 ? '' : 's'}` : '';

    $('banner').hidden = !banners[talk.state];
    $('banner-text').textContent = banners[talk.state] ?? '';

    $('people-note').hidden = talk.missing.size === 0;
    $('people-note').textContent = talk.missing.size === 0 ? ''
      : `This server does not offer yet: ${[...talk.missing].join(', ')}.`;
  }

  toast({ title, body, icon: image, tag }, from) {
    const place = $('toasts');
    const old = tag && [...place.children].find((t) => t.dataset.tag === tag);
    const toast = h('div', { class: 'toast', 'data-tag': tag });

    toast.append(
      h('div', { class: 'toast-text' }, h('strong', {}, title),
        h('p', {}, body), from ? h('p', { class: 'quiet' }, from) : undefined),
      h('button', {
        type: 'button', class: 'icon-button', 'aria-label': 'Dismiss',
        onclick: () => toast.remove(),
      }, icon('close')));
    if (/^\/[^/\\]/.test(image ?? '')) {
      toast.prepend(h('img', {
        src: image, alt: '', width: 32, height: 32,
        onerror: (event) => event.target.remove(),
      }));
    }

    if (old) old.remove();
    place.append(toast);
    while (place.children.length > 4) place.firstChild.remove();
    setTimeout(() => toast.remove(), 12000);
  }
}
