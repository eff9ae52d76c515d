/**
 * The entries of a transcript as cards: a tool's result stands under its call, what a subagent does is set in, and a
 * report of a task is read. Pure.
 *
 * @typedef {object} Entry - As `GET /api/commands/ID/transcript` gives it.
 * @property {string} id - `byte:place`
 * @property {'text' | 'thinking' | 'tool_use' | 'tool_result' | 'result' | 'system' | 'error' | 'raw'} kind
 * @property {string} text
 * @property {boolean} truncated
 * @property {string} tool
 * @property {string} tool_use_id
 * @property {string} input
 * @property {boolean} is_error
 * @property {string} parent_tool_use_id
 * @property {{duration_ms: number, num_turns: number, cost_usd: number, tokens: number} | null} figures
 *
 * @typedef {{story: string, task: string, status: string, message: string}} Report
 * @typedef {object} Card
 * @property {number} rank - Where it stands: rises through the transcript.
 * @property {Entry} entry
 * @property {Entry | null} result
 * @property {boolean} failed
 * @property {number} depth - 0: the agent itself.
 * @property {Report[]} reports - When the text is nothing else.
 *
 * @typedef {{thinking: boolean, show: string, find: string}} Choice - `show`: '', errors, tools, text.
 */

const DEEPEST = 3;
/** More than the server ever takes out of one line. */
const PLACES = 1_000;
const LONGEST_REPORT = 2_000;
const REPORT = /^[0-9]{9,13},[^,\n]*,([^,\n]*),[^,\n]*,([^,\n]*),(start|end),"((?:[^"]|"")*)"$/;

/** The byte at which an entry's line begins. @param {Entry} entry */
export function offsetOf({ id }) {
  return Number(id.split(':')[0]);
}

/** @param {Entry} entry */
export function rankOf({ id }) {
  const [offset, place] = id.split(':');
  return Number(offset) * PLACES + Number(place);
}

/**
 * @param {Entry[]} entries
 * @param {Card[]} [before] - Cards of some of them: those that have not changed are taken again, and not drawn again.
 * @returns {Card[]}
 */
export function cards(entries, before = []) {
  const known = new Map(before.map((card) => [card.entry, card]));
  /** @type {Map<string, Card>} */
  const calls = new Map();
  /** @type {Card[]} */
  const found = [];
  for (const entry of entries) {
    const call = entry.kind === 'tool_result' && entry.tool_use_id ? calls.get(entry.tool_use_id) : undefined;
    if (call && !call.result) {
      call.result = entry;
      call.failed ||= entry.is_error;
      continue;
    }
    const card = fresh(entry, calls);
    if (entry.kind === 'tool_use' && entry.tool_use_id) calls.set(entry.tool_use_id, card);
    found.push(card);
  }
  return found.map((card) => {
    const old = known.get(card.entry);
    return old && old.result === card.result && old.depth === card.depth ? old : card;
  });
}

/** @param {Entry} entry @param {Map<string, Card>} calls @returns {Card} */
function fresh(entry, calls) {
  const { parent_tool_use_id: parent } = entry;
  return {
    rank: rankOf(entry), entry, result: null, failed: entry.is_error || entry.kind === 'error',
    depth: parent ? Math.min(DEEPEST, (calls.get(parent)?.depth ?? 0) + 1) : 0,
    reports: entry.kind === 'text' ? reportsIn(entry.text) : [],
  };
}

/** @param {string} text @returns {Report[]} */
function reportsIn(text) {
  if (text.length > LONGEST_REPORT) return [];
  const found = text.trim().split('\n').map((line) => REPORT.exec(line.trim()));
  if (!found.every((one) => one !== null)) return [];
  return found.map(([, story, task, status, message]) => ({ story, task, status, message: message.replaceAll('""', '"') }));
}

/**
 * How many cards stand in front of a place.
 * @param {Card[]} all
 * @param {number} rank
 */
export function placeOf(all, rank) {
  let low = 0;
  let high = all.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (all[middle].rank < rank) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A text as a pattern that finds it in any case; null: nothing is looked for. @param {string} text */
export function pattern(text) {
  return text ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi') : null;
}

/** @param {Card[]} all @param {Choice} choice */
export function chosen(all, { thinking, show, find }) {
  const wanted = pattern(find);
  return all.filter(({ entry, result, failed }) => {
    if (entry.kind === 'thinking' && !thinking) return false;
    if (show === 'errors' && !failed) return false;
    if (show === 'tools' && entry.kind !== 'tool_use' && entry.kind !== 'tool_result') return false;
    if (show === 'text' && !['text', 'error', 'result', 'thinking'].includes(entry.kind)) return false;
    return !wanted || [entry.text, entry.tool, entry.input, result?.text ?? ''].some((text) => text.search(wanted) >= 0);
  });
}
