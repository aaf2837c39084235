// Where our server lives. `npm run build` puts the real address in with APP_URL. The metafield that our server writes wins
// over it, and the block's own setting `app_url` over both.
/** @type {string | undefined} */
const built = typeof __APP_URL__ === 'string' ? __APP_URL__ : undefined;
export const APP_URL = built ?? 'https://doorstep.example.com';
export const TIMEOUT_MS = 6000;
