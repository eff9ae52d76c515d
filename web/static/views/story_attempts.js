/**
 * The attempts of a story, phase by phase, with what each of them found.
 *
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/types.js').Attempt} Attempt
 * @typedef {import('../core/stories.js').Row} Row
 * @typedef {import('../core/story_detail.js').Stage} Stage
 * @typedef {import('../core/story_detail.js').Verdict} Verdict
 * @typedef {import('../core/story_loader.js').Detail} Detail
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { cost, count, duration, plural } from '../core/format.js';
import { shown, time } from '../core/scene.js';
import { stages, verdictOf } from '../core/story_detail.js';
import { track } from '../core/stories.js';
import { commandHref, state as stateWord, ticking } from './parts.js';

/** Titles of findings that are shown before the rest is folded. */
const FINDINGS = 5;
/** @type {Record<string, string>} */
const NAMES = {
  'sprint-status': 'Diagnosis', 'create-story': 'Create story', 'story-review': 'Story review', 'create-tech-spec': 'Create tech-spec',
  'tech-spec-review': 'Tech-spec review', 'dev-story': 'Development', 'code-review': 'Code review', 'batch-commit': 'Commit',
};
/** @type {Record<string, string>} */
const NOTHING = { skipped: 'Not needed', todo: 'Not yet' };

/** @param {State} state @param {string} key @param {Detail | null} known @param {Row | undefined} row */
export function attempts(state, key, known, row) {
  const scene = shown(state);
  const found = stages(scene.attempts, key);
  const total = found.reduce((sum, stage) => sum + stage.attempts.length, 0);
  const ways = new Map((row ? track(row) : []).map((step) => [step.phase, step.state]));
  return h('section', { key: 'attempts', class: 'panel', 'aria-labelledby': 'attempts-title' },
    h('div', { class: 'panel-head' }, h('h3', { id: 'attempts-title' }, 'Phases and attempts'),
      h('span', { class: 'quiet-text' }, total > 0 ? plural(total, 'attempt') : '')),
    total === 0 ? h('p', { key: 'none', class: 'story-none' }, none(state, row))
      : h('div', { key: 'stages' }, found.map((stage) => stageRow(state, stage, ways.get(stage.phase) ?? '', key, known))));
}

/** @param {State} state @param {Row | undefined} row */
function none(state, row) {
  if (row?.inBatch) return 'The batch has taken it; its first command is about to start.';
  return state.past || shown(state).board.batch_id === null ? 'Nothing was run for it.' : 'The present batch has run nothing for it. Earlier ones are on the right or below.';
}

/** @param {State} state @param {Stage} stage @param {string} way @param {string} key @param {Detail | null} known */
function stageRow(state, stage, way, key, known) {
  const quiet = stage.attempts.length === 0;
  return h('div', { key: stage.phase, class: 'stage', 'data-quiet': quiet || null },
    h('h4', null, NAMES[stage.phase] ?? stage.phase),
    quiet ? h('p', { class: 'quiet-text' }, NOTHING[way] ?? 'Not run in this batch')
      : h('ul', { class: 'attempts' }, stage.attempts.map((attempt) => attemptRow(state, attempt, key, known))));
}

/** @param {State} state @param {Attempt} attempt @param {string} key @param {Detail | null} known */
function attemptRow(state, attempt, key, known) {
  const now = time(state);
  const running = attempt.ended_at === null;
  const json = known && Object.hasOwn(known.verdicts, attempt.id) ? known.verdicts[attempt.id] : '';
  const batch = state.past?.batchId ?? null;
  return h('li', { key: attempt.id, class: 'attempt', deps: [attempt, json, batch, running ? Math.floor(now / 1000) : 0] }, () => {
    const verdict = attempt.status === 'success' && json ? verdictOf(attempt.command, json, key) : null;
    const others = attempt.story_keys.length - 1;
    return [
      h('div', { key: 'line', class: 'attempt-line' },
        h('a', { class: 'attempt-command', href: commandHref(attempt.id, batch) }, attempt.command),
        stateWord(attempt.status),
        h('span', { class: 'attempt-notes' },
          attempt.attempt > 1 && h('span', { class: 'badge', 'data-tone': 'warning' }, `attempt ${attempt.attempt}`),
          attempt.background && h('span', { class: 'badge', 'data-tone': 'idle' }, 'background'),
          others > 0 && h('span', { class: 'badge', 'data-tone': 'idle', title: `Together with ${attempt.story_keys.filter((one) => one !== key).join(', ')}; figures are of both` }, `with ${plural(others, 'other', 'others')}`)),
        h('span', { class: 'attempt-model cut', title: 'Model' }, attempt.model || 'default model'),
        h('span', { class: 'right' }, running ? ticking(attempt.started_at, now) : h('time', { datetime: `PT${Math.round(((attempt.ended_at ?? 0) - attempt.started_at) / 1000)}S` }, duration((attempt.ended_at ?? 0) - attempt.started_at))),
        h('span', { class: 'right attempt-tokens', title: 'Tokens' }, attempt.tokens > 0 ? count(attempt.tokens) : '–'),
        h('span', { class: 'right', title: 'Cost' }, cost(attempt.cost_usd, attempt.cost_usd > 0))),
      attempt.reason && h('p', { key: 'reason', class: 'attempt-reason', 'data-tone': attempt.status === 'error' ? 'error' : 'warning' }, attempt.reason),
      verdict && found(verdict),
    ];
  });
}

/** @param {Verdict} verdict */
function found({ tone, icon, word, counts, titles, warnings }) {
  const [first, rest] = [titles.slice(0, FINDINGS), titles.slice(FINDINGS)];
  const list = (/** @type {string[]} */ some) => h('ul', { class: 'findings' }, some.map((title) => h('li', { key: title }, title)));
  return h('div', { key: 'verdict', class: 'verdict', 'data-tone': tone },
    h('p', null, h('span', { class: 'state' }, h('span', { 'aria-hidden': 'true' }, icon), word), counts && h('span', { class: 'quiet-text' }, ` · ${counts}`)),
    first.length > 0 && list(first),
    rest.length > 0 && h('details', null, h('summary', null, `${rest.length} more`), list(rest)),
    warnings.map((warning) => h('p', { key: warning, class: 'quiet-text' }, `△ ${warning}`)));
}
