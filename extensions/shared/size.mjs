// Fails when the built extension is larger than our own limit (Shopify's is 64 KB), or when the committed build is old:
// the demo draws that build, so what one clicks there is what ships.
import {readFileSync} from 'node:fs';
import {gzipSync} from 'node:zlib';
import {bundle, name} from './build.mjs';

const LIMIT = 16 * 1024;
const made = Buffer.from(await bundle(''));
const packed = gzipSync(made, {level: 9}).length;
console.log(`dist/${name}.js: ${made.length} bytes, ${packed} gzipped, limit ${LIMIT}`);
if (packed > LIMIT) process.exit(1);
if (!made.equals(readFileSync(`dist/${name}.js`))) {
  console.error(`dist/${name}.js is not what the source builds: run npm run build`);
  process.exit(1);
}
