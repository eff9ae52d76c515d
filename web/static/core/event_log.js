/**
 * The lines of the event log, oldest first: at most 50,000, and those of them that a filter lets through. Changed in
 * place, because copying 50,000 lines for each event would be what the page spends its time on.
 *
 * @typedef {import('./types.js').LogLine} LogLine
 * @typedef {import('./types.js').Envelope} Envelope
 * @typedef {{story: string, kind: string, text: string}} Filter
 *   `kind`: a tone, a kind or a type, or empty. `text`: has to stand in the line.
 */
import { logLine } from './log_line.js';

export const MOST_LINES = 50_000;
/** Dropped at once when there are too many, so that it does not happen with every event. */
const PIECE = 2_000;

export class EventLog {
  constructor() {
    /** @type {LogLine[]} */
    this.lines = [];
    /** Whether there is nothing older to load. */
    this.complete = false;
    /** How many shown lines have been added at the end: how far older ones have moved. */
    this.appended = 0;
    /** @type {Filter} */
    this.filter = { story: '', kind: '', text: '' };
    /** @type {LogLine[]} */
    this.shown = this.lines;
  }

  get firstSeq() {
    return this.lines[0]?.seq ?? 0;
  }

  get lastSeq() {
    return this.lines[this.lines.length - 1]?.seq ?? 0;
  }

  clear() {
    this.lines = [];
    this.complete = false;
    this.refilter();
  }

  /** @param {Filter} filter */
  show(filter) {
    if (['story', 'kind', 'text'].every((name) => Reflect.get(this.filter, name) === Reflect.get(filter, name))) return;
    this.filter = filter;
    this.refilter();
  }

  /** Newer events, in order. @param {Envelope[]} events */
  append(events) {
    for (const event of events) {
      if (event.seq <= this.lastSeq) continue;
      const line = lineOf(event);
      this.lines.push(line);
      const shows = this.shown === this.lines || fits(line, this.filter);
      if (shows) this.appended += 1;
      if (shows && this.shown !== this.lines) this.shown.push(line);
    }
    if (this.lines.length > MOST_LINES + PIECE) {
      this.lines.splice(0, this.lines.length - MOST_LINES);
      this.complete = false;
      this.refilter();
    }
  }

  /** Older events, in order. @param {Envelope[]} events @param {boolean} all - Whether there are no older ones. */
  prepend(events, all) {
    const first = this.firstSeq;
    const older = events.filter((event) => !first || event.seq < first);
    const lines = older.map(lineOf);
    this.lines.unshift(...lines);
    if (this.shown !== this.lines) this.shown.unshift(...lines.filter((line) => fits(line, this.filter)));
    this.complete = all;
  }

  /**
   * The first `count` of these events, and nothing else: where a replay stands.
   * @param {Envelope[]} events
   * @param {number} count
   */
  become(events, count) {
    const last = count > 0 ? events[count - 1].seq : 0;
    const goesOn = this.lines.length > 0 && this.firstSeq === events[0]?.seq && this.lastSeq <= last;
    if (!goesOn) this.clear();
    this.complete = true;
    this.append(events.slice(goesOn ? this.lines.length : 0, count));
  }

  refilter() {
    const { story, kind, text } = this.filter;
    this.appended = 0;
    this.shown = story || kind || text ? this.lines.filter((line) => fits(line, this.filter)) : this.lines;
  }
}

/** One whose payload cannot be read is told by its type alone. @param {Envelope} event */
function lineOf(event) {
  try {
    return logLine(event);
  } catch {
    return logLine({ ...event, payload: {} });
  }
}

/** @param {LogLine} line @param {Filter} filter */
function fits(line, { story, kind, text }) {
  if (story && !line.story.split(',').includes(story)) return false;
  if (kind && line.tone !== kind && line.kind !== kind && line.type !== kind) return false;
  if (!text) return true;
  const wanted = text.toLowerCase();
  const parts = [line.story, line.command, line.task, line.status, line.message, line.type];
  return parts.some((part) => part.toLowerCase().includes(wanted));
}
