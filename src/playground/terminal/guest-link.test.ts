import { expect, test } from 'vitest';
import { guestLink } from './guest-link.ts';

test('a link of a guest shows the host that it leads to, as browsers understand it', () => {
  expect(guestLink('https://EXAMPLE.org:8443/a?b')).toEqual({
    host: 'example.org:8443',
    href: 'https://example.org:8443/a?b',
  });
  expect(guestLink('http://ex\u0430mple.org/')?.host).toBe('xn--exmple-4nf.org');
});

test.each([
  'javascript:alert(1)',
  'data:text/html,x',
  'file:///etc/passwd',
  'https://bank.example@evil.example/',
  'x',
  '',
])('a link of a guest that is no plain address of the web leads nowhere: %s', (address) =>
  expect(guestLink(address)).toBeUndefined(),
);
