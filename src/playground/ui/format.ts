/** Numbers as the page shows them. No DOM. */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** `42 s`, `3 min 07 s`, `1 h 04 min`, `2 d 3 h`. */
export function formatAge(ageMs: number): string {
  const ms = Math.max(0, ageMs);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (ms < minute) return `${Math.floor(ms / second)} s`;
  if (ms < hour) return `${Math.floor(ms / minute)} min ${two((ms % minute) / second)} s`;
  if (ms < day) return `${Math.floor(ms / hour)} h ${two((ms % hour) / minute)} min`;
  return `${Math.floor(ms / day)} d ${Math.floor((ms % day) / hour)} h`;
}

/** `3.1 ms`, `57 ms`, `1.2 s`. */
export function formatPause(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  return `${(ms / second).toFixed(1)} s`;
}

/** Millions of instructions a second. */
export function formatSpeed(mips: number): string {
  if (mips <= 0) return '0 MIPS';
  return mips < 9.95 ? `${mips.toFixed(1)} MIPS` : `${Math.round(mips)} MIPS`;
}

/** `812 B`, `24 KiB`, `6.1 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KiB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
