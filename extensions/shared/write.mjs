import {mkdirSync, writeFileSync} from 'node:fs';
import {bundle, name} from './build.mjs';

mkdirSync('dist', {recursive: true});
writeFileSync(`dist/${name}.js`, await bundle());
