/**
 * Elements described by values, and brought into the document with as few changes as possible.
 *
 * `h` describes an element, `patch` makes the children of a real one fit descriptions. An element that is there stays
 * there, with its focus, selection, scroll position and expansion. Texts go in as texts: nothing is ever parsed as
 * HTML, so it does not matter who wrote them.
 *
 * @typedef {Record<string, any>} Props
 * @typedef {Description | string | number | null | undefined | boolean} Child
 * @typedef {{tag: string, key: string | number | undefined, props: Props, children: Child[] | (() => Child[])}} Description
 */

const SVG = 'http://www.w3.org/2000/svg';
/** Set as properties: their attributes are only what they begin with. */
const LIVE = new Set(['value', 'checked', 'disabled', 'indeterminate', 'open', 'selected']);
/** @type {WeakMap<globalThis.Node, Description>} */
const described = new WeakMap();
/** What to call when an element goes. @type {WeakMap<globalThis.Node, (() => void) | undefined>} */
const ends = new WeakMap();

/**
 * Describe an element.
 *
 * `props`: attributes by their names; `class`; `style`, an object of CSS properties; `onclick` and the like; `key`,
 * by which it is known among its siblings; `deps`, with a function as the only child: while they are the same, the
 * element is not even looked at; `mount`, called with the new element, whose result is called when it goes.
 *
 * @param {string} tag
 * @param {Props | null} [props]
 * @param {...(Child | Child[] | (() => Child[]))} children
 * @returns {Description}
 */
export function h(tag, props, ...children) {
  const [first] = children;
  return {
    tag,
    key: props?.key,
    props: props ?? {},
    children: typeof first === 'function' ? first : /** @type {Child[]} */ (children.flat(9)),
  };
}

/**
 * Make the children of `parent` fit.
 * @param {Element} parent
 * @param {Child[]} children
 */
export function patch(parent, children) {
  const wanted = children.filter((child) => child !== null && child !== undefined && typeof child !== 'boolean' && child !== '');
  const { keyed, others } = present(parent);
  const nodes = wanted.map((child) => {
    if (typeof child !== 'object' || child === null) return text(others, String(child));
    const old = child.key === undefined ? take(others, child.tag) : keyed.get(child.key);
    if (!old || described.get(old)?.tag !== child.tag) return create(child, parent);
    keyed.delete(/** @type {string} */ (child.key));
    update(/** @type {HTMLElement} */ (old), child);
    return old;
  });
  // What goes, goes first: then most of what stays is in its place and need not be moved.
  for (const node of [...keyed.values(), ...others]) remove(node);
  nodes.forEach((node, place) => {
    if (parent.childNodes[place] !== node) parent.insertBefore(node, parent.childNodes[place] ?? null);
  });
}

/** @param {Element} parent */
function present(parent) {
  /** @type {Map<string | number, globalThis.Node>} */
  const keyed = new Map();
  /** @type {globalThis.Node[]} */
  const others = [];
  for (const node of parent.childNodes) {
    const key = described.get(node)?.key;
    if (key === undefined || keyed.has(key)) others.push(node);
    else keyed.set(key, node);
  }
  return { keyed, others };
}

/** @param {globalThis.Node[]} others @param {string} tag */
function take(others, tag) {
  const place = others.findIndex((node) => {
    const before = described.get(node);
    return before?.key === undefined && before?.tag === tag;
  });
  return place < 0 ? undefined : others.splice(place, 1)[0];
}

/** @param {globalThis.Node[]} others @param {string} wanted */
function text(others, wanted) {
  const place = others.findIndex((node) => node.nodeType === 3);
  if (place < 0) return document.createTextNode(wanted);
  const [node] = others.splice(place, 1);
  if (node.nodeValue !== wanted) node.nodeValue = wanted;
  return node;
}

/** @param {Description} wanted @param {Element} parent */
function create(wanted, parent) {
  const vector = wanted.tag === 'svg' || (parent.namespaceURI === SVG && parent.tagName !== 'foreignObject');
  const node = vector ? document.createElementNS(SVG, wanted.tag) : document.createElement(wanted.tag);
  described.set(node, wanted);
  patch(node, contents(wanted));
  // After its children: a choice can only have the value of an option that is there.
  assign(node, {}, wanted.props);
  if (wanted.props.mount) ends.set(node, mounted(node, wanted.props.mount));
  return node;
}

/** @param {HTMLElement} node @param {Description} wanted */
function update(node, wanted) {
  const before = /** @type {Description} */ (described.get(node));
  if (wanted.props.deps && same(before.props.deps, wanted.props.deps)) return;
  described.set(node, wanted);
  // An element with `mount` and no children of its own belongs to what was mounted.
  if (!wanted.props.mount || wanted.children.length > 0) patch(node, contents(wanted));
  assign(node, before.props, wanted.props);
}

/** @param {Description} wanted @returns {Child[]} */
function contents({ children }) {
  if (typeof children !== 'function') return children;
  try {
    return children();
  } catch (error) {
    return broken(error);
  }
}

/** @param {Element} node @param {(node: Element) => (() => void) | undefined} mount */
function mounted(node, mount) {
  try {
    return mount(node);
  } catch (error) {
    patch(node, broken(error));
  }
}

/** What stands in an element that cannot be made; everything around it goes on. @param {unknown} error */
function broken(error) {
  reportError(error);
  return [h('span', { class: 'fault' }, `This cannot be shown: ${error}`)];
}

/** @param {unknown[] | undefined} before @param {unknown[]} after */
function same(before, after) {
  return before !== undefined && before.length === after.length && after.every((value, place) => Object.is(value, before[place]));
}

/** @param {globalThis.Node} node */
function remove(node) {
  end(node);
  /** @type {ChildNode} */ (node).remove();
}

/** Tell everything mounted in it that it goes. @param {globalThis.Node} node */
function end(node) {
  ends.get(node)?.();
  node.childNodes.forEach(end);
}

/**
 * @param {Element} node
 * @param {Props} before
 * @param {Props} after
 */
function assign(node, before, after) {
  for (const name of Object.keys(before)) if (!(name in after)) put(node, name, undefined, before[name]);
  for (const [name, value] of Object.entries(after)) {
    if (changed(node, name, value, before[name])) put(node, name, value, before[name]);
  }
}

/**
 * What a field holds counts, not what was said of it last; but nothing is taken from under the fingers of who types.
 * @param {any} node
 * @param {string} name
 * @param {any} value
 * @param {any} before
 */
function changed(node, name, value, before) {
  return LIVE.has(name) && !(name === 'value' && node === document.activeElement) ? node[name] !== value : before !== value;
}

/**
 * @param {any} node
 * @param {string} name
 * @param {any} value
 * @param {any} before
 */
function put(node, name, value, before) {
  if (name === 'key' || name === 'deps' || name === 'mount') return;
  if (name === 'style') {
    for (const property of Object.keys(before ?? {})) if (!(property in (value ?? {}))) node.style.removeProperty(property);
    for (const [property, set] of Object.entries(value ?? {})) {
      if (before?.[property] !== set) node.style.setProperty(property, String(set));
    }
  } else if (name.startsWith('on')) node[name] = value ? listener(value) : null;
  else if (LIVE.has(name) && name in node) node[name] = value ?? (name === 'value' ? '' : false);
  else if (value === undefined || value === null || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? '' : String(value));
}

/**
 * A handler as the browser takes it. One that happens to give `false` would forbid what the event does by itself.
 * @param {(event: Event) => unknown} handle
 */
function listener(handle) {
  return (/** @type {Event} */ event) => {
    handle(event);
  };
}
