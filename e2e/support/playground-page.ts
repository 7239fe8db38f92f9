/**
 * The parts of the playground's page, as tests find them. Where a part has a role and a name, that
 * finds it. The ids of `index.html` that nothing can replace are {@link selectors}, and only here.
 */
import type { Locator, Page } from '@playwright/test';

/** Selectors of parts without a role of their own; also for code that runs in the page. */
export const selectors = {
  notices: '#notices',
  notice: '#notices .notice',
  alert: '#notices [role=alert]',
  saved: '#state-saved',
  starting: '.boot-label',
  openDialog: 'dialog[open]',
} as const;

/** Terms of the page's facts about its guest. */
const stateTerms = {
  runstate: 'State',
  emulator: 'Emulator',
  restarts: 'Live updates',
  saved: 'Saved',
  pages: 'Pages',
  found: 'This page',
} as const;

export class PlaygroundPage {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  /** All notices together, with their buttons. */
  get notices(): Locator {
    return this.page.locator(selectors.notices);
  }

  /** Each notice. */
  get notice(): Locator {
    return this.page.locator(selectors.notice);
  }

  /** A value in the line above the guest. */
  state(item: keyof typeof stateTerms): Locator {
    const term = this.page.getByText(stateTerms[item], { exact: true });
    return this.page
      .locator('section[aria-label="State of the guest"] dl > div')
      .filter({ has: term })
      .locator('dd');
  }

  /** Buttons for a guest that is paused, suspended or waits for its state. */
  get runstateBar(): Locator {
    return this.page.locator('#runstate-bar');
  }

  /** Progress of a start. */
  get starting(): Locator {
    return this.page.locator('#boot');
  }

  /** Progress of a state that is opened. */
  get opening(): Locator {
    return this.page.locator('#opening');
  }

  get menuButton(): Locator {
    // Its arrow, drawn by the style sheet, is part of its name.
    return this.page.getByRole('button', { name: /^Machine\b/ });
  }

  get menu(): Locator {
    return this.page.getByRole('menu', { name: 'Machine' });
  }

  menuItem(name: string): Locator {
    return this.menu.getByRole('menuitem', { name });
  }

  async choose(item: string): Promise<void> {
    await this.menuButton.click();
    await this.menuItem(item).click();
  }

  /** Chooses an item that asks for a file, and gives it one. */
  async chooseFile(item: string, file: Parameters<Locator['setInputFiles']>[0]): Promise<void> {
    const chooser = this.page.waitForEvent('filechooser');
    await this.choose(item);
    await (await chooser).setFiles(file);
  }

  /** Any dialog that is open. */
  get anyDialog(): Locator {
    return this.page.locator(selectors.openDialog);
  }

  /** Asks before something that cannot be undone. */
  get question(): Locator {
    return this.page.getByRole('dialog').last();
  }

  /** Asks whether something of others may be fetched or opened. */
  get approval(): Locator {
    return this.page.getByRole('dialog');
  }

  /** Saves and loads states. */
  get stateDialog(): Locator {
    return this.page.getByRole('dialog');
  }

  get shareDialog(): Locator {
    return this.page.getByRole('dialog', { name: 'Share this machine' });
  }

  /** Hands the running machine to another device. */
  get sendDialog(): Locator {
    return this.page.getByRole('dialog', { name: 'Send to another device' });
  }

  get machinesDialog(): Locator {
    return this.page.getByRole('dialog', { name: 'Machines in this browser' });
  }

  get helpDialog(): Locator {
    return this.page.getByRole('dialog', { name: 'Help and settings' });
  }

  /** The button of a dialog that does what the dialog is about; its text varies. */
  ok(dialog: Locator): Locator {
    return dialog.locator('button[value="ok"]');
  }

  /** A row for each machine. */
  get storedMachines(): Locator {
    return this.machinesDialog.getByRole('list', { name: 'Machines' }).getByRole('listitem');
  }

  /** Result of the last operation in the list. */
  get machinesMessage(): Locator {
    return this.machinesDialog.getByRole('status');
  }

  get storedStates(): Locator {
    return this.machinesDialog.getByRole('region', { name: 'Saved states' });
  }

  /** Shown while a file is dragged over the page. */
  get dropTarget(): Locator {
    return this.page.locator('#drop-target');
  }

  /** Terminal, screen and monitor. */
  get panes(): Locator {
    return this.page.locator('#panes');
  }

  get terminal(): Locator {
    return this.page.locator('#terminal');
  }

  get terminalInput(): Locator {
    return this.page.getByRole('textbox', { name: 'Serial console of the guest' });
  }

  get terminalPane(): Locator {
    return this.page.locator('section[aria-label="Terminal"]');
  }

  /** The canvas; it takes the keys. */
  get screen(): Locator {
    return this.page.getByRole('application', { name: 'Screen of the guest' });
  }

  get screenPane(): Locator {
    return this.page.locator('section[aria-label="Screen"]');
  }

  get monitorInput(): Locator {
    return this.page.getByRole('textbox', { name: 'Command to the monitor' });
  }

  get monitorLog(): Locator {
    return this.page.getByRole('log', { name: 'Output of the monitor' });
  }

  /** Resolves when the page has fetched the parts of its build that it fetches ahead of their use. */
  async hasItsParts(): Promise<void> {
    await this.page.locator('html[data-parts="there"]').waitFor({ state: 'attached' });
  }
}

export const playground = (page: Page): PlaygroundPage => new PlaygroundPage(page);
