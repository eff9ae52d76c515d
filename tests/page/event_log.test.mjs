import assert from 'node:assert/strict';
import test from 'node:test';
import { EventLog, MOST_LINES } from '../../web/static/core/event_log.js';
import { nextRow, rowOf, until } from '../../web/static/core/log_place.js';
import { chance, event, EVIL, pick, range } from './shapes.mjs';

const NONE = { story: '', kind: '', text: '' };
const STORIES = ['1-1-one', '__proto__', ''];
const WORDS = ['Hello', EVIL, '.*'];
/** The n-th event is always the same one. */
const nth = (seq) => event(seq, pick(chance(seq), ['error', 'batch:state', 'story:start']), {
  story_key: STORIES[seq % 3], message: WORDS[seq % 4] ?? '', detail: WORDS[seq % 4] ?? '',
});
const events = (from, count) => range(count).map((place) => nth(from + place));
const seqs = (lines) => lines.map(({ seq }) => seq);

/** What a filter lets through, said otherwise. */
function wanted(log, { story, kind, text }) {
  return log.lines.filter((line) => (
    (story === '' || line.story === story) && (kind === '' || [line.tone, line.kind, line.type].includes(kind))
    && Object.values(line).some((part) => String(part).toLowerCase().includes(text.toLowerCase()))));
}

test('whatever comes at either end, lines stay in order and the shown ones are those that fit', () => {
  const random = chance(1);
  for (let round = 0; round < 60; round += 1) {
    const log = new EventLog();
    let [first, end] = [500, 500];
    for (let step = 0; step < 25; step += 1) {
      const count = random(6);
      if (random(2)) {
        log.append(events(end, count));
        end += count;
      } else if (end > first) {
        log.prepend(events(first - count, count), false);
        first -= count;
      }
      const [kind, text] = [pick(random, ['', 'error', 'story', 'batch:state']), pick(random, ['', 'hello', '<IMG', '.*'])];
      if (random(4) === 0) log.show({ story: pick(random, STORIES), kind, text });
      assert.deepEqual(seqs(log.lines), seqs(events(first, end - first)));
      assert.deepEqual(seqs(log.shown), seqs(wanted(log, log.filter)));
    }
  }
});

test('what is known already is not taken twice', () => {
  const log = new EventLog();
  log.append(events(10, 5));
  log.append(events(12, 5));
  log.prepend(events(7, 6), true);
  assert.deepEqual(seqs(log.lines), range(10).map((place) => place + 7));
  assert.deepEqual([log.firstSeq, log.lastSeq, log.complete], [7, 16, true]);
});

test('only shown lines that are added at the end are counted as such', () => {
  const log = new EventLog();
  log.append(events(100, 3));
  log.prepend(events(90, 10), false);
  assert.equal(log.appended, 3);
  log.show({ ...NONE, story: '1-1-one' });
  log.append(events(103, 6));
  assert.equal(log.appended, 2);
});

test('of too many lines the oldest are dropped, and then it is not complete', () => {
  const log = new EventLog();
  log.prepend(events(1, 10), true);
  log.show({ ...NONE, kind: 'error' });
  log.append(events(11, MOST_LINES + 1990));
  assert.deepEqual([log.lines.length, log.complete], [MOST_LINES + 2000, true]);
  log.append(events(MOST_LINES + 2001, 1));
  assert.deepEqual([log.lines.length, log.lastSeq, log.complete], [MOST_LINES, MOST_LINES + 2001, false]);
  assert.deepEqual(seqs(log.shown), seqs(wanted(log, log.filter)));
});

test('a log that is emptied keeps its filter', () => {
  const log = new EventLog();
  log.show({ ...NONE, story: '__proto__' });
  log.append(events(1, 9));
  log.clear();
  assert.deepEqual([log.lines, log.shown, log.firstSeq, log.lastSeq], [[], [], 0, 0]);
  log.append(events(1, 9));
  assert.deepEqual(seqs(log.shown), [1, 4, 7]);
});

test('a log becomes the first events of a replay, forward and back, and its filter holds', () => {
  const random = chance(2);
  const all = events(40, 200);
  for (const start of [[], events(1, 30), events(40, 10), events(200, 40)]) {
    const log = new EventLog();
    log.append(start);
    for (let step = 0; step < 60; step += 1) {
      const count = random(201);
      if (random(5) === 0) log.show({ ...NONE, text: pick(random, ['', 'hello']) });
      log.become(all, count);
      assert.deepEqual(seqs(log.lines), seqs(all.slice(0, count)));
      assert.deepEqual(seqs(log.shown), seqs(wanted(log, log.filter)));
      assert.ok(log.complete, 'there is nothing older to be loaded');
    }
  }
  const log = new EventLog();
  log.become([], 0);
  assert.deepEqual(log.lines, []);
});

test('who plays on keeps the lines that are there', () => {
  const log = new EventLog();
  const all = events(1, 20);
  log.become(all, 10);
  const [first] = log.lines;
  log.become(all, 20);
  assert.equal(log.lines[0], first);
});

test('an event of a kind, or of fields, that nobody knows is a line too', () => {
  const log = new EventLog();
  const payloads = [{}, { story_keys: ['a', EVIL], status: '__proto__' },
    { message: 7, story_key: null, command_id: '5', metrics: 3, context: 'x' }];
  const types = ['__proto__', 'command:progress', 'command:end', 'batch:start', 'cycle:end', 'new:kind', ''];
  const all = types.flatMap((type) => payloads.map((payload) => [type, payload]));
  log.append(all.map(([type, payload], place) => event(place + 1, type, payload)));
  assert.equal(log.lines.length, types.length * payloads.length);
  log.show({ ...NONE, text: 'x' });
  for (const line of log.lines) {
    for (const name of ['story', 'command', 'task', 'status', 'message', 'tone', 'type']) {
      assert.equal(typeof line[name], 'string', `${line.type} ${name}`);
    }
    assert.equal(line.commandId, null);
  }
});

test('the place of a line is how many are not newer, whether it is there or not', () => {
  const lines = [2, 3, 5, 8, 13].map((seq) => ({ seq }));
  for (const seq of [-1, 0, 2, 4, 5, 13, 1e15, Infinity]) {
    assert.equal(until(lines, seq), lines.filter((line) => line.seq <= seq).length);
  }
  assert.equal(until([], 5), 0);
});

test('the row of a line counts from the newest that is shown, and never leaves the list', () => {
  const lines = [2, 3, 5, 8, 13].map((seq) => ({ seq }));
  assert.deepEqual([13, 8, 2].map((seq) => rowOf(lines, 5, seq)), [0, 1, 4]);
  assert.deepEqual([5, 13, 0].map((seq) => rowOf(lines, 3, seq)), [0, 0, 2], 'newer ones are not shown');
  assert.equal(rowOf([], 0, 5), 0);
});

test('the next older line that fits is looked for around the end, and is itself when there is no other', () => {
  const lines = range(6).map((seq) => ({ seq, fits: seq === 1 || seq === 4 }));
  const next = (end, row) => nextRow(lines, end, row, ({ fits }) => fits);
  assert.deepEqual([next(6, -1), next(6, 1), next(6, 4), next(3, -1), next(3, 1)], [1, 4, 1, 1, 1]);
  assert.equal(nextRow(lines, 6, 2, () => false), -1);
  assert.equal(nextRow([], 0, -1, () => true), -1);
});
