import binaryen from 'binaryen';
import { expect, test } from 'vitest';
import { waitForAbsentPages } from './absent-pages.ts';

const walk = '(func $_ZN3v863cpu3cpu12do_page_walk17h0123456789abcdefE';
const pic = '(func $_ZN3v863cpu3pic19pic_acknowledge_irq17h0123456789abcdefE (param i32))';

test.each([
  ['without the page walk', '', 'it does not have one do_page_walk'],
  [
    'with another page walk',
    `${walk} (param i32 i32) (result i32) (i32.const 0))`,
    'do_page_walk has other parameters',
  ],
  [
    'whose interrupt controller answers in another way',
    `${walk} (param i32 i32 i32 i32 i32) (result i32) (i32.const 0)) ${pic}`,
    'pic_acknowledge_irq returns in another way',
  ],
])('a v86 %s is left as it is, with the reason', (_, functions, reason) => {
  const module = binaryen.parseText(`(module ${functions})`);
  const before = module.emitText();
  expect(waitForAbsentPages(module)).toBe(reason);
  expect(module.emitText()).toBe(before);
  module.dispose();
});
