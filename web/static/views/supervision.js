/** @typedef {import('./page.js').View} View */
/** @type {View} */
export const supervision = () => [];
