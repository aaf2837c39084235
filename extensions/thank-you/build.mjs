// One file for Shopify's CDN and for the demo's thank-you page. APP_URL says where our server lives.
import {build} from 'esbuild';

await build({
  entryPoints: ['src/ThankYou.jsx'],
  outfile: 'dist/thank-you.js',
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2020',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  define: process.env.APP_URL ? {__APP_URL__: JSON.stringify(process.env.APP_URL)} : {},
});
