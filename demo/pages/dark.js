// What mail programs do to a light mail in dark mode: they take their own ground and text, and leave filled buttons alone.
const STYLE = 'html,body{background:#1c1c1e!important;color:#e8e8e8!important}a{color:#8ab4f8}';

export function darken(page, wanted) {
  page.getElementById('dark-mode')?.remove();
  if (!wanted) return;
  page.head.append(Object.assign(page.createElement('style'), {id: 'dark-mode', textContent: STYLE}));
}
