import type { IncomingMessage } from 'node:http';
import { expect, test, vi } from 'vitest';
import { Clients } from './client.ts';

const request = (remoteAddress: string, forwarded?: string) =>
  ({
    socket: { remoteAddress },
    headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
  }) as unknown as IncomingMessage;

const keys = (clients: Clients, remoteAddress: string, forwarded?: string) =>
  clients.of(request(remoteAddress, forwarded)).map(({ key }) => key);

test('all addresses of a household are one client, however they are written', () => {
  const clients = new Clients(0);
  const household = keys(clients, '2a0e:b107::a:0:0:1');
  expect(household).toEqual(['2a0e:b107:0:0::/64', '2a0e:b107:0::/48']);
  // An abbreviated address without its zeros is shorter than its network.
  for (const address of ['2a0e:b107::1', '2a0e:b107::ffff:ffff:ffff:ffff', '2A0E:B107:0:0:1::2']) {
    expect(keys(clients, address)).toEqual(household);
  }
  expect(keys(clients, '2a0e:b107:0:1::1')).toEqual(['2a0e:b107:0:1::/64', '2a0e:b107:0::/48']);
});

test('an IPv4 address is the same client over both protocols', () => {
  const clients = new Clients(0);
  expect(keys(clients, '::ffff:192.0.2.1')).toEqual(['192.0.2.1']);
  expect(keys(clients, '192.0.2.1')).toEqual(['192.0.2.1']);
});

test('behind proxies the client is the entry that the outermost of them wrote', () => {
  const forged = '8.8.8.8, 192.0.2.7';
  expect(keys(new Clients(1), '127.0.0.1', forged)).toEqual(['192.0.2.7']);
  expect(keys(new Clients(2), '127.0.0.1', `${forged}, 10.0.0.1`)).toEqual(['192.0.2.7']);
  // A request that bypassed the outer proxy.
  expect(keys(new Clients(2), '127.0.0.1', '192.0.2.7')).toEqual(['192.0.2.7']);
  expect(keys(new Clients(1), '127.0.0.1', '192.0.2.7:4711')).toEqual(['192.0.2.7']);
  expect(keys(new Clients(1), '127.0.0.1', '[2001:db8::1]:4711')[0]).toBe('2001:db8:0:0::/64');
  for (const nonsense of ['', 'unknown', '_hidden', '"<>', '1.2.3.4.5']) {
    expect(keys(new Clients(1), '127.0.0.1', nonsense)).toEqual(['127.0.0.1']);
  }
});

test('a proxy that the settings do not know is warned of, once', () => {
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
  const clients = new Clients(0);
  expect(keys(clients, '127.0.0.1', '192.0.2.7')).toEqual(['127.0.0.1']);
  expect(keys(clients, '127.0.0.1', '192.0.2.8')).toEqual(['127.0.0.1']);
  expect(warn.mock.calls).toEqual([[expect.stringContaining('"behind-proxy" is 0')]]);
  warn.mockRestore();
});
