/**
 * The views, each fetched when it is looked at for the first time: whoever only watches the run loads no more than that.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('./page.js').View} View
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/keys.js').Keys} Keys
 * @typedef {{view: View, keys?: (state: State, app: App) => Keys}} Module
 */
import { run, runKeys } from './run.js';

/** A view that could not be fetched is tried again so long after, in milliseconds. */
const RETRY = 2_000;

/** @type {Record<string, () => Promise<Module>>} */
const FETCH = {
  board: async () => import('./board.js').then(({ board, boardKeys }) => ({ view: board, keys: boardKeys })),
  stories: async () => import('./stories.js').then(({ stories, storiesKeys }) => ({ view: stories, keys: storiesKeys })),
  story: async () => import('./story.js').then(({ story }) => ({ view: story })),
  timeline: async () => import('./timeline.js').then(({ timeline, timelineKeys }) => ({ view: timeline, keys: timelineKeys })),
  command: async () => import('./command.js').then(({ command, commandKeys }) => ({ view: command, keys: commandKeys })),
  supervision: async () => import('./supervision.js').then(({ supervision }) => ({ view: supervision })),
  activity: async () => import('./activity.js').then(({ activity }) => ({ view: activity })),
  settings: async () => import('./settings.js').then(({ settings }) => ({ view: settings })),
};
/** @type {Map<string, Module>} */
const fetched = new Map([['run', { view: run, keys: runKeys }]]);
/** @type {Set<string>} */
const asked = new Set();

/**
 * A view; undefined while it is on its way.
 * @param {string} name
 * @param {App} app
 */
export function viewOf(name, app) {
  if (!fetched.has(name) && !asked.has(name)) {
    asked.add(name);
    FETCH[name]().then((module) => {
      fetched.set(name, module);
      app.store.set({});
    }, () => setTimeout(() => {
      asked.delete(name);
      app.store.set({});
    }, RETRY));
  }
  return fetched.get(name);
}
