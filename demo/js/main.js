// The page: choosing an account, then the chat.

import { accounts } from './accounts.js';
import { Chat } from './chat.js';
import { $, h, avatar } from './dom.js';

const chosenKey = 'chat.account';

function welcome(notice) {
  $('app').hidden = true;
  $('welcome').hidden = false;
  $('welcome-notice').hidden = !notice;
  $('welcome-notice').textContent = notice ?? '';
  document.title = 'Chat';

  $('accounts').replaceChildren(...accounts.map((account) => h('li', {},
    h('button', { type: 'button', onclick: () => begin(account) },
      avatar(account.name, account.id),
      h('span', {}, h('strong', {}, account.name),
        h('small', {}, account.note ?? `club ${account.tenant}`))),
    h('a', {
      href: `?as=${account.id}`, target: '_blank', rel: 'noopener',
      'aria-label': `${account.name} in a new window`,
    }, 'new window'))));
}

function begin(account) {
  if (typeof io === 'undefined' || typeof WebSocketClient === 'undefined') {
    welcome('The scripts of Socket.IO or of WebSocketClient are missing on '
      + 'this server.');
    return;
  }

  sessionStorage.setItem(chosenKey, account.id);
  $('welcome').hidden = true;
  $('app').hidden = false;

  const chat = new Chat(account, (notice) => {
    chat.close();
    sessionStorage.removeItem(chosenKey);
    history.replaceState(null, '', location.pathname);
    welcome(notice);
  });
}

function chosen() {
  const id = new URLSearchParams(location.search).get('as')
    ?? sessionStorage.getItem(chosenKey);
  return accounts.find((account) => String(account.id) === id);
}

const account = chosen();
if (account) {
  begin(account);
} else {
  welcome();
}
