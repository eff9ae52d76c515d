/**
 * Texts of a transcript: prose, output and differences, folded when they are long, with what is looked for marked.
 * Whatever is in them is a text and nothing else.
 *
 * @typedef {import('../core/dom.js').Child} Child
 * @typedef {import('../core/diff.js').DiffLine} DiffLine
 * @typedef {{find: string, open: (part: string) => boolean | undefined, set: (part: string, open: boolean) => void}} Look
 *   `find`: what is looked for; `open`: whether somebody has opened or closed a part, undefined: nobody has.
 */
import { pattern } from '../core/cards.js';
import { h } from '../core/dom.js';
import { bytes, plural } from '../core/format.js';
import { head, parts, plain } from '../core/text.js';

const MOST_MARKS = 200;

/** @param {string} text @param {string} find @returns {Child[]} */
export function marked(text, find) {
  const wanted = pattern(find);
  if (!wanted) return [text];
  /** @type {Child[]} */
  const found = [];
  let done = 0;
  for (const { 0: hit, index } of text.matchAll(wanted)) {
    if (found.length > 2 * MOST_MARKS) break;
    found.push(text.slice(done, index), h('mark', null, hit));
    done = index + hit.length;
  }
  return [...found, text.slice(done)];
}

/**
 * A text of which the beginning is shown until one asks for the rest.
 * @param {string} part - Its name within the card.
 * @param {string} said
 * @param {{lines: number, letters: number, cut?: boolean, prose?: boolean}} how - `cut`: the server has left out the end.
 * @param {Look} look
 * @returns {Child[]}
 */
export function folded(part, said, { lines, letters, cut = false, prose = false }, look) {
  const text = plain(said).replace(/\s+$/, '');
  const short = head(text, lines, letters);
  const long = short.length < text.length;
  const open = look.open(part) ?? (long && hidden(text, short.length, look.find));
  const shown = open ? text : short;
  return [
    prose ? h('div', { key: part, class: 'prose' }, proseOf(shown, look.find))
      : h('pre', { key: part, class: 'output', 'data-cut': (long && !open) || null }, marked(shown, look.find)),
    cut && (open || !long) && h('p', { key: `${part} cut`, class: 'quiet-text entry-note' },
      'Cut here: the file of the run has the rest.'),
    long && foldButton(part, open, open ? 'Fold' : `Show all ${bytes(text.length)}`, look),
  ];
}

/** Opens and closes a part. @param {string} part @param {boolean} open @param {string} label @param {Look} look */
export function foldButton(part, open, label, look) {
  return h('button', {
    key: `${part} fold`, class: 'quiet fold', 'aria-expanded': String(open), onclick: () => look.set(part, !open),
  }, label);
}

/** Whether something that is looked for would stay hidden. @param {string} text @param {number} from @param {string} find */
function hidden(text, from, find) {
  const wanted = pattern(find);
  return wanted !== null && text.slice(from).search(wanted) >= 0;
}

/** @param {string} text @param {string} find @returns {Child[]} */
function proseOf(text, find) {
  return parts(text).map(({ kind, text: part }, place) => h(kind === 'code' ? 'pre' : 'p', {
    key: place, class: kind === 'code' ? 'output' : kind === 'heading' ? 'prose-heading' : null,
  }, marked(part, find)));
}

/**
 * A difference, line by line.
 * @param {string} part
 * @param {DiffLine[]} all
 * @param {number} lines - How many are shown before it is opened.
 * @param {Look} look
 * @returns {Child[]}
 */
export function difference(part, all, lines, look) {
  const long = all.length > lines + 2;
  const open = look.open(part) ?? (long && hidden(all.map(({ text }) => text).join('\n'), 0, look.find));
  const shown = open || !long ? all : all.slice(0, lines);
  return [
    h('div', { key: part, class: 'diff', role: 'group', 'aria-label': 'Changes' },
      shown.map((line, index) => diffLine(line, index, look))),
    long && foldButton(part, open, open ? 'Fold' : `Show all ${plural(all.length, 'line')}`, look),
  ];
}

/** @param {DiffLine} line @param {number} index @param {Look} look */
function diffLine({ sign, text }, index, look) {
  return h('div', { key: index, class: 'diff-line', 'data-sign': sign },
    h('span', { class: 'diff-sign' }, sign === '-' ? '−' : sign), h('span', null, text === '' ? ' ' : marked(text, look.find)));
}
