/**
 * Serves the built site under a path and follows its links. First it checks the links in the files, to
 * each page, file and anchor. Then it follows some in a browser, where the site's own script loads the
 * next page.
 */
import { createServer } from 'node:http';
import { chromium } from '@playwright/test';
import sirv from 'sirv';
import { chromiumLaunchOptions } from '../browser.mjs';

const prefix = '/some/sub/path';

/**
 * @param {string} folder
 * @returns {Promise<string[]>} a sentence for each fault
 */
export async function checkSite(folder) {
  const files = sirv(folder, { dev: true });
  const server = createServer((request, response) => {
    const notFound = () => void response.writeHead(404).end();
    if (!request.url?.startsWith(`${prefix}/`)) return notFound();
    request.url = request.url.slice(prefix.length);
    files(request, response, notFound);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', () => done(undefined)));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const start = `http://127.0.0.1:${address.port}${prefix}/`;
  try {
    return [...(await crawl(start)), ...(await browse(start))];
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** @param {string} start */
async function crawl(start) {
  /** @type {Map<string, { from: string, ids?: Set<string>, status: number }>} */
  const seen = new Map();
  /** @type {{ from: string, to: URL }[]} */
  const anchors = [];
  /** @type {string[]} */
  const faults = [];
  const queue = [{ from: start, url: start }];
  for (let next = queue.pop(); next; next = queue.pop()) {
    const { from, url } = next;
    if (seen.has(url)) continue;
    const response = await fetch(url);
    seen.set(url, { from, status: response.status });
    if (!response.ok) faults.push(`${from}: ${url}: status ${response.status}`);
    if (!response.ok || !response.headers.get('content-type')?.startsWith('text/html')) {
      await response.arrayBuffer();
      continue;
    }
    const html = await response.text();
    const ids = new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id = '']) => unescaped(id)));
    seen.set(url, { from, status: response.status, ids });
    for (const [, target = ''] of html.matchAll(/<[a-z][^>]*\s(?:href|src)="([^"]*)"/g)) {
      const to = new URL(unescaped(target), url);
      if (to.origin !== new URL(start).origin) continue;
      if (!to.href.startsWith(start)) faults.push(`${url}: ${target} leaves the site's path`);
      if (to.hash) anchors.push({ from: url, to });
      queue.push({ from: url, url: to.href.slice(0, to.href.length - to.hash.length) });
    }
  }
  for (const { from, to } of anchors) {
    const page = seen.get(to.href.slice(0, to.href.length - to.hash.length));
    if (page?.ids && !page.ids.has(decodeURIComponent(to.hash.slice(1))))
      faults.push(`${from}: ${to.pathname}${to.hash}: there is no such anchor`);
  }
  const pages = [...seen.values()].filter(({ ids }) => ids).length;
  console.log(
    `${pages} pages and ${seen.size - pages} files under ${prefix}: ${faults.length} faults`,
  );
  return faults;
}

/** @param {string} text of an attribute */
function unescaped(text) {
  return text.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'");
}

/** @param {string} start */
async function browse(start) {
  const browser = await chromium.launch(chromiumLaunchOptions());
  /** @type {string[]} */
  const faults = [];
  try {
    const page = await browser.newPage();
    page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') faults.push(`${page.url()}: ${message.text()}`);
    });
    await page.goto(start);
    // The site's script has taken the page over, or links would load the next one from the server.
    await page.getByRole('button', { name: 'Search' }).first().waitFor();
    await page.evaluate(() => Object.assign(window, { isSamePage: true }));
    const main = page.locator('main');
    for (const [link, title] of [
      ['The vmstate format', 'The vmstate format'],
      ['state file', 'The state file format'],
    ]) {
      await main.getByRole('link', { name: link }).first().click();
      await main.getByRole('heading', { level: 1, name: title }).waitFor();
    }
    if (!(await page.evaluate(() => 'isSamePage' in window)))
      faults.push('A link loaded its page from the server.');
    await page.reload();
    await main.getByRole('heading', { level: 1, name: 'The state file format' }).waitFor();
    if (!page.url().startsWith(start)) faults.push(`${page.url()} is outside of ${start}`);
  } finally {
    await browser.close();
  }
  return faults;
}
