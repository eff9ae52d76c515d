/**
 * A line that is lost: since when, why, and what somebody can do. A browser does not say why a socket was refused, so a
 * plain question is put to the server.
 *
 * @typedef {import('./types.js').Line} Line
 */
import { ApiError, get } from './api.js';
import { hour } from './format.js';

/** A line that comes back by then was never lost, for whoever looks at the page. */
const GRACE = 3_000;
/** @type {Record<Line['cause'], [string, string]>} What is wrong, and what helps; the first one empty: since when. */
const WORDS = {
  '': ['', 'It is tried again by itself.'],
  gone: ['', 'Is the runner still running? Start it with sprint-runner in the project; the page goes on by itself.'],
  token: ['The token has changed', 'Open the address that the runner printed.'],
  full: ['Too many browsers watch', 'Close one, or raise max_websockets.'],
};

/** @returns {Promise<Line['cause']>} */
export async function cause() {
  try {
    await get('/healthz');
    return 'full';
  } catch (error) {
    const { status } = error instanceof ApiError ? error : { status: -1 };
    return status === 401 ? 'token' : status === 0 ? 'gone' : '';
  }
}

/** How long it has been as it is, whatever happens to the clock. @param {Line} line */
export function age({ from }) {
  return performance.now() - from;
}

/** @param {Line} line */
export function isLost(line) {
  return line.state !== 'live' && age(line) > GRACE;
}

/** @param {Line} line */
export function trouble({ cause: known, since }) {
  const [what, help] = WORDS[known];
  return { what: what || `No connection since ${hour(since)}`, help };
}
