// What shopify.extension.toml says: each target with its module.
import {readFileSync} from 'node:fs';

const toml = readFileSync(new URL('./shopify.extension.toml', import.meta.url), 'utf-8');
export const TARGETS = [...toml.matchAll(/module = "\.\/(.+)"\ntarget = "(.+)"/g)].map(([, module, target]) => ({module, target}));
