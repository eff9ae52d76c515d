import assert from 'node:assert/strict';
import test from 'node:test';
import { plain } from '../../web/static/core/text.js';
import { range } from './shapes.mjs';

test('colours, movements and titles of a terminal are left out', () => {
  assert.equal(plain('a\u001b[31mred\u001b[0m b'), 'ared b');
  assert.equal(plain('\u001b]0;title\u0007text \u001b]8;;http://x\u001b\\link'), 'text link');
  assert.equal(plain('\u001bMup'), 'up');
  assert.equal(plain('as it is'), 'as it is');
});

test('a title that does not end hides nothing', () => {
  assert.equal(plain('shown \u001b]0;never ended\nERROR: shown'), 'shown 0;never ended\nERROR: shown');
  assert.equal(plain('\u001b]0;one\u001b[31m two\nthree\u0007'), '0;one two\nthree\u0007');
  assert.equal(plain('\u001b]'), '');
});

test('it takes as long as the text is long', () => {
  const began = performance.now();
  plain('\u001b]'.repeat(500_000));
  plain(`\u001b]${'x'.repeat(5_000_000)}`);
  plain(`\u001b[${'1'.repeat(1_000_000)}`);
  plain(range(1_000).map(() => `\u001b]${'x'.repeat(1_000)}\n`).join(''));
  assert.ok(performance.now() - began < 2_000);
});
