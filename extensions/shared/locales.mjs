// Writes each extension's locales/ from shared/locales/: Shopify wants them inside the extension. Run it after a change of
// words: `node shared/locales.mjs` in extensions/. A test compares.
import {mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';

const here = new URL('.', import.meta.url);
for (const folder of ['thank-you', 'order-status', 'announcement']) {
  const place = new URL(`../${folder}/locales/`, here);
  mkdirSync(place, {recursive: true});
  for (const file of readdirSync(new URL('locales/', here))) {
    const {names, ...words} = JSON.parse(readFileSync(new URL(`locales/${file}`, here), 'utf-8'));
    const own = {...names[folder], ...words};
    writeFileSync(new URL(file === 'en.json' ? 'en.default.json' : file, place), `${JSON.stringify(own, null, 2)}\n`);
  }
}
