// One file per target, for Shopify's CDN and for the demo's admin pages. Addresses are relative: Shopify resolves them to
// ours. With --check nothing is written: it fails when a file is larger than our limit (Shopify's is 64 KB), or when the
// committed dist/, which the demo draws, is not what the source builds.
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {basename, dirname} from 'node:path';
import {gzipSync} from 'node:zlib';
import {build} from 'esbuild';

const LIMIT = 16 * 1024;
const toml = readFileSync('shopify.extension.toml', 'utf-8');
const modules = [...toml.matchAll(/module = "\.\/(.+)"/g)].map(([, module]) => module);
const {outputFiles} = await build({
  entryPoints: modules,
  outdir: 'dist',
  bundle: true,
  minify: true,
  write: false,
  charset: 'utf8',
  format: 'esm',
  target: 'es2020',
  jsx: 'automatic',
  jsxImportSource: 'preact',
});
let failed = outputFiles.length !== 4;
for (const {path, contents} of outputFiles) {
  if (!process.argv.includes('--check')) {
    mkdirSync(dirname(path), {recursive: true});
    writeFileSync(path, contents);
    continue;
  }
  const packed = gzipSync(contents, {level: 9}).length;
  const same = Buffer.from(contents).equals(readFileSync(path));
  console.log(`dist/${basename(path)}: ${contents.length} bytes, ${packed} gzipped, limit ${LIMIT}${same ? '' : '; OLD: npm run build'}`);
  failed ||= packed > LIMIT || !same;
}
process.exit(failed ? 1 : 0);
