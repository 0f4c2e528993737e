// Who there is: the server's list of who is online, the demo accounts of the
// same club, and whoever has written.

import { accounts } from './accounts.js';

const statusNames = {
  online: 'Online', away: 'Away', busy: 'Busy', offline: 'Offline',
};

export class People {
  constructor(self) {
    this.self = self;
    this.known = new Map();
    for (const { id, tenant, name } of accounts) {
      if (tenant === self.tenant) this.known.set(id, { name });
    }
  }

  // the server's list: whoever isn't in it is offline
  replace(list) {
    for (const person of this.known.values()) {
      person.status = 'offline';
      person.display = 'Offline';
    }
    for (const user of list) {
      this.known.set(user.user_id, {
        name: user.name ?? `User ${user.user_id}`,
        status: user.status, display: user.display_status,
      });
    }
  }

  update(id, status, lastMessage) {
    const person = this.person(id);
    const name = statusNames[status] ?? 'Offline';

    person.status = status;
    person.display = lastMessage && lastMessage !== name
      ? `${name} – ${lastMessage}` : name;
  }

  person(id) {
    if (!this.known.has(id)) this.known.set(id, { name: `User ${id}` });
    return this.known.get(id);
  }

  name(id) {
    return this.person(id).name;
  }

  status(id) {
    return this.person(id).status ?? 'unknown';
  }

  display(id) {
    return this.person(id).display ?? '';
  }

  // those who are there first
  others() {
    const away = (id) => !['online', 'busy', 'away'].includes(this.status(id));

    return [...this.known.keys()].filter((id) => id !== this.self.id)
      .sort((a, b) => away(a) - away(b)
        || this.name(a).localeCompare(this.name(b)));
  }
}
