/**
 * The call of a tool: its name and what it is about in a line, the change that an edit makes, and what came of it.
 *
 * @typedef {import('../core/cards.js').Card} Card
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('./transcript_text.js').Look} Look
 */
import { edits, extent, pretty, script } from '../core/calls.js';
import { h } from '../core/dom.js';
import { bytes } from '../core/format.js';
import { difference, foldButton, folded, marked } from './transcript_text.js';

/** What they gave back is seldom worth a look. */
const READS = new Set(['Read', 'Glob', 'LS', 'NotebookRead', 'TodoWrite']);
const DIFF_LINES = 14;
const OPEN = { lines: 24, letters: 3_000 };
const GLANCE = { lines: 3, letters: 300 };

/**
 * @param {Card} one
 * @param {Look} look
 * @param {{open: boolean, pending: boolean, subject: string}} how
 */
export function callHead({ entry, result, failed }, look, { open, pending, subject }) {
  const changed = extent(edits(entry));
  return h('button', { key: 'head', class: 'call', 'aria-expanded': String(open), onclick: () => look.set('open', !open) },
    h('span', { class: 'call-fold', 'aria-hidden': 'true' }, open ? '▾' : '▸'),
    h('strong', { class: 'call-name cut' }, marked(entry.tool || 'Tool', look.find)),
    h('span', { class: 'mono cut call-about', title: subject }, marked(subject, look.find)),
    changed.added + changed.removed > 0 && h('span', { class: 'call-extent mono' },
      changed.added > 0 && h('span', { 'data-sign': '+' }, `+${changed.added}`),
      changed.removed > 0 && h('span', { 'data-sign': '-' }, `−${changed.removed}`)),
    failed ? h('span', { key: 'state', class: 'state', 'data-tone': 'error' }, '✕ error')
      : pending ? atWork()
        : h('span', { key: 'state', class: 'quiet-text call-size' }, result ? bytes(result.text.length) : 'no result'));
}

function atWork() {
  return h('span', { key: 'state', class: 'state', 'data-tone': 'running' },
    h('span', { class: 'breathing', 'aria-hidden': 'true' }, '◐'), 'running');
}

/** @param {Card} one @param {Look} look @param {{open: boolean, input: boolean}} how @returns {Child[]} */
export function callBody({ entry, result, failed }, look, { open, input }) {
  const changes = edits(entry);
  const said = result !== null && result.text.trim() !== '' ? result : null;
  // An edit says for itself what it did, and who reads a file wants to know that it was read.
  const told = said && (failed || (open ? changes.length === 0 : !READS.has(entry.tool) && changes.length === 0));
  const command = open ? script(entry) : '';
  const inputOpen = look.open('input') ?? input;
  const resultOpen = look.open('result open') ?? false;
  return [
    ...(open ? changes.flatMap((one, place) => difference(`diff ${place}`, one, DIFF_LINES, look)) : []),
    ...(command ? folded('command', command, OPEN, look) : []),
    told && outcome(said, look, open, failed),
    open && h('div', { key: 'more', class: 'call-more' },
      entry.input && foldButton('input', inputOpen, `${arrow(inputOpen)} Input ${bytes(entry.input.length)}`, look),
      said && !told && foldButton('result open', resultOpen, `${arrow(resultOpen)} Result ${bytes(said.text.length)}`, look)),
    ...(open && inputOpen ? folded('input text', pretty(entry.input), { ...OPEN, cut: entry.truncated }, look) : []),
    open && said && !told && resultOpen && outcome(said, look, true, false),
  ];
}

/** @param {boolean} open */
function arrow(open) {
  return open ? '▾' : '▸';
}

/** @param {import('../core/cards.js').Entry} result @param {Look} look @param {boolean} open @param {boolean} failed */
function outcome(result, look, open, failed) {
  const whole = open || failed;
  return h('div', { key: 'result', class: 'result', 'data-tone': failed ? 'error' : null, 'data-glance': !whole || null },
    whole ? folded('result', result.text, { ...OPEN, cut: result.truncated }, look) : glance(result.text, look));
}

/** The first lines; all of it is one click on the line above away. @param {string} text @param {Look} look @returns {Child[]} */
function glance(text, look) {
  const [first] = folded('glance', text, GLANCE, { ...look, open: () => false });
  return [first];
}
