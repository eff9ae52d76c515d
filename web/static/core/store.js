/**
 * The one place where the state of the page is. It is replaced, never changed in place; whoever shows it is told once
 * for all changes that come together.
 *
 * @typedef {import('./types.js').State} State
 */

export class Store {
  /** @param {State} state @param {() => void} changed - Called after each change; draws at the next chance. */
  constructor(state, changed) {
    this.state = state;
    this.changed = changed;
  }

  /** @param {Partial<State>} changes */
  set(changes) {
    this.state = { ...this.state, ...changes };
    this.changed();
  }

  /**
   * What a view keeps for itself until the page is closed.
   * @param {string} view
   * @param {Record<string, any>} changes
   */
  keep(view, changes) {
    this.set({ local: { ...this.state.local, [view]: { ...this.state.local[view], ...changes } } });
  }
}
