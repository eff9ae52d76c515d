/**
 * One setting: its field, what it is for, what it may be, and what is wrong with what was typed.
 *
 * @typedef {import('./page.js').App} App
 * @typedef {import('./settings.js').Form} Form
 * @typedef {import('../core/settings_form.js').Row} Row
 */
import { h } from '../core/dom.js';
import { bounds, fault, hint, isAtStart, isChanged, isNumber, label, refusals, textOf, unit } from '../core/settings_form.js';

/** @param {Row} row @param {Form} form @param {App} app @param {boolean} isLost */
export function field(row, form, app, isLost) {
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
      input(row, text, app, { id, disabled: isLost || form.saving, wrong }),
      unit(name) && h('span', { class: 'quiet-text' }, unit(name)),
      changed && h('button', {
        key: 'undo', type: 'button', class: 'quiet st-undo', 'aria-label': `${before}, undo the change of ${label(name)}`,
        onclick: () => drop(app, name),
      }, '↶ ', before)),
    h('div', { class: 'st-text' },
      h('p', { id: `${id}-help`, class: 'quiet-text' },
        sentence(row.help), ' ', h('span', { class: 'st-bounds' }, bounds(row)), isAtStart(name) && ' From the next start on.'),
      wrong && h('p', { key: 'wrong', id: `${id}-error`, class: 'st-wrong' },
        h('span', { 'aria-hidden': 'true' }, '✕ '), wrong),
      note && h('p', { key: 'note', class: 'st-note' }, h('span', { 'aria-hidden': 'true' }, '⚠ '), note)));
}

/** @param {Row} row @param {string} text @param {App} app @param {{id: string, disabled: boolean, wrong: string}} of */
function input(row, text, app, { id, disabled, wrong }) {
  const change = (/** @type {any} */ event) => type(app, row, event.target.value);
  const props = {
    id, name: row.name, disabled, value: text,
    'aria-describedby': `${id}-help${wrong ? ` ${id}-error` : ''}`, 'aria-invalid': wrong ? 'true' : null,
  };
  if (row.choices.length) {
    return h('select', { key: 'select', ...props, onchange: change },
      row.choices.map((choice) => h('option', { key: choice, value: choice }, choice)));
  }
  if (isNumber(row)) {
    return h('input', {
      key: 'number', type: 'number', inputmode: 'numeric', min: row.low, max: row.high, step: '1', ...props, oninput: change,
    });
  }
  return h('input', {
    key: 'text', type: 'text', maxlength: '100', autocomplete: 'off', spellcheck: 'false',
    placeholder: row.default === '' ? "the agent CLI's own" : null, ...props, oninput: change,
  });
}

/** @param {App} app @param {Row} row @param {string} text */
function type(app, row, text) {
  const { drafts = {} } = app.store.state.local.settings ?? {};
  if (text === String(row.value)) drop(app, row.name);
  else app.store.keep('settings', { drafts: { ...drafts, [row.name]: text }, refusal: null, said: '' });
}

/** @param {App} app @param {string} name */
function drop(app, name) {
  const { [name]: _, ...drafts } = app.store.state.local.settings?.drafts ?? {};
  app.store.keep('settings', { drafts, refusal: null });
}

/** @param {string} help */
function sentence(help) {
  return `${help.charAt(0).toUpperCase()}${help.slice(1)}.`;
}
