/**
 * The banner over a past batch, and the player of its replay.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Player} Player
 */
import { h } from '../core/dom.js';
import { clock, moment, stateOf } from '../core/format.js';
import { SPEEDS } from '../core/history.js';
import { href } from '../core/router.js';
import { fault } from './parts.js';

/** @param {State} state @param {App} app */
export function past(state, app) {
  if (!state.past) return null;
  const { batchId, scene, player, error } = state.past;
  const line = state.batches.rows.find(({ id }) => id === batchId);
  const ended = scene?.board.ended_at ?? line?.ended_at ?? null;
  const said = [`Batch ${batchId}`, line && stateOf(line.status).word.toLowerCase(), ended && `ended ${moment(ended, state.now)}`].filter(Boolean).join(', ');
  const view = state.route.view === 'command' || state.route.view === 'story' ? 'run' : state.route.view;
  return h('section', { key: 'past', class: 'past', 'aria-label': 'Past batch' },
    h('strong', null, said),
    h('a', { class: 'back-to-live', href: href({ view, batch: null }) }, '← Back to live'),
    error ? fault(error) : !scene ? h('span', { role: 'status' }, 'Loading…') : player ? controls(player, app)
      : h('button', { onclick: () => app.history.replay() }, '▶ Replay'));
}

/** @param {Player} player @param {App} app */
function controls({ replay, loaded, at, speed, playing }, app) {
  if (!replay) return h('span', { role: 'status' }, `Loading its events… ${loaded}`);
  return h('div', { key: 'player', class: 'player', role: 'group', 'aria-label': 'Replay' },
    h('button', { 'aria-label': playing ? 'Hold' : 'Play', title: playing ? 'Hold' : 'Play', onclick: () => (at >= replay.end && !playing ? again(app, replay.begin) : app.history.play(!playing)) }, playing ? '‖' : '▶'),
    h('input', {
      type: 'range', class: 'scrubber', min: String(replay.begin), max: String(replay.end), step: '1', value: String(Math.round(at)), 'aria-label': 'Moment', 'aria-valuetext': clock(at),
      oninput: (/** @type {any} */ event) => {
        app.history.play(false);
        app.history.seek(Number(event.target.value));
      },
    }),
    h('time', null, clock(at)),
    h('select', { 'aria-label': 'Speed', value: String(speed), onchange: (/** @type {any} */ event) => app.history.player({ speed: Number(event.target.value) }) },
      ...SPEEDS.map((one) => h('option', { key: one, value: String(one) }, `${one}×`))),
    h('button', { onclick: () => app.history.leave() }, 'End of replay'));
}

/** @param {App} app @param {number} begin */
function again(app, begin) {
  app.history.seek(begin);
  app.history.play();
}
