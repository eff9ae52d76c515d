import assert from 'node:assert/strict';
import test from 'node:test';
import { about, argumentsOf, edits, extent, pretty, script } from '../../web/static/core/calls.js';
import { entry, EVIL } from './shapes.mjs';

const call = (tool, input) => entry('0:0', 'tool_use',
  { tool, input: typeof input === 'string' ? input : JSON.stringify(input) });
const shown = (lines) => lines.map(({ sign, text }) => sign + text);

test('only an object is read as arguments', () => {
  for (const input of ['', 'null', '[1]', '"text"', '7', '{"cut": "of', EVIL]) assert.equal(argumentsOf(input), null);
  assert.deepEqual(argumentsOf('{"a":1}'), { a: 1 });
});

test('a call is about its most telling argument, in a line', () => {
  assert.equal(about(call('Bash', { description: 'List', command: '  ls -l\nrm x' })), 'ls -l');
  assert.equal(about(call('Grep', { path: 'src', pattern: 'a.*b' })), 'a.*b in src');
  assert.equal(about(call('Read', { file_path: EVIL })), EVIL);
  assert.equal(about(call('Strange', { count: 3, note: 'by its first text' })), 'by its first text');
  assert.equal(about(call('Bash', { command: 'x'.repeat(9_999) })).length, 300);
});

test('arguments that are no texts, or named like what every object has, mislead nobody', () => {
  assert.equal(about(call('Bash', { command: 7, file_path: null })), '');
  assert.equal(about(call('Bash', '{"__proto__": {"command": "inherited"}, "b": 1}')), '');
  assert.equal(about(call('Bash', '{"__proto__": "own"}')), 'own');
  assert.equal(script(call('Bash', '{"__proto__": {"command": "a\\nb"}}')), '');
});

test('of an input that was cut, the beginning tells', () => {
  assert.equal(about(call('Write', '{"file_path":"/a/\\"b\\".md","content":"cut he')), '/a/"b".md');
  assert.equal(about(call('Other', `{"html": "${'<'.repeat(999)}`)).length, 300);
  assert.equal(about(call('Other', '')), '');
});

test('a script is what does not fit into a line', () => {
  assert.equal(script(call('Bash', { command: 'ls' })), '');
  assert.equal(script(call('Bash', { command: 'a\nb' })), 'a\nb');
  assert.equal(script(call('Bash', { command: 'x'.repeat(121) })).length, 121);
  assert.equal(script(call('Bash', { command: ['a\nb'] })), '');
});

test('arguments are indented, and what cannot be read is left as it is', () => {
  assert.equal(pretty('{"a":{"b":1}}'), '{\n  "a": {\n    "b": 1\n  }\n}');
  assert.equal(pretty('{"cut": "of'), '{"cut": "of');
});

test('an edit is shown as a difference', () => {
  const [lines] = edits(call('Edit', { old_string: 'a\nb\n', new_string: 'a\nc\n' }));
  assert.deepEqual(shown(lines), [' a', '-b', '+c']);
  assert.deepEqual(edits(call('Write', { content: 'a\nb\n' })).map(shown), [['+a', '+b']]);
  assert.deepEqual(extent(edits(call('Edit', { old_string: 'a', new_string: 'x\ny' }))), { added: 2, removed: 1 });
});

test('each of several edits is one, and those without a text are none', () => {
  const given = [{ old_string: 'a', new_string: 'b' }, null, { new_string: 7 }, { old_string: 5, new_string: 'new' }];
  assert.deepEqual(edits(call('MultiEdit', { edits: given })).map(shown), [['-a', '+b'], ['+new']]);
});

test('what is no edit, or cannot be read as one, has no difference', () => {
  const hopeless = [
    call('Read', { content: 'a' }), call('Write', { content: 7 }), call('Write', '{"content": "cut'), call('Edit', {}),
    call('MultiEdit', { edits: 'none' }), call('__proto__', { content: 'a' }),
  ];
  for (const one of hopeless) assert.deepEqual(edits(one), []);
  assert.deepEqual(extent([]), { added: 0, removed: 0 });
});
