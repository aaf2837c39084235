// What the tests of the extensions share: our server's answer, and how to look at what was drawn.
import {vi} from 'vitest';

export const ANSWER = {
  heading: '',
  text: '',
  expected: '',
  consent: null,
  channels: [
    {kind: 'whatsapp', label: 'WhatsApp', url: 'https://app.example.test/c/AB3KQ9ZT7MXW2HHC?via=whatsapp'},
    {kind: 'email', label: 'E-mail', url: 'https://app.example.test/c/AB3KQ9ZT7MXW2HHC?via=email'},
  ],
  url: 'https://app.example.test/c/AB3KQ9ZT7MXW2HHC',
  qr_url: 'HTTPS://APP.EXAMPLE.TEST/C/AB3KQ9ZT7MXW2HHC',
  code: 'AB3K-Q9ZT-7MXW-2HHC',
};

export const all = (selector) => [...document.body.querySelectorAll(selector)];
export const answers = (body, status = 200) => vi.fn(async () => new Response(JSON.stringify(body), {status}));
