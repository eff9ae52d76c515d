/**
 * A part of the page that stands by itself: when it cannot be drawn it says so in its place, and the others go on, with
 * the orders that can be given.
 *
 * @typedef {import('../core/dom.js').Child} Child
 */
import { h } from '../core/dom.js';
import { fault } from './parts.js';

/** What was last reported of each part: the page is drawn every second. @type {Map<string, string>} */
const reported = new Map();

/**
 * @param {string} name
 * @param {() => Child | Child[]} draw
 * @returns {Child[]}
 */
export function part(name, draw) {
  return attempt(name, () => [draw()].flat(), (error) => [
    h('div', { key: `fault ${name}` }, fault(`The ${name} cannot be shown: ${error}`, 'The rest of the page goes on. Loading it again may help.')),
  ]);
}

/**
 * @template Result
 * @param {string} name
 * @param {() => Result} make
 * @param {(error: string) => Result} otherwise
 * @returns {Result}
 */
export function attempt(name, make, otherwise) {
  try {
    const made = make();
    reported.delete(name);
    return made;
  } catch (error) {
    const said = String(error);
    if (reported.get(name) !== said) reportError(error);
    reported.set(name, said);
    return otherwise(said);
  }
}
