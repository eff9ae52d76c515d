/** What wheel, pointer and keyboard do to the chart of the timeline. */
import { zoomed } from '../core/ticks.js';
import { pan, walk } from './timeline_moves.js';

/** @typedef {import('./timeline_chart.js').Chart} Chart */

const DRAG_FROM = 4;
const LINE = 16;
const STEP = 0.2;
const ARROWS = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'Home', 'End'];

/**
 * Listen; what it returns ends that.
 * @param {Chart} chart
 */
export function gestures(chart) {
  const ends = new AbortController();
  const { signal } = ends;
  const { element } = chart;
  element.addEventListener('wheel', (event) => wheel(chart, event), { passive: false, signal });
  drags(chart, signal);
  for (const type of /** @type {const} */ (['pointerover', 'focusin'])) {
    element.addEventListener(type, (event) => tell(chart, event), { signal });
  }
  for (const type of /** @type {const} */ (['pointerleave', 'focusout'])) {
    element.addEventListener(type, () => show(chart, null), { signal });
  }
  element.addEventListener('keydown', (event) => keydown(chart, event), { signal });
  return () => ends.abort();
}

/** The moment below the pointer; null beside the lanes. @param {Chart} chart @param {MouseEvent} event */
function momentAt(chart, event) {
  const x = event.clientX - chart.element.getBoundingClientRect().left - chart.names;
  const { from, to } = chart.window;
  return x < 0 ? null : from + (x / chart.width) * (to - from);
}

/** @param {Chart} chart @param {WheelEvent} event */
function wheel(chart, event) {
  const at = momentAt(chart, event);
  // Over the names it scrolls, as anywhere.
  if (at === null) return;
  event.preventDefault();
  const unit = event.deltaMode === 1 ? LINE : 1;
  const sideways = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
  if (event.shiftKey || Math.abs(sideways) > Math.abs(event.deltaY)) pan(chart, sideways * unit);
  else {
    const speed = event.ctrlKey ? 0.01 : 0.0016;
    const change = Math.max(-1, Math.min(1, event.deltaY * unit * speed));
    chart.look(zoomed(chart.window, Math.exp(change), at));
  }
}

/** One pointer drags, two pull apart what is between them. @param {Chart} chart @param {AbortSignal} signal */
function drags(chart, signal) {
  /** @type {Map<number, {x: number, y: number}>} */
  const down = new Map();
  let moved = false;
  const { element } = chart;
  const apart = () => {
    const [one, other] = [...down.values()];
    return Math.max(20, Math.abs(one.x - other.x));
  };
  element.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || momentAt(chart, event) === null) return;
    moved = false;
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
  }, { signal });
  element.addEventListener('pointermove', (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const [x, y] = [event.clientX - before.x, event.clientY - before.y];
    if (!moved && Math.hypot(x, y) < DRAG_FROM) return;
    if (!moved) {
      moved = true;
      // Not before: the click on a bar would go to who has the pointer.
      element.setPointerCapture(event.pointerId);
      element.toggleAttribute('data-dragging', true);
    }
    const width = down.size === 2 ? apart() : 0;
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (down.size === 2) chart.look(zoomed(chart.window, width / apart(), momentAt(chart, event) ?? chart.window.from));
    else {
      pan(chart, -x);
      if (chart.body && event.pointerType === 'mouse') chart.body.scrollTop -= y;
    }
  }, { signal });
  const up = (/** @type {PointerEvent} */ event) => {
    down.delete(event.pointerId);
    element.toggleAttribute('data-dragging', false);
  };
  for (const type of /** @type {const} */ (['pointerup', 'pointercancel'])) addEventListener(type, up, { signal });
  element.addEventListener('click', (event) => {
    // The end of a drag is no click.
    if (moved && event.detail) event.preventDefault();
    moved = false;
  }, { signal, capture: true });
  element.addEventListener('dragstart', (event) => event.preventDefault(), { signal });
}

/** @param {Chart} chart @param {Event} event */
function tell(chart, event) {
  const target = /** @type {Element} */ (event.target);
  if (target.closest('.tl-tip')) return;
  const bar = target.closest('[data-bar]');
  if (!(bar instanceof HTMLElement)) return event.type === 'pointerover' && show(chart, null);
  const box = bar.getBoundingClientRect();
  const left = chart.element.getBoundingClientRect().left;
  const x = event instanceof PointerEvent ? event.clientX : Math.max(box.left, left + chart.names);
  if (event.type === 'focusin') chart.active = bar.dataset.bar ?? '';
  show(chart, { id: bar.dataset.bar ?? '', left: x - left });
}

/** @param {Chart} chart @param {Chart['tip']} tip */
function show(chart, tip) {
  if (chart.tip?.id === tip?.id || chart.element.hasAttribute('data-dragging')) return;
  chart.tip = tip;
  chart.soon();
}

/** @param {Chart} chart @param {KeyboardEvent} event */
function keydown(chart, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.key === 'Escape' && chart.tip) show(chart, null);
  else if (!ARROWS.includes(event.key)) return;
  else if (event.shiftKey && /Left|Right/.test(event.key)) pan(chart, (event.key === 'ArrowLeft' ? -1 : 1) * chart.width * STEP);
  else if (!target.dataset.bar) return;
  else walk(chart, event.key);
  event.preventDefault();
}
