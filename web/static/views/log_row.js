/**
 * A line of the event log: `HH:MM:SS story command task status message`.
 *
 * @typedef {import('../core/types.js').LogLine} LogLine
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { clock, shortKey, stateOf } from '../core/format.js';
import { isEcho } from '../core/log_line.js';
import { href } from '../core/router.js';

/** A cell is as wide as it is; what is further behind cannot be seen. */
const SHOWN = 400;
const TOLD = 2_000;
/** @type {Record<LogLine['tone'], string>} */
const ICONS = { error: '✕', warning: '⚠', success: '✓', running: '▸', waiting: '◷', idle: '·' };
const NARROW = matchMedia('(max-width: 700px)');

/** Whether a line takes two rows of text. */
export function narrow() {
  return NARROW.matches;
}

/** What the columns are: for the eye, a screen reader hears each line whole. */
export function columns() {
  return h('div', { key: 'columns', class: 'log-columns', 'aria-hidden': 'true' },
    ['Time', 'Story', 'Command', 'Task', 'Status', 'Message'].map((name) => h('span', { key: name }, name)));
}

/**
 * @param {LogLine | undefined} line
 * @param {number | null} batch
 * @param {number} cursor - The line that Tab leads to.
 * @param {(seq: number) => void} focused
 * @returns {Child}
 */
export function row(line, batch, cursor, focused) {
  // Dropped because there were too many, and not drawn again yet.
  if (!line) return null;
  const at = line.seq === cursor;
  return h('div', { key: line.seq, class: 'log-item', role: 'listitem', deps: [line, at, batch] }, () => {
    const link = target(line, batch);
    return [h(link ? 'a' : 'div', {
      class: 'log-line', 'data-tone': line.tone, 'data-kind': line.kind, 'data-echo': isEcho(line) || null,
      'data-seq': String(line.seq), tabindex: at ? '0' : '-1', ...(link && { href: link }),
      onfocus: () => !at && focused(line.seq),
    },
      h('time', { datetime: new Date(line.at).toISOString(), title: new Date(line.at).toLocaleString() }, clock(line.at)),
      h('span', { class: 'key cut', title: line.story }, line.story.split(',').map(shortKey).join(', ')),
      h('span', { class: 'cut log-command', title: line.command }, line.command),
      h('span', { class: 'cut log-task', title: line.task }, line.task),
      h('span', { class: 'state log-status' },
        h('span', { class: 'log-icon', 'aria-hidden': 'true' }, icon(line)), h('span', { class: 'cut' }, line.status)),
      h('span', { class: 'cut log-message', title: line.message.slice(0, TOLD) }, line.message.slice(0, SHOWN)))];
  });
}

/** The command at that moment, or the story. @param {LogLine} line @param {number | null} batch */
function target({ commandId, seq, story }, batch) {
  if (commandId !== null) return href({ view: 'command', command: commandId, batch, filters: { at: String(seq) } });
  return story ? href({ view: 'story', story: story.split(',')[0], batch }) : null;
}

/** @param {LogLine} line */
function icon({ status, tone }) {
  const { icon: known } = stateOf(status);
  return known === '·' ? ICONS[tone] : known;
}

/**
 * What stands behind the oldest line.
 * @param {import('./run.js').Source} source
 * @param {boolean} filtered
 */
export function foot({ log, busy, older }, filtered) {
  return h('div', { key: 'foot', class: 'log-foot quiet-text', role: 'listitem' },
    log.complete ? (filtered ? 'No older line matches' : 'The beginning of the log') : busy ? 'Loading older lines…'
      : h('button', { class: 'quiet', onclick: () => void older() }, 'Load older lines'));
}
