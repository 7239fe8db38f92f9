/** The store in Chromium, opened by workers as the keeper opens it. */
import { storeContract } from './store/contract.ts';
import { test } from './store/test.ts';

storeContract(test);
