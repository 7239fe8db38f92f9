/** A row of the table of machine options: all that API, element, address, dialog, state file and docs say of it. */
import { type GenericSchema, safeParse } from 'valibot';

/** The check of a value, and its forms in text and state files. */
export interface ValueKind {
  /** Completes the sentence "… may be". */
  allowed: string;
  schema: GenericSchema;
  /** Reads an attribute or a field. Text of another kind stays text, and the schema refuses it. */
  fromText(text: string): unknown;
  /** The value in a `MachineConfig`, from one that the schema accepts. Absent: the same value. */
  toConfig?(value: never): unknown;
  /**
   * The value of a `MachineConfig` in a state file, which a stranger may have written. Absent: `schema`.
   * @param siteUrl root of the site: URLs in state files can be relative to it
   */
  inFile?(siteUrl: string): GenericSchema;
}

/** A name in the address of the page: v86's own where v86 has one. */
export interface UrlName {
  name: string;
  /**
   * Reads its text; undefined: the text says nothing. Objects of several names become one. Absent:
   * another reader of the page reads it, as url-drives.ts reads all names of a drive together.
   * @param base the URL that relative addresses are resolved against
   */
  fromText?(text: string, base: string): unknown;
  /** Completes the sentence "… may be", where text differs from values. */
  allowed?: string;
  /** An example of its text and what that does, for the help of the page. */
  help?: readonly [example: string, meaning: string];
}

/** Choices of the New-machine dialog for what to boot. */
export type Boots = 'demo' | 'drives' | 'kernel' | 'multiboot';

/** Where an image of the dialog comes from. */
export type ImageOrigin = 'none' | 'file' | 'url' | 'empty';

export type FieldControl =
  /** A line of text. `size` in characters; absent: as wide as there is room. */
  | {
      kind: 'text';
      value?: string;
      size?: number;
      placeholder?: string;
      unit?: string;
      isNumber?: boolean;
      /** Spaces around it count. */
      isVerbatim?: boolean;
      maxLength?: number;
    }
  /** One of several texts, the first of them unless another is chosen. */
  | { kind: 'choice'; choices: readonly (readonly [text: string, words: string])[] }
  /** The text `on`, or nothing. */
  | { kind: 'checkbox'; words: string }
  /** A choice, and with some choices a text that follows it after a colon. */
  | {
      kind: 'target';
      label: string;
      choices: readonly (readonly [text: string, words: string, target?: ChoiceTarget])[];
    }
  | { kind: 'image'; none?: string; origins: readonly ImageOrigin[]; hasRanges?: boolean }
  /** The files of a folder. */
  | { kind: 'folder' };

export interface ChoiceTarget {
  placeholder: string;
  /** Completes the sentence "… may be". */
  allowed: string;
}

/** A field of the New-machine dialog. */
export interface OptionField {
  label: string;
  /** The label in messages, where it is another. */
  name?: string;
  control: FieldControl;
  hint?: string;
  /** The member of the option that the field fills in: of `{ cpuidLevel, jit }`. */
  member?: string;
  /** Before all that the machine boots, or folded away. Absent: after it. */
  place?: 'top' | 'advanced';
  /** Shown, and counts, only where the machine boots one of these. */
  boots?: readonly Boots[];
  /** Completes the sentence "… may be", where the field shows a part of the option. */
  allowed?: string;
}

export interface MachineOption extends ValueKind {
  /** One sentence without its subject and full stop, for the docs. */
  help: string;
  url?: readonly UrlName[];
  fields?: readonly OptionField[];
  /**
   * Whether state files hold it. `known`: a file may hold a value that only a newer build knows, and
   * the guest is the same without. `never`: it belongs to a browser, or to one life of the machine.
   */
  inStateFile: 'required' | 'optional' | 'known' | 'never';
}

export const isAllowed = ({ schema }: Pick<ValueKind, 'schema'>, value: unknown): boolean =>
  safeParse(schema, value).success;
