// Fails when the built extension is larger than our own limit (Shopify's is 64 KB).
import {readFileSync} from 'node:fs';
import {gzipSync} from 'node:zlib';

const LIMIT = 16 * 1024;
const raw = readFileSync(new URL('./dist/thank-you.js', import.meta.url));
const packed = gzipSync(raw, {level: 9}).length;
console.log(`dist/thank-you.js: ${raw.length} bytes, ${packed} gzipped, limit ${LIMIT}`);
if (packed > LIMIT) process.exit(1);
