/** Tests of the contract in src/store/types.ts, for every browser that stores guests. */
import { crashes } from './contract/crashes.ts';
import { damage } from './contract/damage.ts';
import { database } from './contract/database.ts';
import { entries } from './contract/entries.ts';
import { generations } from './contract/generations.ts';
import { machines } from './contract/machines.ts';
import type { ContractTest } from './contract/opener.ts';
import { openers } from './contract/openers.ts';
import { records } from './contract/records.ts';

export function storeContract(test: ContractTest): void {
  test.describe('generations', () => generations(test));
  test.describe('damage', () => damage(test));
  test.describe('records', () => records(test));
  test.describe('openers', () => openers(test));
  test.describe('machines', () => machines(test));
  test.describe('entries', () => entries(test));
  test.describe('the database', () => database(test));
  test.describe('an operation that fails', () => crashes(test));
}
