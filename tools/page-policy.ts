/** The security policy of a built site, for hosts that cannot send its headers. */
import headers from '../src/packages/playwright/response-headers.json' with { type: 'json' };

/** Directives that browsers only accept in headers. */
const headerOnly = /^frame-ancestors /;

/**
 * Returns the page with the policy in a `<meta>`. It does not apply to workers, whose policy is in
 * their own response.
 */
export function withPolicy(html: string): string {
  const policy = headers.contentSecurityPolicy.filter((directive) => !headerOnly.test(directive));
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}" />`;
  const charset = '<meta charset="utf-8" />';
  if (!html.includes(charset)) throw new Error(`The page lacks ${charset}.`);
  return html.replace(charset, `${charset}\n    ${meta}`);
}

/** Returns `_headers` of the site, which Netlify and Cloudflare Pages read. */
export function headersFile(): string {
  const all = {
    'Content-Security-Policy': headers.contentSecurityPolicy.join('; '),
    ...headers.security,
  };
  const lines = Object.entries(all).map(([name, value]) => `  ${name}: ${value}`);
  return `/*\n${lines.join('\n')}\n`;
}
