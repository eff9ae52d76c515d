/**
 * One setting: its field, what it is for, what it may be, and what is wrong with what was typed.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('./settings.js').Form} Form
 * @typedef {import('../core/settings_form.js').Row} Row
 */
import { h } from '../core/dom.js';
import { bounds, fault, hint, isAtStart, isChanged, isNumber, label, refusals, textOf, unit } from '../core/settings_form.js';

/** @param {Row} row @param {Form} form @param {App} app @param {boolean} held - It can be read, and keeps the focus. */
export function field(row, form, app, held) {
  const { name } = row;
  const id = `setting-${name}`;
  const text = textOf(row, form.drafts);
  const changed = isChanged(row, form.drafts);
  const refused = form.refusal && form.rows ? refusals(form.rows, form.refusal.error) : {};
  const wrong = (changed && fault(row, text)) || (Object.hasOwn(refused, name) ? refused[name] : '');
  const note = hint(row, text);
  const before = row.value === '' ? 'empty' : String(row.value);
  return h('div', { key: name, class: 'st-field', 'data-changed': changed || null },
    h('div', { class: 'st-label' }, h('label', { for: id }, label(name)), h('code', { class: 'quiet-text' }, name)),
    h('div', { class: 'st-input' },
      input(row, text, app, { id, held, wrong }),
      unit(name) && h('span', { class: 'quiet-text' }, unit(name)),
      changed && h('button', {
        key: 'undo', type: 'button', class: 'quiet st-undo', 'aria-label': `${before}, undo the change of ${label(name)}`,
        'aria-disabled': held ? 'true' : null, onclick: () => held || undo(app, row),
      }, '↶ ', before)),
    h('div', { class: 'st-text' },
      h('p', { id: `${id}-help`, class: 'quiet-text' },
        sentence(row.help), ' ', h('span', { class: 'st-bounds' }, bounds(row)), isAtStart(name) && ' From the next start on.'),
      wrong && h('p', { key: 'wrong', id: `${id}-error`, class: 'st-wrong' },
        h('span', { 'aria-hidden': 'true' }, '✕ '), wrong),
      note && h('p', { key: 'note', class: 'st-note' }, h('span', { 'aria-hidden': 'true' }, '⚠ '), note)));
}

/** @param {Row} row @param {string} text @param {App} app @param {{id: string, held: boolean, wrong: string}} of */
function input(row, text, app, { id, held, wrong }) {
  const change = (/** @type {any} */ event) => type(app, row, event.target.value);
  const props = {
    id, name: row.name, value: text, 'aria-disabled': held ? 'true' : null,
    'aria-describedby': `${id}-help${wrong ? ` ${id}-error` : ''}`, 'aria-invalid': wrong ? 'true' : null,
  };
  if (row.choices.length) {
    // Of a choice there is no read-only.
    const choose = (/** @type {any} */ event) => {
      if (held) event.target.value = text;
      else change(event);
    };
    return h('select', { key: 'select', ...props, onchange: choose },
      row.choices.map((choice) => h('option', { key: choice, value: choice }, choice)));
  }
  if (isNumber(row)) {
    return h('input', {
      key: 'number', type: 'number', inputmode: 'numeric', min: row.low, max: row.high, step: '1', ...props, readonly: held, oninput: change,
    });
  }
  return h('input', {
    key: 'text', type: 'text', maxlength: '100', autocomplete: 'off', spellcheck: 'false',
    placeholder: row.default === '' ? "the agent CLI's own" : null, ...props, readonly: held, oninput: change,
  });
}

/** @param {App} app @param {Row} row @param {string} text */
function type(app, row, text) {
  const { drafts = {} } = app.store.state.local.settings ?? {};
  if (text === String(row.value)) drop(app, row.name);
  else app.store.keep('settings', { drafts: { ...drafts, [row.name]: text }, refusal: null, isRefused: false, said: '' });
}

/** @param {App} app @param {string} name */
function drop(app, name) {
  const { [name]: _, ...drafts } = app.store.state.local.settings?.drafts ?? {};
  app.store.keep('settings', { drafts, refusal: null, isRefused: false });
}

/** The button goes with the change: the focus it had goes on to the field. @param {App} app @param {Row} row */
function undo(app, { name }) {
  document.getElementById(`setting-${name}`)?.focus();
  drop(app, name);
}

/** @param {string} help */
function sentence(help) {
  return `${help.charAt(0).toUpperCase()}${help.slice(1)}.`;
}
