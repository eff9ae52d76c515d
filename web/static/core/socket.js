/**
 * The line to the server: one WebSocket that comes back by itself where it was.
 *
 * It reconnects after 0.5 s, then twice as long each time up to 15 s, with jitter, until one has held; at once when the
 * browser says that the network is back or the page is looked at again. A line that is silent is asked; one that does
 * not answer within five seconds is given up, because a dead network tells nobody.
 *
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {object} Listener
 * @property {() => number | null} after - The last `seq` that is had; null: none.
 * @property {() => string} of - Which database that is of; empty: not known.
 * @property {(event: Envelope) => void} event
 * @property {(type: string, payload: any) => void} message - Everything that is no stored event.
 * @property {(state: 'connecting' | 'live' | 'reconnecting', retryAt: number) => void} state
 */

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const ASK_AFTER = 10_000;
const ANSWER_WITHIN = 5_000;
const ACK_EVERY = 1_000;

export class Socket {
  /** @param {Listener} listener */
  constructor(listener) {
    this.listener = listener;
    /** @type {WebSocket | null} */
    this.socket = null;
    this.failures = 0;
    this.heardAt = 0;
    this.acknowledged = 0;
    this.timer = 0;
    this.beat = 0;
    this.wanted = false;
    this.retry = this.retry.bind(this);
  }

  /** Connect, and stay so. */
  open() {
    this.wanted = true;
    globalThis.addEventListener('online', this.retry);
    document.addEventListener('visibilitychange', this.retry);
    this.connect();
  }

  /** Try again now, where it is waited. */
  retry() {
    if (!this.wanted || this.socket || document.hidden) return;
    this.failures = 0;
    this.connect();
  }

  /** @param {object} message */
  say(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Begin again from what is had now: after a gap. */
  restart() {
    this.drop();
    this.connect();
  }

  connect() {
    clearTimeout(this.timer);
    const socket = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/ws${this.query()}`);
    this.socket = socket;
    if (this.failures === 0) this.listener.state('connecting', 0);
    socket.onopen = () => {
      this.heardAt = performance.now();
      this.acknowledged = 0;
      this.beat = setInterval(() => this.check(), 1_000);
      this.listener.state('live', 0);
    };
    socket.onmessage = ({ data }) => {
      this.heardAt = performance.now();
      const message = JSON.parse(data);
      if (typeof message.seq === 'number') this.listener.event(message);
      else this.listener.message(message.type, message.payload);
    };
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  /** From where on the server is to tell. */
  query() {
    const after = this.listener.after();
    const of = this.listener.of();
    return after === null ? '' : `?after=${after}${of && `&of=${of}`}`;
  }

  /** What is done each second: acknowledge, and find out whether anybody is there. */
  check() {
    this.failures = 0;
    const seq = this.listener.after() ?? 0;
    if (seq > this.acknowledged) {
      this.acknowledged = seq;
      this.say({ type: 'ack', seq });
    }
    const silent = performance.now() - this.heardAt;
    if (silent > ASK_AFTER + ANSWER_WITHIN) this.lost();
    else if (silent > ASK_AFTER && silent % ANSWER_WITHIN < ACK_EVERY) this.say({ type: 'ping' });
  }

  drop() {
    const socket = this.socket;
    this.socket = null;
    clearInterval(this.beat);
    socket?.close();
  }

  /** Wait, and try again: the longer, the more often it did not hold. */
  lost() {
    this.drop();
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.failures, 10)) * (0.75 + Math.random() / 2);
    this.failures += 1;
    this.listener.state('reconnecting', performance.now() + wait);
    this.timer = setTimeout(() => this.connect(), wait);
  }
}
