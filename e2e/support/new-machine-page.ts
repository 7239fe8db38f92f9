/** The dialog that describes a new machine. */
import { expect, type Locator, type Page } from '@playwright/test';
import { playground } from './playground-page.ts';

export class NewMachinePage {
  readonly #page: Page;
  readonly dialog: Locator;
  /** Why the machine that is described could not be started. */
  readonly error: Locator;
  /** Problems of single fields. */
  readonly fieldErrors: Locator;
  readonly start: Locator;

  constructor(page: Page) {
    this.#page = page;
    this.dialog = page.getByRole('dialog', { name: 'New machine' });
    this.error = this.dialog.getByRole('alert').last();
    this.fieldErrors = this.dialog.locator('.field-error');
    this.start = this.dialog.getByRole('button', { name: 'Start' });
  }

  async open(): Promise<void> {
    await playground(this.#page).choose('New machine…');
    await expect(this.dialog).toBeVisible();
  }

  /** With its label, its inputs and what is wrong with it. */
  field(label: string): Locator {
    return this.dialog.locator(`[data-label="${label}"]`);
  }

  text(label: string): Locator {
    return this.field(label).getByRole('textbox');
  }

  choice(label: string): Locator {
    return this.field(label).getByRole('combobox');
  }

  /** Picks a file for a drive. */
  async pick(label: string, path: string): Promise<void> {
    await this.choice(label).selectOption('file');
    await this.fileInput(label).setInputFiles(path);
  }

  fileInput(label: string): Locator {
    return this.field(label).locator('input[type=file]:visible');
  }
}
