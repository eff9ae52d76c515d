import assert from 'node:assert/strict';
import test from 'node:test';
import { FIT, LEAST_SPAN, MOST_SPAN, place, ticks, viewOf, windowOf, zoomed } from '../../web/static/core/ticks.js';
import { AT, chance, range } from './shapes.mjs';

// Clocks are put forward and back here.
process.env.TZ = 'Europe/Berlin';
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const windows = (seed, count) => {
  const random = chance(seed);
  return range(count).map(() => {
    const from = AT + random(400) * DAY + random(DAY);
    return { from, to: from + Math.round(LEAST_SPAN * (MOST_SPAN / LEAST_SPAN) ** (random(1000) / 1000)) };
  });
};
const near = (one, other, by = 1e-3) => assert.ok(Math.abs(one - other) <= by, `${one} is not ${other}`);

test('lines have room for their labels, rise, and lie within the window', () => {
  for (const window of windows(1, 500)) {
    const found = ticks(window, 1000);
    assert.ok(found.length <= 1000 / 88 + 2);
    assert.ok(found.every(({ at, label }) => at >= window.from && at <= window.to && label !== ''));
    // When clocks are put forward, a day is an hour shorter.
    const lefts = found.map(({ at }) => place(at, window, 1000));
    assert.ok(lefts.slice(1).every((left, before) => left - lefts[before] > 88 * 0.95));
  }
});

test('lines stand at full moments of the clock on the wall', () => {
  const from = new Date(2026, 9, 14, 12, 0, 30).getTime();
  assert.deepEqual(ticks({ from, to: from + HOUR }, 500).map(({ label }) => label), ['12:15', '12:30', '12:45', '13:00']);
  assert.deepEqual(ticks({ from, to: from + 4000 }, 200).map(({ label }) => label), ['12:00:30', '12:00:32', '12:00:34']);
  for (const { at } of ticks({ from, to: from + 9 * DAY }, 1000)) assert.equal(new Date(at).getHours(), 0);
});

test('around the day on which clocks are put back or forward, lines stay at midnight and noon, one each', () => {
  for (const first of [new Date(2026, 9, 25), new Date(2026, 2, 29)]) {
    for (const hours of [-30, -10, 0.5, 1.5, 2.5, 5]) {
      const from = first.getTime() + hours * HOUR;
      for (const [days, lines, full] of [[8, 8, [0]], [4, 8, [0, 12]]]) {
        const found = ticks({ from, to: from + days * DAY }, 800).map(({ at }) => new Date(at));
        assert.ok(found.every((time) => full.includes(time.getHours())), `${new Date(from)}: ${found.join(', ')}`);
        assert.ok(found.length >= lines - 1 && new Set(found.map((time) => time.toString())).size === found.length);
        assert.ok(found[0].getTime() - from <= 25 * HOUR);
      }
    }
  }
});

test('a window of no length, of no width or of years has no flood of lines', () => {
  assert.ok(ticks({ from: AT, to: AT }, 1000).length <= 1);
  assert.ok(ticks({ from: AT, to: AT + DAY }, 0).length <= 1);
  assert.ok(ticks({ from: AT, to: AT + 5000 * DAY }, 1000).length <= 12);
  assert.deepEqual(ticks({ from: NaN, to: NaN }, 1000), []);
});

test('who looks nearer or further still has the same moment at the same place', () => {
  const random = chance(2);
  for (const window of windows(3, 200)) {
    const at = window.from + (window.to - window.from) * (random(100) / 100);
    const then = zoomed(window, 0.2 + random(100) / 20, at);
    near(place(at, then, 1000), place(at, window, 1000), 0.01 + 1e6 / (then.to - then.from));
    near(then.to - then.from, Math.min(MOST_SPAN, Math.max(LEAST_SPAN, then.to - then.from)));
  }
});

test('nobody gets nearer than two seconds or further than sixty days', () => {
  const window = { from: AT, to: AT + HOUR };
  near(zoomed(window, 0, AT).to, AT + LEAST_SPAN);
  near(zoomed(window, Infinity, AT).to, AT + MOST_SPAN);
});

test('all of it is shown with some air, also when it has just begun', () => {
  const { from, to } = windowOf(FIT, AT, AT + HOUR);
  assert.ok(from < AT && to > AT + HOUR && to - from < HOUR * 1.1);
  const just = windowOf(FIT, AT, AT);
  assert.ok(just.to - just.from >= LEAST_SPAN);
});

test('the right edge stays, or goes with the clock', () => {
  assert.deepEqual(windowOf({ span: 1000, to: AT }, AT - DAY, AT + DAY), { from: AT - 1000, to: AT });
  const [one, other] = [0, 5000].map((later) => windowOf({ span: HOUR, to: null }, AT, AT + 2 * HOUR + later));
  near(other.to - one.to, 5000);
  near(other.to - other.from, HOUR);
});

test('wherever one goes, something of what there is stays in sight', () => {
  const [begin, end] = [AT, AT + 3 * HOUR];
  const random = chance(6);
  for (let round = 0; round < 300; round += 1) {
    const from = AT + (random(400) - 200) * HOUR;
    const window = { from, to: from + LEAST_SPAN + random(60) * HOUR };
    const shown = windowOf(viewOf(window, begin, end, random(2) === 0), begin, end);
    assert.ok(shown.from < end && shown.to > begin, JSON.stringify(shown));
    near(shown.to - shown.from, viewOf(window, begin, end, false) === FIT ? shown.to - shown.from : window.to - window.from, 1);
  }
});

test('who sees the clock goes on with it, and who looks back stays', () => {
  const [begin, end] = [AT, AT + 3 * HOUR];
  const edge = { from: end - HOUR, to: end + HOUR * 0.04 };
  assert.equal(viewOf(edge, begin, end, true).to, null);
  assert.notEqual(viewOf(edge, begin, end, false).to, null, 'of what is over, nothing goes on');
  assert.notEqual(viewOf({ from: begin, to: begin + HOUR }, begin, end, true).to, null);
  assert.equal(viewOf({ from: begin - HOUR, to: end + HOUR }, begin, end, true), FIT);
});
