/** Loading and saving the settings. */
import { ApiError, get, send } from '../core/api.js';
import { plural } from '../core/format.js';
import { changes, label } from '../core/settings_form.js';

/** @typedef {import('./page.js').App} App */

/** What was typed stays as it is. @param {App} app */
export async function load(app) {
  try {
    const { settings } = await get('/api/settings');
    app.store.keep('settings', { rows: settings, error: '' });
  } catch (error) {
    const { message, hint } = told(error);
    app.store.keep('settings', { error: hint ? `${message} ${hint}` : message });
  }
}

/** Save what is changed, all of it or nothing. @param {App} app */
export async function save(app) {
  const { rows, drafts, saving } = app.store.state.local.settings;
  const wanted = changes(rows, drafts);
  if (saving || Object.keys(wanted).length === 0) return;
  app.store.keep('settings', { saving: true, refusal: null, said: '' });
  try {
    const { settings } = await send('PUT', '/api/settings', wanted);
    const held = settings.map((/** @type {import('../core/settings_form.js').Row} */ { name, value }) => (
      Object.hasOwn(wanted, name) && wanted[name] !== value ? label(name) : '')).filter((/** @type {string} */ name) => name);
    app.store.keep('settings', {
      rows: settings, drafts: {}, saving: false,
      // A variable of the environment goes before the file.
      said: held.length ? `Saved. Set elsewhere, and so as before: ${held.join(', ')}.`
        : `Saved ${plural(Object.keys(wanted).length, 'change')}.`,
    });
  } catch (error) {
    const { message, hint } = told(error);
    app.store.keep('settings', { saving: false, refusal: { error: message, hint } });
  }
}

/** @param {unknown} error */
function told(error) {
  return error instanceof ApiError ? error : new ApiError(String(error), '', 0);
}
