import { isIP, isIPv4 } from 'node:net';
import { expect, test } from 'vitest';
import { isPublicAddress } from './public-address.ts';

test.each([
  ['127.0.0.1', '127.255.0.1', '10.1.2.3', '172.31.255.1', '192.168.0.1', '169.254.169.254'],
  ['0.0.0.0', '100.64.0.1', '198.19.0.1', '224.0.0.1', '255.255.255.255', '192.0.0.8'],
  ['192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1', '192.88.99.1'],
  ['::1', '::', 'fe80::1', 'fe80::1%eth0', 'fd00::1', 'fc00::1', 'ff02::1', '::ffff:127.0.0.1'],
  ['::ffff:7f00:1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1', 'localhost', ''],
])('%s and its like are not of the internet', (...addresses) => {
  expect(addresses.filter(isPublicAddress)).toEqual([]);
});

test.each([
  ['Amazon, Google and Azure', '169.254.169.254'],
  ['Amazon over IPv6', 'fd00:ec2::254'],
  ['Azure’s wire server', '168.63.129.16'],
  ['Alibaba', '100.100.100.200'],
  ['Oracle', '192.0.0.192'],
])('the metadata service of %s is not of the internet, in any form', (_, address) => {
  const forms = [address];
  if (isIPv4(address)) {
    const hex = Buffer.from(address.split('.').map(Number)).toString('hex');
    const [high, low] = [hex.slice(0, 4), hex.slice(4)];
    forms.push(
      `::ffff:${address}`,
      `::ffff:${high}:${low}`,
      `::${high}:${low}`,
      `64:ff9b::${high}:${low}`,
      `64:ff9b:1::${high}:${low}`,
      `2002:${high}:${low}::1`,
    );
    expect(forms.every((form) => isIP(form) > 0)).toBe(true);
  }
  expect(forms.filter(isPublicAddress)).toEqual([]);
});

test('others are', () => {
  const addresses = [
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '198.20.0.1',
    '168.63.129.17',
    '2606:4700::1111',
  ];
  expect(addresses.filter(isPublicAddress)).toEqual(addresses);
});
