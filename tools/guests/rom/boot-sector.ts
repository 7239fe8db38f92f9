// Made from tools/guests/rom/rom.asm by build.sh. Do not edit.
export const romBootSector =
  '+jHAjtiO0LwAfPzoSwDoVQC6/QPsqAF0+Lr4A+w8cnQYPHd17LgA8I7AJvYWIwG4AMCOwCb2FncH6B0AuADwjsAm' +
  'oCMB6CcAuADAjsAmoHcH6BsA6A8A67i+l3yshMB0NegkAOv2sA3oHQCwCusZULAg6BMAWFDA6AToAwBYJA8EMDw5' +
  'dgIEJ1C6/QPsqCB0+1i6+APuw3JvbQ==';
