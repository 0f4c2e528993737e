// Our own status: what was chosen, and away while the page is hidden.

export class Presence {
  constructor(talk) {
    this.talk = talk;
    this.chosen = 'online';
    this.told = 'online';

    this.follow = () => this.tell();
    document.addEventListener('visibilitychange', this.follow);
  }

  get status() {
    return this.chosen === 'online' && document.hidden ? 'away' : this.chosen;
  }

  choose(status) {
    this.chosen = status;
    this.tell();
  }

  // A new connection is online unless it says otherwise.
  renew() {
    this.told = 'online';
    this.tell();
  }

  tell() {
    const { status } = this;

    if (status === this.told) return;
    this.told = status;
    this.talk.setPresence(status,
      document.hidden ? { lastMessage: 'Away' } : {});
  }

  close() {
    document.removeEventListener('visibilitychange', this.follow);
  }
}
