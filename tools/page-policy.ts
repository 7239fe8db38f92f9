/** The security policy of a built site, for hosts that send no headers of ours. */
import headers from '../src/packages/playwright/response-headers.json' with { type: 'json' };

/** Browsers heed these as headers only. */
const headerOnly = /^frame-ancestors /;

/** The page with the policy in a `<meta>`. Workers have none by it: their own response says it. */
export function withPolicy(html: string): string {
  const policy = headers.contentSecurityPolicy.filter((directive) => !headerOnly.test(directive));
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}" />`;
  const charset = '<meta charset="utf-8" />';
  if (!html.includes(charset)) throw new Error(`The page lacks ${charset}.`);
  return html.replace(charset, `${charset}\n    ${meta}`);
}

/** `_headers` of the site: Netlify and Cloudflare Pages read it. */
export function headersFile(): string {
  const all = {
    'Content-Security-Policy': headers.contentSecurityPolicy.join('; '),
    ...headers.security,
  };
  const lines = Object.entries(all).map(([name, value]) => `  ${name}: ${value}`);
  return `/*\n${lines.join('\n')}\n`;
}
