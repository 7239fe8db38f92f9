/** A built site on a real server, whose files a test can change under the page. */
import {
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { text } from 'node:stream/consumers';
import sirv from 'sirv';
import { HoldfastError } from '../../errors.ts';
import type { RuntimeSource } from '../../protocol/runtime-source.ts';
import { ignoreOtherRanges, keepArchives } from '../node/archives.ts';
import headers from './response-headers.json' with { type: 'json' };

export interface SiteOptions {
  /** Folder of the build. */
  root: string;
  /** Path of the site, for example `some/where`. Empty: the server's root. */
  path?: string;
  /** Whether the site has the headers that make its pages cross-origin isolated. */
  isolated?: boolean;
  /** Preferred port. */
  port?: number;
  /** Whether the site has the headers that restrict pages and workers. Default `true`. */
  secured?: boolean;
}

/** A violation of the content security policy, as the browser reports it. */
export interface PolicyViolation {
  documentUrl: string;
  directive: string;
  blocked: string;
  /** Script, line and column, if known. */
  source: string;
  sample: string;
}

/** Browsers report violations here, from pages and all kinds of workers. */
const reportPath = 'policy-violations';

const securityHeaders = {
  'Content-Security-Policy': `${headers.contentSecurityPolicy.join('; ')}; report-uri /${reportPath}`,
  ...headers.security,
};

/**
 * Serves a build under the security policy of its documentation. It serves a copy made of links. So files
 * can be added, removed and replaced without a change of the build.
 */
export class Site {
  readonly #server: Server;
  readonly #folder: string;
  readonly #path: string;
  readonly #headers: [string, string][];
  /** Folder of the site's own files. */
  #root: string;
  #builds = 0;
  #shared = 0;
  /** Paths of all requests, with the query, without the site's path. */
  readonly requests: string[] = [];
  /** Violations of the policy since the start. */
  readonly violations: PolicyViolation[] = [];

  private constructor(server: Server, folder: string, path: string, headers: [string, string][]) {
    this.#server = server;
    this.#folder = folder;
    this.#root = folder;
    this.#path = path;
    this.#headers = headers;
  }

  static async serve(options: SiteOptions): Promise<Site> {
    const { root, path = '', isolated = false, secured = true, port = 0 } = options;
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-site-'));
    const server = createServer();
    const sent = { ...(secured && securityHeaders), ...(isolated && headers.isolation) };
    const site = new Site(
      server,
      folder,
      path.replace(/^\/+|\/+$/g, ''),
      Object.entries<string>(sent),
    );
    await site.deploy(root);
    await listen(server, port).catch((error) => {
      if (port === 0) throw error;
      return listen(server, 0);
    });
    return site;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The address of the page. Ends in a slash. */
  get url(): string {
    return `http://localhost:${this.port}/${this.#path && `${this.#path}/`}`;
  }

  /** The address of a file of the site. */
  urlOf(file: string): string {
    return new URL(file, this.url).href;
  }

  /** Puts another build at the same address. The files of the previous one are removed. */
  async deploy(build: string): Promise<void> {
    const base = join(this.#folder, String(this.#builds++));
    const root = join(base, this.#path);
    await mkdir(root, { recursive: true });
    await linkEntries(resolve(build), root);
    const handle = sirv(base, {
      dev: true,
      etag: true,
      // In the package, the kernel has an extension that it lacks on a site, see tools/build-library.ts.
      extensions: ['html', 'htm', 'bin'],
      setHeaders: (response) => {
        for (const [name, value] of this.#headers) response.setHeader(name, value);
      },
    });
    this.#server.removeAllListeners('request').on('request', (request, response) => {
      const path = (request.url ?? '/').slice(1);
      if (path === reportPath) {
        void this.#onViolation(request).finally(() => response.writeHead(204).end());
        return;
      }
      if (path.startsWith(this.#path)) {
        this.requests.push(path.slice(this.#path.length).replace(/^\//, ''));
      }
      ignoreOtherRanges(request);
      keepArchives(request, response);
      handle(request, response);
    });
    this.#root = root;
  }

  /** Adds or replaces one file. */
  async put(file: string, content: string | Uint8Array): Promise<string> {
    const target = await this.#own(file);
    await rm(target, { force: true });
    await writeFile(target, content);
    return this.urlOf(file);
  }

  /**
   * Serves the present contents of a file of this computer.
   * @returns its address
   * @throws HoldfastError `file-failed` if it does not exist
   */
  async share(path: string): Promise<string> {
    await stat(path).catch((cause: Error) => {
      throw new HoldfastError('file-failed', `${resolve(path)} cannot be read: ${cause.message}`, {
        cause,
      });
    });
    const file = `shared/${this.#shared++}/${basename(path)}`;
    await symlink(resolve(path), await this.#own(file));
    return this.urlOf(file);
  }

  /** Makes the server answer 404 for this file. */
  async remove(file: string): Promise<void> {
    await rm(await this.#own(file), { recursive: true });
  }

  read(file: string): Promise<Buffer> {
    return readFile(join(this.#root, file));
  }

  /** The runtimes of the build that is served, newest first. */
  async runtimes(): Promise<RuntimeSource[]> {
    const manifest = JSON.parse(await readFile(join(this.#root, 'build.json'), 'utf8')) as {
      runtimes: RuntimeSource[];
    };
    return manifest.runtimes.map(({ id, v86Version, url, wasmUrl }) => ({
      id,
      v86Version,
      url: this.urlOf(url),
      wasmUrl: this.urlOf(wasmUrl),
    }));
  }

  async close(): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #onViolation(request: IncomingMessage): Promise<void> {
    const { 'csp-report': report } = JSON.parse(await text(request)) as {
      'csp-report': Record<string, string | number>;
    };
    this.violations.push({
      documentUrl: String(report['document-uri']),
      directive: String(report['effective-directive'] ?? report['violated-directive']),
      blocked: String(report['blocked-uri']),
      source: `${report['source-file']}:${report['line-number']}:${report['column-number']}`,
      sample: String(report['script-sample'] ?? ''),
    });
  }

  /** The file's path. Its folders become copies instead of links into the build. */
  async #own(file: string): Promise<string> {
    const target = join(this.#root, file);
    if (!target.startsWith(this.#root + sep)) throw new Error(`${file} is outside of the site`);
    await ownFolder(dirname(target), this.#root);
    return target;
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((done, fail) => {
    server.once('error', fail).listen(port, '127.0.0.1', () => {
      server.off('error', fail);
      done();
    });
  });
}

async function linkEntries(from: string, to: string): Promise<void> {
  const names = await readdir(from);
  await Promise.all(names.map((name) => symlink(join(from, name), join(to, name))));
}

async function ownFolder(folder: string, root: string): Promise<void> {
  if (folder === root) return;
  await ownFolder(dirname(folder), root);
  const stats = await lstat(folder).catch(() => undefined);
  if (stats?.isDirectory()) return;
  const build = stats && (await readlink(folder));
  if (build) await rm(folder);
  await mkdir(folder);
  if (build) await linkEntries(build, folder);
}
