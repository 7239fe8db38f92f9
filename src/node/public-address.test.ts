import { expect, test } from 'vitest';
import { isPublicAddress } from './public-address.ts';

test.each([
  ['127.0.0.1', '127.255.0.1', '10.1.2.3', '172.31.255.1', '192.168.0.1', '169.254.169.254'],
  ['0.0.0.0', '100.64.0.1', '198.19.0.1', '224.0.0.1', '255.255.255.255', '192.0.0.8'],
  ['::1', '::', 'fe80::1', 'fe80::1%eth0', 'fd00::1', 'fc00::1', 'ff02::1', '::ffff:127.0.0.1'],
  ['::ffff:7f00:1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1', 'localhost', ''],
])('%s and its like are not of the internet', (...addresses) => {
  expect(addresses.filter(isPublicAddress)).toEqual([]);
});

test('others are', () => {
  const addresses = ['1.1.1.1', '172.32.0.1', '100.128.0.1', '198.20.0.1', '2606:4700::1111'];
  expect(addresses.filter(isPublicAddress)).toEqual(addresses);
});
