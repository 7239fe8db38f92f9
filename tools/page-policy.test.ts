import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { headersFile, withPolicy } from './page-policy.ts';
import { securityHeaders } from './serve.mjs';

const docs = readFileSync('docs/headers.md', 'utf8');
const section = (title: string) => docs.split('\n## ').find((part) => part.startsWith(title)) ?? '';

test('the headers for nginx, Caddy and Netlify are those that our servers send', () => {
  for (const [name, value] of Object.entries(securityHeaders)) {
    expect(section('nginx')).toContain(`add_header ${name} "${value}" always;\n`);
    expect(section('Caddy')).toContain(`  ${name} "${value}"\n`);
    expect(headersFile()).toContain(`  ${name}: ${value}\n`);
  }
});

test('the policy allows no inline script, no inline style and no eval', () => {
  const policy = securityHeaders['Content-Security-Policy'];
  expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
  expect(policy).toContain("style-src 'self';");
  expect(policy).not.toMatch(/unsafe-(inline|eval|hashes)(?<!wasm-unsafe-eval)/);
});

test("a page's meta element holds the policy but for what only headers may say", () => {
  const page = withPolicy('<head>\n    <meta charset="utf-8" />\n  </head>');
  const [, policy] = /http-equiv="Content-Security-Policy" content="([^"]+)"/.exec(page) ?? [];
  const inHeader = securityHeaders['Content-Security-Policy']?.split('; ');
  expect(policy?.split('; ')).toEqual(
    inHeader?.filter((directive) => !directive.startsWith('frame-ancestors')),
  );
});
