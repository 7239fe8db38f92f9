/** The shape of what v86's 9p device and its file system save: docs/spec/vmstate.md leaves it to v86. */
import type { Value } from '../../vmstate/value.ts';

type Check = (value: Value | undefined) => boolean;

const isNumber: Check = (value) => value === undefined || Number.isFinite(value);
const isText: Check = (value) => typeof value === 'string';
const isBytes: Check = (value) => value instanceof Uint8Array;
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every((item: Value) => check(item));
const tuple =
  (...checks: Check[]): Check =>
  (value) =>
    Array.isArray(value) &&
    value.length === checks.length &&
    checks.every((check, i) => check(value[i]));
const anyOf =
  (...checks: Check[]): Check =>
  (value) =>
    checks.some((check) => check(value));

/** Contents of an inode: entries of a directory, the digest of a file, a target, or a device. */
const isContents = anyOf(
  listOf(tuple(isText, isNumber)),
  isText,
  tuple(isNumber, isNumber),
  (value) => value === null || value === undefined,
);
const isLock = tuple(isNumber, isNumber, isNumber, isNumber, isText);

/** Mode, contents, locks, then eleven numbers: status, size, owner, times, identity, links. */
const isInode = tuple(
  isNumber,
  isContents,
  listOf(isLock),
  ...Array.from({ length: 11 }, () => isNumber),
);

const isMount: Check = (value) => Array.isArray(value) && value.length === 2;

/** Per open file: inode, type, owner, name. */
export const isFids = listOf(tuple(isNumber, isNumber, isNumber, isText));

/** Inodes, last identity, contents by inode, total and used size, then the mounts. */
export const isFileSystem: Check = (value) => {
  if (!Array.isArray(value)) return false;
  const [inodes, last, contents, total, used, ...mounts] = value as Value[];
  return (
    listOf(isInode)(inodes) &&
    isNumber(last) &&
    listOf(tuple(anyOf(isNumber, isText), isBytes))(contents) &&
    isNumber(total) &&
    isNumber(used) &&
    mounts.every(isMount)
  );
};
