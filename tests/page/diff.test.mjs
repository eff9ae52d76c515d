import assert from 'node:assert/strict';
import test from 'node:test';
import { diff, shortened } from '../../web/static/core/diff.js';
import { chance, HOSTILE, pick, range } from './shapes.mjs';

const text = (lines, sign) => lines.filter((line) => line.sign === ' ' || line.sign === sign).map((line) => line.text).join('\n');
const signs = (lines) => lines.map(({ sign }) => sign).join('');
const many = (count) => range(count).map((number) => `line ${number}`);

test('a difference has both texts in it, whatever they are', () => {
  const random = chance(7);
  const words = ['a', 'b', 'c', '', ...HOSTILE];
  for (let round = 0; round < 400; round += 1) {
    const [before, after] = [0, 0].map(() => range(random(12)).map(() => pick(random, words)).join('\n'));
    const lines = diff(before, after);
    assert.equal(text(lines, '-'), before);
    assert.equal(text(lines, '+'), after);
  }
});

test('no more than what changed is taken out and put in', () => {
  assert.deepEqual(diff('a\nb\nc', 'a\nx\nc').map(({ sign, text: line }) => sign + line), [' a', '-b', '+x', ' c']);
  assert.equal(signs(diff('a\nb\nc\nd', 'b\nc\nd\ne')), '-   +');
  assert.equal(signs(diff('same\ntext', 'same\ntext')), '  ');
});

test('an empty text has no line, and an empty line is one', () => {
  assert.deepEqual(diff('', ''), []);
  assert.equal(signs(diff('', 'a\nb')), '++');
  assert.equal(signs(diff('a', '')), '-');
  assert.equal(signs(diff('a\nb', 'a\n\nb')), ' + ');
});

test('texts too long to be compared line by line are all out, all in, but for what they begin and end with', () => {
  const middle = (word) => range(600).map((line) => `${word} ${line}`);
  const [before, after] = ['old', 'new'].map((word) => ['head', ...middle(word), 'tail'].join('\n'));
  const lines = diff(before, after);
  assert.equal(signs(lines), ` ${'-'.repeat(600)}${'+'.repeat(600)} `);
  assert.equal(text(lines, '+'), after);
});

test('of what stays the same only three lines around a change are kept, and the rest is counted', () => {
  const before = many(20);
  const lines = shortened(diff(before.join('\n'), before.with(10, 'new').join('\n')));
  assert.equal(signs(lines), '…   -+   …');
  assert.deepEqual([lines[0].text, lines.at(-1).text], ['7 unchanged lines', '6 unchanged lines']);
});

test('changes that are near one another have nothing left out between them', () => {
  const before = many(12);
  assert.equal(signs(shortened(diff(before.join('\n'), before.with(2, 'x').with(8, 'y').join('\n')))), '  -+     -+   ');
  assert.equal(signs(shortened(diff(before.join('\n'), before.with(1, 'x').with(9, 'y').join('\n')))), ' -+   …   -+  ');
});

test('shortening changes no change, and loses no line that it does not count', () => {
  const random = chance(11);
  for (let round = 0; round < 200; round += 1) {
    const before = many(random(40));
    const after = before.flatMap((line) => (random(8) ? [line] : pick(random, [[], ['new'], ['new', line]])));
    const all = diff(before.join('\n'), after.join('\n'));
    const short = shortened(all);
    const changed = (lines) => lines.filter(({ sign }) => sign === '+' || sign === '-');
    assert.deepEqual(changed(short), changed(all));
    assert.equal(short.reduce((sum, { sign, text: said }) => sum + (sign === '…' ? parseInt(said, 10) : 1), 0), all.length);
  }
});

test('where nothing changes, all is left out', () => {
  assert.deepEqual(shortened(diff('a', 'a')), [{ sign: '…', text: '1 unchanged line' }]);
  assert.deepEqual(shortened([]), []);
});
