/**
 * What a tool is called with, as a person wants to read it: what it is about, in a line, and an edit as a difference.
 * Inputs are hostile, and no JSON any more when they were cut. Pure.
 *
 * @typedef {import('./cards.js').Entry} Entry
 * @typedef {import('./diff.js').DiffLine} DiffLine
 */
import { diff, shortened } from './diff.js';

const TELLING = [
  'file_path', 'notebook_path', 'command', 'pattern', 'path', 'url', 'query', 'skill', 'description', 'prompt', 'subject',
];
const LONGEST = 300;

/**
 * The arguments of a call; null when they cannot be read.
 * @param {string} input
 * @returns {Record<string, unknown> | null}
 */
export function argumentsOf(input) {
  try {
    const value = JSON.parse(input);
    return value !== null && typeof value === 'object' && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

/** What a call is about. @param {Entry} entry */
export function about({ input }) {
  const given = argumentsOf(input);
  if (!given) return begun(input);
  const text = (/** @type {string} */ name) => textOf(given, name);
  const name = TELLING.find(text) ?? Object.keys(given).find(text);
  const found = name === undefined ? '' : text(name);
  const where = name === 'pattern' && text('path') ? ` in ${text('path')}` : '';
  return `${found.trim().split('\n', 1)[0].slice(0, LONGEST)}${where}`;
}

/** @param {Record<string, unknown>} given @param {string} name */
function textOf(given, name) {
  const value = Object.hasOwn(given, name) ? given[name] : '';
  return typeof value === 'string' ? value : '';
}

/** Of an input that was cut: its first telling value. @param {string} input */
function begun(input) {
  const found = /"(?:file_path|notebook_path|command|pattern|path|url|query)":"((?:[^"\\]|\\.){1,300})/.exec(input);
  return found ? found[1].replaceAll('\\n', ' ').replaceAll('\\"', '"') : input.slice(0, LONGEST);
}

/** A shell command with more to it than a line shows. @param {Entry} entry */
export function script({ input }) {
  const given = argumentsOf(input);
  const command = given ? textOf(given, 'command') : '';
  return command.includes('\n') || command.length > 120 ? command : '';
}

/** The input as JSON that is easy to read. @param {string} input */
export function pretty(input) {
  const given = argumentsOf(input);
  return given ? JSON.stringify(given, null, 2) : input;
}

/**
 * The edits of a call, each as a difference without most of what stays the same; none when it is no edit.
 * @param {Entry} entry
 * @returns {DiffLine[][]}
 */
export function edits({ tool, input }) {
  const given = ['Write', 'Edit', 'MultiEdit'].includes(tool) ? argumentsOf(input) : null;
  if (!given) return [];
  if (tool === 'Write') return typeof given.content === 'string' ? [diff('', given.content.replace(/\n$/, ''))] : [];
  const all = tool === 'Edit' ? [given] : Array.isArray(given.edits) ? given.edits : [];
  return all.filter((one) => typeof one?.new_string === 'string').map(changed);
}

/** @param {Record<string, unknown>} edit */
function changed({ old_string, new_string }) {
  const [old, fresh] = [typeof old_string === 'string' ? old_string : '', String(new_string)];
  // A line's end at the end of both is no line of its own.
  const both = old.endsWith('\n') && fresh.endsWith('\n') ? -1 : undefined;
  return shortened(diff(old.slice(0, both), fresh.slice(0, both)));
}

/** `+12 −3` @param {DiffLine[][]} all */
export function extent(all) {
  const lines = all.flat();
  const [added, removed] = ['+', '-'].map((wanted) => lines.filter(({ sign }) => sign === wanted).length);
  return { added, removed };
}
