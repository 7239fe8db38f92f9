/**
 * The German keymap of the Linux console, `loadkeys -b de-latin1` of kbd 2.5.1, through gzip: for
 * busybox's `loadkmap`. It is independent of this project's table, and so verifies it.
 */
const gzipped = [
  'H4sIAAAAAAACA+WV13IURxSG/9O9M/P3nl3tapVWCATKmZyzyTnnYIxAJCEQUQhM8S6Uq3zrcngDnoErV/nGz+ArX7',
  'hntFJJaNcLkrnynJqq6Tk9Pf3N/58zw6Mjk2M3x0UEMyf+h4dpwRqsxTqsxwZsxCZsxhasxh+Q1Ds4PNEJHdGn+lxf',
  '6wu9r491XP/WAYgx0U19prf1jt7Ve/pAR/Wh/qV/qkkh6sCkvtJb+lKH9ZGO6SBWYgiIMtZGKxCZ+HMbsZKSQEKJhO',
  'KExpnI0jqrNmUDG9q0FWustbA5GxqY7UiLCszsqLEmyloYiQJTLzYsioQmbBKEzdIgjZ/MXvbJOI4WtKEdP6ITXejG',
  'KvSiDzuwC0j4T+tF3a9n9Jxe0fN6WE/qKf1d+xP+b/Ss7tMDelAP6RE9qsf0o37QnzxnDy7rJd2rF3SPntDjug1bcW',
  'MWf0ayUiM5yUutFKROWmW557dV+HdihbRV4VczzZ82n8cfx8/4BVNXb3AV1/EW10rj3ZjQHzBXfxibKq9//MS3RAQT',
  '6/8eU/r/lqw15O83Os/PqOwe6p0xta7g6lyTq3E5l3dFpy7jsi7tpvi/x/ynmr1pGtxi9E8CLSifqUUTAhRQjyVo8H',
  '7IIZ/MjPkFdUgh9LhEGopMkmlFzN+MIiwa/Y0aZKfXTvT3adMuHdIpXdItPdIrfdIvA17/VBX9YQZlqKz+S7FI/orx',
  '5fwxZzn+5SX/w5TXn/6sxj8/Fl//82OZ3+9S/Nf8M/ovgD9jFsafMZ/R/7iGa7mO67mBG7mJm7mFqwnzK9/R8QknOM',
  'KnfM7XfMH7fMxxnxtglr7++Yy3eYd3eY8POMqHnObs4CRf8RZfcpiPOMZBrmRc/0n/i+s/kMAENkgFQRAGUcDABUn/',
  'd3TOeX4XuNB5fmecdSjV/3amAw3+zf8FU5S8qTVf1P/Zxna/8052sZur2Ms+7uAufpfwn+ZF7ucZnuMVnudhnuQpP7',
  'efSf/nWe7jAR7kIR7hUR6b4e/hZV7iXl7gHp7gcW7jVt6Yzb8g/+/k1/f/G17ldb7ltdK7dpfVf8r/lfX3/X+O/ov1',
  'f6n/fz1+trBC/2MTAxZYzyVs8H7IMT/DL6xjiiEjkmkqM0mmNfn/NbNIy0Ya1vhamcNf0f/V67+i/7nQ+v8HzaHK6g',
  'cLAAA=',
].join('');

/** Shell code that sets the guest's keyboard to German. */
export const useGermanKeymap = `echo ${gzipped} | base64 -d | gunzip | loadkmap`;
