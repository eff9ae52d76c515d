import assert from 'node:assert/strict';
import test from 'node:test';
import { appended, MOST_ENTRIES, NONE, prepended } from '../../web/static/core/stretch.js';
import { head, parts, plain } from '../../web/static/core/text.js';
import { entry, EVIL, range } from './shapes.mjs';

const texts = (from, count, changes = {}) => range(count).map((place) => entry(`${(from + place) * 10}:0`, 'text', changes));
const page = (entries, at_end = false) => ({ entries, next: Number(entries.at(-1).id.split(':')[0]) + 10, at_end });

test('pages that are put behind one another are one stretch', () => {
  const one = appended(NONE, page(texts(0, 100)));
  const two = appended(one, page(texts(100, 100), true));
  assert.deepEqual([two.from, two.next, two.atEnd, two.entries.length, two.cards.length], [0, 2000, true, 200, 200]);
  assert.equal(two.cards[0], one.cards[0]);
});

test('what is far away is dropped at the other end, and the bytes say what is here', () => {
  const long = appended(appended(NONE, page(texts(100, MOST_ENTRIES))), page(texts(100 + MOST_ENTRIES, 50), true));
  assert.deepEqual([long.entries.length, long.from, long.atEnd], [MOST_ENTRIES, 1500, true]);
  const back = prepended(long, texts(140, 10), 1400);
  assert.equal(back.entries.length, MOST_ENTRIES);
  assert.deepEqual([back.from, back.atEnd], [1400, false]);
  assert.equal(back.next, Number(back.entries.at(-1).id.split(':')[0]) + 10, 'the next page begins with what was dropped');
});

test('it is never cut within a line of the file', () => {
  const line = range(9).map((place) => entry(`${MOST_ENTRIES * 10}:${place}`, 'text'));
  const here = appended(appended(NONE, page(line)), page(texts(MOST_ENTRIES + 1, MOST_ENTRIES - 4)));
  assert.equal(here.entries.length, MOST_ENTRIES - 4);
  assert.equal(here.from, (MOST_ENTRIES + 1) * 10);
});

test('a few huge entries are as much as many small ones, and one is always kept', () => {
  const huge = appended(NONE, page(texts(0, 10, { text: 'x'.repeat(9_000_000) })));
  assert.deepEqual([huge.entries.length, huge.from], [2, 80]);
  assert.equal(appended(NONE, page(texts(0, 1, { text: 'x'.repeat(30_000_000) }))).entries.length, 1);
});

test('the folder of the agent is what it says first, and is remembered', () => {
  const init = entry('0:0', 'system', { text: 'init: cwd /srv/project, model best' });
  const one = appended(NONE, page([init, ...texts(1, 5)]));
  assert.equal(one.root, '/srv/project');
  assert.equal(appended({ ...NONE, root: one.root }, page(texts(50, 5))).root, '/srv/project');
  assert.equal(appended(NONE, page([entry('0:0', 'text', { text: 'init: cwd /fake, x' })])).root, '');
  assert.equal(appended(NONE, { entries: [], next: 0, at_end: true }).root, '');
});

test('a long text is folded after its first lines, but not for a few letters more', () => {
  assert.equal(head('a\nb\nc\nd', 2, 100), 'a\nb');
  assert.equal(head('a\nb\nc', 2, 100), 'a\nb\nc', 'one line more is no reason');
  assert.equal(head('x'.repeat(500), 5, 100), 'x'.repeat(100));
  assert.equal(head('x'.repeat(150), 5, 100), 'x'.repeat(150));
  assert.equal(head('', 5, 100), '');
  assert.equal(head(`${'x'.repeat(500)}\na\nb`, 1, 100), 'x'.repeat(100));
});

test('prose is parted into text, headings and code, and code stays as it is', () => {
  const text = `# Title\nsome\ntext\n\n\`\`\`js\n# no heading\n\n${EVIL}\n\`\`\`\nend`;
  assert.deepEqual(parts(text), [
    { kind: 'heading', text: 'Title' }, { kind: 'text', text: 'some\ntext' }, { kind: 'code', text: `# no heading\n\n${EVIL}` },
    { kind: 'text', text: 'end' },
  ]);
  assert.deepEqual(parts('```\nnever closed'), [{ kind: 'code', text: 'never closed' }]);
  assert.deepEqual(parts('#hashtag'), [{ kind: 'text', text: '#hashtag' }]);
  assert.deepEqual(parts(' \n '), []);
});

test('of a terminal\'s output the text is left, also when a sequence was cut', () => {
  assert.equal(plain('\u001b[1;31mred\u001b[0m and \u001b]0;title\u0007plain'), 'red and plain');
  assert.equal(plain('\u001b]8;;http://x\u001b\\link'), 'link');
  assert.equal(plain('no [31m sequence'), 'no [31m sequence');
  assert.equal(plain('\u001b]0;never ended'), '0;never ended');
});
