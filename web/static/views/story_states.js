/**
 * What stands in place of the stories when there are none to show.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/stories.js').Row} Row
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('./page.js').App} App
 */
import { h } from '../core/dom.js';
import { empty, fault } from './parts.js';
import { clearFilters } from './story_filters.js';

/**
 * What is shown instead, if there is no story.
 * @param {State} state
 * @param {Row[]} all
 * @param {App} app
 * @returns {Child}
 */
export function without({ past, sprint, sprintError }, all, app) {
  if (all.length > 0) return null;
  if (past) {
    if (past.error) return fault(past.error);
    if (!past.scene) return waiting(`Loading batch ${past.batchId}…`);
    return empty('This batch took no story', past.player ? 'Not yet, at this moment.' : 'It ended before its first cycle began.');
  }
  if (sprintError) {
    return h('div', { key: 'without', class: 'story-without' }, fault(sprintError.error, sprintError.hint),
      empty('There is no sprint to show', 'The stories are read from ', h('code', null, 'sprint-status.yaml'),
        ', which the sprint planning of BMAD writes. ', h('code', null, 'sprint-runner doctor'), ' tells what else is missing.'),
      h('button', { onclick: () => void app.feed.refresh('sprint') }, 'Look again'));
  }
  if (!sprint) return waiting('Loading the stories…');
  return empty('The sprint has no stories yet', 'Add some below ', h('code', null, 'development_status'), ' in ',
    h('code', null, 'sprint-status.yaml'), ', one a line: ', h('code', null, '1-1-first-story: backlog'), '.');
}

/** What is said above the stories when the file has gone bad since they were read. @param {State} state @returns {Child} */
export function stale({ past, sprint, sprintError }) {
  return !past && sprint && sprintError && fault(`${sprintError.error} What is shown is what was read before.`, sprintError.hint);
}

/** @param {App} app @param {string} view */
export function noMatch(app, view) {
  return h('div', { key: 'none', class: 'empty' }, h('h2', null, 'No story fits the filters'),
    h('button', { onclick: () => clearFilters(app, view) }, 'Clear filters'));
}

/** @param {string} text */
export function waiting(text) {
  return h('div', { key: 'waiting', class: 'empty', role: 'status' }, h('p', null, text));
}
