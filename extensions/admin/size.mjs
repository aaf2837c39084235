// Fails when one of the built files is larger than our own limit (Shopify's is 64 KB).
import {readFileSync} from 'node:fs';
import {basename} from 'node:path';
import {gzipSync} from 'node:zlib';
import {TARGETS} from './targets.mjs';

const LIMIT = 16 * 1024;
let failed = TARGETS.length === 0;
for (const {module} of TARGETS) {
  const file = `dist/${basename(module, '.jsx')}.js`;
  const raw = readFileSync(new URL(file, import.meta.url));
  const packed = gzipSync(raw, {level: 9}).length;
  console.log(`${file}: ${raw.length} bytes, ${packed} gzipped, limit ${LIMIT}`);
  failed ||= packed > LIMIT;
}
process.exit(failed ? 1 : 0);
