/** State of the lock lights of the user's keyboard. No DOM. */
export interface Locks {
  caps?: boolean;
  num?: boolean;
}

interface LockedKey {
  code: string;
  getModifierState(key: string): boolean;
}

const lockKeys = ['CapsLock', 'NumLock', 'ScrollLock'];

/**
 * Caps Lock with every key, Num Lock only with keys that have two meanings: a keyboard without a
 * number pad has none. With the lock keys themselves nothing, as systems differ in when it changes.
 */
export function locksOf(event: LockedKey): Locks {
  if (lockKeys.includes(event.code)) return {};
  const caps = event.getModifierState('CapsLock');
  const isNumberPad = /^Numpad(?:\d|Decimal)$/.test(event.code);
  return isNumberPad ? { caps, num: event.getModifierState('NumLock') } : { caps };
}
