// Made from tools/guests/multiboot/multiboot.asm by build.sh. Do not edit.
export const multibootKernel =
  'ArCtGwAAAQD+T1HkAAAQAAAAEAAAAAAAAAAAACAAEAC8AAAJAKPBABAAvpAAEADoQgAAAItzEOg6AAAAvpsAEADo' +
  'MAAAAGa6/QPsqAF092a6+APsor0AEAC+uAAQAIE9wQAQAAKwrSt0Bb6eABAA6AIAAADr0KyEwHQUiMRmuv0D7Kgg' +
  'dPuI4Ga6+APu6+fDbXVsdGlib290IAANCgBub3QgYm9vdGVkIGJ5IE11bHRpYm9vdA0KAGVjaG8gAA0KAAAAAAA=';
