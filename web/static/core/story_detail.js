/**
 * What the page of a story tells: its attempts by phase, what they found, and the files that were written. Pure.
 *
 * @typedef {import('./types.js').Attempt} Attempt
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {{phase: string, attempts: Attempt[]}} Stage
 * @typedef {{tone: string, icon: string, word: string, titles: string[], warnings: string[]}} Verdict
 * @typedef {{path: string, times: number, made: boolean, at: number, commandId: number}} WrittenFile
 * @typedef {{folder: string, files: (WrittenFile & {name: string})[]}} WrittenFolder
 */
import { baseName, PHASES } from './reducer.js';

const BEFORE = ['sprint-status'];
/** @type {Record<string, string>} */
const PART_OF = { 'story-discovery': 'create-story' };
const LEVELS = ['critical', 'high', 'medium', 'low'];
/** @type {Record<string, [string, string, string]>} */
const SEVERITIES = {
  ZERO: ['success', '✓', 'No issues'], LOW: ['success', '▽', 'Low at most'], MEDIUM: ['warning', '△', 'Medium at most'],
  HIGH: ['error', '▲', 'High at most'], CRITICAL: ['error', '▲', 'Critical'], UNKNOWN: ['warning', '?', 'No severity named'],
};
const WRITES = /^(Write|Edit|MultiEdit|NotebookEdit) (.+)$/s;

/**
 * The attempts of a story by phase: all phases, and other commands before and behind them if there were any.
 * @param {Record<string, Attempt>} attempts
 * @param {string} key
 * @returns {Stage[]}
 */
export function stages(attempts, key) {
  /** @type {Map<string, Attempt[]>} */
  const found = new Map([...BEFORE, ...PHASES].map((phase) => [phase, []]));
  const own = Object.values(attempts).filter(({ story_keys }) => story_keys.includes(key));
  for (const attempt of own.sort((one, other) => one.id - other.id)) {
    const base = baseName(attempt.command);
    const phase = Object.hasOwn(PART_OF, base) ? PART_OF[base] : base;
    found.set(phase, [...found.get(phase) ?? [], attempt]);
  }
  const all = [...found].map(([phase, some]) => ({ phase, attempts: some }));
  return all.filter((stage) => stage.attempts.length > 0 || PHASES.includes(stage.phase));
}

/**
 * What a command found, from the facts that were recorded of it.
 * @param {string} command
 * @param {string} json
 * @param {string} key
 * @returns {Verdict | null}
 */
export function verdictOf(command, json, key) {
  const facts = read(json);
  if (!facts) return null;
  const warnings = texts(facts.warnings);
  const told = toldBy(baseName(command), facts, key);
  if (told) return { titles: [], ...told, warnings };
  return warnings.length > 0 ? { tone: 'warning', icon: '△', word: 'Something was missing', titles: [], warnings } : null;
}

/**
 * @param {string} base @param {any} facts @param {string} key
 * @returns {{tone: string, icon: string, word: string, titles?: string[]} | null}
 */
function toldBy(base, facts, key) {
  if (base === 'code-review') {
    const { severity = 'UNKNOWN', titles, counts } = facts.review ?? {};
    const [tone, icon, word] = Object.hasOwn(SEVERITIES, severity) ? SEVERITIES[severity] : SEVERITIES.UNKNOWN;
    return { tone, icon, word: (severity !== 'ZERO' && counted(counts)) || word, titles: texts(titles).sort() };
  }
  if (base === 'story-review' || base === 'tech-spec-review') {
    if (facts.critical) return { tone: 'error', icon: '▲', word: 'Critical issues found' };
    return { tone: 'success', icon: '✓', word: 'No critical issues' };
  }
  const decision = base === 'create-story' && Object.hasOwn(facts.decisions ?? {}, key) ? facts.decisions[key] : '';
  if (!decision) return null;
  return { tone: 'idle', icon: '→', word: decision === 'SKIP' ? 'Needs no tech-spec' : 'Needs a tech-spec' };
}

/** `1 high, 2 low` @param {any} counts */
function counted(counts) {
  return LEVELS.filter((level) => counts?.[level] > 0).map((level) => `${counts[level]} ${level}`).join(', ');
}

/** @param {string} json */
function read(json) {
  try {
    const value = JSON.parse(json);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** @param {unknown} value */
function texts(value) {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [];
}

/**
 * The files that tools were told to write, by folder, the last one first; without the folder that all of them lie in.
 * @param {Envelope[]} events
 * @returns {{root: string, count: number, folders: WrittenFolder[]}}
 */
export function written(events) {
  /** @type {Map<string, WrittenFile>} */
  const found = new Map();
  for (const { payload, timestamp } of events) {
    const [, tool, path] = (payload.kind === 'tool' && payload.status === 'start' && WRITES.exec(payload.message)) || [];
    if (!path) continue;
    const before = found.get(path);
    found.delete(path);
    found.set(path, {
      path, times: (before?.times ?? 0) + 1, made: before?.made || tool === 'Write', at: timestamp, commandId: payload.command_id,
    });
  }
  const files = [...found.values()].reverse();
  const root = commonFolder(files.map(({ path }) => path));
  /** @type {Map<string, WrittenFolder>} */
  const folders = new Map();
  for (const file of files) {
    const place = file.path.lastIndexOf('/') + 1;
    const folder = file.path.slice(root.length, place);
    const own = folders.get(folder) ?? { folder, files: [] };
    folders.set(folder, own);
    own.files.push({ ...file, name: file.path.slice(place) });
  }
  return { root, count: files.length, folders: [...folders.values()] };
}

/** @param {string[]} paths */
function commonFolder(paths) {
  if (paths.length === 0) return '';
  const folders = paths.map((path) => path.split('/').slice(0, -1));
  const [first] = folders;
  const length = first.findIndex((name, place) => folders.some((others) => others[place] !== name));
  const common = length < 0 ? first : first.slice(0, length);
  return common.length > 0 ? `${common.join('/')}/` : '';
}

/** What can be done about a story that is blocked, by how its reason begins. @type {[RegExp, string][]} */
const CURES = [
  [/repeated error pattern/i, 'The last three code reviews found substantially the same, so another one would too. Read the'
    + ' findings below, and settle in the story file or in the code which side is right.'],
  [/review limit/i, 'The code reviews reached their limit. Look at what the last ones found; the limit is'
    + ' max_code_review_attempts in the settings.'],
  [/consecutive errors/i, 'A command failed three times in a row. Open its last attempt below: it says why.'],
  [/unexpected status/i, 'The sprint file has a status that nobody knows, and its diagnosis did not help. Correct it there.'],
  [/no longer in the sprint file/i, 'Somebody took the story out of the sprint file. Put its line back to have it done.'],
  [/blocked in the sprint file/i, 'Somebody set it to blocked in the sprint file.'],
];

/** @param {string} reason */
export function cureOf(reason) {
  return CURES.find(([pattern]) => pattern.test(reason))?.[1] ?? '';
}

/**
 * The batches that began a story at these times, newest first; `earlier` when there is one that is not listed.
 * @param {number[]} times
 * @param {import('./types.js').BatchLine[]} batches - Newest first, and the oldest may be left out.
 */
export function batchesOf(times, batches) {
  const found = times.map((time) => batches.find(({ started_at }) => started_at <= time));
  return { batches: batches.filter((batch) => found.includes(batch)), earlier: found.includes(undefined) };
}
