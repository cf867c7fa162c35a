// Builds the dashboard: one script, one style sheet and a page for each depth, compressed, and a C++ source that puts
// them into pawld.
//
//   node build.mjs [--source DIR] [--out DIR] [--embed FILE.cpp] [--watch]
//
// DIR/src is read; the packages are looked for beside this file. --watch builds for a browser's debugger and goes on.
import {createHash} from 'node:crypto';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import zlib from 'node:zlib';

import zopfli from '@gfx/zopfli';
import esbuild from 'esbuild';
import {minify} from 'terser';

const here = path.dirname(fileURLToPath(import.meta.url));
const {values: options} = parseArgs({
  options: {
    source: {type: 'string', default: here},
    out: {type: 'string', default: path.join(here, 'dist')},
    embed: {type: 'string'},
    watch: {type: 'boolean', default: false},
  },
});
const source = path.resolve(options.source);
const out = path.resolve(options.out);

const common = {
  absWorkingDir: source,
  nodePaths: [path.join(here, 'node_modules')],
  bundle: true,
  format: 'esm',
  target: ['chrome123', 'firefox120', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: !options.watch,
  sourcemap: options.watch ? 'inline' : false,
  legalComments: 'none',
  charset: 'utf8',
  logLevel: 'warning',
  entryNames: '[name]-[hash]',
  outdir: path.join(out, 'assets'),
  metafile: true,
  write: false,
};

/// Scripts once more, by a minifier that looks further: some 3 % of what is sent.
async function smaller(file, bytes) {
  if (options.watch || !file.endsWith('.js')) return bytes;
  const {code} = await minify(bytes.toString(), {module: true, ecma: 2020, compress: {passes: 3}});
  return Buffer.from(code);
}

/// Files below dist/ as [path, bytes].
async function bundle() {
  const worker = await esbuild.build({...common, entryPoints: {stream: 'src/live/shared-worker.ts'}});
  const workerName = path.basename(worker.outputFiles[0].path);
  const main = await esbuild.build({
    ...common,
    entryPoints: {main: 'src/main.tsx'},
    define: {STREAM_WORKER: JSON.stringify('./' + workerName)},
  });
  const assets = await Promise.all([...worker.outputFiles, ...main.outputFiles].map(async (file) => {
    const name = path.relative(out, file.path).split(path.sep).join('/');
    return [name, await smaller(name, Buffer.from(file.contents))];
  }));
  const name = (ending) => assets.map(([file]) => file).find((file) => /\/main-[^/]*$/.test(file) && file.endsWith(ending));
  return [...assets, ['icon.svg', readFileSync(path.join(source, 'src/icon.svg'))], ...pages(name('.js'), name('.css'))];
}

/// A page has no <base>, and may be served below any prefix: its links go up as many folders as it lies deep.
function pages(script, style) {
  const template = readFileSync(path.join(source, 'src/page.html'), 'utf8');
  return [0, 1, 2, 3].map((depth) => {
    const values = {up: './' + '../'.repeat(depth), script, style};
    return [`page-${depth}.html`, Buffer.from(template.replace(/\{\{(\w+)\}\}/g, (_, key) => values[key]))];
  });
}

const types = {'.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.html': 'text/html; charset=utf-8', '.svg': 'image/svg+xml'};

/// gzip by zopfli, which looks longer for the same format: 3 % less than zlib's best.
async function compressed(bytes) {
  const smaller = (packed) => (packed.length < bytes.length * 0.95 ? packed : null);
  return {
    '.gz': smaller(Buffer.from(await zopfli.gzipAsync(bytes, {numiterations: 15}))),
    '.br': smaller(zlib.brotliCompressSync(bytes, {params: {[zlib.constants.BROTLI_PARAM_QUALITY]: 11}})),
  };
}

function write(file, bytes) {
  mkdirSync(path.dirname(file), {recursive: true});
  writeFileSync(file, bytes);
}

/// Writes dist/ and returns a row for each file.
async function writeAll(files) {
  rmSync(out, {recursive: true, force: true});
  return Promise.all(files
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(async ([file, bytes]) => {
      write(path.join(out, file), bytes);
      const forms = await compressed(bytes);
      for (const [ending, packed] of Object.entries(forms)) {
        if (packed) write(path.join(out, file + ending), packed);
      }
      return {
        file,
        type: types[path.extname(file)],
        hash: createHash('sha256').update(bytes).digest('hex').slice(0, 20),
        immutable: file.startsWith('assets/'),
        forms: ['', ...Object.keys(forms).filter((ending) => forms[ending])],
      };
    }));
}

const endings = ['', '.gz', '.br'];

function assembly(rows) {
  const lines = rows.flatMap(({file, forms}, index) =>
    forms.flatMap((ending) => {
      const symbol = `pawl_ui_${index}_${endings.indexOf(ending)}`;
      const quoted = path.join(out, file + ending).replace(/["\\]/g, '\\$&');
      return [`.global ${symbol}`, `.global ${symbol}_end`, `${symbol}:`, `.incbin "${quoted}"`, `${symbol}_end:`, '.byte 0'];
    }));
  return ['.pushsection .rodata', ...lines, '.popsection'].map((line) => `    ${JSON.stringify(line + '\n')}`).join('\n');
}

function embedding(rows) {
  const symbols = rows.flatMap(({forms}, i) => forms.map((ending) => `pawl_ui_${i}_${endings.indexOf(ending)}`));
  const form = ({forms}, i, ending) => {
    if (!forms.includes(ending)) return '{}';
    const symbol = `pawl_ui_${i}_${endings.indexOf(ending)}`;
    return `{${symbol}, ${symbol}_end}`;
  };
  const row = (r, i) =>
    `    {${JSON.stringify(r.file)}, ${JSON.stringify(r.type)}, "${r.hash}", ${endings.map((e) => form(r, i, e)).join(', ')}, ${r.immutable}},`;
  return `// Made by web-ui/build.mjs.
#include "broker/http/dashboard/dashboard.h"

__asm__(
${assembly(rows)});

extern "C" {
${symbols.map((symbol) => `extern const char ${symbol}[];\nextern const char ${symbol}_end[];`).join('\n')}
}

namespace pawl::http::dashboard {

std::span<const File> embedded_files() {
  static const File files[] = {
${rows.map(row).join('\n')}
  };
  return files;
}

}  // namespace pawl::http::dashboard
`;
}

async function build() {
  const rows = await writeAll(await bundle());
  if (options.embed) writeFileSync(options.embed, embedding(rows));
  return rows;
}

if (options.watch) {
  const {watch} = await import('node:fs');
  const again = () => build().then(() => console.log('built', out), (error) => console.error(String(error)));
  let timer;
  await again();
  watch(path.join(source, 'src'), {recursive: true}, () => {
    clearTimeout(timer);
    timer = setTimeout(again, 100);
  });
} else {
  await build();
}
