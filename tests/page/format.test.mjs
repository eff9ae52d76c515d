import assert from 'node:assert/strict';
import test from 'node:test';
import {
  ago, bytes, clock, cost, count, duration, elapsed, hour, moment, plural, shortKey, stateOf, STATES, tokens,
} from '../../web/static/core/format.js';
import { figures } from '../../web/static/core/health.js';
import { AT, chance, EVIL } from './shapes.mjs';

process.env.TZ = 'Europe/Berlin';

/** Checks one function on many values. */
function says(of, cases) {
  for (const [value, wanted] of cases) assert.equal(of(value), wanted, String(value));
}

test('a duration has its two greatest units and no zeros', () => {
  says(duration, [
    [null, '–'], [0, '0.0 s'], [-5000, '0.0 s'], [400, '0.4 s'], [949, '0.9 s'], [950, '1 s'], [12_400, '12 s'], [59_600, '1 m'],
    [200_000, '3 m 20 s'], [4_320_000, '1 h 12 m'], [3_600_000, '1 h'], [86_400_000 + 59_000, '1 d'], [183_600_000, '2 d 3 h'],
  ]);
});

test('a clock that runs has minutes and seconds until there are hours', () => {
  says(elapsed, [[-1, '0:00'], [999, '0:00'], [761_000, '12:41'], [3_599_999, '59:59'], [3_600_000, '1 h'],
    [4_320_000, '1 h 12 m']]);
});

test('what was a moment ago is now, and so is what a wrong clock puts into the future', () => {
  says((at) => ago(at, AT), [[AT, 'now'], [AT - 999, 'now'], [AT + 9e9, 'now'], [AT - 3999, '3 s ago'],
    [AT - 200_000, '3 m ago']]);
});

test('a time of another day has its date', () => {
  assert.equal(clock(AT), '14:00:00');
  assert.equal(hour(AT), '14:00');
  assert.equal(moment(AT, AT + 3_600_000), '14:00');
  assert.match(moment(AT, AT + 86_400_000), /14.* 14:00$/);
});

test('costs that are not known are never nothing', () => {
  says(cost, [[null, '–'], [0, '$0.00'], [0.004, '<$0.01'], [0.01, '$0.01'], [4.312, '$4.31']]);
  assert.equal(cost(0, false), '–');
});

test('amounts are as long as a person reads them', () => {
  says(count, [[null, '–'], [0, '0'], [9999, '9999'], [10_000, '10 k'], [412_400, '412 k'], [999_499, '999 k'],
    [999_500, '1.0 M'], [12_345_678, '12.3 M']]);
  says(bytes, [[0, '0 B'], [999, '999 B'], [1000, '1.0 kB'], [3_400_000, '3.4 MB'], [250_000, '250 kB'], [999_700, '1.0 MB'],
    [99_960, '100 kB'], [5e12, '5000 GB']]);
});

test('tokens of commands are told in one unit from a thousand on', () => {
  says(tokens, [[null, '–'], [0, '0'], [999, '999'], [1000, '1.0 k'], [1204, '1.2 k'], [9949, '9.9 k'], [9950, '10 k'],
    [73_300, '73 k'], [455_000, '455 k'], [1_400_000, '1.4 M']]);
});

test('an amount never gets shorter by growing: its unit changes in time', () => {
  const random = chance(8);
  for (let round = 0; round < 2000; round += 1) {
    const value = random(10) ** random(13) + random(1000);
    assert.doesNotMatch(bytes(value), /^(\d{4,}|100\.0) [BkM]/, String(value));
    assert.doesNotMatch(count(value), /^\d{4,} k/, String(value));
  }
});

test('a key is as short as its numbers, and another one is left as it is', () => {
  says(shortKey, [['2a-3-session-store', '2a-3'], ['10-12', '10-12'], ['1-2b-x', '1-2b'], ['epic-1', 'epic-1'],
    ['1-2x3', '1-2x3'], ['', ''], [EVIL, EVIL]]);
  assert.deepEqual([plural(1, 'story', 'stories'), plural(2, 'story', 'stories'), plural(0, 'event')],
    ['1 story', '2 stories', '0 events']);
});

test('each state has an icon, a word and a tone, and an unknown one has its own name as its word', () => {
  for (const { icon, word, tone } of Object.values(STATES)) assert.ok(icon && word && tone);
  assert.equal(stateOf('waiting_limit').word, 'Waiting for limit');
  for (const name of ['__proto__', 'constructor', EVIL]) assert.deepEqual(stateOf(name), { icon: '·', word: name, tone: 'idle' });
  assert.equal(stateOf('').word, 'Unknown');
});

const HEALTH = {
  loop_lag_ms: 3, commit_delay_ms: 20, client_lag: 0, queued_bytes: 0, longest_bytes: 0, worst_eviction_ms: 0,
  database_bytes: 5e6,
  memory_bytes: 9e7,
};
const FANOUT = { clients: 1, delivered: 12_345, evicted: 0, latency_ms: { p50: 1.25, p99: 9.5, max: 30 } };
const figure = (name, health = HEALTH, fanout = FANOUT) => figures(health, fanout).find((one) => one.name === name);

test('what is not known is a dash, and troubles nobody', () => {
  for (const { value, tone, help } of figures(null, null)) assert.deepEqual([value, tone, help !== ''], ['–', '', true]);
  assert.equal(figure('Delivery, 99 %', HEALTH, { ...FANOUT, latency_ms: { p50: 0, p99: 0, max: 0 } }).value, '–',
    'nothing has been measured');
  assert.equal(figure('Dropped after').value, '–', 'nobody was dropped');
});

test('a runner that does well has its figures without a tone', () => {
  assert.deepEqual(figures(HEALTH, FANOUT).filter(({ tone }) => tone), []);
  assert.deepEqual(['Loop lag', 'Delivery, median', 'Delivery, worst', 'Delivered', 'Database'].map((name) => figure(name).value),
    ['3.0 ms', '1.3 ms', '30 ms', '12 k', '5.0 MB']);
});

test('a figure warns above its first bound and is an error above its second', () => {
  const tones = [100, 101, 500, 501, 1e300].map((loop_lag_ms) => figure('Loop lag', { ...HEALTH, loop_lag_ms }).tone);
  assert.deepEqual(tones, ['', 'warning', 'warning', 'error', 'error']);
  assert.equal(figure('Loop lag', { ...HEALTH, loop_lag_ms: 65_000 }).value, '1 m 5 s');
  assert.equal(figure('Events behind', { ...HEALTH, client_lag: 6000 }).tone, 'error');
  const dropped = { ...HEALTH, worst_eviction_ms: 1200 };
  assert.deepEqual([figure('Dropped', dropped).tone, figure('Dropped after', dropped).tone], ['warning', 'error']);
});
