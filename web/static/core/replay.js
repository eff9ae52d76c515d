/**
 * A past batch, played again from its stored events through the same scenes. Going back is going to the last mark
 * before and forward from there: scenes share what has not changed, so a mark costs next to nothing.
 *
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {import('./types.js').Scene} Scene
 */
import { follow, NOTHING } from './scene.js';

const MARK_EVERY = 500;

export class Replay {
  /** @param {Envelope[]} events - All of the batch, in order. */
  constructor(events) {
    this.events = events;
    /** The scenes before event 0, 500, 1000 … as far as one has been. @type {Scene[]} */
    this.marks = [NOTHING];
    this.place = 0;
    this.scene = NOTHING;
  }

  /** Epoch milliseconds of the first event. */
  get begin() {
    return this.events[0]?.timestamp ?? 0;
  }

  /** Epoch milliseconds of the last event. */
  get end() {
    return this.events[this.events.length - 1]?.timestamp ?? 0;
  }

  /** How many events there are until a time. @param {number} at */
  until(at) {
    let low = 0;
    let high = this.events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].timestamp <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** The scene after so many events. @param {number} count @returns {Scene} */
  after(count) {
    if (count < this.place) {
      const mark = Math.min(this.marks.length - 1, Math.floor(count / MARK_EVERY));
      this.place = mark * MARK_EVERY;
      this.scene = this.marks[mark];
    }
    while (this.place < Math.min(count, this.events.length)) {
      this.scene = follow(this.scene, this.events[this.place]);
      this.place += 1;
      if (this.place === this.marks.length * MARK_EVERY) this.marks.push(this.scene);
    }
    return this.scene;
  }
}
