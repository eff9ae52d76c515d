/** @type {(state: any, app: any, keys: any) => import('../core/dom.js').Child[]} */
export const help = () => [];
