/**
 * Visits to pages in a browser whose developer tools are not open. Playwright attaches them to every
 * page. They record the source line of each request and worker. V8 parses the page's scripts a
 * second time for that: 20 ms of two busy processors that no visitor waits for.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromiumLaunchOptions } from '../../../tools/browser.mjs';
import { BrowserSession } from './browser-session.ts';
import { settled } from './settled.ts';

/** As Playwright starts it, but for what concerns its own protocol. */
const switches = [
  '--headless',
  '--hide-scrollbars',
  '--mute-audio',
  '--window-size=1280,900',
  '--remote-debugging-port=0',
  '--no-default-browser-check',
  '--disable-default-apps',
  '--disable-extensions',
  '--disable-popup-blocking',
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  '--password-store=basic',
  '--use-mock-keychain',
];

/** A page of another site. It follows its link when the server answers. */
const door = `<!doctype html><title>Another site</title>
<script>fetch('/link').then(async (link) => location.assign(await link.text()))</script>`;

/** Longest time until a page reports, ms. */
const patienceMs = 120_000;

export class Visits {
  readonly #folder: string;
  readonly #browser: ChildProcess;
  readonly #session: BrowserSession;
  readonly #server: Server;
  /** Takes the report of the visit that is under way. */
  #report: (text: string) => void = () => {};
  /** Lets the page of another site follow its link. */
  #link: (url: string) => void = () => {};

  private constructor(folder: string, browser: ChildProcess, session: BrowserSession) {
    this.#folder = folder;
    this.#browser = browser;
    this.#session = session;
    this.#server = createServer(async (request, response) => {
      if (request.url?.startsWith('/door')) {
        response.setHeader('Content-Type', 'text/html');
        response.end(door);
      } else if (request.url?.startsWith('/link')) {
        this.#link = (url) => response.end(url);
      } else {
        let text = '';
        for await (const piece of request) text += piece;
        response.end();
        this.#report(text);
      }
    });
  }

  /** Starts a browser with a profile of its own, and a server for the pages' reports. */
  static async open(): Promise<Visits> {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-visits-'));
    const { executablePath, args } = chromiumLaunchOptions();
    if (!executablePath) throw new Error('There is no Chromium on this computer.');
    const browser = spawn(
      executablePath,
      [...switches, ...args, `--user-data-dir=${folder}`, 'about:blank'],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const visits = new Visits(
      folder,
      browser,
      await BrowserSession.connect(await address(browser)),
    );
    visits.#server.listen(0, '127.0.0.1');
    await once(visits.#server, 'listening');
    return visits;
  }

  get version(): string {
    return this.#session.version;
  }

  /** URL that a page posts its report to, with `mode: 'no-cors'`. */
  get reportUrl(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Opens the page in a separate profile, and closes it when it has reported. @returns the report */
  async visit(url: string): Promise<string> {
    const session = this.#session;
    const { browserContextId } = await session.send('Target.createBrowserContext');
    await session.send('Target.createTarget', { url: `${this.reportUrl}door`, browserContextId });
    await settled(session);
    let timer: NodeJS.Timeout | undefined;
    const reported = new Promise<string>((done, fail) => {
      this.#report = done;
      timer = setTimeout(() => fail(new Error(`${url} did not report.`)), patienceMs);
    });
    this.#link(url);
    const text = await reported;
    clearTimeout(timer);
    await session.send('Target.disposeBrowserContext', { browserContextId });
    return text;
  }

  async close(): Promise<void> {
    this.#server.close();
    const ended = once(this.#browser, 'exit');
    await this.#session.send('Browser.close');
    await ended;
    this.#session.close();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** @returns the address for developer tools that a browser prints when it starts */
async function address(browser: ChildProcess): Promise<string> {
  if (!browser.stderr) throw new Error('The browser has no output.');
  const lines = createInterface({ input: browser.stderr });
  for await (const line of lines) {
    const found = /^DevTools listening on (ws:.*)$/.exec(line)?.[1];
    if (found) return found;
  }
  throw new Error('The browser ended at once.');
}
