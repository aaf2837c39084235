// One file per extension, for Shopify's CDN and for the demo's pages. Run in the extension's folder.
// APP_URL says where our server lives; the committed dist/ is built without it (the demo and the metafields say where).
import {basename} from 'node:path';
import {readFileSync} from 'node:fs';
import {build} from 'esbuild';

export const name = basename(process.cwd());

/** @returns {Promise<Uint8Array>} */
export async function bundle(appUrl = process.env.APP_URL) {
  const toml = readFileSync('shopify.extension.toml', 'utf-8');
  const made = await build({
    entryPoints: [/module = "(.+)"/.exec(toml)[1]],
    outfile: `dist/${name}.js`,
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2020',
    charset: 'utf8',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    define: appUrl ? {__APP_URL__: JSON.stringify(appUrl)} : {},
  });
  return made.outputFiles[0].contents;
}
