/**
 * Why no command runs, and what comes next: after the time, after somebody's order, or with Start.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Plan} Plan
 * @typedef {import('../core/dom.js').Child} Child
 */
import { unfinished, upcoming } from '../core/at_work.js';
import { h } from '../core/dom.js';
import { elapsed, moment, plural, shortKey } from '../core/format.js';
import { present } from '../core/orders.js';
import { shown } from '../core/scene.js';
import { ticking } from './parts.js';

/** @param {State} state */
export function idle(state) {
  const { board } = shown(state);
  if (!state.loaded) return note('Loading…');
  if (state.past) return past(state.past);
  switch (present(state)) {
    case 'starting':
      return note('◌ Starting…');
    case 'waiting_limit':
      return limit(state);
    case 'paused':
      return toned('waiting', '‖ Paused: nothing starts until you resume. ', quiet(goesOnWith(state)));
    case 'pausing':
      return toned('waiting', '◔ Pausing: what runs ends, and nothing new starts.');
    case 'stopping':
      return toned('warning', `◑ Stopping. ${board.detail}`);
    case 'idle':
      return next(state);
    default:
      return note('Before the first cycle, for ', ticking(board.at, Math.max(board.at, state.now)));
  }
}

/** @param {NonNullable<State['past']>} past */
function past({ scene, player, error }) {
  if (!scene) return note(error ? 'Nothing to show.' : 'Loading…');
  if (player) return note('Nothing ran at this moment.');
  return note(`Nothing runs any more: ${scene.board.detail || scene.board.state}.`);
}

/** @param {State} state */
function limit({ live: { board }, now }) {
  const tries = quiet('Resume tries at once.');
  if (board.resets_at === null) return toned('waiting', `◷ Waiting for a usage limit. ${board.detail} `, tries);
  const left = Math.max(0, board.resets_at - now);
  return toned('waiting', '◷ Waiting for a usage limit. It goes on by itself in ',
    h('time', { class: 'countdown', datetime: `PT${Math.ceil(left / 1000)}S` }, elapsed(left)),
    `, at ${moment(board.resets_at, now)}. `, tries);
}

/** What comes after a pause, and why it is one where nobody has asked for it. @param {State} state */
function goesOnWith(state) {
  const { detail } = state.live.board;
  const step = upcoming(state);
  const next = step && `Then comes ${step.commands.join(' and ')} for ${named(step.story_keys)}${step.assumed && `, ${step.assumed}`}.`;
  return [detail && !/operator/.test(detail) ? `${detail}.` : '', next].filter(Boolean).join(' ');
}

/** What Start or Resume would do. @param {State} state */
function next(state) {
  const { plan, sprintError, prefs, live: { board } } = state;
  const open = unfinished(state);
  if (open) {
    const { batch_id, reason } = open;
    return note(`Nothing runs. Resume goes on with batch ${batch_id} where it was. `, reason && quiet(`It ended: ${reason}.`));
  }
  if (sprintError) return toned('error', `✕ ${sprintError.error}. `, quiet(sprintError.hint));
  if (!plan) return note('Nothing runs. Start begins a batch.');
  if (plan.cycles.length === 0) return note('✓ Nothing runs, and nothing is left to do: every story is done or blocked.');
  const begins = prefs.all ? 'Start goes on until no story is left' : `Start begins ${plural(prefs.cycles, 'cycle')}`;
  return planned(plan, board.state === 'error' ? `Batch ${board.batch_id} ended with an error.` : 'Nothing runs.', begins);
}

/**
 * The first cycle: its stories, and the phases they go through.
 * @param {Plan} plan
 * @param {string} now
 * @param {string} begins
 */
function planned({ cycles: [cycle, ...others], left }, now, begins) {
  const commands = cycle.steps.reduce((sum, step) => sum + step.commands.length, 0);
  const rest = new Set([...others.flatMap(({ story_keys }) => story_keys), ...left]).size;
  const phases = [...new Set(cycle.steps.map(({ phase }) => phase))];
  return h('div', { class: 'now-note now-plan' },
    h('p', null, now, rest > 0 ? ` ${begins}. The first cycle takes ` : ' Start takes ',
      h('strong', null, named(cycle.story_keys)), ` through ${plural(commands, 'command')}; `,
      rest > 0 ? `${plural(rest, 'more story is', 'more stories are')} left after it.` : 'nothing else is left.'),
    h('ol', { class: 'phases', 'aria-label': 'Phases of the first cycle' },
      ...phases.map((phase) => h('li', { key: phase }, phase))));
}

/** @param {string[]} keys */
function named(keys) {
  return keys.map(shortKey).join(' and ') || 'the sprint';
}

/** @param {...Child} text */
function note(...text) {
  return h('div', { class: 'now-note' }, ...text);
}

/** @param {string} tone @param {...Child} text */
function toned(tone, ...text) {
  return h('div', { class: 'now-note', 'data-tone': tone }, ...text);
}

/** @param {string} text */
function quiet(text) {
  return h('span', { class: 'quiet-text' }, text);
}
