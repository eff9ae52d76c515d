/**
 * A part of a transcript: what was said, or a call with what came of it. Whatever is in it is a text and nothing else.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/cards.js').Card} Card
 * @typedef {import('../core/cards.js').Entry} Entry
 * @typedef {import('../core/dom.js').Child} Child
 */
import { about, edits } from '../core/cards.js';
import { h } from '../core/dom.js';
import { bytes, cost, count, duration } from '../core/format.js';
import { copyButton } from './copy.js';

/** Characters of a text that are shown before it is opened. */
const FOLDED = 1_200;
const MOST_DIFF_LINES = 400;
/** @type {Record<string, [string, string]>} */
const KINDS = {
  text: ['❝', 'says'], thinking: ['…', 'thinks'], tool_use: ['⚒', 'calls'], tool_result: ['↩', 'result'], result: ['■', 'end of the run'],
  system: ['⚙', 'CLI'], error: ['✕', 'error'], raw: ['≡', 'output'],
};

/**
 * @param {Card} one
 * @param {boolean | undefined} expanded - undefined: nobody has opened or closed it.
 * @param {(open: boolean) => void} expand
 * @param {App} app
 */
export function card(one, expanded, expand, app) {
  const { entry, result, failed, inner } = one;
  // An error is what one looks for: it is open from the start, as is what is said.
  const open = expanded ?? (failed || entry.kind === 'text' || entry.kind === 'error' || entry.kind === 'result');
  const [icon, word] = KINDS[entry.kind] ?? KINDS.raw;
  return h('li', { key: entry.id, deps: [one.result, open, failed], class: `entry ${inner ? 'entry-inner' : ''}`, 'data-kind': entry.kind, 'data-tone': failed ? 'error' : null }, () => [
    h('div', { class: 'entry-row' },
      h('button', { class: 'entry-head', 'aria-expanded': String(open), onclick: () => expand(!open) },
        h('span', { class: 'entry-icon', 'aria-hidden': 'true' }, failed ? '✕' : icon),
        h('span', { class: 'entry-kind' }, entry.tool || word),
        failed && h('span', { class: 'badge', 'data-tone': 'error' }, 'error'),
        h('span', { class: 'cut quiet-text mono' }, entry.tool ? about(entry.input) : open ? '' : entry.text.slice(0, 300)),
        h('span', { class: 'entry-size quiet-text' }, size(entry, result))),
      copyButton(app, () => whole(entry, result), 'entry', 'entry-copy')),
    ...(open ? contents(entry, result) : []),
  ]);
}

/** @param {Entry} entry @param {Entry | null} result */
function size(entry, result) {
  const length = entry.text.length + entry.input.length + (result?.text.length ?? 0);
  return length > FOLDED ? bytes(length) : '';
}

/** @param {Entry} entry @param {Entry | null} result */
function whole(entry, result) {
  return [entry.tool, entry.input, entry.text, result?.text].filter(Boolean).join('\n');
}

/** @param {Entry} entry @param {Entry | null} result @returns {Child[]} */
function contents(entry, result) {
  const changes = edits(entry);
  return [
    entry.text && text('said', entry.text, entry.kind === 'text' ? 'prose' : 'output', entry.truncated),
    ...changes.map((lines, place) => h('div', { key: `diff ${place}`, class: 'diff', role: 'group', 'aria-label': 'Changes' },
      ...lines.slice(0, MOST_DIFF_LINES).map(({ sign, text: line }, index) => h('div', { key: index, class: 'diff-line', 'data-sign': sign }, h('span', { class: 'diff-sign' }, sign), line || ' ')),
      lines.length > MOST_DIFF_LINES && h('div', { class: 'quiet-text' }, `${lines.length - MOST_DIFF_LINES} lines more`))),
    entry.input && changes.length === 0 && text('input', pretty(entry.input), 'output', entry.truncated && !entry.text),
    result && h('div', { key: 'result', class: 'entry-result', 'data-tone': result.is_error ? 'error' : null }, text('result', result.text || '(nothing)', 'output', result.truncated)),
    entry.figures && h('p', { class: 'quiet-text' }, `${duration(entry.figures.duration_ms)}, ${entry.figures.num_turns} turns, ${count(entry.figures.tokens)} tokens, ${cost(entry.figures.cost_usd)}`),
  ];
}

/** A long text is folded; the browser keeps it open. @param {string} key @param {string} said @param {string} look @param {boolean} cutOff */
function text(key, said, look, cutOff) {
  const note = cutOff && h('p', { class: 'quiet-text' }, 'The rest is in the file of the run.');
  if (said.length <= FOLDED) return h('div', { key, class: 'entry-text' }, h('pre', { class: look }, said), note);
  return h('details', { key, class: 'entry-text' },
    h('summary', null, h('span', { class: 'fold-head' }, h('pre', { class: look }, `${said.slice(0, FOLDED)}…`)), h('span', { class: 'fold-word' }, `All of it (${bytes(said.length)})`)),
    h('pre', { class: look }, said), note);
}

/** @param {string} input */
function pretty(input) {
  try {
    return JSON.stringify(JSON.parse(input), null, 2);
  } catch {
    return input;
  }
}
