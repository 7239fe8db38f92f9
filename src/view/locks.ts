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
 * Returns Caps Lock for every key, and Num Lock only for keys with two meanings: a keyboard without
 * a number pad has none.
 *
 * For the lock keys themselves it returns nothing, because systems change the state at different
 * times.
 */
export function locksOf(event: LockedKey): Locks {
  if (lockKeys.includes(event.code)) return {};
  const caps = event.getModifierState('CapsLock');
  const isNumberPad = /^Numpad(?:\d|Decimal)$/.test(event.code);
  return isNumberPad ? { caps, num: event.getModifierState('NumLock') } : { caps };
}
