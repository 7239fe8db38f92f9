import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export const noFirefox =
  'No Firefox found. Install Firefox, or set HOLDFAST_FIREFOX to the path of its executable.';

const commands = ['firefox-esr', 'firefox'];

/**
 * Finds a Firefox on this machine: `HOLDFAST_FIREFOX`, then an installed one. Playwright's patched
 * build is not used, because the tests need the browser that users have.
 * @returns {string | undefined} the path of its executable
 */
export function findFirefox() {
  const chosen = process.env.HOLDFAST_FIREFOX;
  if (chosen) {
    if (isExecutable(chosen)) return chosen;
    throw new Error(`HOLDFAST_FIREFOX is ${chosen}, which is not an executable file.`);
  }
  return installedPaths().find(isExecutable);
}

/** @returns {string[]} */
function installedPaths() {
  const { platform, env } = process;
  if (platform === 'darwin') return ['/Applications/Firefox.app/Contents/MacOS/firefox'];
  if (platform === 'win32') {
    return [env.PROGRAMFILES, env['PROGRAMFILES(X86)']]
      .filter((folder) => folder !== undefined)
      .map((folder) => join(folder, 'Mozilla Firefox/firefox.exe'));
  }
  const folders = [...(env.PATH ?? '').split(delimiter), '/usr/bin', '/snap/bin'];
  return commands.flatMap((command) => folders.map((folder) => join(folder, command)));
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
