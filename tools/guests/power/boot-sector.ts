// Made from tools/guests/power/power.asm by build.sh. Do not edit.
export const powerBootSector =
  '+jHAjtiO0LwAfMcGxAE5fKPGAboCsLgAAe/koST95qHkIST75iGwUuguAGa5gIQeAGZJdfz79Ov9ugCw7akAAXQQ' +
  'uAAB77BQ6A4AugSwuAAg77Ag5qDmIM9Quv0D7KggdPtYuvgD7sM=';
