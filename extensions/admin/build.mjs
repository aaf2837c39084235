// One file per target, for Shopify's CDN and for the demo's admin pages. Addresses are relative: Shopify resolves them to ours.
import {build} from 'esbuild';
import {TARGETS} from './targets.mjs';

await build({
  entryPoints: TARGETS.map(({module}) => module),
  outdir: 'dist',
  bundle: true,
  minify: true,
  charset: 'utf8',
  format: 'esm',
  target: 'es2020',
  jsx: 'automatic',
  jsxImportSource: 'preact',
});
