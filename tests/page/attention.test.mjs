import assert from 'node:assert/strict';
import test from 'node:test';
import { needs, silence } from '../../web/static/core/attention.js';
import { parse } from '../../web/static/core/router.js';
import { AT, byId, byKey, card, EVIL, node, running, state, story } from './shapes.mjs';

const MINUTE = 60_000;
const told = (changes) => needs(state(changes)).map(({ tone, title }) => `${tone}: ${title}`);

test('nobody is needed while all goes well', () => {
  assert.deepEqual(told({}), []);
  assert.deepEqual(told({
    board: { batch_id: 1, state: 'running', stories: byKey([card('a')]), running: byId([running(1)]) },
    overview: { status: 'running', resumable: null, supervision: node('root') }, sprint: { epics: [], stories: [story('a')] },
  }), []);
});

test('a batch that failed, ended by itself, waits or is held by something needs somebody', () => {
  const resumable = { batch_id: 4, reason: 'the runner was killed' };
  assert.deepEqual(told({ board: { state: 'error', batch_id: 4 }, overview: { status: 'idle', resumable } }),
    ['error: Batch 4 ended with an error']);
  assert.deepEqual(needs(state({ board: { state: 'stopped' }, overview: { status: 'idle', resumable } })).map(({ title, text }) => [title, text]),
    [['Batch 4 is unfinished', 'the runner was killed']]);
  assert.deepEqual(told({ overview: { status: 'running', resumable } }), []);
  assert.deepEqual(told({ board: { state: 'paused', detail: 'no agent' } }), ['waiting: The batch is paused']);
  assert.deepEqual(told({ board: { state: 'waiting_limit' } }), ['waiting: Waiting for a limit without a known end']);
  assert.deepEqual(told({ board: { state: 'waiting_limit', resets_at: AT } }), [], 'it goes on by itself');
  assert.deepEqual(told({ sprintError: { error: 'line 3', hint: '' } }), ['error: The sprint file cannot be read']);
});

test('what the operator has done needs no attention of the operator', () => {
  const resumable = { batch_id: 4, reason: 'stopped by the operator' };
  assert.deepEqual(told({ board: { state: 'stopped' }, overview: { status: 'idle', resumable } }), []);
  assert.deepEqual(told({ board: { state: 'paused', detail: 'paused by the operator' } }), []);
});

test('each blocked story of the batch is listed once, with its title and the reason of the batch or else that of the file', () => {
  const cards = [card('1-1-one', { status: 'blocked', reason: 'batch' }), card('__proto__', { status: 'blocked' }), card('c')];
  const stories = ['1-1-one', '__proto__'].map((key) => story(key, { name: EVIL, status: 'blocked', blocked_reason: 'file' }));
  const found = needs(state({ board: { stories: byKey(cards) }, sprint: { epics: [], stories } }));
  assert.deepEqual(found.map(({ tone, title, text }) => [tone, title, text]),
    [['error', `1-1 is blocked: ${EVIL}`, 'batch'], ['error', `__proto__ is blocked: ${EVIL}`, 'file']]);
  assert.deepEqual(found.map(({ href }) => parse(href).story), ['1-1-one', '__proto__']);
  assert.equal(new Set(found.map(({ key }) => key)).size, 2);
});

test('a story that was blocked before the batch is told apart, and last', () => {
  const stories = [story(EVIL, { status: 'blocked', name: '' }), story('1-1-one', { status: 'review' })];
  const supervision = node('b', { state: 'failed' });
  const found = needs(state({ sprint: { epics: [], stories }, overview: { status: 'idle', resumable: null, supervision } }));
  assert.deepEqual(found.map(({ tone, title, text, isOther = false }) => [tone, title, text, isOther]),
    [['error', 'b is failed', '', false], ['warning', `${EVIL} is blocked`, 'The reason is not on record.', true]]);
});

test('a story that was unblocked in the file after the end of the batch needs nobody any more', () => {
  const changes = (ended_at, status) => ({
    board: { ended_at, state: 'completed', stories: byKey([card('1-1-one', { status: 'blocked' })]) },
    sprint: { epics: [], stories: [story('1-1-one', { status, name: '' })] },
  });
  assert.deepEqual(told(changes(AT - MINUTE, 'ready-for-dev')), []);
  assert.deepEqual(told(changes(AT - MINUTE, 'blocked')), ['error: 1-1 is blocked']);
  assert.deepEqual(told(changes(null, 'ready-for-dev')), ['error: 1-1 is blocked'], 'while it runs, the batch knows better');
  assert.deepEqual(told({ ...changes(AT - MINUTE, 'x'), sprint: null }), ['error: 1-1 is blocked']);
});

test('silence is told at a third of the idle limit, and is bad at the whole of it', () => {
  const after = (minutes, idleMinutes = 30) => silence(AT - minutes * MINUTE, AT, state({ idleMinutes }));
  assert.deepEqual([0, 9.9, 10, 29.9, 30, 1e9].map((minutes) => after(minutes)),
    ['', '', 'warning', 'warning', 'error', 'error']);
  assert.equal(after(1e9, 0), '', 'without a limit there is no silence');
  assert.equal(after(-5), '', 'clocks may differ');
});

test('a silent command leads to its page', () => {
  const some = byId([running(7, { last_at: AT - 12 * MINUTE, command: EVIL }), running(8)]);
  const [need, ...others] = needs(state({ board: { running: some } }));
  assert.deepEqual(others, []);
  assert.deepEqual([need.tone, need.title, need.text, parse(need.href).command],
    ['warning', `${EVIL} is silent`, 'last output 12 m ago', 7]);
});

test('branches that failed or are started again are found however deep they are', () => {
  const deep = node('a', {}, [node('__proto__', { state: 'failed', last_error: EVIL })]);
  const supervision = node('root', {}, [deep, node('b', { state: 'restarting' })]);
  const found = needs(state({ overview: { status: 'idle', resumable: null, supervision } }));
  assert.deepEqual(found.map(({ tone, title, text }) => [tone, title, text]),
    [['error', '__proto__ is failed', EVIL], ['warning', 'b is restarting', '']]);
});
