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
    /** The card that has to come, and whether the keyboard goes there too. */
    this.wanted = -1;
    this.focuses = true;
    /** The card that came last. @type {HTMLElement | null} */
    this.arrived = null;
    this.before = 0;
    this.up = false;
    /** Whether somebody has scrolled since more was last asked for. */
    this.eager = false;
    this.busy = false;
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

  /** @param {Edges} edges @param {boolean} busy - Whether more is being loaded. */
  update(edges, busy) {
    this.edges = edges;
    // What was waited for at an end is there, and nobody can scroll any further to ask for it.
    if (this.busy && !busy && this.eager) {
      this.eager = false;
      requestAnimationFrame(() => this.reach());
    }
    this.busy = busy;
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
      this.eager = true;
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
    const holds = card && (this.edges.above || this.list.getBoundingClientRect().top < line);
    this.anchor = holds ? { card, rank: Number(card.dataset.rank), top } : null;
  }

  get cards() {
    return /** @type {HTMLElement[]} */ ([...this.list.children]).filter((one) => one.dataset.rank !== undefined);
  }

  /** The card in which reading goes on. */
  get current() {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement?.closest('.entry'));
    if (focused && this.list.contains(focused)) return focused;
    const { line, arrived } = this;
    const { top, bottom } = arrived?.isConnected ? arrived.getBoundingClientRect() : { top: 0, bottom: 0 };
    if (arrived && bottom > line && top < innerHeight) return arrived;
    return this.cards.find((one) => one.getBoundingClientRect().bottom > line + 8);
  }

  /** Bring a card to where reading begins, as soon as it is there. @param {number} rank @param {boolean} focus */
  bring(rank, focus) {
    this.wanted = rank;
    this.focuses = focus;
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
    this.arrived = card;
    // Twice, because the bar itself moves until it reaches the edge.
    for (let times = 0; times < 2; times += 1) this.move(card.getBoundingClientRect().top - this.line - 4);
    if (this.focuses) card.focus({ preventScroll: true });
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
