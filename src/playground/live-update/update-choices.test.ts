/// <reference path="../../build.d.ts" />
import type { RuntimeBuild } from 'virtual:holdfast-build';
import { expect, test } from 'vitest';
import { compareVersions, newerRuntime, updateChoices } from './update-choices.ts';

const build = (v86Version: string, hash = 'aaaaaaaa'): RuntimeBuild => ({
  id: `${v86Version}-${hash}`,
  v86Version,
  url: '',
  wasmUrl: '',
  wasmBytes: 0,
  sha256: '',
  wasmSha256: '',
});
const runtimes = [build('0.5.462'), build('0.5.409')];
const running = (v86Version: string, hash = 'aaaaaaaa') => ({
  runtimeId: `${v86Version}-${hash}`,
  v86Version,
});
const labels = (from: ReturnType<typeof running>) =>
  updateChoices(runtimes, from).map(({ label }) => label);

test('the newest is proposed first where it does not run', () => {
  expect(labels(running('0.5.409'))).toEqual(['0.5.409 → 0.5.462', '0.5.409 again']);
});

test('another is proposed first where the newest runs', () => {
  expect(labels(running('0.5.462'))).toEqual(['0.5.462 → 0.5.409', '0.5.462 again']);
});

test('two builds of one version are told apart by their ids', () => {
  expect(labels(running('0.5.462', 'bbbbbbbb'))[0]).toBe('0.5.462-bbbbbbbb → 0.5.462-aaaaaaaa');
});

test('an older or a rebuilt emulator is offered the newest', () => {
  expect(newerRuntime(runtimes, running('0.5.409'))).toBe(runtimes[0]);
  expect(newerRuntime(runtimes, running('0.5.381'))).toBe(runtimes[0]);
  expect(newerRuntime(runtimes, running('0.5.462', 'bbbbbbbb'))).toBe(runtimes[0]);
});

test('a page of an earlier deploy does not call its own emulator newer', () => {
  expect(newerRuntime(runtimes, running('0.5.462'))).toBeNull();
  expect(newerRuntime(runtimes, running('0.5.500'))).toBeNull();
});

test('versions are numbers, not text', () => {
  expect(compareVersions('0.5.99', '0.5.462')).toBeLessThan(0);
  expect(compareVersions('1.0', '0.9.9')).toBeGreaterThan(0);
  expect(compareVersions('0.5', '0.5.0')).toBe(0);
});
