/**
 * Settings: a form made from the server's own table. What is typed stays until it is saved or undone.
 *
 * @typedef {import('./page.js').View} View
 * @typedef {import('./page.js').App} App
 * @typedef {import('../core/types.js').State} State
 * @typedef {import('../core/settings_form.js').Row} Row
 * @typedef {import('../core/dom.js').Child} Child
 *
 * @typedef {object} Form - `state.local.settings`
 * @property {Row[] | null} rows
 * @property {Record<string, string>} drafts - What has been typed, by name.
 * @property {string} error - Why they could not be loaded.
 * @property {boolean} saving
 * @property {{error: string, hint: string} | null} refusal
 * @property {boolean} isRefused - Whether saving was tried with what cannot be saved.
 * @property {string} said - What became of the last save.
 */
import { h } from '../core/dom.js';
import { plural } from '../core/format.js';
import { changes, defaults, fault, groups } from '../core/settings_form.js';
import { fault as faultNote } from './parts.js';
import { field } from './settings_field.js';
import { load, save } from './settings_orders.js';
import { pagePreferences } from './settings_page.js';

/** @type {Form} */
const NOTHING = { rows: null, drafts: {}, error: '', saving: false, refusal: null, isRefused: false, said: '' };

/** @param {State} state @returns {Form} */
function formOf(state) {
  return { ...NOTHING, ...state.local.settings };
}

/** @type {View} */
export const settings = (state, app) => {
  const form = formOf(state);
  return [
    // Loaded whenever the view is opened.
    h('span', { key: 'load', hidden: true, mount: () => void load(app) }),
    form.error && faultNote(form.error, 'It is tried again when this view is opened again.'),
    form.rows ? filled(form, form.rows, state, app)
      : !form.error && h('div', { key: 'loading', class: 'empty', role: 'status' }, h('h2', null, 'Loading the settings…')),
    pagePreferences(state, app),
  ];
};

/** @param {Form} form @param {Row[]} rows @param {State} state @param {App} app */
function filled(form, rows, state, app) {
  const found = count(form, rows, state);
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    // As it is now: what was typed a moment ago may not be drawn yet, and Enter submits whatever the button says.
    const typed = formOf(app.store.state);
    const { wrong, ...now } = count(typed, rows, app.store.state);
    if (wrong) {
      /** @type {HTMLElement | null} */ (document.querySelector('.st-form [aria-invalid]'))?.focus();
      app.store.keep('settings', { isRefused: true });
    } else if (isPossible({ wrong, ...now }, typed)) void save(app);
  };
  return h('form', {
    key: 'form', class: 'panel st-form', novalidate: true, 'aria-labelledby': 'settings-title', 'aria-busy': form.saving || null,
    onsubmit: submit,
  },
  h('div', { class: 'panel-head' },
    h('h2', { id: 'settings-title' }, 'Settings of the project'),
    h('span', { class: 'quiet-text' },
      'They hold from the next batch on, those of the server from the next start of the runner on.')),
  groups(rows).map((group) => h('fieldset', { key: group.title, class: 'st-group' },
    h('legend', null, group.title),
    h('div', { class: 'st-fields' }, group.rows.map((row) => field(row, form, app, found.isLost || form.saving))))),
  buttons(found, form, rows, app));
}

/**
 * @typedef {{changed: number, wrong: number, isLost: boolean}} Found
 * @param {Form} form @param {Row[]} rows @param {State} state
 * @returns {Found}
 */
function count(form, rows, { line }) {
  return {
    changed: Object.keys(changes(rows, form.drafts)).length,
    wrong: rows.filter((row) => Object.hasOwn(form.drafts, row.name) && fault(row, form.drafts[row.name])).length,
    isLost: line.state !== 'live',
  };
}

/** Whether Save does something: saves, or shows what is wrong. @param {Found} found @param {Form} form */
function isPossible({ changed, wrong, isLost }, { saving }) {
  return !isLost && !saving && changed + wrong > 0;
}

/** @param {Found} found @param {Form} form @param {Row[]} rows @param {App} app */
function buttons(found, form, rows, app) {
  const drafted = Object.keys(form.drafts).length > 0;
  const usual = Object.keys(defaults(rows)).length > 0 || drafted;
  // None is taken out of the page: what has just been pressed keeps the focus.
  const button = (/** @type {string} */ label, /** @type {boolean} */ possible, /** @type {() => void} */ act, title = '') => h('button', {
    key: label, type: 'button', title: title || null, 'aria-disabled': possible ? null : 'true', onclick: () => possible && act(),
  }, label);
  return h('div', { key: 'buttons', class: 'st-buttons' },
    h('button', { key: 'save', type: 'submit', class: 'primary', 'aria-disabled': isPossible(found, form) ? null : 'true' },
      form.saving ? 'Saving…' : 'Save'),
    button('Undo all', drafted && !form.saving, () => app.store.keep('settings', { drafts: {}, refusal: null, isRefused: false })),
    button('Reset to defaults', usual && !form.saving,
      () => app.store.keep('settings', { drafts: defaults(rows), refusal: null, isRefused: false, said: '' }),
      'Fills in the defaults; Save saves them'),
    h('span', { class: 'st-reason', role: 'status', 'data-tone': found.wrong ? 'error' : found.changed ? 'warning' : null },
      reason(found, form)),
    form.refusal && h('div', { key: 'refusal', class: 'st-refusal' }, refused(form.refusal)));
}

/** What would come of Save, or has. @param {Found} found @param {Form} form */
function reason({ changed, wrong, isLost }, { isRefused, said }) {
  if (isLost) return 'No connection to the runner: nothing can be saved.';
  if (wrong) {
    const why = `${plural(wrong, 'value')} cannot be saved as ${wrong === 1 ? 'it is' : 'they are'}.`;
    return isRefused ? `Nothing was saved: ${why}` : why;
  }
  return changed ? `${plural(changed, 'change')} not saved.` : said || 'Nothing is changed.';
}

/** @param {{error: string, hint: string}} refusal */
function refused({ error, hint }) {
  return faultNote(`Not saved, nothing was changed. ${error.replace(/(^|; )settings: /g, '$1')}`, hint);
}
