/**
 * The banner over a past batch, and the player of its replay.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Player} Player
 * @typedef {import('../core/replay.js').Replay} Replay
 */
import { h } from '../core/dom.js';
import { clock, elapsed, moment, stateOf } from '../core/format.js';
import { SPEEDS } from '../core/history.js';
import { href } from '../core/router.js';
import { fault } from './parts.js';

/** What part of the whole the arrow keys and the page keys go. @type {Record<string, number>} */
const STEPS = { ArrowLeft: -0.01, ArrowDown: -0.01, ArrowRight: 0.01, ArrowUp: 0.01, PageDown: -0.1, PageUp: 0.1 };

/** @param {State} state @param {App} app */
export function past(state, app) {
  if (!state.past) return null;
  const { scene, player, error } = state.past;
  const { view } = state.route;
  return h('section', { key: 'past', class: 'past', 'aria-label': 'Past batch' },
    h('strong', { class: 'past-what' }, said(state, state.past)),
    h('a', { class: 'back-to-live', href: href({ view: view === 'command' || view === 'story' ? 'run' : view, batch: null }) },
      '← Back to live'),
    error && fault(error),
    !scene && !error && h('span', { key: 'loading', role: 'status' }, 'Loading…'),
    scene && !player && h('button', { key: 'replay', title: 'Play the batch again from its events',
      onclick: () => app.history.replay() }, '▶ Replay'),
    player && controls(player, app));
}

/** @param {State} state @param {NonNullable<State['past']>} past */
function said({ batches, now }, { batchId, scene }) {
  const line = batches.rows.find(({ id }) => id === batchId);
  const status = line?.status ?? (scene?.board.ended_at ? scene.board.state : '');
  const ended = line?.ended_at ?? scene?.board.ended_at ?? null;
  const parts = [`Batch ${batchId}`, status && stateOf(status).word.toLowerCase(), ended && `ended ${moment(ended, now)}`];
  return parts.filter(Boolean).join(', ');
}

/** @param {Player} player @param {App} app */
function controls({ replay, loaded, at, speed, playing }, app) {
  if (!replay) return h('span', { key: 'loading', role: 'status' }, `Loading its events… ${loaded}`);
  const label = playing ? 'Pause replay' : at >= replay.end ? 'Play again' : 'Play';
  return h('div', { key: 'player', class: 'player', role: 'group', 'aria-label': 'Replay' },
    h('button', {
      class: 'icon', 'aria-label': label, title: label,
      onclick: () => (at >= replay.end && !playing ? again(app, replay.begin) : app.history.play(!playing)),
    }, playing ? '‖' : '▶'),
    scrubber(replay, at, app),
    h('time', { class: 'player-at' }, clock(at)),
    h('span', { class: 'player-place quiet-text', title: 'How far it is, and the events until then' },
      `${elapsed(at - replay.begin)} of ${elapsed(replay.end - replay.begin)}`,
      ` · ${replay.until(at)}/${replay.events.length} events`),
    h('select', { 'aria-label': 'Speed', title: 'How much faster than it was', value: String(speed),
      onchange: (/** @type {any} */ event) => app.history.player({ speed: Number(event.target.value) }) },
      ...SPEEDS.map((one) => h('option', { key: one, value: String(one) }, `${one}×`))),
    h('button', { onclick: () => app.history.leave() }, 'End of replay'));
}

/** @param {Replay} replay @param {number} at @param {App} app */
function scrubber({ begin, end }, at, app) {
  const to = (/** @type {number} */ moment) => {
    app.history.play(false);
    app.history.seek(Math.max(begin, Math.min(end, moment)));
  };
  return h('input', {
    type: 'range', class: 'scrubber', min: String(begin), max: String(end), step: '1', value: String(Math.round(at)),
    'aria-label': 'Moment', 'aria-valuetext': clock(at),
    oninput: (/** @type {any} */ event) => to(Number(event.target.value)),
    onkeydown: (/** @type {KeyboardEvent} */ event) => {
      if (!Object.hasOwn(STEPS, event.key)) return;
      // Its own step is a millisecond.
      event.preventDefault();
      to(Number(/** @type {HTMLInputElement} */ (event.target).value) + (end - begin) * STEPS[event.key]);
    },
  });
}

/** @param {App} app @param {number} begin */
function again(app, begin) {
  app.history.seek(begin);
  app.history.play();
}
