/// <reference path="../build.d.ts" />
import type { RuntimeBuild } from 'virtual:holdfast-build';
import { expect, test } from 'vitest';
import { parseUrlOptions } from './url-options.ts';

const runtimes = ['0.5.462', '0.5.409'].map(
  (v86Version): RuntimeBuild => ({
    id: `${v86Version}-00000000`,
    v86Version,
    url: '',
    wasmUrl: '',
    wasmBytes: 0,
    wasmSha256: '',
  }),
);
const parse = (search: string) => parseUrlOptions(search, runtimes);

test('no options at all mean Linux in whatever worker lasts', () => {
  expect(parse('')).toEqual({
    ok: true,
    options: { guest: 'linux', host: 'auto', machineId: 'default', durable: true },
  });
});

test('every option is read, and those of others are left alone', () => {
  expect(
    parse(
      '?m=256&guest=pattern-text&runtime=0.5.409&host=dedicated&machine=two&durable=off&utm_source=x',
    ),
  ).toEqual({
    ok: true,
    options: {
      memoryMiB: 256,
      guest: 'pattern-text',
      runtime: runtimes[1],
      host: 'dedicated',
      machineId: 'two',
      durable: false,
    },
  });
});

test('a runtime may be named by its id', () => {
  expect(parse('?runtime=0.5.462-00000000')).toMatchObject({ options: { runtime: runtimes[0] } });
});

test.each([
  ['?m=', 'm', 'from 80 to 2047'],
  ['?m=64', 'm', 'from 80 to 2047'],
  ['?m=12&guest=pattern-text', 'm', 'from 16 to 2047'],
  ['?m=1e3', 'm', 'whole number'],
  ['?m=-128', 'm', 'whole number'],
  ['?m=4096', 'm', 'from 80 to 2047'],
  ['?guest=windows', 'guest', 'linux, pattern-text or pattern-graphics'],
  ['?runtime=0.5.1', 'runtime', '0.5.462-00000000'],
  ['?machine=A', 'machine', 'lower-case letters'],
  ['?durable=yes', 'durable', 'on or off'],
  ['?host=shared', 'host', 'auto or dedicated'],
])('%s is refused, and the message says what is allowed', (search, option, allowed) => {
  const result = parse(search);
  expect(result).toMatchObject({ ok: false, problems: [{ option }] });
  if (!result.ok) expect(result.problems[0]?.allowed).toContain(allowed);
});

test('all bad options are named at once', () => {
  expect(parse('?m=1&host=x')).toMatchObject({
    problems: [{ option: 'm' }, { option: 'host' }],
  });
});
