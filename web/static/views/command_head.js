/**
 * What came of a command: outcome, verdict, where it ran and what it took.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/story_detail.js').Verdict} Verdict
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { clock, cost, duration, moment, shortKey, stateOf, tokens } from '../core/format.js';
import { back } from '../core/router.js';
import { shown } from '../core/scene.js';
import { verdictOf } from '../core/story_detail.js';
import { copyButton } from './copy.js';
import { commandHref, state as stateMark, storyLinks } from './parts.js';
import { lasting } from './story_time.js';

const TITLES = 5;

/**
 * The line that stays in sight while one reads, and below it what came of the command.
 * @param {State} state
 * @param {App} app
 * @param {any} row - As `GET /api/commands/ID`.
 * @returns {Child[]}
 */
export function commandHead(state, app, row) {
  const batch = state.past?.batchId ?? null;
  const trouble = row.status !== 'success' && row.status !== 'running';
  return [
    line(row, batch),
    h('section', { key: 'head', class: 'panel command-head', 'aria-label': 'Command' },
      marks(state, row, batch),
      row.reason && h('p', { key: 'reason', class: 'command-reason', 'data-tone': trouble ? stateOf(row.status).tone : 'idle' },
        h('strong', null, trouble ? 'Why: ' : 'Note: '), row.reason),
      findings(row),
      h('dl', { class: 'facts' }, ...facts(state, app, row))),
  ];
}

/**
 * How a command ended. To have finished is no praise: what it found is told apart, and has the colour.
 * @param {string} status
 * @param {boolean} judged
 */
export function outcome(status, judged) {
  if (status !== 'success') return stateMark(status);
  return h('span', { class: 'state', 'data-tone': judged ? 'idle' : 'success' },
    h('span', { 'aria-hidden': 'true' }, stateOf(status).icon), 'Finished');
}

/** Which command it is, and the way back. @param {any} row @param {number | null} batch */
function line(row, batch) {
  const { command, status, story_keys: keys } = row;
  return h('div', { key: 'line', class: 'panel-head command-line' },
    h('button', { class: 'quiet', onclick: back, title: 'Back to where you came from (Esc)' }, '← Back'),
    h('h2', { class: 'command-name cut', title: command }, command),
    h('span', { class: 'cut' }, ...(keys.length ? storyLinks(keys, batch) : ['no story'])),
    outcome(status, found(row).length > 0));
}

/** What it found, how it was run, and its other attempts. @param {State} state @param {any} row @param {number | null} batch */
function marks(state, row, batch) {
  const all = [
    ...verdicts(row),
    row.background_task_id !== null && h('span', { key: 'background', class: 'badge', 'data-tone': 'idle' }, 'background'),
    row.continued && h('span', {
      key: 'continued', class: 'badge', 'data-tone': 'idle', title: 'It went on in the session of the attempt before',
    }, 'continued session'),
    attempts(state, row, batch),
  ].filter(Boolean);
  return all.length > 0 && h('div', { key: 'marks', class: 'command-marks' }, all);
}

/** @param {State} state @param {App} app @param {any} row @returns {Child[]} */
function facts(state, app, row) {
  const over = row.ended_at !== null;
  const known = over && (row.num_turns > 0 || row.cost_usd > 0);
  const running = state.live.board.running[row.id];
  return [
    fact('Duration', over ? duration(row.ended_at - row.started_at) : lasting(row.started_at, state.now)),
    fact('Started', h('time', { title: new Date(row.started_at).toLocaleString() },
      `${moment(row.started_at, state.now)}${clock(row.started_at).slice(5)}`)),
    fact('Cost', cost(row.cost_usd, known)),
    fact('Tokens in', known ? tokens(row.input_tokens) : '–'),
    fact('Tokens out', known ? tokens(row.output_tokens) : '–'),
    fact('Turns', known ? String(row.num_turns) : '–'),
    fact('Model', row.model || 'default'),
    fact('Exit code', row.exit_code === null ? '–' : String(row.exit_code)),
    fact(over ? 'Last task' : 'Task', running?.task || row.task_id || '–'),
    fact('Session', named(app, row.session_id, 'session')),
    fact('Run', named(app, row.run_id, 'run')),
  ];
}

/** @param {string} name @param {Child} value */
function fact(name, value) {
  return h('div', { key: name, class: 'fact' }, h('dt', null, name), h('dd', null, value));
}

/** @param {App} app @param {string} id @param {string} what */
function named(app, id, what) {
  if (!id) return '–';
  return h('span', { class: 'mono named', title: id }, id.slice(0, 8), copyButton(app, () => id, `id of the ${what}`));
}

/** What it found: once, or of each story when they differ. @param {any} row @returns {{key: string, verdict: Verdict}[]} */
function found({ command, verdict_json: json, story_keys: keys, status }) {
  if (status !== 'success') return [];
  const told = (keys.length ? keys : ['']).flatMap((/** @type {string} */ key) => {
    const verdict = verdictOf(command, json, key);
    return verdict ? [{ key, verdict }] : [];
  });
  const [first] = told;
  const same = told.every((/** @type {{verdict: Verdict}} */ { verdict }) => verdict.word === first.verdict.word);
  return first && same ? [{ ...first, key: '' }] : told;
}

/** @param {any} row @returns {Child[]} */
function verdicts(row) {
  return found(row).map(({ key, verdict: { tone, icon, word } }) => h('span', {
    key: `verdict ${key}`, class: 'badge', 'data-tone': tone,
  }, h('span', { 'aria-hidden': 'true' }, `${icon} `), key && `${shortKey(key)}: `, word));
}

/** @param {any} row */
function findings(row) {
  const [first] = found(row);
  const { titles, warnings } = first?.verdict ?? { titles: [], warnings: [] };
  if (titles.length + warnings.length === 0) return null;
  return h('ul', { key: 'findings', class: 'command-findings' },
    titles.slice(0, TITLES).map((title) => h('li', { key: title }, title)),
    titles.length > TITLES && h('li', { class: 'quiet-text' }, `and ${titles.length - TITLES} more`),
    warnings.map((warning) => h('li', { key: `! ${warning}`, class: 'quiet-text' }, `⚠ ${warning}`)));
}

/** The other attempts of the same step. @param {State} state @param {any} row @param {number | null} batch */
function attempts(state, row, batch) {
  const stories = row.story_keys.join();
  const all = Object.values(shown(state).attempts)
    .filter(({ command, story_keys }) => command === row.command && story_keys.join() === stories)
    .sort((one, other) => one.id - other.id);
  if (all.length < 2) return row.attempt > 1 && h('span', { key: 'attempt', class: 'badge', 'data-tone': 'warning' }, `attempt ${row.attempt}`);
  return h('nav', { key: 'attempts', class: 'command-attempts', 'aria-label': 'Attempts' },
    h('span', { class: 'quiet-text' }, 'Attempt'),
    all.map((one) => {
      const { icon, word, tone } = stateOf(one.status);
      return h('a', {
        key: one.id, class: 'command-attempt', 'data-tone': tone, href: commandHref(one.id, batch), title: word,
        'aria-label': `Attempt ${one.attempt}, ${word}`, 'aria-current': one.id === row.id ? 'page' : null,
      }, `${icon} ${one.attempt}`);
    }));
}
