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
const NOTHING = { rows: null, drafts: {}, error: '', saving: false, refusal: null, said: '' };

/** @param {State} state @returns {Form} */
export function formOf(state) {
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
  const changed = Object.keys(changes(rows, form.drafts)).length;
  const wrong = rows.filter((row) => Object.hasOwn(form.drafts, row.name) && fault(row, form.drafts[row.name])).length;
  const submit = (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (wrong) /** @type {HTMLElement | null} */ (document.querySelector('.st-form [aria-invalid]'))?.focus();
    else void save(app);
  };
  return h('form', {
    key: 'form', class: 'panel st-form', novalidate: true, 'aria-labelledby': 'settings-title', onsubmit: submit,
  },
  h('div', { class: 'panel-head' },
    h('h2', { id: 'settings-title' }, 'Settings of the project'),
    h('span', { class: 'quiet-text' },
      'They hold from the next batch on, those of the server from the next start of the runner on.')),
  groups(rows).map((group) => h('fieldset', { key: group.title, class: 'st-group' },
    h('legend', null, group.title),
    h('div', { class: 'st-fields' }, group.rows.map((row) => field(row, form, app, state.line.state !== 'live'))))),
  buttons({ changed, wrong, form, rows }, state, app));
}

/** @param {{changed: number, wrong: number, form: Form, rows: Row[]}} of @param {State} state @param {App} app */
function buttons({ changed, wrong, form, rows }, state, app) {
  const lost = state.line.state !== 'live';
  const drafted = Object.keys(form.drafts).length > 0;
  const usual = Object.keys(defaults(rows)).length > 0 || drafted;
  const reason = lost ? 'No connection to the runner: nothing can be saved.'
    : wrong ? `${plural(wrong, 'value')} cannot be saved as ${wrong === 1 ? 'it is' : 'they are'}.`
      : changed ? `${plural(changed, 'change')} not saved.` : form.said || 'Nothing is changed.';
  return h('div', { key: 'buttons', class: 'st-buttons' },
    h('button', {
      type: 'submit', class: 'primary', disabled: lost || form.saving || changed + wrong === 0,
    }, form.saving ? 'Saving…' : 'Save'),
    h('button', {
      type: 'button', disabled: !drafted, onclick: () => app.store.keep('settings', { drafts: {}, refusal: null }),
    }, 'Undo all'),
    h('button', {
      type: 'button', disabled: !usual, title: 'Fills in the defaults; Save saves them',
      onclick: () => app.store.keep('settings', { drafts: defaults(rows), refusal: null, said: '' }),
    }, 'Reset to defaults'),
    h('span', { class: 'st-reason', role: 'status', 'data-tone': wrong ? 'error' : changed ? 'warning' : null }, reason),
    form.refusal && h('div', { key: 'refusal', class: 'st-refusal' }, refused(form.refusal)));
}

/** @param {{error: string, hint: string}} refusal */
function refused({ error, hint }) {
  return faultNote(`Not saved, nothing was changed. ${error.replace(/(^|; )settings: /g, '$1')}`, hint);
}
