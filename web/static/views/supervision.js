/**
 * Supervision: what the runner is made of at this moment, and how it does.
 *
 * @typedef {import('./page.js').View} View
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { ago, plural } from '../core/format.js';
import { figures } from '../core/health.js';
import { href } from '../core/router.js';
import { nameOf, size, troubles } from '../core/tree.js';
import { empty, state as stateOf } from './parts.js';
import { reveal, tree } from './supervision_tree.js';

/** @type {View} */
export const supervision = (state, app) => {
  const { overview, health, past } = state;
  const root = overview?.supervision ?? null;
  return [
    past && h('p', { key: 'past', class: 'sv-note' },
      `This is the runner as it is now: its parts of the time of batch ${past.batchId} are gone. `,
      h('a', { href: href({ view: 'supervision' }) }, 'Back to live')),
    h('section', { key: 'health', class: 'panel', 'aria-labelledby': 'sv-health' },
      h('div', { class: 'panel-head' },
        h('h2', { id: 'sv-health' }, 'Health'),
        !health && h('span', { class: 'quiet-text' }, 'The first figures come within a second.')),
      h('dl', { class: 'sv-figures' }, figures(health, overview?.fanout ?? null).map(figure))),
    root ? parts(state, app, root) : empty('No parts yet',
      'What the runner is made of comes once a second: supervisors, the actors below them, and the process of each agent.'),
  ];
};

/** @param {import('../core/health.js').Figure} figure */
function figure({ name, value, tone, help }) {
  const word = tone === 'error' ? 'very high' : 'high';
  return h('div', { key: name, class: 'sv-figure', 'data-tone': tone || null, tabindex: '0' },
    h('dt', null, name, h('span', { class: 'sv-help' }, h('span', { class: 'hidden' }, ': '), help)),
    h('dd', null, value, tone && h('span', { class: 'sv-high' }, h('span', { 'aria-hidden': 'true' }, ' ▲ '), h('span', { class: 'sv-word' }, word))));
}

/** @param {State} state @param {App} app @param {import('../core/types.js').Node} root */
function parts(state, app, root) {
  const { now, prefs } = state;
  const found = troubles(root, now);
  const toggle = (/** @type {any} */ event) => {
    app.store.set({ prefs: { ...app.store.state.prefs, treeProblems: event.target.checked } });
  };
  return h('section', { key: 'parts', class: 'panel', 'aria-labelledby': 'sv-parts' },
    h('div', { class: 'panel-head' },
      h('h2', { id: 'sv-parts' }, 'Parts'),
      h('span', { class: 'quiet-text' }, plural(size(root), 'part')),
      verdict(found),
      h('span', { class: 'grow' }),
      h('label', { class: 'choice' },
        h('input', { type: 'checkbox', checked: prefs.treeProblems, onchange: toggle }), 'Problems first')),
    prefs.treeProblems && h('ul', { key: 'troubles', class: 'sv-troubles', 'aria-label': 'Problems' },
      found.length === 0 && h('li', { key: 'none', class: 'sv-trouble' }, stateOf('success', 'No part has a problem')),
      found.map((row) => trouble(row, state, app))),
    tree(state, app, root));
}

/** @param {ReturnType<typeof troubles>} found */
function verdict(found) {
  if (found.length === 0) return stateOf('success', 'No problems');
  const tone = found[0].trouble.tone;
  const icon = h('span', { 'aria-hidden': 'true' }, tone === 'error' ? '✕' : '⚠');
  return h('span', { class: 'state', 'data-tone': tone }, icon, plural(found.length, 'problem'));
}

/** @param {ReturnType<typeof troubles>[number]} row @param {State} state @param {App} app @returns {Child} */
function trouble(row, { now }, app) {
  const { node, parent, path } = row;
  return h('li', { key: path, class: 'sv-trouble', 'data-tone': row.trouble.tone },
    stateOf(node.state),
    h('button', {
      type: 'button', class: 'quiet sv-go', title: 'Show it in the tree', onclick: () => reveal(app, path),
    }, nameOf(node.id)),
    h('span', null, row.trouble.text,
      parent && h('span', { class: 'quiet-text' }, `, below ${nameOf(parent.id)}, ${ago(node.since, now)}`)),
    node.last_error && h('span', { class: 'sv-error' }, node.last_error));
}
