/**
 * Files that the benchmarks' browsers load: the current build of this project, and v86's as its
 * examples use it.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sirv, { type Options, type RequestHandler } from 'sirv';
import { build, type Rolldown } from 'vite';
import type { RuntimeSource } from '../../../src/protocol/runtime-source.ts';
import type { BuildManifest } from '../../../tools/site-workers.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../../..');

export interface BenchSite {
  /** URL of this build; ends in a slash. */
  url: string;
  /** URL of the page around stock v86. */
  stockUrl: string;
  /** Script to run in this project's page before its own scripts. */
  ourScript: string;
  /** As {@link ourScript}, with no more than a visitor needs. */
  visitorScript: string;
  /** The HTML of this project's page. */
  ourHtml: string;
  /** Answers at `/bench/NAME` from now on, or at NAME if that begins with a slash. */
  add(name: string, type: string, content: string | Uint8Array): void;
  /** Files that this project's page loads, by size. */
  pageAssets: { name: string; type: string; sizeBytes: number }[];
  /** The runtimes of this build, newest first. */
  runtimes: RuntimeSource[];
  close(): Promise<void>;
}

/** Serves dist/ at the root, and the benchmarks' own pages at /bench/. No special headers. */
export async function serveBenchSite(): Promise<BenchSite> {
  const own = new Map<string, { type: string; content: string | Uint8Array }>();
  const add: BenchSite['add'] = (name, type, content) =>
    own.set(name.startsWith('/') ? name : `/bench/${name}`, { type, content });
  add('stock.html', 'text/html', readFileSync(join(here, 'stock.html'), 'utf8'));
  add('stock.js', 'text/javascript', await bundle('stock-page.ts'));
  const ourScript = await bundle('our-page.ts');
  const visitorScript = await bundle('visitor-page.ts');

  const setHeaders: NonNullable<Options['setHeaders']> = (response, path) => {
    const isHashed = /^\/(assets|runtimes)\//.test(path);
    response.setHeader(
      'Cache-Control',
      isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    );
  };
  // A copy: a build that is started meanwhile must not change the measured files.
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-bench-'));
  cpSync(join(root, 'dist'), folder, { recursive: true });
  const dist = sirv(folder, { etag: true, setHeaders });
  const { runtimes } = JSON.parse(
    readFileSync(join(folder, 'build.json'), 'utf8'),
  ) as BuildManifest;
  const v86 = sirv(join(root, 'node_modules/v86/build'), { etag: true });
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').replace(/[?#].*/, '');
    const found = own.get(path);
    if (found) {
      response.writeHead(200, { 'Content-Type': found.type, 'Cache-Control': 'no-cache' });
      response.end(found.content);
    } else if (path.startsWith('/v86/')) {
      request.url = path.slice('/v86'.length);
      v86(request as Parameters<RequestHandler>[0], response);
    } else {
      dist(request as Parameters<RequestHandler>[0], response);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://localhost:${(server.address() as AddressInfo).port}/`;
  return {
    url,
    stockUrl: `${url}bench/stock.html`,
    ourScript,
    visitorScript,
    ourHtml: readFileSync(join(folder, 'index.html'), 'utf8'),
    add,
    pageAssets: readdirSync(join(folder, 'assets'))
      .filter((name) => /\.(js|css)$/.test(name))
      .map((name) => ({
        name,
        type: name.endsWith('.js') ? 'text/javascript' : 'text/css',
        sizeBytes: statSync(join(folder, 'assets', name)).size,
      })),
    runtimes: runtimes.map(({ id, v86Version, url: path, wasmUrl }) => ({
      id,
      v86Version,
      url: url + path,
      wasmUrl: url + wasmUrl,
    })),
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        rmSync(folder, { recursive: true });
        server.closeAllConnections();
      }),
  };
}

/** Bundles a script of a page. */
async function bundle(file: string): Promise<string> {
  const result = await build({
    configFile: false,
    root: here,
    logLevel: 'warn',
    publicDir: false,
    build: {
      write: false,
      target: 'es2022',
      minify: false,
      lib: {
        entry: join(here, file),
        formats: ['iife'],
        name: 'unused',
        fileName: () => 'page.js',
      },
    },
  });
  const { output } = (Array.isArray(result) ? result[0] : result) as Rolldown.RolldownOutput;
  return output[0].code;
}
