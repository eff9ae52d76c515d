/** @typedef {import('./page.js').View} View */
/** @type {View} */
export const timeline = () => [];
/** @type {NonNullable<typeof import('../core/keys.js')> extends never ? never : (state: any, app: any) => import('../core/keys.js').Keys} */
export const timelineKeys = () => ({});
