/**
 * A long list of which only the rows in sight are in the document. Rows have one height, so where a row stands is a
 * product, and fifty thousand cost what fifty do.
 *
 * @typedef {import('./dom.js').Child} Child
 * @typedef {object} ListOptions
 * @property {string} id
 * @property {string} label - For screen readers.
 * @property {number} count
 * @property {number} rowHeight - Pixels.
 * @property {(index: number) => Child} row - Describes a row; its key has to be the thing's, not the index.
 * @property {unknown[]} deps - While they are the same, nothing is done unless it is scrolled.
 * @property {string} [class]
 * @property {string} [role]
 * @property {Child} [empty] - Shown when there is no row.
 * @property {(list: {top: number, atStart: boolean, nearEnd: boolean}) => void} [scrolled]
 * @property {number} [shift] - How many rows have been put in front since the list began: what is looked at stays.
 */
import { h, patch } from './dom.js';

const BEYOND = 12;

/** @type {WeakMap<Element, {options: ListOptions, draw: () => void}>} */
const lists = new WeakMap();

/**
 * Describe such a list. It scrolls by itself: give it a height.
 * @param {ListOptions} options
 */
export function virtualList(options) {
  const element = document.getElementById(options.id);
  const list = element && lists.get(element);
  if (list) refresh(element, list, options);
  return h('div', {
    key: options.id, id: options.id, class: `virtual ${options.class ?? ''}`, tabindex: '0',
    'aria-label': options.label, role: options.role ?? 'list',
    mount: (/** @type {HTMLElement} */ node) => mount(node, options),
  });
}

/** Bring a row into sight. @param {string} id @param {number} index */
export function reveal(id, index) {
  const element = document.getElementById(id);
  const list = element && lists.get(element);
  if (!list) return;
  const top = index * list.options.rowHeight;
  if (top < element.scrollTop) element.scrollTop = top;
  else if (top + list.options.rowHeight > element.scrollTop + element.clientHeight) {
    element.scrollTop = top + list.options.rowHeight - element.clientHeight;
  }
}

/** @param {HTMLElement} element @param {ListOptions} options */
function mount(element, options) {
  const list = { options, draw: () => draw(element, list.options) };
  lists.set(element, list);
  let asked = false;
  element.onscroll = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      list.draw();
      list.options.scrolled?.(position(element, list.options));
    });
  };
  const sizes = new ResizeObserver(() => list.draw());
  sizes.observe(element);
  list.draw();
  return () => sizes.disconnect();
}

/** @param {Element} element @param {{options: ListOptions, draw: () => void}} list @param {ListOptions} options */
function refresh(element, list, options) {
  const before = list.options;
  list.options = options;
  if (before.deps.length === options.deps.length && before.deps.every((value, place) => Object.is(value, options.deps[place]))) return;
  const added = (options.shift ?? 0) - (before.shift ?? 0);
  // At the top new rows are what one wants to see; below it what is read must not run away.
  if (added > 0 && element.scrollTop > 0) {
    draw(element, options);
    element.scrollTop += added * options.rowHeight;
  }
  list.draw();
}

/** @param {Element} element @param {ListOptions} options */
function draw(element, { count, rowHeight, row, empty }) {
  const first = Math.max(0, Math.floor(element.scrollTop / rowHeight) - BEYOND);
  const last = Math.min(count, Math.ceil((element.scrollTop + element.clientHeight) / rowHeight) + BEYOND);
  const rows = [];
  for (let index = first; index < last; index += 1) rows.push(row(index));
  patch(element, [
    count === 0 && empty,
    h('div', { key: 'before', class: 'virtual-space', 'aria-hidden': 'true', style: { height: `${first * rowHeight}px` } }),
    ...rows,
    h('div', { key: 'behind', class: 'virtual-space', 'aria-hidden': 'true', style: { height: `${Math.max(0, count - last) * rowHeight}px` } }),
  ]);
}

/** @param {Element} element @param {ListOptions} options */
function position(element, { count, rowHeight }) {
  const bottom = element.scrollTop + element.clientHeight;
  return { top: element.scrollTop, atStart: element.scrollTop < rowHeight, nearEnd: bottom > (count - 40) * rowHeight };
}
