/**
 * The entries of a transcript as cards: a tool's result stands under its call, an edit is a difference. Pure.
 *
 * @typedef {object} Entry - As `GET /api/commands/ID/transcript` gives it.
 * @property {string} id
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
 * @typedef {{entry: Entry, result: Entry | null, failed: boolean, inner: boolean}} Card
 * @typedef {{thinking: boolean, show: string, find: string}} Choice - `show`: '', errors, tools, text.
 */
import { diff } from './diff.js';

/**
 * @param {Entry[]} entries
 * @returns {Card[]}
 */
export function cards(entries) {
  /** @type {Map<string, Card>} */
  const calls = new Map();
  /** @type {Card[]} */
  const found = [];
  for (const entry of entries) {
    const call = entry.kind === 'tool_result' ? calls.get(entry.tool_use_id) : undefined;
    if (call && !call.result) {
      call.result = entry;
      call.failed ||= entry.is_error;
      continue;
    }
    const card = { entry, result: null, failed: entry.is_error || entry.kind === 'error', inner: entry.parent_tool_use_id !== '' };
    if (entry.kind === 'tool_use' && entry.tool_use_id) calls.set(entry.tool_use_id, card);
    found.push(card);
  }
  return found;
}

/** @param {Card[]} all @param {Choice} choice */
export function chosen(all, { thinking, show, find }) {
  const wanted = find.toLowerCase();
  return all.filter(({ entry, result, failed }) => {
    if (entry.kind === 'thinking' && !thinking) return false;
    if (show === 'errors' && !failed) return false;
    if (show === 'tools' && entry.kind !== 'tool_use') return false;
    if (show === 'text' && entry.kind !== 'text') return false;
    return !wanted || [entry.text, entry.tool, entry.input, result?.text ?? ''].some((text) => text.toLowerCase().includes(wanted));
  });
}

/**
 * What a tool is called with; a text when it is no JSON any more.
 * @param {string} input
 * @returns {Record<string, unknown>}
 */
export function arguments_(input) {
  try {
    const value = JSON.parse(input);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : { input: value };
  } catch {
    return { input };
  }
}

const TELLING = ['file_path', 'notebook_path', 'path', 'command', 'pattern', 'url', 'query', 'description', 'prompt', 'input'];

/** What a call is about, in a line. @param {string} input */
export function about(input) {
  const given = arguments_(input);
  const name = TELLING.find((one) => typeof given[one] === 'string' && given[one] !== '');
  return name ? String(given[name]).split('\n')[0].slice(0, 300) : '';
}

/**
 * The edits of a call, each as a difference; none when it is no edit.
 * @param {Entry} entry
 * @returns {import('./diff.js').DiffLine[][]}
 */
export function edits({ tool, input }) {
  const given = arguments_(input);
  const text = (/** @type {unknown} */ value) => (typeof value === 'string' ? value : '');
  if (tool === 'Write' && typeof given.content === 'string') return [diff('', given.content)];
  if (tool === 'Edit' && typeof given.new_string === 'string') return [diff(text(given.old_string), given.new_string)];
  if (tool === 'MultiEdit' && Array.isArray(given.edits)) return given.edits.map((one) => diff(text(one?.old_string), text(one?.new_string)));
  return [];
}
