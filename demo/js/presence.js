// Our own status: what was chosen, and away while the page is hidden.

const RETRY = 5000;

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
    if (this.told !== 'online') this.told = null;
    this.tell();
  }

  async tell() {
    const { status } = this;

    if (status === this.told) return;
    this.told = status;
    const answer = await this.talk.setPresence(status,
      document.hidden ? { lastMessage: 'Away' } : {});

    if (!answer && this.told === status) {
      this.told = null;
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.tell(), RETRY);
    }
  }

  close() {
    clearTimeout(this.timer);
    document.removeEventListener('visibilitychange', this.follow);
  }
}
