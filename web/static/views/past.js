/** @type {(state: any, app: any) => import('../core/dom.js').Child} */
export const past = () => null;
