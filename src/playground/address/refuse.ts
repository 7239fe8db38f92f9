/**
 * Reports a bad option.
 * @param allowed completes the sentence "It may be …"
 */
export type Refuse = (option: string, value: string, allowed: string) => void;
