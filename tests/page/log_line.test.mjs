import assert from 'node:assert/strict';
import test from 'node:test';
import { isEcho, logLine } from '../../web/static/core/log_line.js';
import { event } from './shapes.mjs';

const tool = (status, message) => logLine(event(1, 'command:progress', { kind: 'tool', status, message }));

test('an event without a message has words all the same', () => {
  const said = (type, payload = {}) => logLine(event(1, type, { message: '', ...payload })).message;
  for (const type of ['context:create', 'context:complete', 'context:fresh', 'background:start', 'background:end']) {
    assert.notEqual(said(type, { status: 'complete' }), '', type);
  }
  assert.equal(said('context:create', { message: 'project-context.md is missing' }), 'project-context.md is missing');
  assert.equal(said('background:end', { reason: 'no time' }), 'no time');
  assert.equal(said('toString'), '');
});

test('only the good end of a tool tells nothing new', () => {
  assert.equal(isEcho(tool('end', 'Read')), true);
  assert.equal(isEcho(tool('end', 'Read failed: no such file')), false);
  assert.equal(isEcho(tool('start', 'Read /x')), false);
  assert.equal(isEcho(logLine(event(1, 'command:progress', { kind: 'task', status: 'end', message: 'Read' }))), false);
});

test('the figures of a command are told in the units of all others', () => {
  const ended = { status: 'success', reason: '', metrics: { duration_ms: 12_400, tokens: 9420, cost_usd: 0.5 } };
  assert.equal(logLine(event(1, 'command:end', ended)).message, '12 s, 9.4 k tokens, $0.50');
});
