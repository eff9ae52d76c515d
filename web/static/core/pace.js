/**
 * When what has come is brought together: with the next frame. A hidden page gets no frames, also not the one it has
 * asked for before it was hidden: its turn comes by a timer.
 */

const HIDDEN_PAUSE = 500;

export class Pace {
  /** @param {() => void} turn */
  constructor(turn) {
    this.turn = turn;
    this.frame = 0;
    this.timer = 0;
  }

  start() {
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.now();
      else if (this.frame) {
        this.forget();
        this.ask();
      }
    });
  }

  /** Have a turn soon: one, however often it is asked for. */
  ask() {
    if (this.frame || this.timer) return;
    if (document.hidden) this.timer = setTimeout(() => this.now(), HIDDEN_PAUSE);
    else this.frame = requestAnimationFrame(() => this.now());
  }

  now() {
    this.forget();
    this.turn();
  }

  forget() {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.timer);
    this.frame = 0;
    this.timer = 0;
  }
}
