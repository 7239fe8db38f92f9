import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from '@playwright/test';
import { Site } from '../../src/packages/playwright/index.ts';
import { serveSite } from '../../tools/serve.mjs';
import type { BuildManifest } from '../../tools/site-workers.ts';

test('the page loads from any path of a static host', { tag: '@quick' }, async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-'));
  symlinkSync(resolve('dist'), join(folder, 'nested'));
  const site = await serveSite({ root: folder });
  const problems: string[] = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('response', (response) => {
    if (response.status() >= 400) problems.push(`${response.status()} ${response.url()}`);
  });
  try {
    await page.goto(`${site.url}nested/`);
    await expect(page).toHaveTitle(/Holdfast/);
    expect(problems).toEqual([]);
  } finally {
    await site.close();
    rmSync(folder, { recursive: true });
  }
});

test('the keeper is a module without imports, at a name that never changes', async ({
  request,
}) => {
  const response = await request.get('keeper.js');
  expect(response.headers()['content-type']).toContain('javascript');
  expect(response.headers()['cache-control']).toBe('no-cache');
  expect(await response.text()).not.toMatch(/^\s*import\b(?!\s*[(.])/m);
});

test('each runtime that build.json names compiles', async ({ page, request }) => {
  const { runtimes } = (await (await request.get('build.json')).json()) as BuildManifest;
  expect(runtimes.length).toBeGreaterThan(1);
  await page.goto('./');
  for (const { url, wasmUrl, wasmSha256 } of runtimes) {
    expect((await request.get(url)).headers()['content-type']).toContain('javascript');
    const wasm = await (await request.get(wasmUrl)).body();
    expect(createHash('sha256').update(wasm).digest('hex')).toBe(wasmSha256);
    const compiles = await page.evaluate(
      async (path) =>
        (await WebAssembly.compileStreaming(fetch(path))) instanceof WebAssembly.Module,
      wasmUrl,
    );
    expect(compiles).toBe(true);
  }
});

test('requests that the policy blocks are reported by page, worker and shared worker', async ({
  page,
}) => {
  const site = await Site.serve({ root: 'dist' });
  try {
    await site.put('eval.js', "try { (0, eval)('1'); } catch {}");
    await site.put(
      'evals.html',
      '<!doctype html><title>evals</title><script src="eval.js"></script>',
    );
    await page.goto(site.urlOf('evals.html'));
    await page.evaluate(() => {
      const url = new URL('eval.js', location.href).href;
      const { trustedTypes } = window as unknown as {
        trustedTypes: {
          createPolicy(name: string, rules: object): { createScriptURL(url: string): string };
        };
      };
      const policy = trustedTypes.createPolicy('holdfast', {
        createScriptURL: (text: string) => text,
      });
      new Worker(policy.createScriptURL(`${url}?worker`));
      new SharedWorker(policy.createScriptURL(`${url}?shared`));
    });
    await expect
      .poll(
        () =>
          new Set(
            site.violations.map(
              ({ documentUrl }) => new URL(documentUrl).pathname + new URL(documentUrl).search,
            ),
          ),
      )
      .toEqual(new Set(['/evals.html', '/eval.js?worker', '/eval.js?shared']));
  } finally {
    await site.close();
  }
});
