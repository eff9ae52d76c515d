/**
 * Where one is in the transcript. Cards come and go at both ends, and grow when they are opened, while what is looked
 * at stays where it is; who stands at the end of a running command's stays at the end. The page's main part scrolls,
 * or on a small screen the whole page.
 *
 * @typedef {object} Edges - What to do at the ends of what is in the document.
 * @property {() => void} up
 * @property {() => void} down
 * @property {(atEnd: boolean) => void} moved - By whoever scrolls.
 * @property {boolean} follows
 * @property {boolean} above - Whether there is more in front of what is in the document.
 */

/** Pixels from an end at which more is wanted. */
const NEAR = 900;
const AT_END = 32;
/** @type {WeakMap<Element, Place>} */
const places = new WeakMap();

/** @returns {Place | undefined} */
export function place() {
  const list = document.getElementById('entries');
  return list ? places.get(list) : undefined;
}

/** @param {HTMLElement} list @param {Edges} edges */
export function mountPlace(list, edges) {
  const made = new Place(list, edges);
  places.set(list, made);
  return () => made.end();
}

export class Place {
  /** @param {HTMLElement} list @param {Edges} edges */
  constructor(list, edges) {
    this.list = list;
    this.edges = edges;
    /** The card that has to stay, and where. @type {{card: HTMLElement, rank: number, top: number} | null} */
    this.anchor = null;
    /** The card that has to come. */
    this.wanted = -1;
    this.before = 0;
    this.up = false;
    this.asked = false;
    this.scrolled = this.scrolled.bind(this);
    document.addEventListener('scroll', this.scrolled, { capture: true, passive: true });
    this.changes = new MutationObserver(() => this.settle());
    this.changes.observe(list, { childList: true, subtree: true, characterData: true });
    // What stands above may grow as well.
    this.sizes = new ResizeObserver(() => this.settle());
    queueMicrotask(() => this.begin());
  }

  begin() {
    this.before = this.scroller.scrollTop;
    this.scroller.style.setProperty('overflow-anchor', 'none');
    for (const part of this.list.closest('.main')?.children ?? []) if (!part.contains(this.list)) this.sizes.observe(part);
    if (this.edges.follows) this.settle();
  }

  end() {
    document.removeEventListener('scroll', this.scrolled, { capture: true });
    this.changes.disconnect();
    this.sizes.disconnect();
    this.scroller.style.removeProperty('overflow-anchor');
  }

  get scroller() {
    const main = this.list.closest('.main');
    return /** @type {HTMLElement} */ (main && getComputedStyle(main).overflowY !== 'visible' ? main : document.documentElement);
  }

  /** Where reading begins: below the bar that stays. */
  get line() {
    const bar = this.list.closest('.transcript')?.querySelector('.transcript-bar');
    return (bar ? bar.getBoundingClientRect().bottom : 0) + 4;
  }

  get left() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight;
  }

  /** @param {Event} event */
  scrolled(event) {
    if (this.asked || (event.target !== document && event.target !== this.scroller)) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.look();
    });
  }

  look() {
    const { scrollTop } = this.scroller;
    const moved = scrollTop - this.before;
    this.before = scrollTop;
    if (moved !== 0) {
      this.up = moved < 0;
      // What comes before the next drawing must not pull down whoever has just left the end.
      if (this.up) this.edges = { ...this.edges, follows: false };
      this.hold();
      this.edges.moved(this.left < AT_END);
    }
    this.reach();
  }

  /** Ask for more where one is heading. */
  reach() {
    if (!this.up && this.left < NEAR) this.edges.down();
    else if (this.up && this.line - this.list.getBoundingClientRect().top < NEAR) this.edges.up();
  }

  /** Remember the card that is read. */
  hold() {
    const { line } = this;
    const card = this.cards.find((one) => one.getBoundingClientRect().bottom > line);
    const top = card?.getBoundingClientRect().top ?? 0;
    // At the very beginning nothing can come in front.
    this.anchor = card && (this.edges.above || this.list.getBoundingClientRect().top < line) ? { card, rank: Number(card.dataset.rank), top } : null;
  }

  get cards() {
    return /** @type {HTMLElement[]} */ ([...this.list.children]).filter((one) => one.dataset.rank !== undefined);
  }

  /** The card in which reading goes on. */
  get current() {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest('.entry'));
    if (focused && this.list.contains(focused)) return focused;
    const { line } = this;
    return this.cards.find((one) => one.getBoundingClientRect().bottom > line + 8);
  }

  /** Bring a card to where reading begins, as soon as it is there. @param {number} rank */
  bring(rank) {
    this.wanted = rank;
    requestAnimationFrame(() => requestAnimationFrame(() => this.settle()));
  }

  /** Something has changed: put back what may not move. */
  settle() {
    if (this.wanted >= 0) this.arrive();
    else if (this.edges.follows) this.move(this.left);
    else if (this.anchor) this.stay(this.anchor);
  }

  arrive() {
    const card = this.cards.find((one) => Number(one.dataset.rank) === this.wanted);
    if (!card) return;
    this.wanted = -1;
    this.move(card.getBoundingClientRect().top - this.line - 4);
    card.focus({ preventScroll: true });
    this.hold();
  }

  /** @param {{card: HTMLElement, rank: number, top: number}} anchor */
  stay({ card, rank, top }) {
    const there = card.isConnected ? card : this.cards.find((one) => Number(one.dataset.rank) >= rank);
    if (there) this.move(there.getBoundingClientRect().top - top);
  }

  /** @param {number} by */
  move(by) {
    if (Math.abs(by) < 1) return;
    this.scroller.scrollTop += by;
    // Nobody moved: the direction is still that of whoever did last.
    this.before = this.scroller.scrollTop;
  }
}
