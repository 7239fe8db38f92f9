/** Which commands of a runtime wake a guest, and which a guest that was saved can answer. */

const waking = ['consoleInput', 'scancodes', 'reset', 'systemPowerdown'];
const looking = ['screen', 'filesRead', 'filesList'];

/** What a suspended guest wakes of. */
export function wakesGuest(command: string): boolean {
  return waking.includes(command) || command.startsWith('mouse');
}

/** What changes nothing. Everything else would be lost on a guest whose state was saved. */
export function onlyLooks(command: string): boolean {
  return looking.includes(command) || /^(?:info|read|check)/.test(command);
}
