// Shopify's own validator (dev-mcp, over stdio, without a network). One argument, JSON: [{api, version, target, files}].
// Prints its words for each as a JSON list. One server answers all: starting it is what takes the time.
import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';

const server = spawn(process.execPath, ['node_modules/@shopify/dev-mcp/dist/index.js'], {
  env: {...process.env, OPT_OUT_INSTRUMENTATION: 'true'},
  stdio: ['pipe', 'pipe', 'ignore'],
});
const waiting = new Map();
let buffer = '';
server.stdout.on('data', (data) => {
  buffer += data;
  const lines = buffer.split('\n');
  buffer = lines.pop();
  for (const line of lines.filter(Boolean)) {
    const message = JSON.parse(line);
    waiting.get(message.id)?.(message);
  }
});
let number = 0;
const call = (method, params) =>
  new Promise((resolve) => {
    waiting.set(++number, resolve);
    server.stdin.write(`${JSON.stringify({jsonrpc: '2.0', id: number, method, params})}\n`);
  });

await call('initialize', {protocolVersion: '2025-06-18', capabilities: {}, clientInfo: {name: 'checks', version: '1'}});
server.stdin.write(`${JSON.stringify({jsonrpc: '2.0', method: 'notifications/initialized', params: {}})}\n`);
const words = [];
for (const {api, version, target, files} of JSON.parse(process.argv[2])) {
  const code = files.map((file) => ({content: readFileSync(file, 'utf-8'), language: 'jsx'}));
  const asked = {conversationId: '6f0a4f6e-2a53-4c9b-9d53-2f6f1d1f0a11', api, version, extensionTarget: target, code};
  const {result, error} = await call('tools/call', {name: 'validate', arguments: asked});
  words.push(error ? JSON.stringify(error) : result.content.map(({text}) => text).join('\n'));
}
console.log(JSON.stringify(words));
server.kill();
