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
import { cost, duration, plural, shortKey, tokens } from '../core/format.js';
import { shown, time } from '../core/scene.js';
import { stages, verdictOf } from '../core/story_detail.js';
import { track } from '../core/story_phases.js';
import { outcome } from './command_head.js';
import { commandHref } from './parts.js';
import { lasting } from './story_time.js';

/** Titles of findings that are shown before the rest is folded. */
const FINDINGS = 5;
/** @type {Record<string, string>} */
const NAMES = {
  'sprint-status': 'Diagnosis', 'create-story': 'Create story', 'story-review': 'Story review',
  'create-tech-spec': 'Create tech-spec', 'tech-spec-review': 'Tech-spec review', 'dev-story': 'Development',
  'code-review': 'Code review', 'batch-commit': 'Commit',
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
  const { batch_id } = shown(state).board;
  return batch_id === null ? 'Nothing was run for it.' : `Batch ${batch_id} has run nothing for it.`;
}

/** @param {State} state @param {Stage} stage @param {string} way @param {string} key @param {Detail | null} known */
function stageRow(state, stage, way, key, known) {
  const quiet = stage.attempts.length === 0;
  return h('div', { key: stage.phase, class: 'story-stage', 'data-quiet': quiet || null },
    h('h4', null, NAMES[stage.phase] ?? stage.phase),
    quiet ? h('p', { class: 'quiet-text' }, NOTHING[way] ?? 'Not run in this batch')
      : h('ul', { class: 'story-attempts' }, stage.attempts.map((attempt) => attemptRow(state, attempt, key, known))));
}

/** @param {State} state @param {Attempt} attempt @param {string} key @param {Detail | null} known */
function attemptRow(state, attempt, key, known) {
  const now = time(state);
  const running = attempt.ended_at === null;
  const json = known && Object.hasOwn(known.verdicts, attempt.id) ? known.verdicts[attempt.id] : '';
  const batch = state.past?.batchId ?? null;
  const second = running ? Math.floor(now / 1000) : 0;
  return h('li', { key: attempt.id, class: 'story-attempt', deps: [attempt, json, batch, second] }, () => {
    const verdict = attempt.status === 'success' && json ? verdictOf(attempt.command, json, key) : null;
    return [
      h('div', { key: 'line', class: 'story-attempt-line' },
        h('a', { class: 'story-attempt-command', href: commandHref(attempt.id, batch) }, attempt.command),
        outcome(attempt.status, verdict !== null),
        notes(attempt, verdict, key),
        h('span', { class: 'story-attempt-model cut', title: 'Model' }, attempt.model || 'default'),
        h('span', { class: 'right' }, attempt.ended_at === null ? lasting(attempt.started_at, now)
          : duration(attempt.ended_at - attempt.started_at)),
        h('span', { class: 'right story-attempt-tokens', title: 'Tokens' }, attempt.tokens > 0 ? tokens(attempt.tokens) : '–'),
        h('span', { class: 'right', title: 'Cost' }, cost(attempt.cost_usd, attempt.cost_usd > 0))),
      attempt.reason && h('p', {
        key: 'reason', class: 'story-attempt-reason', 'data-tone': attempt.status === 'error' ? 'error' : 'warning',
      }, attempt.reason),
      verdict && found(verdict),
    ];
  });
}

/** @param {Attempt} attempt @param {Verdict | null} verdict @param {string} key */
function notes({ attempt, background, story_keys }, verdict, key) {
  const others = story_keys.filter((one) => one !== key);
  return h('span', { class: 'story-attempt-notes' },
    verdict && h('span', { key: 'verdict', class: 'state', 'data-tone': verdict.tone },
      h('span', { 'aria-hidden': 'true' }, verdict.icon), verdict.word),
    attempt > 1 && h('span', { class: 'badge', 'data-tone': 'warning' }, `attempt ${attempt}`),
    background && h('span', { class: 'badge', 'data-tone': 'idle' }, 'background'),
    others.length > 0 && h('span', {
      class: 'quiet-text', title: `The figures are of all together: ${story_keys.join(', ')}`,
    }, `with ${others.map(shortKey).join(', ')}`));
}

/** @param {Verdict} verdict */
function found({ tone, titles, warnings }) {
  const [first, rest] = [titles.slice(0, FINDINGS), titles.slice(FINDINGS)];
  if (titles.length + warnings.length === 0) return null;
  /** @param {string[]} some */
  const list = (some) => h('ul', { class: 'story-findings' }, some.map((title) => h('li', { key: title }, title)));
  return h('div', { key: 'findings', class: 'story-verdict', 'data-tone': tone },
    first.length > 0 && list(first),
    rest.length > 0 && h('details', null, h('summary', null, `${rest.length} more`), list(rest)),
    warnings.map((warning) => h('p', { key: warning, class: 'quiet-text' }, `△ ${warning}`)));
}
