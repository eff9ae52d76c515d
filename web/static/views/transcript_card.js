/**
 * A part of a transcript: what was said, or a call with what came of it.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/cards.js').Card} Card
 * @typedef {import('../core/cards.js').Entry} Entry
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('./transcript_text.js').Look} Look
 * @typedef {{find: string, flags: Record<string, boolean> | undefined, running: boolean, root: string}} Manner
 *   `running`: whether a call without a result may still get one. `root`: the folder that paths are told from.
 */
import { about, pretty } from '../core/calls.js';
import { pattern } from '../core/cards.js';
import { h } from '../core/dom.js';
import { cost, duration, plural, tokens } from '../core/format.js';
import { plain } from '../core/text.js';
import { copyButton } from './copy.js';
import { callBody, callHead } from './transcript_call.js';
import { flag } from './transcript_state.js';
import { foldButton, folded } from './transcript_text.js';

/** What an entry is called; the agent's own words need no name. @type {Record<string, string>} */
const NAMES = {
  thinking: 'Thinking', result: 'End of the run', system: 'CLI', error: 'Error', raw: 'Raw line', tool_result: 'Result',
  text: 'Agent', tool_use: 'Tool',
};
/** @type {Record<string, {lines: number, letters: number, prose?: boolean}>} */
const SIZES = {
  text: { lines: 60, letters: 6_000, prose: true }, thinking: { lines: 6, letters: 800 }, result: { lines: 4, letters: 500 },
  system: { lines: 1, letters: 220 }, error: { lines: 40, letters: 4_000 }, raw: { lines: 4, letters: 600 },
  tool_result: { lines: 8, letters: 1_200 },
};

/** The line of an error that says what it is. */
const TELLING = /\b(error|exception|fail(ed|ure|s)?|fatal|denied|refused|not found|no such|cannot)\b/i;
const LOOKED_THROUGH = 4_000;

/** @param {Card} one @param {Manner} manner @param {App} app */
export function card(one, manner, app) {
  const { entry, result, failed, depth, reports } = one;
  const { find, flags, running, root } = manner;
  /** @type {Look} */
  const look = { find, open: (part) => flags?.[part], set: (part, open) => flag(app, entry.id, part, open) };
  const pending = entry.kind === 'tool_use' && !result && running;
  const kind = reports.length > 0 ? 'report' : entry.kind;
  return h('article', {
    key: entry.id, class: 'entry', 'data-kind': kind, 'data-rank': String(one.rank), 'data-tone': failed ? 'error' : null,
    tabindex: '-1', 'aria-label': labelOf(one), style: { '--depth': String(depth) },
    deps: [entry, result, depth, flags, find, pending, root],
  }, () => [
    depth > 0 && h('span', { class: 'hidden' }, 'Subagent: '),
    ...(reports.length > 0 ? reports.map(report)
      : entry.kind === 'tool_use' ? call(one, look, pending, root) : speech(entry, look)),
    flags?.raw && h('pre', { key: 'raw', class: 'output entry-raw' }, raw(one)),
    h('div', { key: 'tools', class: 'entry-tools' },
      h('button', {
        class: 'quiet', 'aria-pressed': String(Boolean(flags?.raw)), onclick: () => look.set('raw', !flags?.raw),
      }, 'Raw'),
      copyButton(app, () => whole(one), 'entry', 'entry-copy')),
  ]);
}

/** @param {Card} card */
function labelOf({ entry, failed, reports: [first] }) {
  if (first) return `Task ${first.task} ${first.status}`;
  return `${entry.tool || NAMES[entry.kind] || entry.kind}${failed ? ', error' : ''}`;
}

/** @param {import('../core/cards.js').Report} one @param {number} index */
function report({ story, task, status, message }, index) {
  return h('p', { key: `report ${index}`, class: 'report', 'data-tone': status === 'start' ? 'running' : 'idle' },
    h('span', { class: 'state' },
      h('span', { 'aria-hidden': 'true' }, status === 'start' ? '▸' : '✓'), h('strong', null, task)),
    h('span', { class: 'quiet-text' }, status), h('span', { class: 'report-message' }, message),
    h('span', { class: 'key quiet-text' }, story));
}

/** @param {Card} one @param {Look} look @param {boolean} pending @param {string} root */
function call(one, look, pending, root) {
  const { entry, result, failed } = one;
  const subject = short(about(entry), root);
  const has = (/** @type {string} */ text) => text.search(pattern(look.find) ?? /$^/) >= 0;
  // What is looked for is shown, but a line that shows it already need not be opened.
  const input = !has(subject) && !has(entry.tool) && has(pretty(entry.input));
  const edit = entry.tool === 'Write' || entry.tool === 'Edit' || entry.tool === 'MultiEdit';
  const open = look.open('open') ?? (failed || edit || input || has(result?.text ?? ''));
  return [callHead(one, look, { open, pending, subject }), ...callBody(one, look, { open, input: input && !edit })];
}

/** Paths within the project without the way to it. @param {string} text @param {string} root */
function short(text, root) {
  return root.length > 1 ? text.replaceAll(`${root}/`, '') : text;
}

/** @param {Entry} entry @param {Look} look @returns {Child[]} */
function speech(entry, look) {
  const { kind, text, truncated, figures, is_error: failed } = entry;
  const size = SIZES[kind] ?? SIZES.raw;
  // The last words of a run that succeeded have just been said.
  const again = kind === 'result' && !failed && text !== '';
  const open = !again || (look.open('again') ?? false);
  const name = `${failed || kind === 'error' ? '✕ ' : ''}${NAMES[kind] ?? kind}`;
  const letters = failed ? SIZES.error.letters : size.letters;
  return [
    kind !== 'text' && h('p', { key: 'name', class: 'entry-name' }, name, figures && took(figures),
      again && foldButton('again', open, `${open ? '▾' : '▸'} Last words`, look)),
    ...(open && text ? folded('text', text, { ...size, letters, cut: truncated }, look) : []),
    text === '' && h('p', { key: 'none', class: 'quiet-text' }, 'nothing'),
  ];
}

/** @param {NonNullable<Entry['figures']>} figures */
function took({ duration_ms, num_turns, tokens: spent, cost_usd }) {
  const told = [duration(duration_ms), plural(num_turns, 'turn'), `${tokens(spent)} tokens`, cost(cost_usd, cost_usd > 0)];
  return h('span', { class: 'quiet-text' }, told.join(' · '));
}

/** As the server tells it. @param {Card} card */
function raw({ entry, result }) {
  return JSON.stringify(result ? [entry, result] : entry, null, 2);
}

/** @param {Card} card */
function whole({ entry, result }) {
  const parts = [entry.tool && `${entry.tool} ${about(entry)}`, entry.input && pretty(entry.input), entry.text, result?.text];
  return parts.filter(Boolean).join('\n\n');
}

/** A failed card in a line, which leads to it. @param {Card} card @param {() => void} go */
export function failure({ entry, result }, go) {
  const lines = plain((result?.text ?? entry.text).slice(0, LOOKED_THROUGH)).trim().split('\n');
  const said = (lines.find((line) => TELLING.test(line)) ?? lines[0]).trim().slice(0, 200);
  return h('button', { key: entry.id, class: 'failure', onclick: go },
    h('span', { 'aria-hidden': 'true' }, '✕'), h('strong', { class: 'cut' }, entry.tool || NAMES[entry.kind] || entry.kind),
    entry.tool && h('span', { class: 'mono cut' }, about(entry)), h('span', { class: 'cut' }, said || 'no message'));
}
