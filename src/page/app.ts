/** The page: made of its parts once its address is understood. */
import { buildId, keeperUrl, runtimes } from 'virtual:holdfast-build';
import { missingFeatures } from '../index.ts';
import { openSiteWorkers } from '../machine/site-worker.ts';
import type { Machine } from '../machine/types.ts';
import { randomId } from '../protocol/random-id.ts';
import { showBadOptions } from './bad-options.ts';
import { fillTerms, toggleHelp } from './dialogs.ts';
import { fetchPartsEarly } from './early-parts.ts';
import { element } from './element.ts';
import { showUnsupported } from './full-page.ts';
import { linkMachineId } from './link-machine.ts';
import { Playground } from './playground.ts';
import { setUpResumeSetting } from './resume-setting.ts';
import { runtimeSource } from './runtime-source.ts';
import { Session } from './session.ts';
import { shortcutHelp } from './shortcuts.ts';
import { setUpTheme } from './theme.ts';
import { optionHelp, parseUrlOptions } from './url-options.ts';

declare global {
  interface Window {
    /** For tests and curious people. */
    holdfast?: {
      readonly machine: Machine | null;
      /** The text of the VGA screen; nothing in graphics. */
      screenText(): string;
      /** The text of the serial console, scrollback included. */
      terminalText(): string;
      terminalSize(): { cols: number; rows: number };
    };
  }
}

// Such an address in the bar of a page that is open would otherwise only change the bar.
window.addEventListener('hashchange', () => {
  if (location.hash.startsWith('#s=')) location.reload();
});
openSiteWorkers();
setUpTheme();
setUpResumeSetting();
fillTerms('help-shortcuts', shortcutHelp, 'kbd');
fillTerms('help-options', optionHelp, 'code');
element('help', HTMLButtonElement).addEventListener('click', toggleHelp);
element('help-build', HTMLElement).textContent = `Page build ${buildId}, with v86 ${runtimes
  .map(({ v86Version }) => v86Version)
  .join(' and ')}.`;

const missing = missingFeatures();
const parsed = parseUrlOptions(location.href, runtimes, document.baseURI);
if (missing.length > 0) {
  showUnsupported(missing);
} else if (parsed.ok) {
  const { options } = parsed;
  if (options.machine && !options.hasMachineId) {
    options.machineId = await linkMachineId(location.search);
  }
  // A state that is opened is a machine of its own, and leaves the visitor's alone.
  if (options.state && !options.hasMachineId) options.machineId = randomId();
  const session = new Session({
    keeperUrl: new URL(keeperUrl, document.baseURI).href,
    runtimes: runtimes.map(runtimeSource),
    host: options.host,
    machineId: options.machineId,
  });
  const playground = new Playground(session, options);
  window.holdfast = {
    get machine() {
      return playground.machine;
    },
    screenText: () => playground.screenText(),
    terminalText: () => playground.terminalText(),
    terminalSize: () => playground.terminalSize(),
  };
  if (parsed.unknown) playground.tellUnknown(parsed.unknown);
  void playground.open();
  fetchPartsEarly();
} else {
  showBadOptions(parsed.problems);
}
